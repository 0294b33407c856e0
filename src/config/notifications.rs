//! `[[notifications]]` of the file: whom to tell what, and where the secrets come from.
//!
//! Nothing but the file and the environment names a target. A message about a wrong value never
//! repeats it: it may be a secret in the wrong place.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};
use toml::Spanned;

use super::durations;

/// Targets beyond this many are refused.
const MOST: usize = 20;

/// What can be told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A story has become blocked or failed.
    StoryBlocked,
    /// A batch has ended.
    BatchEnded,
    /// An agent at work has printed nothing for a while.
    AgentSilent,
    /// The provider's usage limit is reached.
    UsageLimit,
    /// The status file cannot be used.
    StatusFileBroken,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::StoryBlocked,
        Self::BatchEnded,
        Self::AgentSilent,
        Self::UsageLimit,
        Self::StatusFileBroken,
    ];

    /// Its name in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::StoryBlocked => "story_blocked",
            Self::BatchEnded => "batch_ended",
            Self::AgentSilent => "agent_silent",
            Self::UsageLimit => "usage_limit",
            Self::StatusFileBroken => "status_file_broken",
        }
    }
}

/// Whose language a target speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// JSON of our own.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A topic of an ntfy server.
    Ntfy,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Webhook, Self::Slack, Self::Discord, Self::Ntfy];

    /// Its name in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Ntfy => "ntfy",
        }
    }
}

/// How a batch can end.
pub const BATCH_ENDS: [&str; 4] = ["completed", "stopped", "error", "lost"];

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for who sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

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

/// One target in force. Its secrets are still to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationConfig {
    /// What it is called here.
    pub name: String,
    /// Whose language it speaks.
    pub to: Kind,
    /// What the file says, with defaults put in below.
    pub table: NotificationTable,
    /// What to tell.
    pub on: Vec<Rule>,
    /// Which ends of batches to tell.
    pub batches: Vec<String>,
    /// How long the same of the same story is told once.
    pub cool_down: Duration,
    /// How long something gathers, and has to last, before it is told.
    pub settle: Duration,
    /// What is older than this when it is noticed is not told.
    pub max_age: Duration,
    /// How long it is tried.
    pub give_up: Duration,
    /// When an agent counts as silent.
    pub silent: Duration,
}

/// All targets in force.
pub(super) fn resolved(tables: Vec<Spanned<NotificationTable>>) -> Vec<NotificationConfig> {
    let mut targets: Vec<NotificationConfig> = Vec::with_capacity(tables.len());
    for table in tables {
        let table = table.into_inner();
        // A table without it is refused where it is read.
        let to = table.to.unwrap_or(Kind::Webhook);
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        targets.push(NotificationConfig {
            name: table.name.clone().unwrap_or_else(|| to.word().to_owned()),
            to,
            on: table.on.clone().unwrap_or_else(|| Rule::ALL.to_vec()),
            batches: table
                .batches
                .clone()
                .unwrap_or_else(|| BATCH_ENDS.iter().map(|word| (*word).to_owned()).collect()),
            cool_down: table.cool_down.unwrap_or(minutes(30)),
            settle: table.settle.unwrap_or(Duration::from_secs(5)),
            max_age: table.max_age.unwrap_or(minutes(12 * 60)),
            give_up: table.give_up.unwrap_or(minutes(24 * 60)),
            silent: table.silent.unwrap_or(minutes(10)),
            table,
        });
    }
    targets
}

/// The variables that hold secrets of the targets: none of an agent's business.
pub(super) fn variables(tables: &[Spanned<NotificationTable>]) -> Vec<String> {
    tables.iter().flat_map(|table| table.get_ref().variables()).cloned().collect()
}

/// What is wrong with the tables, and where in the text.
pub(super) fn check(tables: &[Spanned<NotificationTable>]) -> Result<(), (usize, String)> {
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

fn kinds() -> String {
    Kind::ALL.map(|kind| format!("{:?}", kind.word())).join(", ")
}

fn name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=40).contains(&text.len()) && text.chars().all(fits) {
        return Ok(Some(text));
    }
    Err(D::Error::custom("name must be 1 to 40 letters, digits and -_."))
}

fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Kind>, D::Error> {
    let text = String::deserialize(from)?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == text);
    kind.map(Some).ok_or_else(|| D::Error::custom(format!("to must be one of {}", kinds())))
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(from)?;
    check_url(&text).map_err(|what| D::Error::custom(format!("url {what}")))?;
    Ok(Some(Secret(text)))
}

/// Whether it can be sent to: `http` or `https`, with a host, without a name and password.
/// Gives what is wrong, to stand behind the name of the key.
pub fn check_url(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err("must begin with https:// or http://".to_owned());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.starts_with(':') {
        return Err("names no host".to_owned());
    }
    if authority.contains('@') {
        return Err("must not hold a name and password: use token_env".to_owned());
    }
    if !text.is_ascii()
        || text.contains(|c: char| c.is_ascii_control() || " \"<>\\^`{|}".contains(c))
    {
        return Err("holds a character that an address cannot have".to_owned());
    }
    if text.contains('#') {
        return Err("must not have a part behind #".to_owned());
    }
    if text.len() > 2000 {
        return Err("is too long".to_owned());
    }
    Ok(())
}

fn variable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.len() <= 200 && text.starts_with(begins) && text.chars().all(fits) {
        return Ok(Some(text));
    }
    Err(D::Error::custom(
        "must be the name of a variable of the environment (letters, digits and _), not the secret itself",
    ))
}

/// Whether ntfy takes it as a topic.
pub fn is_topic(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(fits)
}

fn topic<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(from)?;
    if is_topic(&text) {
        return Ok(Some(Secret(text)));
    }
    Err(D::Error::custom("topic must be 1 to 64 letters, digits, - and _"))
}

fn priority<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Number(i64),
        Word(String),
    }
    let wrong = || {
        D::Error::custom(
            "priority must be 1 to 5, or \"min\", \"low\", \"default\", \"high\", \"urgent\"",
        )
    };
    let number = match Said::deserialize(from).map_err(|_| wrong())? {
        Said::Number(number) => number,
        Said::Word(word) => match word.as_str() {
            "min" => 1,
            "low" => 2,
            "default" => 3,
            "high" => 4,
            "urgent" | "max" => 5,
            _ => return Err(wrong()),
        },
    };
    match u8::try_from(number) {
        Ok(number @ 1..=5) => Ok(Some(number)),
        _ => Err(wrong()),
    }
}

fn tags<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let tags: Vec<String> = Vec::deserialize(from)?;
    let fits = |tag: &String| {
        (1..=40).contains(&tag.chars().count())
            && !tag.contains(|c: char| c.is_control() || c == ',')
    };
    if tags.len() <= 10 && tags.iter().all(fits) {
        return Ok(Some(tags));
    }
    Err(D::Error::custom("tags must be at most 10 words of at most 40 characters, without commas"))
}

fn rules<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Rule>>, D::Error> {
    let words: Vec<String> = Vec::deserialize(from)?;
    let known = || Rule::ALL.map(Rule::word).join(", ");
    let mut rules = Vec::with_capacity(words.len());
    for word in &words {
        let Some(rule) = Rule::ALL.into_iter().find(|rule| rule.word() == word) else {
            return Err(D::Error::custom(format!(
                "on names an unknown rule; there are {}",
                known()
            )));
        };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    if rules.is_empty() {
        return Err(D::Error::custom(format!(
            "on is empty: nothing would ever be told; leave it out for all of {}",
            known()
        )));
    }
    Ok(Some(rules))
}

fn batch_ends<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let words: Vec<String> = Vec::deserialize(from)?;
    if !words.is_empty() && words.iter().all(|word| BATCH_ENDS.contains(&word.as_str())) {
        return Ok(Some(words));
    }
    Err(D::Error::custom(format!("batches must be some of {}", BATCH_ENDS.join(", "))))
}

/// Reads the address under which people reach the dashboard: `http` or `https`, no query.
pub fn parse_public_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    check_url(text).map_err(|what| format!("public_url {what}"))?;
    if text.contains('?') {
        return Err(
            "public_url must not have a query: no token either, it would be in every message"
                .to_owned(),
        );
    }
    Ok(format!("{}/", text.trim_end_matches('/')))
}

pub(super) fn public_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parse_public_url(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests;
