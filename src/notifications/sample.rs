//! One message of each rule, as `notify --test` sends them: nothing has happened.

use jiff::tz::TimeZone;
use serde_json::json;

use super::bodies::outgoing;
use super::desk::Delivery;
use super::message::Message;
use super::occasion::{Occasion, blank};
use super::post::{Answer, Post};
use super::target::Target;
use crate::config::notifications::{NotificationConfig, Rule};

/// A message that says nothing but how it would look.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The rule it is a sample of.
    pub rule: Rule,
    delivery: Delivery,
}

/// One for every rule of a target.
pub fn samples(target: &NotificationConfig, project: &str, now_ms: i64) -> Vec<Sample> {
    let sample = |rule: &Rule| {
        let occasion = sample(*rule, now_ms);
        let delivery = Delivery {
            id: format!("test-{now_ms}-{}", rule.word()),
            rule: *rule,
            project: project.to_owned(),
            occasions: vec![occasion],
            more: 0,
            made_ms: now_ms,
            failures: 0,
            next_try_ms: now_ms,
        };
        Sample { rule: *rule, delivery }
    };
    target.on.iter().map(sample).collect()
}

/// Sends one; once.
pub async fn send_sample(
    post: &Post,
    target: &Target,
    sample: &Sample,
    public_url: Option<&str>,
) -> Answer {
    let delivery = &sample.delivery;
    let message = Message::of(delivery, public_url, &TimeZone::system());
    post.send(target, outgoing(target, delivery, &message, delivery.made_ms, true)).await
}

fn sample(rule: Rule, now_ms: i64) -> Occasion {
    let key = "1-1-example";
    let (headline, detail, next) = match rule {
        Rule::StoryBlocked => (
            "1-1-example is blocked",
            "code-review-10 failed: critical findings are left after 10 reviews",
            "read its last review, mend the cause, then set it back to in-progress or ready-for-dev",
        ),
        Rule::BatchEnded => (
            "Batch 1 ended: completed",
            "all_done; 2 cycles in 1 h 20 min",
            "nothing, or start the next batch",
        ),
        Rule::AgentSilent => (
            "dev-story of 1-1-example is silent",
            "nothing printed for 10 min; it is ended after 20 min without a word",
            "look at its log on the dashboard; stop it there if it hangs",
        ),
        Rule::UsageLimit => (
            "The provider's usage limit is reached, the batch waits",
            "it resets at 15:00",
            "nothing: it goes on by itself when the limit is over",
        ),
        Rule::StatusFileBroken => (
            "sprint-status.yaml is invalid; the last good state is shown",
            "line 7, column 3: a key without a value",
            "mend the file; `sprint-runner check` names every place",
        ),
    };
    Occasion {
        since_ms: now_ms,
        detail: Some(detail.to_owned()),
        story_key: (rule == Rule::StoryBlocked || rule == Rule::AgentSilent)
            .then(|| key.to_owned()),
        batch_id: (rule == Rule::BatchEnded).then_some(1),
        good: rule == Rule::BatchEnded,
        event: Some(json!({ "type": "test" })),
        ..blank(rule, format!("Test – {headline}"), next)
    }
}
