//! What is told of each address, one file a tag.

pub(in crate::http) mod batches;
pub(in crate::http) mod files;
pub(in crate::http) mod live;
pub(in crate::http) mod log;
pub(in crate::http) mod managed;
pub(in crate::http) mod server;
pub(in crate::http) mod sprint;

/// The tags in the order in which they are shown, with what belongs to each.
pub(super) const TAGS: &[(&str, &str)] = &[
    (live::TAG, "the streams: one JSON object a message, the same on both"),
    (log::TAG, "events: the log's pages, what it adds up to, and taken away whole"),
    (sprint::TAG, "the status file, stories, epics"),
    (batches::TAG, "runs of the sprint and their commands"),
    (managed::TAG, "the batch that this server runs, and its agents"),
    (server::TAG, "settings, health, this document"),
    (files::TAG, "the page and the data files, byte for byte"),
];
