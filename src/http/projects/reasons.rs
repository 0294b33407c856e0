//! What ails a project, a sentence each.

use std::sync::atomic::Ordering;

use crate::http::stream::Streams;
use crate::hub::Hub;
use crate::notifications::TargetState;

/// What ails a log and those who read it, a sentence each.
pub(in crate::http) fn reasons(
    hub: &Hub,
    streams: &Streams,
    notified: &[TargetState],
) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(trouble) = hub.trouble() {
        reasons.push(format!("the log cannot be written: {trouble}"));
    }
    reasons.extend(hub.unsent());
    if streams.counts.starved.load(Ordering::Relaxed) {
        reasons.push(
            "the server has no file descriptor left: new connections wait; close some pages, or \
             start it with a higher limit (ulimit -n)"
                .to_owned(),
        );
    }
    let state = hub.state();
    let unread = state.sprint.sources.iter().filter(|(_, source)| source.state == "unreadable");
    reasons.extend(unread.map(|(file, source)| {
        format!("{file} cannot be read: {}", source.message.as_deref().unwrap_or("unknown cause"))
    }));
    reasons.extend(notified.iter().filter_map(|target| {
        let error = target.error.as_deref()?;
        Some(format!("notifications to {} do not arrive: {error}", target.name))
    }));
    reasons
}
