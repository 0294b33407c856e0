//! JSON of our own, versioned, with the events themselves; signed as Standard Webhooks says.
//!
//! Source of the headers: the Standard Webhooks specification, version 1.0.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::super::desk::Delivery;
use super::super::message::Message;
use super::super::target::Target;

/// The shape of the body. Keys may be added to it; none goes or changes its meaning.
const VERSION: u32 = 1;

pub(super) fn body(delivery: &Delivery, message: &Message, test: bool) -> Value {
    let items = delivery.occasions.iter().map(|occasion| {
        json!({
            "headline": occasion.headline,
            "detail": occasion.detail,
            "since": occasion.since_ms,
            "story_key": occasion.story_key,
            "batch_id": occasion.batch_id,
            "event": occasion.event,
        })
    });
    json!({
        "version": VERSION,
        "id": delivery.id,
        "rule": delivery.rule.word(),
        "test": test,
        "project": delivery.project,
        "title": message.title,
        "text": message.body(),
        "next": message.next,
        "link": message.link,
        "timestamp": delivery.made_ms,
        "items": items.collect::<Vec<_>>(),
        "more": delivery.more,
    })
}

pub(super) fn headers(
    target: &Target,
    id: &str,
    body: &[u8],
    now_ms: i64,
) -> Vec<(&'static str, String)> {
    let seconds = (now_ms / 1000).to_string();
    let mut headers = vec![("webhook-id", id.to_owned()), ("webhook-timestamp", seconds.clone())];
    if let Some(key) = target.key() {
        let signed = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
        headers.push(("webhook-signature", format!("v1,{}", STANDARD.encode(sign(key, &signed)))));
    }
    headers
}

pub(super) fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length is taken: this cannot fail.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        },
    )
}
