//! A running process as the system sees it: stopped and let go, its memory, its time, its threads.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc;
use std::time::Instant;

use rustix::process::{
    Pid, PidfdFlags, Resource, Signal, getrlimit, kill_process, pidfd_open, pidfd_send_signal,
    setrlimit,
};

use super::bench::PATIENCE;
use super::{DEADLINE, Server, eventually};

/// Lets this process, and the servers it starts, have as many descriptors as the system allows;
/// says how many that is.
pub(crate) fn descriptors() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused the old limit holds.
    let _ = setrlimit(Resource::Nofile, limit);
    let now = getrlimit(Resource::Nofile).current;
    now.map_or(100_000, |now| usize::try_from(now).unwrap())
}

/// How it ended by itself; a test must not wait for ever for one that does not.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > DEADLINE {
            let _ = child.kill();
            panic!("process {} does not end", child.id());
        }
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// What it said until it ended; killed when that takes too long, which its status then tells.
pub(crate) fn output_of(child: Child) -> Output {
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
    let (over, waits) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = pidfd_send_signal(&process, Signal::KILL);
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(over);
        output
    })
}

/// Kills a process that says nothing for too long, so that whoever reads its output comes to an end.
pub(crate) struct Watchdog {
    /// Dropped with this: then it has done.
    _over: mpsc::Sender<()>,
}

impl Watchdog {
    pub(crate) fn over(child: &Child) -> Self {
        let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
        let (over, waits) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = pidfd_send_signal(&process, Signal::KILL);
            }
        });
        Self { _over: over }
    }
}

/// Who starts the tests may ignore some signals (a shell does for what runs in the background), and
/// every program started here would inherit that: a test's Ctrl-C would end none. What is handled,
/// however, is as usual in those that are started.
pub(crate) fn signals_as_usual() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        for signal in [Signal::INT, Signal::HUP, Signal::QUIT] {
            if ignored & (1 << (signal.as_raw() - 1)) != 0 {
                // It stays so when this is dropped.
                let kind = tokio::signal::unix::SignalKind::from_raw(signal.as_raw());
                drop(tokio::signal::unix::signal(kind).unwrap());
            }
        }
    });
}

/// A server that stands still (SIGSTOP) until this is dropped.
pub(crate) struct Stopped(u32);

impl Stopped {
    pub(crate) fn new(server: &Server) -> Self {
        let pid = server.pid();
        signal(pid, Signal::STOP);
        // Each thread comes to its rest by itself.
        let rests = |thread: &PathBuf| {
            let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
        };
        eventually("a server that stands still", || {
            (state(pid)? == 'T' && threads(pid).iter().all(rests)).then_some(())
        });
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal(self.0, Signal::CONT);
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// The fields of `/proc/<pid>/stat` behind the name: the state first, then the parent.
pub(crate) fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}

/// `R`, `S`, `T`, `Z` …; `None` when there is no such process.
pub(crate) fn state(pid: u32) -> Option<char> {
    stat(pid)?[0].chars().next()
}

/// Children of a process, the dead that nobody collected included.
pub(crate) fn children(of: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat[1] == of.to_string())).collect()
}

/// Processor time used so far, in seconds.
pub(crate) fn cpu_s(pid: u32) -> f64 {
    let stat = stat(pid).unwrap();
    let ticks: u64 = stat[11].parse::<u64>().unwrap() + stat[12].parse::<u64>().unwrap();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// From now on [`peak_mib`] tells the highest memory since now.
pub(crate) fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

/// The highest memory that was ever held, in MiB.
pub(crate) fn peak_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// The folders of its threads.
pub(crate) fn threads(pid: u32) -> Vec<PathBuf> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks.map(|entry| entry.path()).collect()
}

/// How often its thread of this name has waited for something so far.
pub(crate) fn waits(pid: u32, name: &str) -> u64 {
    let is_it = |path: &PathBuf| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    let thread = threads(pid).into_iter().find(is_it).expect("a thread of that name");
    let status = fs::read_to_string(thread.join("status")).unwrap();
    let field = |line: &str| line.strip_prefix("voluntary_ctxt_switches:").map(str::to_owned);
    status.lines().find_map(field).unwrap().trim().parse().unwrap()
}
