use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::{WriteError, read_status, write_status};
use crate::domain::reading::{EntryKind, ReadingState};
use crate::domain::status;

const FILE: &str = "\
generated: 2026-11-01
project: lantern
development_status:
  # Epic 1: Groundwork
  epic-1: in-progress # going well
  1-1-a: done
  1-2-b:   \"In progress\"
# a comment in column 0
  2e-1: no
  epic-1-retrospective: optional
";

#[test]
fn the_official_form() {
    let reading = read_status(FILE.as_bytes());
    assert_eq!(reading.state, ReadingState::Ok);
    let seen: Vec<_> = reading
        .entries
        .iter()
        .map(|entry| {
            (entry.key.as_str(), entry.status.as_str(), entry.epic_key.as_deref(), entry.line)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("epic-1", "in-progress", Some("epic-1"), 5),
            ("1-1-a", "done", Some("epic-1"), 6),
            ("1-2-b", "In progress", Some("epic-1"), 7),
            ("2e-1", "no", Some("epic-1"), 9),
            ("epic-1-retrospective", "optional", Some("epic-1"), 10),
        ]
    );
    assert_eq!(reading.entries[0].title.as_deref(), Some("Groundwork"));
    assert_eq!(reading.document["project"], "lantern");
    assert_eq!(reading.document["development_status"]["2e-1"], "no");
    let keys: Vec<_> = reading.document.keys().collect();
    assert_eq!(keys, ["generated", "project", "development_status"]);
}

/// The name is known to `tests/left-out.txt`.
#[test]
fn real_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(expected) = std::fs::read_to_string(root.join("expected.json")) else {
        println!("left out: real_files: no sample files here");
        return;
    };
    let expected: BTreeMap<String, Value> = serde_json::from_str(&expected).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let reading = read_status(&std::fs::read(root.join(name)).unwrap());
        let state = match reading.state {
            ReadingState::Ok => "ok",
            ReadingState::Recovered | ReadingState::Invalid => "invalid",
            ReadingState::OtherSchema => "other-schema",
            ReadingState::Refused => "refused",
        };
        let mut seen = serde_json::json!({ "state": state });
        if state == "ok" {
            let count = |kind| reading.entries.iter().filter(|entry| entry.kind == kind).count();
            let mut words: BTreeMap<String, u64> = BTreeMap::new();
            for entry in reading.entries.iter().filter(|entry| entry.kind == EntryKind::Story) {
                *words.entry(status::canonical(&entry.status)).or_default() += 1;
            }
            seen["epics"] = count(EntryKind::Epic).into();
            seen["stories"] = count(EntryKind::Story).into();
            seen["retrospectives"] = count(EntryKind::Retrospective).into();
            seen["story_status"] = serde_json::to_value(words).unwrap();
            seen["duplicates"] = reading.duplicates.into();
            seen["mapping_values"] = reading.mapping_values.into();
        } else if state == "invalid" {
            seen["line"] = reading.issues[0].line.into();
        }
        if seen != *expected {
            wrong.push(format!("{name}:\n  ours     {seen}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), expected.len(), wrong.join("\n"));
}

#[test]
fn duplicates_tell_both_lines_and_the_last_wins() {
    let reading =
        read_status(b"development_status:\n  1-1-a: done\n  1-2-b: done\n  1-1-a: review\n");
    assert_eq!((reading.state, reading.duplicates), (ReadingState::Ok, 1));
    assert_eq!((reading.entries[0].status.as_str(), reading.entries[0].line), ("review", 4));
    assert!(reading.issues[0].message.contains("lines 2 and 4"), "{:?}", reading.issues);
}

#[test]
fn mappings_and_nested_stories() {
    let reading = read_status(
        b"development_status:\n  epic-1:\n    status: done\n    name: One\n    stories:\n      1-1-a: {status: done, title: A}\n      1-2-b: review\n",
    );
    let seen: Vec<_> = reading
        .entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry.status.as_str(), entry.title.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [("epic-1", "done", Some("One")), ("1-1-a", "done", Some("A")), ("1-2-b", "review", None)]
    );
}

#[test]
fn stories_nested_under_epics() {
    let reading = read_status(
        b"development_status:\n  epics:\n    KG-1:\n      title: One\n      stories:\n        1-1:\n          name: A\n          status: \"done\"\n        1-2:\n          status: review\n",
    );
    let seen: Vec<_> =
        reading.entries.iter().map(|entry| (entry.key.as_str(), entry.status.as_str())).collect();
    assert_eq!(seen, [("1-1", "done"), ("1-2", "review")]);
}

#[test]
fn broken_files_are_recovered_line_by_line() {
    let text = "project: a: b\ndevelopment_status:\n  epic-1: done\n<<<<<<< HEAD\n  1-1-a: done # x\n=======\n  1-1-a: review\n>>>>>>> b\n  what is this\nnext: 1\n";
    let reading = read_status(text.as_bytes());
    assert_eq!(reading.state, ReadingState::Recovered);
    assert_eq!(reading.entries.len(), 2);
    assert_eq!(reading.issues[0].line, Some(1));
    let note = &reading.issues[1].message;
    assert!(note.contains("4 unreadable") && note.contains("line 10"), "{note}");
    assert_eq!(read_status(b"a: b: c").state, ReadingState::Invalid);
    assert_eq!(read_status(b"").state, ReadingState::Invalid);
}

#[test]
fn hostile_files_are_refused_with_their_reason() {
    let repeat = |text: &str, times| text.repeat(times);
    let mut aliases = "a: &a [x]\ndevelopment_status:\n".to_owned();
    for n in 0..100 {
        aliases.push_str(&format!("  k{n}: *a\n"));
    }
    for (code, bytes) in [
        ("too-large", repeat("# x\n", 300_000).into_bytes()),
        ("too-deep", repeat("[", 100_000).into_bytes()),
        ("too-deep", repeat("- ", 100_000).into_bytes()),
        (
            "too-deep",
            (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>().into_bytes(),
        ),
        ("aliases", aliases.into_bytes()),
        ("nul", b"a: b\0".to_vec()),
        ("not-utf-8", b"a: b\xFF".to_vec()),
        ("utf-16", b"\xFF\xFEa\0".to_vec()),
        ("several-documents", b"a: b\n---\nc: d\n".to_vec()),
        (
            "too-many-entries",
            (0..10_001)
                .fold("development_status:\n".to_owned(), |text, n| {
                    text + &format!("  s{n}: done\n")
                })
                .into_bytes(),
        ),
    ] {
        let reading = read_status(&bytes);
        assert_eq!(reading.state, ReadingState::Refused, "{code}");
        assert_eq!(reading.issues[0].code, code);
    }
}

#[test]
fn half_a_save_and_one_blank_too_many() {
    assert_eq!(read_status(b"project: x\ndevelopment_status:\n").state, ReadingState::Invalid);
    assert_eq!(read_status(b"development_status: {}\n").state, ReadingState::Ok);
    let reading =
        read_status(b"development_status:\n  1-1-a: done\n   1-2-b: review\n  1-3-c: done\n");
    assert_eq!((reading.state, reading.entries.len()), (ReadingState::Recovered, 3));
    let reading = read_status(b"development_status:\n  1-1-a: ~\n");
    assert_eq!(reading.entries[0].status, "");
}

#[test]
fn floods_of_one_kind_are_bounded() {
    let repeated = "a: b\n".repeat(90_000) + "development_status:\n  1-1-a: done\n";
    let reading = read_status(repeated.as_bytes());
    assert_eq!((reading.state, reading.duplicates), (ReadingState::Ok, 89_999));
    assert!(reading.issues.len() < 600);
    let broken = "x: y: z\ndevelopment_status:\n".to_owned() + &"  a: b\n".repeat(120_000);
    assert!(read_status(broken.as_bytes()).issues.len() < 600);
    let tags = (0..50_000).map(|n| format!("%TAG !t{n}! tag:x\n")).collect::<String>() + "---\n";
    assert_eq!(read_status(tags.as_bytes()).issues[0].code, "directives");
    let list = format!("a: &a [{}]\n", "x,".repeat(200_000));
    let bomb = list + &(0..60).map(|n| format!("k{n}: *a\n")).collect::<String>();
    assert_eq!(read_status(bomb.as_bytes()).issues[0].code, "aliases");
}

#[test]
fn one_status_is_written_and_every_other_byte_stays() {
    let out = write_status(FILE.as_bytes(), "epic-1", "done").unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        FILE.replace("in-progress # going", "done # going")
    );
    let out = write_status(FILE.as_bytes(), "1-2-b", "won't do").unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), FILE.replace("\"In progress\"", "\"won't do\""));
    let crlf = "\u{FEFF}development_status:\r\n  \"1-1-a\": 'x' # c\r\n  1-2-b:\r\n  1-1-a: y";
    let out = write_status(crlf.as_bytes(), "1-1-a", "no").unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), crlf.replace(": y", ": \"no\""));
    let out = write_status(crlf.as_bytes(), "1-2-b", "done").unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), crlf.replace("1-2-b:", "1-2-b: done"));
    let mapped = "development_status:\n  1-1-a:\n    name: x\n    status: review # r\n  1-2-b: {status: done}\n";
    let out = write_status(mapped.as_bytes(), "1-1-a", "done").unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), mapped.replace("review #", "done #"));
    assert_eq!(
        write_status(mapped.as_bytes(), "1-2-b", "x"),
        Err(WriteError::NotPlain("1-2-b".to_owned()))
    );
    assert_eq!(
        write_status(mapped.as_bytes(), "9", "x"),
        Err(WriteError::NoSuchKey("9".to_owned()))
    );
    assert!(matches!(write_status(b"a: b: c", "a", "x"), Err(WriteError::Unreadable(_))));
}

proptest! {
    #[test]
    fn reading_is_total(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_status(&bytes);
    }

    #[test]
    fn reading_is_total_on_likely_text(text in "(development_status:\n)?( {0,4}[-a-z0-9\"'#:\\[{&*|]{1,6}: ?[a-z\"'#\\[{&*!|> ]{0,6}\r?\n){0,12}") {
        let reading = read_status(text.as_bytes());
        for entry in &reading.entries {
            let _ = write_status(text.as_bytes(), &entry.key, "done");
        }
    }

    /// What was written reads back, and nothing else has changed.
    #[test]
    fn written_is_read_back(statuses in prop::collection::vec("[a-z][a-z -]{0,8}[a-z]", 1..12), which in 0_usize..12, word in "[a-zA-Z0-9'\"\\\\:#é ()-]{0,12}[a-z]", crlf: bool, last_newline: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = format!("project: x{end}development_status:{end}");
        for (n, status) in statuses.iter().enumerate() {
            text.push_str(&format!("  1-{n}-story: {status} # c{n}{end}"));
        }
        if !last_newline {
            text.truncate(text.len() - end.len());
        }
        let which = which % statuses.len();
        let key = format!("1-{which}-story");
        let out = write_status(text.as_bytes(), &key, &word).unwrap();
        let (before, after) = (read_status(text.as_bytes()), read_status(&out));
        for (n, (old, new)) in before.entries.iter().zip(&after.entries).enumerate() {
            let expected = if n == which { word.trim() } else { &old.status };
            prop_assert_eq!(&new.status, expected);
        }
        let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let differing = lines(text.as_bytes()).iter().zip(lines(&out)).filter(|(a, b)| *a != b).count();
        prop_assert!(differing <= 1);
    }
}
