//! Filters of streams and their patterns.

use sprint_runner::http::doors::{passes_filter, pattern_matches};
use sprint_runner::hub::Entry;

pub(crate) fn law(data: &[u8]) {
    let query = String::from_utf8_lossy(data);
    let entry = |kind: &str, batch_id, story: &str| Entry {
        id: 1,
        kind: kind.into(),
        batch_id,
        story_key: format!("{story}-slug").into(),
        story_id: story.into(),
        frame: Vec::new().into(),
        json: "".into(),
        shown_at: None,
    };
    let entries = [
        entry("command:start", Some(7), "2a-1"),
        entry("story:status", None, "3a-1,3a-2"),
        entry(&query.chars().take(64).collect::<String>(), Some(i64::MAX), ""),
    ];
    let passed = entries.map(|entry| passes_filter(&query, &entry));
    // Whether a filter is one does not hang on the event.
    assert!(passed.iter().all(|one| one.is_ok() == passed[0].is_ok()));
    if let Err(sentence) = &passed[0] {
        super::assert_sentence(sentence);
    }
    let (pattern, text) = query.split_once('\n').unwrap_or((&query, "command:start"));
    assert!(pattern_matches("*", text));
    if !text.contains('*') {
        assert!(pattern_matches(text, text));
    }
    if pattern.len() <= 40 && text.len() <= 40 {
        assert_eq!(pattern_matches(pattern, text), means(pattern.as_bytes(), text.as_bytes()));
    }
}

/// What the words mean: by a table of which beginnings fit which.
fn means(pattern: &[u8], text: &[u8]) -> bool {
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for sign in pattern {
        let before = fits.clone();
        for at in 0..=text.len() {
            fits[at] = match (sign, at) {
                (b'*', 0) => before[0],
                (b'*', _) => before[at] || fits[at - 1],
                (_, 0) => false,
                _ => before[at - 1] && text[at - 1] == *sign,
            };
        }
    }
    fits[text.len()]
}
