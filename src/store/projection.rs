//! Tables folded from events.
