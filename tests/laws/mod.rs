//! What holds for every reader of foreign bytes, whatever the bytes: one law a file.
//!
//! A law takes any input and panics when it is broken. The same function is run by cargo-fuzz
//! (`tests/fuzz/`), and by the test program over the fixtures and over drawn inputs
//! (`tests/parsers.rs`). To add one: a file here, a line in [`ALL`], a target in `tests/fuzz/`.

mod agent;
mod chunks;
mod config;
mod csv;
mod filter;
mod flood;
mod guard;
mod log_row;
mod markdown;
mod resume;
mod settings;
mod start;
mod story;
mod yaml;

/// A law: breaks on the input that breaks it.
pub(crate) type Law = fn(&[u8]);

/// Every law by its name.
pub(crate) const ALL: [(&str, Law); 14] = [
    ("agent", agent::law),
    ("chunks", chunks::law),
    ("config", config::law),
    ("csv", csv::law),
    ("filter", filter::law),
    ("flood", flood::law),
    ("guard", guard::law),
    ("log_row", log_row::law),
    ("markdown", markdown::law),
    ("resume", resume::law),
    ("settings", settings::law),
    ("start", start::law),
    ("story", story::law),
    ("yaml", yaml::law),
];

/// When all inputs are read: 23 January 2026.
const NOW_MS: i64 = 1_769_210_500_000;

/// The law of that name.
pub(crate) fn named(name: &str) -> Law {
    let found = ALL.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no law is called {name}")).1
}

/// The input's lines with their numbers from 1, as a reader of files hands them over.
fn lines(data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    (1..).zip(data.split(|byte| *byte == b'\n'))
}

/// A sentence for people: something, on one line, not without end, nothing that moves a terminal.
fn assert_sentence(text: &str) {
    assert!(!text.trim().is_empty(), "an empty sentence");
    assert!(text.chars().count() <= 1000, "a sentence of {} characters", text.chars().count());
    assert!(!text.contains(|c: char| c.is_control() && c != '\t'), "{text:?}");
}
