//! Whether the server that works on a project is heard.
//!
//! What this server folds by itself is always as true as its files. A hub shows what others have sent:
//! when one of them falls silent, nothing that it said last may go on being said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

use crate::domain::state::ServerView;

/// What is known of the server that works on a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Its machine's name; none before it was heard.
    pub host: Option<String>,
    /// Since when it has not been heard, in milliseconds since the epoch; none while it is.
    pub unreachable_since: Option<i64>,
    /// Whether it lets itself be controlled.
    pub control: bool,
}

impl Reached {
    /// As it is told.
    pub(super) fn view(&self) -> ServerView {
        let Self { host, unreachable_since, control } = self.clone();
        ServerView { host, unreachable_since, control }
    }

    /// What is in the way, in a sentence; nothing while it is heard.
    pub(super) fn reason(&self) -> Option<String> {
        let since = self.unreachable_since?;
        let since = jiff::Timestamp::from_millisecond(since)
            .map_or(String::new(), |at| at.strftime(" since %Y-%m-%d %H:%M UTC").to_string());
        let who = self.host.as_ref().map_or(String::new(), |host| format!(" on {host}"));
        Some(format!("its server{who} has not been heard{since}: what goes on there is not known"))
    }
}

/// Shared by whoever listens for that server and all who show its project.
#[derive(Debug, Clone)]
pub struct Reach {
    known: Arc<watch::Sender<Option<Reached>>>,
    /// What others have sent is still being read.
    catching_up: Arc<AtomicBool>,
}

impl Default for Reach {
    fn default() -> Self {
        Self { known: Arc::new(watch::Sender::new(None)), catching_up: Arc::default() }
    }
}

impl Reach {
    /// Of a project on another machine, of which this is known.
    pub fn afar(known: Reached) -> Self {
        Self { known: Arc::new(watch::Sender::new(Some(known))), ..Self::default() }
    }

    /// The same, with what tells whether all that others have sent was read once.
    #[must_use]
    pub fn reading(self, catching_up: Arc<AtomicBool>) -> Self {
        Self { catching_up, ..self }
    }

    /// Whether the log may lack much that other hubs have.
    pub fn is_catching_up(&self) -> bool {
        self.catching_up.load(Ordering::Relaxed)
    }

    /// What is known now; none for a project of this server's own.
    pub fn get(&self) -> Option<Reached> {
        self.known.borrow().clone()
    }

    /// What is told of the server that works on it; none for a project of this server's own.
    pub(super) fn view(&self) -> Option<ServerView> {
        self.known.borrow().as_ref().map(Reached::view)
    }

    /// Whether what was said last may not be said any more.
    pub(super) fn is_unreachable(&self) -> bool {
        self.known.borrow().as_ref().is_some_and(|known| known.unreachable_since.is_some())
    }

    /// Learns something; who waits wakes only where it is something else.
    pub fn set(&self, known: Reached) {
        self.known.send_if_modified(|now| {
            let known = Some(known);
            let changed = *now != known;
            *now = known;
            changed
        });
    }

    /// For who waits for a change.
    pub fn watch(&self) -> watch::Receiver<Option<Reached>> {
        self.known.subscribe()
    }
}

/// A snapshot's JSON with what is known of the project's server.
pub(super) fn with_server(snapshot: &Bytes, server: Option<&ServerView>) -> Bytes {
    let (Some(server), Some(open)) = (server, snapshot.strip_suffix(b"}")) else {
        return snapshot.clone();
    };
    // Texts and numbers: encoding cannot fail.
    let server = serde_json::to_vec(server).unwrap_or_default();
    [open, b",\"server\":", &server, b"}"].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::State;

    fn away(since: Option<i64>) -> Reached {
        Reached { host: Some("ada".into()), unreachable_since: since, control: false }
    }

    #[test]
    fn a_snapshot_says_whose_it_is() {
        let json: Bytes =
            serde_json::to_vec(&State::default().snapshot("0badcafe")).unwrap().into();
        assert_eq!(with_server(&json, None), json);
        let told = with_server(&json, Some(&away(Some(5)).view()));
        let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(
            told["server"],
            serde_json::json!({"host": "ada", "unreachable_since": 5, "control": false})
        );
        assert_eq!(told["epoch"], "0badcafe");
    }

    #[test]
    fn the_reason_names_host_and_time() {
        assert_eq!(away(None).reason(), None);
        let said = away(Some(1_706_112_000_000)).reason().unwrap();
        assert!(said.contains("ada") && said.contains("2024-01-24 16:00 UTC"), "{said}");
        // No time that the calendar has.
        let said = away(Some(i64::MAX)).reason().unwrap();
        assert!(said.contains("has not been heard:"), "{said}");
    }

    #[test]
    fn who_waits_wakes_for_something_else_only() {
        let reach = Reach::afar(away(None));
        let mut waits = reach.watch();
        reach.set(away(None));
        assert!(!waits.has_changed().unwrap());
        reach.set(away(Some(7)));
        assert!(waits.has_changed().unwrap());
        assert!(reach.is_unreachable());
        waits.mark_unchanged();
        reach.set(away(None));
        assert!(waits.has_changed().unwrap() && !reach.is_unreachable());
    }
}
