//! What a delivery says, in words, before it is put into anybody's language. Pure.

use jiff::tz::TimeZone;

use super::desk::Delivery;
use super::occasion::short;
use super::text::{moment, plain};
use crate::config::notifications::Rule;

/// One thing told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// What.
    pub(super) headline: String,
    /// Why.
    pub(super) detail: Option<String>,
    /// Since when.
    pub(super) since: String,
}

/// A message. All of it is plain text on one line each, and none of it is markup of any target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// What happened, in which project.
    pub(super) title: String,
    /// Each of what happened.
    pub(super) lines: Vec<Line>,
    /// How many are not named.
    pub(super) more: usize,
    /// What to do.
    pub(super) next: String,
    /// Where to look.
    pub(super) link: Option<String>,
    /// It needs nobody.
    pub(super) good: bool,
}

impl Message {
    /// Of a delivery. `public_url`: where people reach the dashboard; ends with a slash.
    pub(super) fn of(delivery: &Delivery, public_url: Option<&str>, zone: &TimeZone) -> Self {
        let project = plain(&delivery.project, 60);
        let count = delivery.occasions.len() + delivery.more;
        let first = delivery.occasions.first();
        let what = match (first, count) {
            (Some(first), 1) => first.headline.clone(),
            _ => many(delivery, count),
        };
        let lines = delivery.occasions.iter().map(|occasion| Line {
            headline: occasion.headline.clone(),
            detail: occasion.detail.clone(),
            since: moment(occasion.since_ms, zone),
        });
        Self {
            title: format!("[{project}] {what}"),
            lines: lines.collect(),
            more: delivery.more,
            next: first.map(|first| first.next.clone()).unwrap_or_default(),
            link: public_url.map(|url| format!("{url}{}", place(delivery))),
            good: delivery.occasions.iter().all(|occasion| occasion.good),
        }
    }

    /// All but the title, for who reads plain text.
    pub(super) fn body(&self) -> String {
        let mut out = Vec::new();
        for line in &self.lines {
            if self.lines.len() + self.more > 1 {
                out.push(format!("• {}", line.headline));
            }
            if let Some(detail) = &line.detail {
                out.push(detail.clone());
            }
            out.push(format!("since {}", line.since));
        }
        if self.more > 0 {
            out.push(format!("• and {} more", self.more));
        }
        out.push(format!("Next: {}", self.next));
        out.join("\n")
    }
}

fn many(delivery: &Delivery, count: usize) -> String {
    match delivery.rule {
        Rule::StoryBlocked => {
            let keys = delivery.occasions.iter().filter_map(|it| it.story_key.as_deref());
            let mut keys: Vec<String> = keys.take(5).map(short).collect();
            if count > keys.len() {
                keys.push("…".to_owned());
            }
            format!("{count} stories are stuck: {}", keys.join(", "))
        }
        Rule::BatchEnded => format!("{count} batches ended"),
        Rule::AgentSilent => format!("{count} agents are silent"),
        Rule::UsageLimit => "The provider's usage limit is reached".to_owned(),
        Rule::StatusFileBroken => "The status file cannot be used".to_owned(),
    }
}

/// The view of the page that shows it.
fn place(delivery: &Delivery) -> String {
    let first = delivery.occasions.first();
    let one = first.filter(|_| delivery.occasions.len() == 1 && delivery.more == 0);
    match (delivery.rule, one) {
        (Rule::StoryBlocked, Some(occasion)) => match &occasion.story_key {
            Some(key) => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("detail", key)
                    .finish();
                format!("#overview?{query}")
            }
            None => "#overview".to_owned(),
        },
        (Rule::BatchEnded, Some(occasion)) => match occasion.batch_id {
            Some(batch_id) => format!("?batch={batch_id}#run"),
            None => "#batches".to_owned(),
        },
        (Rule::BatchEnded, None) => "#batches".to_owned(),
        (Rule::AgentSilent | Rule::UsageLimit, _) => "#run".to_owned(),
        (Rule::StoryBlocked | Rule::StatusFileBroken, _) => "#overview".to_owned(),
    }
}
