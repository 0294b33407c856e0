//! Tests that need root, minutes or gigabytes: run only where `SPRINT_RUNNER_HEAVY` is set and the
//! machine allows it, and said to be left out everywhere else.

use std::path::Path;
use std::process::Command;

use super::process::descriptors;

/// What a heavy test needs beside the switch.
pub(crate) enum Need<'a> {
    /// Mounts, namespaces: the rights of root.
    Root,
    /// A program that is not part of every system.
    Program(&'a str),
    /// That many open files.
    Descriptors(usize),
}

/// Whether the test of that name may run; if not, says so in the words that `tests/run.sh` counts.
pub(crate) fn heavy(name: &str, needs: &[Need]) -> bool {
    let Some(missing) = missing(needs) else { return true };
    println!("left out: {name}: {missing}");
    false
}

fn missing(needs: &[Need]) -> Option<String> {
    if std::env::var_os("SPRINT_RUNNER_HEAVY").is_none_or(|value| value.is_empty()) {
        return Some("SPRINT_RUNNER_HEAVY is not set".to_owned());
    }
    needs.iter().find_map(|need| match need {
        Need::Root => (!is_root()).then(|| "needs root".to_owned()),
        Need::Program(program) => (!has(program)).then(|| format!("needs {program}")),
        Need::Descriptors(count) => {
            (descriptors() < *count).then(|| format!("needs {count} open files"))
        }
    })
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder: std::path::PathBuf| Path::new(&folder).join(program).is_file())
}
