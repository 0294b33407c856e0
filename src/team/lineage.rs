//! Which stream it is that a hub's logs are made of, and the names that they get by it.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// A stream in one of its lives: another creation, or another generation, is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lineage {
    /// The stream's name.
    pub(super) stream: String,
    /// When it was made, in nanoseconds since the epoch.
    pub(super) created: i64,
    /// How often the hubs of the team have agreed that it was rewound.
    pub(super) generation: u64,
}

impl Lineage {
    /// The name of a project's log on every hub of the team: 8 hex digits.
    pub(super) fn epoch(&self, project: &str, publisher: &str) -> String {
        let Self { stream, created, generation } = self;
        // No part holds a line's end: nothing can be moved from one to the next.
        let text = format!("{stream}\n{created}\n{generation}\n{project}\n{publisher}");
        format!("{:08x}", xxh3_64(text.as_bytes()) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logs_name_depends_on_all_that_makes_it_another_one() {
        let one = Lineage { stream: "s".to_owned(), created: 1, generation: 0 };
        let name = one.epoch("lantern", "0a1b2c3d");
        assert_eq!(name, one.clone().epoch("lantern", "0a1b2c3d"));
        assert!(name.len() == 8 && name.bytes().all(|c| c.is_ascii_hexdigit()));
        let others = [
            Lineage { created: 2, ..one.clone() }.epoch("lantern", "0a1b2c3d"),
            Lineage { generation: 1, ..one.clone() }.epoch("lantern", "0a1b2c3d"),
            one.epoch("harbour", "0a1b2c3d"),
            one.epoch("lantern", "0a1b2c3e"),
        ];
        assert!(!others.contains(&name));
    }
}
