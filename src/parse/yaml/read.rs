//! A whole reading of the status file.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::domain::issue::{Issue, Severity, shown};
use crate::domain::reading::{Reading, ReadingState};

use super::entries::{Found, MAX_ENTRIES, epic_title, settle, without_entries};
use super::node::Node;
use super::scan::{Pair, Scan, scan};
use super::{precheck, recover, remarks};

/// Reads the status file. Never fails: what is the matter stands in the reading.
pub fn read_status(bytes: &[u8]) -> Reading {
    let text = match precheck::check(bytes) {
        Ok(text) => text,
        Err(issue) => return without_entries(ReadingState::Refused, Map::new(), issue),
    };
    if text.trim().is_empty() {
        let issue = precheck::refused(
            "empty",
            Some((1, 1)),
            "the file is empty",
            "write the status file anew with sprint planning",
        );
        return without_entries(ReadingState::Invalid, Map::new(), issue);
    }
    let scan = scan(text);
    match Node::parse(text) {
        Err(broken) => recover::reading(&broken, text, &scan),
        Ok(node) => match node.get("development_status") {
            Some(map @ Node::Mapping(_)) => good(text, &node, map, &scan),
            // A save caught half-way ends here; a sprint without entries says `{}`.
            Some(Node::Null) => {
                let place = scan.line.map(|line| (line, 1));
                let issue = precheck::refused(
                    "empty",
                    place,
                    "development_status has nothing below it",
                    "list the epics and stories there, or write `development_status: {}`",
                );
                without_entries(ReadingState::Invalid, Map::new(), issue)
            }
            _ => other_schema(&node),
        },
    }
}

fn other_schema(node: &Node) -> Reading {
    let (document, message) = match node {
        Node::Mapping(pairs) => {
            let keys: Vec<String> = pairs.iter().take(12).map(|(key, _)| shown(key, 60)).collect();
            let document = match node.json() {
                Value::Object(document) => document,
                _ => Map::new(),
            };
            (document, format!("another schema: keys {}", keys.join(", ")))
        }
        Node::Sequence(_) => (Map::new(), "another schema: a list".to_owned()),
        _ => (Map::new(), "another schema: a single text".to_owned()),
    };
    let issue = Issue {
        severity: Severity::Error,
        code: "other-schema".to_owned(),
        line: Some(1),
        column: Some(1),
        message,
        hint: Some(
            "a status file has a map `development_status` of story keys to statuses".to_owned(),
        ),
    };
    without_entries(ReadingState::OtherSchema, document, issue)
}

fn good(text: &str, node: &Node, map: &Node, scan: &Scan) -> Reading {
    let pairs = match map {
        Node::Mapping(pairs) => pairs.as_slice(),
        _ => &[],
    };
    // The scan's places are used where it saw just what the library saw.
    let same = pairs.len() == scan.pairs.len()
        && pairs.iter().zip(&scan.pairs).all(|((key, _), pair)| *key == pair.key);
    let mut found = Vec::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        let pair = same.then(|| &scan.pairs[index]);
        collect(key, value, pair, scan.line.unwrap_or(1), &mut found);
    }
    if found.len() > MAX_ENTRIES {
        let issue = precheck::refused(
            "too-many-entries",
            scan.line.map(|line| (line, 1)),
            "development_status has more than 10,000 entries",
            "archive finished epics",
        );
        return without_entries(ReadingState::Refused, Map::new(), issue);
    }
    let mut reading = settle(found);
    for (key, line) in repeated_top_keys(node, text) {
        reading.duplicates += 1;
        reading.issues.push(remarks::repeated_top_key(&key, line));
    }
    remarks::bound(&mut reading.issues);
    if let Value::Object(mut document) = node.json() {
        let statuses = reading
            .entries
            .iter()
            .map(|entry| (entry.key.clone(), Value::String(entry.status.clone())))
            .collect();
        document.insert("development_status".to_owned(), Value::Object(statuses));
        reading.document = document;
    }
    reading
}

/// Top-level keys that stand again, with the line of the last one. One pass over the text: a file
/// may repeat a hundred thousand keys.
fn repeated_top_keys(node: &Node, text: &str) -> Vec<(String, Option<u64>)> {
    let Node::Mapping(pairs) = node else { return Vec::new() };
    let mut seen = HashSet::new();
    let repeated: Vec<&String> =
        pairs.iter().map(|(key, _)| key).filter(|key| !seen.insert(key.as_str())).collect();
    if repeated.is_empty() {
        return Vec::new();
    }
    let lines: HashMap<&str, u64> = (1..)
        .zip(text.lines())
        .filter_map(|(line_no, line)| line.split_once(':').map(|(key, _)| (key, line_no)))
        .collect();
    repeated.into_iter().map(|key| (key.clone(), lines.get(key.as_str()).copied())).collect()
}

/// A key's own entry, and those of a `stories:` map inside its value.
fn collect(key: &str, value: &Node, pair: Option<&Pair>, above: u64, found: &mut Vec<Found>) {
    let line = pair.map_or(above, |pair| pair.line);
    let plain = |name: &str| value.get(name).and_then(Node::text);
    match value {
        Node::Mapping(pairs) => {
            if let Some(status) = plain("status") {
                let title = plain("title").or_else(|| plain("name"));
                found.push(Found { key: key.to_owned(), status, title, line, mapped: true });
            }
            // Some nest their stories under their epics, and these under `epics:`.
            for (name, inner) in pairs {
                if let Node::Mapping(entries) = inner
                    && matches!(name.as_str(), "stories" | "epics")
                {
                    for (key, value) in entries {
                        collect(key, value, child_of(pair, key), line, found);
                    }
                } else if matches!(key, "stories" | "epics") {
                    collect(name, inner, child_of(pair, name), line, found);
                }
            }
        }
        Node::Sequence(_) => {
            let status = String::new();
            found.push(Found { key: key.to_owned(), status, title: None, line, mapped: true });
        }
        Node::Null | Node::Scalar(_) => {
            // The line's own letters where it shows them: `2e-1` and `no` stay as they are.
            let shown = pair.map(|pair| pair.value.as_str()).filter(|shown| {
                !shown.is_empty() && !shown.starts_with(['&', '*', '!', '|', '>', '{', '['])
            });
            let is_text = matches!(value, Node::Null | Node::Scalar(Value::String(_)));
            let status = match shown {
                Some(shown) if !is_text => shown.to_owned(),
                _ => value.text().unwrap_or_default(),
            };
            let title = pair.and_then(|pair| epic_title(key, pair.comment.as_deref()?));
            found.push(Found { key: key.to_owned(), status, title, line, mapped: false });
        }
    }
}

fn child_of<'a>(pair: Option<&'a Pair>, key: &str) -> Option<&'a Pair> {
    pair?.children.iter().find(|child| child.key == key)
}
