//! ntfy: publishing as JSON, which is plain text unless asked otherwise.

use serde_json::{Value, json};

use super::super::desk::Delivery;
use super::super::message::Message;
use super::super::target::Target;
use crate::config::notifications::Rule;

/// ntfy makes a file of anything longer than 4096 bytes.
const MESSAGE_BYTES: usize = 3500;

pub(super) fn body(target: &Target, delivery: &Delivery, message: &Message) -> Value {
    let table = &target.config.table;
    let usual = match delivery.rule {
        _ if message.good => 3,
        Rule::UsageLimit => 3,
        _ => 4,
    };
    let mark = if message.good { "white_check_mark" } else { "warning" };
    let mut body = json!({
        "topic": target.topic().unwrap_or_default(),
        "title": message.title,
        "message": cut(message.body()),
        "priority": table.priority.unwrap_or(usual),
        "tags": table.tags.clone().unwrap_or_else(|| vec![mark.to_owned()]),
    });
    if let (Some(link), Some(body)) = (&message.link, body.as_object_mut()) {
        body.insert("click".to_owned(), json!(link));
    }
    body
}

fn cut(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES {
        let end = (0..=MESSAGE_BYTES).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
