//! Slack's incoming webhooks: text and blocks.

use serde_json::{Value, json};

use super::super::message::Message;

/// What a block of plain text may hold.
const HEADER: usize = 150;
const SECTION: usize = 2900;

pub(super) fn body(message: &Message) -> Value {
    // Plain text blocks know no markup and no mentions; only our own link is markup.
    let plain = |text: &str, most: usize| json!({ "type": "plain_text", "text": cut(text, most), "emoji": false });
    let mark = if message.good { "✅" } else { "⚠️" };
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&format!("{mark} {}", message.title), HEADER) }),
        json!({ "type": "section", "text": plain(&message.body(), SECTION) }),
    ];
    if let Some(link) = &message.link {
        let text = format!("<{}|Open the dashboard>", escaped(link).replace('|', "%7C"));
        blocks.push(json!({
            "type": "context",
            "elements": [{ "type": "mrkdwn", "text": text }],
        }));
    }
    json!({
        // What a phone shows, and what a screen reader says.
        "text": escaped(&message.title),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most - 1).collect();
    out.push('…');
    out
}
