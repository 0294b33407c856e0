//! The machine: limits and the clock.

use std::path::Path;
use std::time::SystemTime;

use rustix::process::{Resource, getrlimit};

use crate::cli::clock::{local, now_ms};

use super::Here;
use super::check::Check;

/// Sprint Runner is younger than this; a clock before it was never set.
const YOUNGEST_MS: i64 = 1_735_689_600_000;
/// A file this much younger than now was written by another clock.
const AHEAD_MS: i64 = 5 * 60_000;

pub(super) fn checks(here: &Here) -> Vec<Check> {
    let mut checks: Vec<Check> = inotify().into_iter().collect();
    checks.push(descriptors());
    checks.push(clock(here));
    checks
}

fn inotify() -> Option<Check> {
    let limit = |name: &str| -> Option<u64> {
        let path = Path::new("/proc/sys/fs/inotify").join(name);
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let (watches, instances) = (limit("max_user_watches")?, limit("max_user_instances")?);
    let found = format!("{watches} watches, {instances} instances for this user");
    Some(if watches < 1024 || instances < 16 {
        let advice = "raise them: sysctl fs.inotify.max_user_watches=65536 \
                      fs.inotify.max_user_instances=128; else polling is used";
        Check::warn("inotify", &found, advice)
    } else {
        Check::ok("inotify", &found)
    })
}

fn descriptors() -> Check {
    let limits = getrlimit(Resource::Nofile);
    let shown =
        |limit: Option<u64>| limit.map_or("any number".to_owned(), |limit| limit.to_string());
    let found = format!("{} open files, up to {}", shown(limits.current), shown(limits.maximum));
    if limits.maximum.is_some_and(|hard| hard < 1024) {
        let advice = "raise the limit (ulimit -n): each open page and each agent takes some";
        return Check::warn("descriptors", &found, advice);
    }
    Check::ok("descriptors", &found)
}

fn clock(here: &Here) -> Check {
    let now = now_ms();
    if now < YOUNGEST_MS {
        let advice = "set it: rows and events carry its time";
        return Check::fail("clock", &format!("the clock says {}", local(now)), advice);
    }
    let layout = here.found.as_ref().map(crate::cli::place::Found::layout);
    let files =
        layout.iter().flat_map(|layout| layout.csv_logs.iter().chain([&layout.status_file]));
    let changed = files.filter_map(|path| path.metadata().ok()?.modified().ok()).map(|at| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    if let Some(newest) = changed.max().filter(|newest| *newest > now.saturating_add(AHEAD_MS)) {
        let found = format!("it is {}, and a file was changed on {}", local(now), local(newest));
        let advice = "the clock of this machine, or of the one the files lie on, is wrong: set it";
        return Check::warn("clock", &found, advice);
    }
    Check::ok("clock", &local(now))
}
