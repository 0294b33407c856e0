//! What the streams carry, and what a client may say: for both documents.

use schemars::JsonSchema;

use crate::domain::event::AnyEvent;
use crate::http::stream::shapes::{Connection, Init};

/// What a stream carries.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(super) enum Message {
    Event(AnyEvent),
    Init(Init<'static>),
    Connection(Connection<'static>),
}
