//! How many files may be open: many for this program, for its children what they would have had.
//!
//! Of a soft limit of 1024, as most systems set it, few connections could be kept. But a program
//! that uses `select` breaks on a descriptor beyond 1023, so whoever is started by us gets the limit
//! back that we found. That happens right after the start: in the moments before, the child may see
//! ours. (To set it in between would need `unsafe`, or one more program to start it through.)

#[cfg(target_os = "linux")]
pub use linux::{give_back, raise};
#[cfg(not(target_os = "linux"))]
pub use other::{give_back, raise};

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::OnceLock;

    use rustix::io::Errno;
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

    /// More than all connections and our own files take; what some systems allow by far is not
    /// asked for.
    const ENOUGH: u64 = 65_536;

    /// What this program was started with, once that is not what it has.
    static FOUND: OnceLock<Rlimit> = OnceLock::new();

    /// Raises the soft limit as far as the hard one and need go. Returns how many files this
    /// process may now have open; `None` for any number.
    pub fn raise() -> Option<u64> {
        let found = getrlimit(Resource::Nofile);
        let soft = found.current?;
        let aim = found.maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
        if soft >= aim {
            return Some(soft);
        }
        // Known before it is true: no child is started with more than it gets back.
        FOUND.get_or_init(|| found);
        match setrlimit(Resource::Nofile, Rlimit { current: Some(aim), ..found }) {
            Ok(()) => Some(aim),
            Err(error) => {
                tracing::debug!(%error, soft, "the limit of open files stays as it is");
                Some(soft)
            }
        }
    }

    /// Gives a child the limit that this program was started with.
    pub fn give_back(child: u32) {
        let Some(found) = FOUND.get() else { return };
        let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) else { return };
        match prlimit(Some(pid), Resource::Nofile, *found) {
            // It has ended already.
            Ok(_) | Err(Errno::SRCH) => {}
            Err(error) => {
                tracing::warn!(%error, "a program was started with our own limit of open files");
            }
        }
    }
}

/// Where no other process's limit can be set, none is raised.
#[cfg(not(target_os = "linux"))]
mod other {
    /// Leaves the limit as it is, and tells it; `None` for any number.
    pub fn raise() -> Option<u64> {
        #[cfg(unix)]
        return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        #[cfg(not(unix))]
        None
    }

    /// There is nothing to give back.
    pub const fn give_back(_: u32) {}
}
