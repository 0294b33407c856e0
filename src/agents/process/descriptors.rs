//! How many files may be open: many for this program, for its children what they would have had.
//!
//! Of a soft limit of 1024, as most systems set it, few connections could be kept. But a program
//! that uses `select` breaks on a descriptor beyond 1023, so whoever is started by us gets the limit
//! that we found: for the moment of the start it is ours again. Where so many files are open that
//! others of our threads would miss it meanwhile, the child's is set right after its start instead;
//! what the child itself starts within that moment keeps ours.

#[cfg(target_os = "linux")]
pub use linux::{raise, start};
#[cfg(not(target_os = "linux"))]
pub use other::{raise, start};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use rustix::io::Errno;
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

    /// More than all connections and our own files take; what some systems allow by far is not
    /// asked for.
    const ENOUGH: u64 = 65_536;

    /// What other threads may open while a child is started.
    const SPARE: u64 = 64;

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

    /// Starts a child with the limit that this program was started with; `id` tells its number.
    pub fn start<C>(
        spawn: impl FnOnce() -> io::Result<C>,
        id: impl FnOnce(&C) -> Option<u32>,
    ) -> io::Result<C> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let Some(found) = FOUND.get() else { return spawn() };
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = getrlimit(Resource::Nofile);
        if has_room(*found) && setrlimit(Resource::Nofile, *found).is_ok() {
            let started = spawn();
            if let Err(error) = setrlimit(Resource::Nofile, ours) {
                tracing::error!(%error, "the limit of open files cannot be raised again");
            }
            return started;
        }
        let child = spawn()?;
        if let Some(child) = id(&child) {
            give_back(child, *found);
        }
        Ok(child)
    }

    /// Whether all threads can open what they need under that limit too, for a moment.
    fn has_room(found: Rlimit) -> bool {
        let open = std::fs::read_dir("/proc/self/fd").map_or(usize::MAX, Iterator::count);
        found.current.is_none_or(|limit| (open as u64).saturating_add(SPARE) <= limit)
    }

    fn give_back(child: u32, found: Rlimit) {
        let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) else { return };
        match prlimit(Some(pid), Resource::Nofile, found) {
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

    /// Starts a child; there is nothing to give back.
    pub fn start<C>(
        spawn: impl FnOnce() -> std::io::Result<C>,
        _: impl FnOnce(&C) -> Option<u32>,
    ) -> std::io::Result<C> {
        spawn()
    }
}
