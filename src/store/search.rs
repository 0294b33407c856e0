//! Full-text search: an index that follows the log by a cursor of its own.
//!
//! It is filled outside the commits that readers wait for; a query first asks the writer to catch
//! up, so that no answer lacks what is already in the log.
//!
//! The tokenizer knows words by the blanks between them. Scripts without blanks, and signs that are
//! no letters, are therefore taken apart before it sees them, in texts and in queries alike.

use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use crate::domain::event::EventId;

/// The last event taken into the index.
pub(super) fn cursor(conn: &Connection) -> Result<EventId, StoreError> {
    let text: Option<String> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = 'search_cursor'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Takes up to `limit` events behind `after` into the index; returns the new cursor: `head` when
/// there are no more.
pub(super) fn index(
    conn: &mut Connection,
    after: EventId,
    head: EventId,
    limit: u32,
) -> Result<EventId, StoreError> {
    let transaction = conn.transaction()?;
    let (mut last, mut count) = (after, 0);
    {
        let mut read = transaction.prepare_cached(
            "SELECT event_type, epic_id, story_key, command, task_id, status, message, id
             FROM events WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut write =
            transaction.prepare_cached("INSERT INTO search (rowid, body) VALUES (?1, ?2)")?;
        let mut rows = read.query(params![after.cast_signed(), limit])?;
        let mut body = String::new();
        while let Some(row) = rows.next()? {
            words_of(row, &mut body)?;
            let id: i64 = row.get(7)?;
            write.execute(params![id, body])?;
            last = id.cast_unsigned();
            count += 1;
        }
    }
    // The last ids may have no event any more: nobody must wait for them.
    if count < limit {
        last = last.max(head);
    }
    transaction.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('search_cursor', ?1)",
        [last.to_string()],
    )?;
    transaction.commit()?;
    Ok(last)
}

/// Takes purged events out of the index again. It keeps no texts, so it must be told what it was
/// filled with. To be called before they are deleted, within the same transaction.
pub(super) fn forget(conn: &Connection, until: EventId) -> Result<(), StoreError> {
    let mut read = conn.prepare_cached(
        "SELECT event_type, epic_id, story_key, command, task_id, status, message, id
         FROM events WHERE id <= ?1 ORDER BY id",
    )?;
    let mut drop =
        conn.prepare_cached("INSERT INTO search (search, rowid, body) VALUES ('delete', ?1, ?2)")?;
    let mut rows = read.query([until.cast_signed()])?;
    let mut body = String::new();
    while let Some(row) = rows.next()? {
        words_of(row, &mut body)?;
        drop.execute(params![row.get::<_, i64>(7)?, body])?;
    }
    Ok(())
}

/// What of an event can be found: the first seven columns.
fn words_of(row: &Row<'_>, body: &mut String) -> Result<(), StoreError> {
    body.clear();
    for column in 0..7 {
        if let Some(text) = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? {
            take_apart(text, body);
            body.push(' ');
        }
    }
    Ok(())
}

/// What people type, as a query that cannot fail: every word must occur, the last letters open;
/// what stands in quotes must occur as it stands. `None` when there is no word in it.
pub(super) fn expression(text: &str) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        let phrases: Vec<&str> =
            if index % 2 == 1 { vec![part] } else { part.split_whitespace().collect() };
        for phrase in phrases {
            let mut apart = String::with_capacity(phrase.len());
            take_apart(phrase, &mut apart);
            let word = format!("\"{}\"*", apart.trim());
            // The same word twice would only cost time.
            if apart.chars().any(char::is_alphanumeric) && !words.contains(&word) {
                words.push(word);
            }
        }
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// Appends a text with every sign that is a word of its own set apart.
fn take_apart(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii() {
            out.push(if c == '\0' { ' ' } else { c });
        } else if is_symbol(c) {
            // The tokenizer drops what is no letter: it gets a word made of the sign's number.
            let _ = write!(out, " ux{:x} ", c as u32);
        } else if is_written_without_blanks(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
}

/// Emoji, arrows, marks and the like.
const fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{a2}'..='\u{a9}' | '\u{ae}' | '\u{b0}' | '\u{b1}' | '\u{d7}' | '\u{f7}'
        | '\u{20a0}'..='\u{20cf}' | '\u{2100}'..='\u{2bff}' | '\u{1f000}'..='\u{1fbff}')
}

/// Thai, Lao, Burmese, Khmer, Chinese, Japanese; Korean, whose words carry their endings.
const fn is_written_without_blanks(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text is found by a query, by SQLite's own word; never an error.
    fn finds(text: &str, query: &str) -> bool {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            super::super::schema::STEPS[1].rsplit_once("DROP TABLE search;").unwrap().1,
        )
        .unwrap();
        let mut body = String::new();
        take_apart(text, &mut body);
        conn.execute("INSERT INTO search (rowid, body) VALUES (1, ?1)", [body]).unwrap();
        let Some(expression) = expression(query) else { return false };
        conn.query_row("SELECT count(*) FROM search WHERE search MATCH ?1", [expression], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap()
            > 0
    }

    #[test]
    fn the_cases_that_the_page_is_held_to_as_well() {
        let cases = include_str!("../../fixtures/search/cases.json");
        let cases: serde_json::Value = serde_json::from_str(cases).unwrap();
        for (kind, expected) in [("found", true), ("not_found", false)] {
            for case in cases[kind].as_array().unwrap() {
                let (text, query) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
                assert_eq!(finds(text, query), expected, "{query} in {text}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_finds_itself(text in "\\PC{0,40}") {
            // Its quotes would make phrases of other parts; marks alone, without a letter to stand
            // on, are no word and find nothing.
            let text = format!("a {}", text.replace('"', " "));
            proptest::prop_assert!(finds(&text, &text), "{}", text);
        }

        #[test]
        fn any_query_can_be_asked(query in ".{0,200}", text in ".{0,40}") {
            finds(&text, &query);
        }
    }
}
