//! What ending an agent came to, in figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Figures of one ending, or of several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// Processes that were found alive.
    pub processes: u32,
    /// Those of them that did not end when told to, and were killed.
    pub killed: u32,
    /// Those still there at the end; 0 is proven by looking.
    pub left: u32,
    /// Those that had left the process group (setsid, forked twice) and were found all the same.
    pub escaped: u32,
}

impl Receipt {
    /// Both together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            processes: self.processes.saturating_add(other.processes),
            killed: self.killed.saturating_add(other.killed),
            left: self.left.saturating_add(other.left),
            escaped: self.escaped.saturating_add(other.escaped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_add_up() {
        let one = Receipt { processes: 3, killed: 1, left: 0, escaped: 2 };
        let two = Receipt { processes: 1, killed: 1, left: u32::MAX, escaped: 0 };
        let both = Receipt { processes: 4, killed: 2, left: u32::MAX, escaped: 2 };
        assert_eq!(one.merge(two), both);
        assert_eq!(both.merge(Receipt { left: 9, ..Receipt::default() }).left, u32::MAX);
    }
}
