//! What `/proc` tells of a process, and figures out of many numbers.

use std::fs;

use anyhow::{Context as _, Result};

/// A number of kB from `/proc/<pid>/status`, in MiB.
fn status_mib(pid: u32, name: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib: f64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .with_context(|| format!("/proc/{pid}/status has no {name}"))?
        .parse()?;
    Ok(kib / 1024.0)
}

/// The memory that a process holds now, in MiB.
pub(crate) fn rss_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmRSS")
}

/// The most it ever held, in MiB.
pub(crate) fn peak_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmHWM")
}

/// From now on [`peak_mib`] tells the most since now.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// How many threads a process has.
pub(crate) fn threads(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
}

/// Processor time that a process has used, in seconds; to a hundredth.
pub(crate) fn cpu_s(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name before the last bracket may hold anything; user and system time are the 12th and
    // 13th field behind it.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Processor time that this very thread has used, in seconds.
pub(crate) fn own_thread_cpu_s() -> Result<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")
        .context("/proc/thread-self/schedstat cannot be read")?;
    let ns: f64 = text.split_ascii_whitespace().next().unwrap_or_default().parse()?;
    Ok(ns / 1e9)
}

/// The processes that a process has started.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The one in the middle; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The value that this part (0.99) of all does not exceed. Sorts them; 0 of none.
pub(crate) fn percentile(values: &mut [u32], part: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let at = ((values.len() - 1) as f64 * part).round() as usize;
    f64::from(*values.select_nth_unstable(at).1)
}
