//! Files to events and issues: pure, total readers.
