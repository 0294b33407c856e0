//! An issue: something worth telling about somebody's file, with its place and what to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much an issue matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something could not be read; `check` exits with 1.
    Error,
    /// Read, but not as its writer may think.
    Warning,
    /// Worth knowing: two places disagree.
    Info,
}

/// The words that [`Issue::code`] has today; a log may hold others, of another version.
pub const CODES: &[&str] = &[
    "aliases",
    "ambiguous-story",
    "bad-row",
    "bad-time",
    "bare-cr",
    "cut-off",
    "directives",
    "disagreement",
    "duplicate-key",
    "empty",
    "invalid-yaml",
    "mapping-value",
    "more-issues",
    "not-utf-8",
    "nul",
    "other-schema",
    "overlong-line",
    "recovered",
    "refused",
    "several-documents",
    "too-deep",
    "too-large",
    "too-many-entries",
    "unfinished-line",
    "unknown-status",
    "utf-16",
];

/// One remark about one place of one file. The file's name is added by who read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// How much it matters.
    pub severity: Severity,
    /// A stable word for the kind of issue, such as `duplicate-key`, `unknown-status`, `bad-row`.
    pub code: String,
    /// Line, from 1, where known.
    #[schemars(range(min = 1))]
    pub line: Option<u64>,
    /// Column in characters, from 1, where known.
    #[schemars(range(min = 1))]
    pub column: Option<u64>,
    /// What is the matter: one sentence for people, without the place.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Somebody's word as it may stand in a sentence: control characters written out, so that it moves
/// no terminal and breaks no line, and at most `most` characters.
pub fn shown(word: &str, most: usize) -> String {
    let mut out = String::with_capacity(word.len().min(4 * most));
    for (at, c) in word.chars().enumerate() {
        if at == most {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// An issue and the file it was found in, as the API and the page show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileIssue {
    /// The file's name as the user knows it (never a path of the machine).
    pub file: String,
    /// The issue itself.
    #[serde(flatten)]
    pub issue: Issue,
}
