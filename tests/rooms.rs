//! The rooms of `src/` import one another only as the map in `lib.rs` allows, and in no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom. `app` is the composition root: it starts the rooms, the command line
/// starts it.
const RULES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &[]),
    ("metrics", &[]),
    ("nats", &["domain", "config"]),
    ("parse", &["domain"]),
    ("project", &["domain", "parse"]),
    ("store", &["domain"]),
    ("page", &[]),
    ("export", &["domain", "store", "page"]),
    ("hub", &["domain", "metrics", "store"]),
    ("watch", &["domain", "parse", "project", "hub"]),
    ("agents", &["domain", "config", "parse", "project"]),
    ("orchestrator", &["domain", "config", "parse", "project", "hub", "watch", "agents"]),
    ("outbox", &["domain", "config", "hub", "nats"]),
    ("notifications", &["domain", "config", "hub", "orchestrator"]),
    (
        "http",
        &[
            "domain",
            "metrics",
            "parse",
            "project",
            "hub",
            "store",
            "agents",
            "orchestrator",
            "notifications",
            "page",
            "export",
            "nats",
        ],
    ),
    ("control", &["domain", "config", "hub", "nats", "http"]),
    ("team", &["domain", "config", "nats", "store", "hub", "http"]),
    (
        "app",
        &[
            "domain",
            "config",
            "parse",
            "project",
            "store",
            "hub",
            "watch",
            "agents",
            "orchestrator",
            "outbox",
            "notifications",
            "http",
            "control",
            "team",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "config",
            "parse",
            "project",
            "store",
            "hub",
            "watch",
            "agents",
            "orchestrator",
            "notifications",
            "export",
            "nats",
            "app",
        ],
    ),
];

/// What was found: room → imported room → the first place.
type Imports = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn rooms_import_only_what_the_map_allows() {
    let mut faults = Vec::new();
    for (room, imported) in imports() {
        let Some((_, allowed)) = RULES.iter().find(|(name, _)| *name == room) else {
            faults.push(format!("{room} is no room of the map"));
            continue;
        };
        for (other, place) in imported {
            if other != room && !allowed.contains(&other.as_str()) {
                faults.push(format!("{place}: {room} imports {other}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rooms_form_no_circle() {
    let imports = imports();
    let mut left: BTreeSet<&String> = imports.keys().collect();
    loop {
        // A room whose imports have all been taken away can go as well.
        let before = left.len();
        let free = |room: &&&String| {
            imports[**room].keys().all(|other| other == **room || !left.contains(other))
        };
        let going: Vec<&String> = left.iter().filter(free).copied().collect();
        left.retain(|room| !going.contains(room));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "these rooms import one another: {left:?}");
}

#[test]
fn the_map_in_lib_rs_names_every_room() {
    let map = fs::read_to_string(source().join("lib.rs")).unwrap();
    for (room, _) in RULES {
        assert!(map.contains(&format!("//! - [`{room}`]")), "lib.rs does not describe {room}");
        assert!(map.contains(&format!("pub mod {room};")), "lib.rs does not declare {room}");
    }
}

#[test]
fn the_reader_of_imports_sees_them() {
    let text = "use crate::domain::key;\nuse crate::{hub::Hub, store};\n// crate::http\n\
                fn f() { crate::app::named(); }\n//! [`crate::watch`]\n";
    let found: Vec<String> = rooms_in(text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(found, ["domain", "hub", "store", "app"]);
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn imports() -> Imports {
    let mut imports = Imports::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Tests may set up a stage of rooms that theirs knows nothing of.
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(source()).unwrap();
            let first = inside.iter().next().unwrap().to_str().unwrap();
            let room = first.trim_end_matches(".rs");
            if !matches!(first, "lib.rs" | "main.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let found = imports.entry(room.to_owned()).or_default();
                for (line, other) in rooms_in(&text) {
                    let place = format!("src/{}:{line}", inside.display());
                    found.entry(other).or_insert(place);
                }
            }
        }
    }
    imports
}

/// The rooms that a file names by `crate::room` or `crate::{room…}`, with their lines; comments do
/// not count, nor do tests.
fn rooms_in(text: &str) -> Vec<(usize, String)> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(top_level(list).into_iter().map(|room| (line, room))),
            None => found.push((line, word(rest))),
        }
    }
    found.retain(|(_, room)| !room.is_empty());
    found
}

/// The first word of each item of a `{…}` list.
fn top_level(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut rooms = vec![word(list)];
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => rooms.push(word(&list[at + 1..])),
            _ => {}
        }
    }
    rooms
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
