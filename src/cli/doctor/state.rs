//! What we keep: the state folder, who may read it, the database, the disk, and whether file events
//! come from there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access, statvfs};

use crate::app::instance_lock;
use crate::app::state_dir::{self, StateDir};
use crate::store::{self, Beside, SCHEMA_VERSION, Whole};
use crate::watch::probe::{self, Events};

use super::Here;
use super::check::Check;
use super::project::bytes;

/// How long the database is looked through.
const CHECK: Duration = Duration::from_secs(8);
/// An event that has not come by then does not come.
const EVENT: Duration = Duration::from_secs(3);
/// Less free than this is told; a night of agents' logs takes some hundred MB.
const LITTLE: u64 = 512 << 20;
/// Less than this, and nothing can be recorded.
const NOTHING: u64 = 16 << 20;
/// What is ours in the folder begins like this.
const OURS: [&str; 5] =
    ["sprint-runner.db", "settings.json", instance_lock::NAME, "agents", "backups"];
/// How many of them are looked at: a folder named by a flag may hold anything.
const MOST: usize = 10_000;

pub(super) fn checks(here: &Here) -> Vec<Check> {
    let Some(found) = &here.found else {
        return vec![disk(&std::env::temp_dir()), events(None)];
    };
    let folders = found.state_folders();
    let existing = folders.iter().find(|folder| folder.is_dir());
    let mut checks = vec![folder(existing, &found.root, &folders)];
    if let Some(folder) = existing {
        checks.push(private(folder, found.config.state.is_none()));
        checks.push(database(&StateDir::database(folder, &found.config), &folders));
    }
    checks.push(disk(existing.unwrap_or(&found.root)));
    checks.push(events(existing.map(PathBuf::as_path)));
    checks
}

fn folder(existing: Option<&PathBuf>, root: &Path, candidates: &[PathBuf]) -> Check {
    let writable = |path: &Path| access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    let Some(folder) = existing else {
        let official = candidates.first().map_or(root, |path| path.as_path());
        if let Ok(found) = official.symlink_metadata() {
            let what = if found.is_symlink() { "a link that leads nowhere" } else { "no folder" };
            let text = format!("{} is {what}", official.display());
            return Check::fail("state", &text, "remove it, or name another folder with --state");
        }
        let above = official.ancestors().skip(1).find(|folder| folder.is_dir());
        if above.is_some_and(writable) {
            return Check::ok(
                "state",
                "nothing is kept yet; the folder is made by the first start",
            );
        }
        let found = "the project cannot be written: state will be kept in your own state folder";
        return Check::warn("state", found, "or name a folder with --state DIR");
    };
    let shown = folder.display();
    if !writable(folder) {
        let found = format!("{shown} cannot be written by this user");
        let advice = "make it yours (chown), or name another folder with --state";
        return Check::fail("state", &found, advice);
    }
    if folder.file_name() == Some(state_dir::NAME.as_ref())
        && folder.symlink_metadata().is_ok_and(|found| found.is_symlink())
    {
        let found = format!("{shown} is a link: what is kept lies where it leads");
        return Check::warn("state", &found, "say so with --state DIR if that is meant");
    }
    Check::ok("state", &format!("{shown} can be written"))
}

/// The token of a running server and all that agents said lie there.
fn private(folder: &Path, is_own: bool) -> Check {
    let open = |path: &Path| {
        let found = path.symlink_metadata().ok().filter(|found| !found.is_symlink())?;
        let mode = found.permissions().mode() & 0o777;
        (mode & 0o077 > 0).then(|| format!("{} ({mode:o})", path.display()))
    };
    let mut faults: Vec<String> = Vec::new();
    if is_own {
        faults.extend(open(folder));
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST) {
        let name = entry.file_name();
        if OURS.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            faults.extend(open(&entry.path()));
        }
    }
    let Some(first) = faults.first() else {
        return Check::ok("state.private", "nobody else may read what is kept");
    };
    let more = match faults.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let advice =
        format!("close it: chmod -R go= {} (the next start does so too)", folder.display());
    Check::warn("state.private", &format!("others may use {first}{more}"), &advice)
}

fn database(path: &Path, folders: &[PathBuf]) -> Check {
    let id = "database";
    let shown = path.display();
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Check::ok(id, "there is none yet; it is made by the first start");
        }
        Err(error) => {
            return Check::fail(id, &format!("{shown}: {error}"), "make it readable by this user");
        }
        Ok(found) if !found.is_file() => {
            return Check::fail(id, &format!("{shown} is no plain file"), "remove it");
        }
        Ok(_) => {}
    }
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        Path::new(&name).metadata().ok().map(|found| found.len())
    };
    // Nothing may be made beside it, so it is opened as any reader does only where that is there.
    let is_served = instance_lock::find_holder(folders).is_some();
    let has_log = beside("-wal").is_some_and(|length| length > 0);
    let how = match (is_served || has_log, beside("-shm").is_some()) {
        (false, _) => Beside::Nobody,
        (true, true) => Beside::Somebody,
        (true, false) => {
            let text = "its log was not written back yet, and reading that would write beside it; the \
                        next start does";
            return Check::not_checked(id, text);
        }
    };
    let size = bytes(path.metadata().map_or(0, |found| found.len()));
    let backup = "put a backup in its place (sprint-runner backup makes them), or move it away: a new \
                  one is made from the project's files";
    match store::inspect(path, how, CHECK) {
        Ok(seen) => match seen.whole {
            Whole::No(fault) => {
                let fault = fault.lines().next().unwrap_or_default().to_owned();
                Check::fail(id, &format!("{shown} is damaged: {fault}"), backup)
            }
            Whole::Yes if seen.schema == SCHEMA_VERSION => {
                Check::ok(id, &format!("whole, {size}, schema {}", seen.schema))
            }
            Whole::Unfinished if seen.schema == SCHEMA_VERSION => {
                let text = format!(
                    "opened, {size}, schema {}; not looked through whole within {} s",
                    seen.schema,
                    CHECK.as_secs()
                );
                Check::ok(id, &text)
            }
            Whole::Yes | Whole::Unfinished => {
                let text = format!(
                    "schema {}; the next start brings it to {SCHEMA_VERSION} and puts a copy aside",
                    seen.schema
                );
                Check::ok(id, &text)
            }
        },
        Err(error) => Check::fail(id, &format!("{shown}: {error}"), backup),
    }
}

fn disk(folder: &Path) -> Check {
    let shown = folder.display();
    let Ok(found) = statvfs(folder) else {
        return Check::not_checked("disk", "the system does not tell how much is free");
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let text = format!("{} free for {shown}", bytes(free));
    let advice = "make room: retention_days and sprint-runner backup help to keep the log small";
    match free {
        0..NOTHING => Check::fail("disk", &text, advice),
        NOTHING..LITTLE => Check::warn("disk", &text, advice),
        _ if found.f_files > 0 && found.f_favail < 100 => {
            Check::warn("disk", &format!("no more files can be made beside {shown}"), advice)
        }
        _ => Check::ok("disk", &text),
    }
}

/// Tried in the state folder; where there is none yet, in the system's folder for such things.
fn events(folder: Option<&Path>) -> Check {
    let id = "file-events";
    let own;
    let (folder, place) = match folder {
        Some(folder) => (folder, "the state folder"),
        None => match tempfile::tempdir() {
            Ok(made) => {
                own = made;
                (own.path(), "a temporary folder, as there is no state folder yet")
            }
            Err(error) => return Check::not_checked(id, &format!("no temporary folder: {error}")),
        },
    };
    match probe::try_events(folder, EVENT) {
        Events::Come => Check::ok(id, &format!("they come (tried in {place})")),
        Events::Missing => Check::warn(
            id,
            &format!("none came within {} s (tried in {place})", EVENT.as_secs()),
            "nothing has to be done: polling is used, and changes are seen within a second; a folder \
             on a local disk with free inotify watches is faster",
        ),
        Events::NotTried(reason) => Check::not_checked(id, &reason),
    }
}
