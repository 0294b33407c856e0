//! One thing that was looked at.

use serde::Serialize;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Something does not work, or not well; the rest does.
    Warn,
    /// What was configured, or a server as such, cannot work.
    Fail,
    /// Not looked at, and why.
    NotChecked,
}

/// A check with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) found: String,
    pub(super) advice: Option<String>,
}

impl Check {
    pub(super) fn ok(id: impl Into<String>, found: &str) -> Self {
        Self::new(id, State::Ok, found, None)
    }

    pub(super) fn warn(id: impl Into<String>, found: &str, advice: &str) -> Self {
        Self::new(id, State::Warn, found, Some(advice))
    }

    pub(super) fn fail(id: impl Into<String>, found: &str, advice: &str) -> Self {
        Self::new(id, State::Fail, found, Some(advice))
    }

    pub(super) fn not_checked(id: impl Into<String>, found: &str) -> Self {
        Self::new(id, State::NotChecked, &format!("not checked: {found}"), None)
    }

    pub(super) fn new(
        id: impl Into<String>,
        state: State,
        found: &str,
        advice: Option<&str>,
    ) -> Self {
        Self { id: id.into(), state, found: found.to_owned(), advice: advice.map(str::to_owned) }
    }
}
