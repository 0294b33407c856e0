//! Signals that reach the process they are meant for, or nobody.

use rustix::process::{Pid, Signal, kill_process};

use super::{Identity, table};

/// Sends a signal to the very process, if `still` holds for it right now. Whether it was sent.
pub(super) fn send(to: Identity, signal: Signal, still: impl FnOnce() -> bool) -> bool {
    // 0 and 1 mean groups or the system's first process.
    let Some(pid) = i32::try_from(to.pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw)
    else {
        return false;
    };
    // Held before the check: from then on the number may be given to another, the signal still
    // goes to this one or to nobody.
    #[cfg(target_os = "linux")]
    let held = match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(held) => Some(held),
        Err(rustix::io::Errno::SRCH) => return false,
        // An older kernel, a sandbox, or no descriptor left.
        Err(_) => None,
    };
    if table::row(to.pid).is_none_or(|row| row.identity != to) || !still() {
        return false;
    }
    #[cfg(target_os = "linux")]
    if let Some(held) = held {
        match rustix::process::pidfd_send_signal(&held, signal) {
            Err(rustix::io::Errno::NOSYS) => {}
            sent => return sent.is_ok(),
        }
    }
    kill_process(pid, signal).is_ok()
}
