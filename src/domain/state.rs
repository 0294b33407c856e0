//! The folded state: what the events add up to.
