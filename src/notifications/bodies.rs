//! A message in each target's language: what is sent, byte for byte. Pure.
//!
//! Whatever comes from files is text there too: it mentions nobody, links nowhere, formats nothing.

mod discord;
mod ntfy;
mod slack;
#[cfg(test)]
mod tests;
mod webhook;

use super::desk::Delivery;
use super::message::Message;
use super::target::Target;
use crate::config::notifications::Kind;

/// A request to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// Header lines, beside those that every request has.
    pub(super) headers: Vec<(&'static str, String)>,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// What a target is sent. `test`: nothing has happened, somebody tries it out.
pub(super) fn outgoing(
    target: &Target,
    delivery: &Delivery,
    message: &Message,
    now_ms: i64,
    test: bool,
) -> Outgoing {
    let mut headers = vec![("idempotency-key", delivery.id.clone())];
    if let Some(token) = target.token() {
        headers.push(("authorization", format!("Bearer {token}")));
    }
    let body = match target.config.to {
        Kind::Slack => slack::body(message),
        Kind::Discord => discord::body(message),
        Kind::Ntfy => ntfy::body(target, delivery, message),
        Kind::Webhook => webhook::body(delivery, message, test),
    };
    // Values of `serde_json` with text keys: encoding them cannot fail.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    if target.config.to == Kind::Webhook {
        headers.extend(webhook::headers(target, &delivery.id, &body, now_ms));
    }
    Outgoing { headers, body }
}
