//! The ring of recent entries.
