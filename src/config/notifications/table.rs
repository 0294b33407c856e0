//! One `[[notifications]]` as the file says it, and what its keys may not say together.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::secret::Secret;
use super::values::{batch_ends, kind, name, priority, rules, tags, topic, url, variable};
use super::words::{Kind, Rule, kinds};
use crate::config::durations;

/// Targets beyond this many are refused.
const MOST: usize = 20;

/// One `[[notifications]]` as the file says it; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationTable {
    /// What it is called here.
    #[serde(deserialize_with = "name")]
    pub name: Option<String>,
    /// Whose language it speaks.
    #[serde(deserialize_with = "kind")]
    pub to: Option<Kind>,
    /// Where to send.
    #[serde(deserialize_with = "url")]
    pub url: Option<Secret>,
    /// The variable that says where.
    #[serde(deserialize_with = "variable")]
    pub url_env: Option<String>,
    /// The variable with what is sent as `Authorization: Bearer`.
    #[serde(deserialize_with = "variable")]
    pub token_env: Option<String>,
    /// The variable with what signs the body.
    #[serde(deserialize_with = "variable")]
    pub secret_env: Option<String>,
    /// ntfy: the topic.
    #[serde(deserialize_with = "topic")]
    pub topic: Option<Secret>,
    /// ntfy: the variable that names the topic.
    #[serde(deserialize_with = "variable")]
    pub topic_env: Option<String>,
    /// ntfy: 1 (least) to 5.
    #[serde(deserialize_with = "priority")]
    pub priority: Option<u8>,
    /// ntfy: tags, also emoji by name.
    #[serde(deserialize_with = "tags")]
    pub tags: Option<Vec<String>>,
    /// What to tell.
    #[serde(deserialize_with = "rules")]
    pub on: Option<Vec<Rule>>,
    /// Which ends of batches to tell.
    #[serde(deserialize_with = "batch_ends")]
    pub batches: Option<Vec<String>>,
    /// How long the same of the same story is told once.
    #[serde(rename = "cool_down_minutes", deserialize_with = "durations::cool_down_minutes")]
    pub cool_down: Option<Duration>,
    /// How long something gathers more of its kind, and has to last, before it is told.
    #[serde(rename = "settle_seconds", deserialize_with = "durations::settle_seconds")]
    pub settle: Option<Duration>,
    /// What is older than this when it is noticed is not told.
    #[serde(rename = "max_age_hours", deserialize_with = "durations::max_age_hours")]
    pub max_age: Option<Duration>,
    /// How long it is tried.
    #[serde(rename = "give_up_hours", deserialize_with = "durations::give_up_hours")]
    pub give_up: Option<Duration>,
    /// When an agent counts as silent.
    #[serde(rename = "silent_minutes", deserialize_with = "durations::silent_minutes")]
    pub silent: Option<Duration>,
}

impl NotificationTable {
    /// What is wrong with the keys together.
    fn check(&self) -> Result<(), String> {
        let Some(to) = self.to else {
            return Err(format!("to is missing: one of {}", kinds()));
        };
        if self.url.is_some() && self.url_env.is_some() {
            return Err("url and url_env exclude each other".to_owned());
        }
        if self.topic.is_some() && self.topic_env.is_some() {
            return Err("topic and topic_env exclude each other".to_owned());
        }
        let has_url = self.url.is_some() || self.url_env.is_some();
        let has_topic = self.topic.is_some() || self.topic_env.is_some();
        let at_ntfy_sh = to == Kind::Ntfy && has_topic;
        if !has_url && !at_ntfy_sh {
            let more = if to == Kind::Ntfy { ", or a topic" } else { "" };
            return Err(format!(
                "a notification to {} needs url_env = \"NAME\" (a variable of the environment) or url{more}",
                to.word()
            ));
        }
        let only = |key: &str, there: bool, kinds: &[Kind]| {
            if !there || kinds.contains(&to) {
                return Ok(());
            }
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            Err(format!("{key} is for {} only, not for {}", kinds.join(" and "), to.word()))
        };
        only("token_env", self.token_env.is_some(), &[Kind::Webhook, Kind::Ntfy])?;
        only("secret_env", self.secret_env.is_some(), &[Kind::Webhook])?;
        only("topic", self.topic.is_some(), &[Kind::Ntfy])?;
        only("topic_env", self.topic_env.is_some(), &[Kind::Ntfy])?;
        only("priority", self.priority.is_some(), &[Kind::Ntfy])?;
        only("tags", self.tags.is_some(), &[Kind::Ntfy])
    }

    fn variables(&self) -> impl Iterator<Item = &String> {
        [&self.url_env, &self.token_env, &self.secret_env, &self.topic_env].into_iter().flatten()
    }
}

/// The variables that hold secrets of the targets: none of an agent's business.
pub(in crate::config) fn variables(tables: &[Spanned<NotificationTable>]) -> Vec<String> {
    tables.iter().flat_map(|table| table.get_ref().variables()).cloned().collect()
}

/// What is wrong with the tables, and where in the text.
pub(in crate::config) fn check(
    tables: &[Spanned<NotificationTable>],
) -> Result<(), (usize, String)> {
    let mut names: Vec<&str> = Vec::new();
    for (index, spanned) in tables.iter().enumerate() {
        let (at, table) = (spanned.span().start, spanned.get_ref());
        if index == MOST {
            return Err((at, format!("more than {MOST} notifications")));
        }
        table.check().map_err(|message| (at, message))?;
        let name = table.name.as_deref().or(table.to.map(Kind::word)).unwrap_or_default();
        if names.contains(&name) {
            let message =
                format!("two notifications are called {name:?}: give one another name = \"…\"");
            return Err((at, message));
        }
        names.push(name);
    }
    Ok(())
}
