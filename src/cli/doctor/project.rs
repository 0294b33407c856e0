//! The project: where it is, its configuration, its files, its repository.

use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::agents::process::find_program;
use crate::cli::place::{Found, Place};
use crate::config::{self, Config, FILE_NAME, Layer};
use crate::domain::reading::ReadingState;
use crate::project::layout::Layout;
use crate::watch::once::{self, Unread};

use super::check::Check;
use super::{Here, program};

/// Finds the project and its configuration; neither has to be there.
pub(super) fn begin(place: &Place) -> (Here, Vec<Check>) {
    let root = match place.root() {
        Ok(root) => root,
        Err(error) => {
            let found = format!("{error:#}");
            let found = found.lines().next().unwrap_or_default();
            let advice =
                "go to a project, or name one with -C DIR; what follows is about the machine";
            let check = match &place.dir {
                // Somebody asked for this very folder.
                Some(_) => Check::fail("project", found, "name a folder that is there"),
                None => Check::warn("project", found, advice),
            };
            let here = std::env::current_dir().unwrap_or_default();
            let config =
                Config::load(&here, place.layer()).unwrap_or_else(|_| Config::from(place.layer()));
            return (Here { root: None, found: None, config }, vec![check]);
        }
    };
    let mut checks = vec![Check::ok("project", &root.display().to_string())];
    match Config::load(&root, place.layer()) {
        Ok(config) => {
            checks.push(of_config(&root));
            let found = Found { root: root.clone(), config: config.clone() };
            (Here { root: Some(root), found: Some(found), config }, checks)
        }
        Err(error) => {
            let advice = "mend that place: no command that needs the project works before";
            checks.push(Check::fail("config", &error.to_string(), advice));
            let config = Config::from(place.layer());
            (Here { root: Some(root), found: None, config }, checks)
        }
    }
}

fn of_config(root: &Path) -> Check {
    let path = root.join(FILE_NAME);
    let Ok(metadata) = path.metadata() else {
        return Check::ok("config", &format!("there is no {FILE_NAME}: the defaults hold"));
    };
    let text = read_bounded(&path, 1 << 20).unwrap_or_default();
    let layer =
        config::parse_file(&String::from_utf8_lossy(&text)).unwrap_or_else(|_| Layer::default());
    let mode = metadata.permissions().mode() & 0o777;
    if layer.token.is_some() && mode & 0o077 > 0 {
        let found = format!("{FILE_NAME} holds a token and others may read it ({mode:o})");
        return Check::warn("config", &found, &format!("close it: chmod 600 {}", path.display()));
    }
    Check::ok("config", &format!("{FILE_NAME} is valid"))
}

pub(super) fn checks(here: &Here) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(found) = &here.found {
        let layout = found.layout();
        checks.push(status(&layout));
        checks.push(logs("files.csv", "CSV log", &layout.csv_logs, &layout));
        checks.push(logs("files.notes", "orchestrator.md", &layout.orchestrator_logs, &layout));
    }
    checks.push(git(here));
    checks
}

fn status(layout: &Layout) -> Check {
    let id = "files.status";
    let name = layout.display_name(&layout.status_file);
    match once::status(layout) {
        Ok(reading) => {
            let entries = reading.entries.len();
            let see = "see: sprint-runner check";
            match (reading.state, reading.issues.len()) {
                (ReadingState::Ok, 0) => Check::ok(id, &format!("{name}, {entries} entries")),
                (ReadingState::Ok, issues) => {
                    let found = format!("{name}, {entries} entries, {issues} remarks");
                    Check::warn(id, &found, see)
                }
                (state, _) => {
                    let found = format!("{name} cannot be understood ({})", word(state));
                    Check::fail(id, &found, see)
                }
            }
        }
        Err(Unread::Missing) => {
            let advice = "have the sprint planned, or name the file with --status-file; a server waits \
                          for it";
            Check::warn(id, &format!("there is no {name}"), advice)
        }
        Err(Unread::Unreadable(reason)) => {
            let advice = "make it a plain file that this user may read";
            Check::fail(id, &format!("{name} cannot be read: {reason}"), advice)
        }
    }
}

const fn word(state: ReadingState) -> &'static str {
    match state {
        ReadingState::Ok => "ok",
        ReadingState::Recovered => "recovered",
        ReadingState::Invalid => "invalid",
        ReadingState::OtherSchema => "other-schema",
        ReadingState::Refused => "refused",
    }
}

/// Logs are read by `check`, whole; here only whether they can be.
fn logs(id: &str, what: &str, places: &[PathBuf], layout: &Layout) -> Check {
    let mut found = Vec::new();
    for path in places {
        let name = layout.display_name(path);
        match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ if !layout.allows(path) => {
                let text = format!("{name} leads out of the project and is not read");
                let advice = "name it by its flag or in sprint-runner.toml if that is meant";
                return Check::warn(id, &text, advice);
            }
            Ok(size) => found.push(format!("{name} ({})", bytes(size))),
            Err(error) => {
                let text = format!("{name} cannot be read: {error}");
                return Check::fail(id, &text, "make it a plain file that this user may read");
            }
        }
    }
    if found.is_empty() {
        return Check::ok(id, &format!("no {what} yet; it is read as soon as there is one"));
    }
    Check::ok(id, &found.join(", "))
}

/// Opens a plain file without waiting for it; gives its size.
fn open(path: &Path) -> io::Result<u64> {
    plain(path).and_then(|file| file.metadata()).map(|metadata| metadata.len())
}

fn plain(path: &Path) -> io::Result<std::fs::File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
}

/// The content of a plain file that is no larger than that.
pub(super) fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    plain(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}

/// A size for people.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..10_240 => format!("{size} bytes"),
        10_240..10_485_760 => format!("{} KiB", size >> 10),
        10_485_760..10_737_418_240 => format!("{} MiB", size >> 20),
        _ => format!("{} GiB", size >> 30),
    }
}

fn git(here: &Here) -> Check {
    let nowhere = Path::new("/");
    let root = here.root.as_deref().unwrap_or(nowhere);
    let path = match find_program("git".as_ref(), root) {
        Ok(path) => path,
        Err(error) => {
            let advice = "install git: a batch commits what its agents did; watching works without";
            return Check::warn("git", &error.to_string(), advice);
        }
    };
    let version =
        match program::version(&path, &std::collections::BTreeMap::new(), program::PATIENCE) {
            Ok(version) => version,
            Err(fault) => {
                let found = format!("{} is there, but {fault}", path.display());
                return Check::warn("git", &found, "try `git --version` yourself");
            }
        };
    let Some(root) = &here.root else { return Check::ok("git", &version) };
    match root.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()) {
        Some(folder) => Check::ok("git", &format!("{version}; repository {}", folder.display())),
        None => Check::warn(
            "git",
            &format!("{version}; the project is in no repository"),
            "make one with `git init`: a batch commits what its agents did",
        ),
    }
}
