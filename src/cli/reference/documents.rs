//! What the documents name is there: files that are linked, commands and flags that are shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::cli::Cli;

/// The documents at the top, by name.
fn documents() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    names
        .filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "md"))
        .map(|name| (name.clone(), std::fs::read_to_string(root.join(name)).unwrap()))
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for (name, text) in documents() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, _) = target.split_once('#').unwrap_or((target, ""));
            if path.is_empty() || path.contains("://") {
                continue;
            }
            assert!(root.join(path).exists(), "{name} links to {path}, which is not there");
            links += 1;
        }
    }
    assert!(links > 10, "{links}");
}

/// What stands in code, a command a line.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push(line.trim().to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found.retain(|line| line.starts_with("sprint-runner "));
    found
}

#[test]
fn every_command_shown_is_one_and_has_these_flags() {
    let cli = Cli::command();
    let long = |command: &clap::Command| -> Vec<String> {
        let names = command.get_arguments().filter_map(clap::Arg::get_long).map(str::to_owned);
        names.chain(["help".to_owned(), "version".to_owned()]).collect()
    };
    let mut seen = 0;
    for (name, text) in documents() {
        for line in commands(&text) {
            let mut words = line.split(['#', '\'']).next().unwrap_or_default().split_whitespace();
            words.next();
            let mut flags = long(&cli);
            for (at, word) in words.enumerate() {
                if let Some(flag) = word.trim_start_matches('[').strip_prefix("--") {
                    let flag = flag.split(['=', ']']).next().unwrap_or_default();
                    assert!(flags.iter().any(|known| known == flag), "{name}: {line}: --{flag}");
                } else if at == 0 && word.starts_with(|c: char| c.is_ascii_lowercase()) {
                    let command = cli.find_subcommand(word);
                    let command = command.unwrap_or_else(|| panic!("{name}: {line}: no command"));
                    flags.extend(long(command));
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}
