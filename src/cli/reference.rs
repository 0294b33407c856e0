//! `CONFIGURATION.md`, written from the code: what each key is, and proofs that it is so.
//!
//! `UPDATE_REFERENCE=1 cargo test --lib reference` writes the file anew.

mod documents;
mod keys;
mod page;

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use super::Cli;
use crate::config::notifications::{NotificationConfig, NotificationTable};
use crate::config::{Config, Layer, parse_file};
use keys::{Key, TABLES, Table};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/CONFIGURATION.md");

#[test]
fn the_reference_is_what_the_code_says() {
    let page = page::written();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(FILE, &page).unwrap();
    }
    let there = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = there.lines().zip(page.lines()).find(|(there, now)| there != now);
    let how = "UPDATE_REFERENCE=1 cargo test --lib reference writes CONFIGURATION.md anew";
    assert_eq!(differs, None, "{how}");
    assert!(there == page, "{how}");
}

/// The keys that the reader of the file knows in a table: it names them when it meets another.
fn known(table: &Table) -> BTreeSet<String> {
    let text = format!("{}\nno_such_key = 1\n", table.heading);
    let error = parse_file(&text).expect_err("an unknown key is refused").to_string();
    let (_, names) = error.split_once("expected").expect("it names those that there are");
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_file_is_told_and_no_other() {
    for table in TABLES.iter().filter(|table| !table.free) {
        let told: BTreeSet<String> = table.keys.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(told, known(table), "{}", table.heading);
    }
}

/// The file in which these values are set.
fn file(value: impl Fn(&Key) -> Option<&'static str>) -> String {
    let mut text = String::new();
    // Not all keys of a notification go together: they have a test of their own.
    for table in TABLES.iter().filter(|table| !table.heading.starts_with("[[")) {
        text.push_str(table.heading);
        text.push('\n');
        for key in table.keys {
            if let Some(value) = value(key) {
                text.push_str(&format!("{} = {value}\n", key.name));
            }
        }
    }
    text
}

fn read(text: &str) -> Layer {
    parse_file(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_examples_are_taken() {
    read(&file(|key| (!key.within).then_some(key.example)));
}

/// A notification with this key, and what that needs beside it.
fn notification(key: &Key, value: &str) -> Vec<NotificationConfig> {
    let beside = match key.name {
        "to" => "url_env = \"U\"",
        "url_env" => "to = \"webhook\"",
        "url" | "secret_env" => "to = \"webhook\"\ntoken_env = \"T\"",
        "topic" | "topic_env" => "to = \"ntfy\"",
        _ => "to = \"ntfy\"\nurl_env = \"U\"",
    };
    let url = if key.name == "secret_env" { "url_env = \"U\"\n" } else { "" };
    let text = format!("[[notifications]]\n{beside}\n{url}{} = {value}\n", key.name);
    Config::from(read(&text)).notifications
}

#[test]
fn the_examples_and_defaults_of_notifications_are_taken() {
    let table = TABLES.iter().find(|table| table.heading == "[[notifications]]").unwrap();
    let plain = Config::from(read("[[notifications]]\nto = \"ntfy\"\nurl_env = \"U\"\n"));
    let plain = NotificationConfig {
        table: NotificationTable::default(),
        ..plain.notifications[0].clone()
    };
    for key in table.keys {
        assert_eq!(notification(key, key.example).len(), 1);
        if let Some(default) = key.default {
            let written = notification(key, default).remove(0);
            let written = NotificationConfig { table: NotificationTable::default(), ..written };
            assert_eq!(written, plain, "{}", key.name);
        }
    }
}

#[test]
fn the_defaults_written_out_change_nothing() {
    let default = |key: &Key| key.default.filter(|_| !key.within);
    let written = file(default).replace("[agents.NAME]", "[agents.claude]");
    assert_eq!(Config::from(read(&written)), Config::from(read("[agents.claude]\n")));
}

#[test]
fn the_flags_are_those_of_the_command_line() {
    let cli = Cli::command();
    let flags: BTreeSet<String> = std::iter::once(&cli)
        .chain(cli.get_subcommands())
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_long().map(|name| format!("--{name}")))
        .collect();
    let told: BTreeSet<&str> =
        TABLES.iter().flat_map(|table| table.keys).filter_map(|key| key.flag).collect();
    for key in TABLES.iter().flat_map(|table| table.keys) {
        if let Some(flag) = key.flag {
            assert!(flags.contains(flag), "{flag} is no flag of any command");
        } else if TABLES[0].keys.iter().any(|top| std::ptr::eq(top, key)) {
            let as_named = format!("--{}", key.name.replace('_', "-"));
            // A table may be called as the flag of one of its keys.
            let is_told = !flags.contains(&as_named) || told.contains(&as_named[..]);
            assert!(is_told, "{as_named} is a flag: tell it");
        }
    }
}

#[test]
fn the_variables_are_those_that_are_read() {
    let asked = std::cell::RefCell::new(BTreeSet::new());
    crate::config::read_environment(&|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    })
    .unwrap();
    let told = TABLES.iter().flat_map(|table| table.keys).filter_map(|key| key.variable);
    let told: BTreeSet<String> = told.map(|name| format!("SPRINT_RUNNER_{name}")).collect();
    assert_eq!(told, asked.into_inner());
}
