//! The table of processes: every row that can be ours, read from `/proc`.

use std::collections::HashMap;

use super::Identity;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) identity: Identity,
    pub(super) parent: u32,
    pub(super) group: u32,
    /// Ended, but not collected yet.
    pub(super) dead: bool,
    /// Its own time and that of its collected children, in ticks.
    pub(super) ticks: u64,
    pub(super) rss_pages: u64,
}

/// Reads the line of `/proc/<pid>/stat`. The name in brackets may hold anything, brackets and
/// blanks too, so the fields are counted from the last bracket.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) fn parse_stat(stat: &[u8]) -> Option<Row> {
    let name_end = memchr::memrchr(b')', stat)?;
    let pid = std::str::from_utf8(stat.get(..memchr::memchr(b' ', stat)?)?).ok()?.parse().ok()?;
    let rest = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    // Field 3 of the manual is the first here.
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(22).collect();
    let field = |number: usize| fields.get(number - 3).copied();
    // Children's times are signed, and so is the memory of an odd kernel.
    let number = |at: usize| field(at)?.parse::<i64>().ok().map(|it| it.max(0) as u64);
    let ticks = (14..=17).map(number).try_fold(0_u64, |sum, it| Some(sum.saturating_add(it?)))?;
    // A leader of threads can have ended while its threads live on: that process is not dead.
    let dead = matches!(field(3)?, "Z" | "X" | "x") && number(20)? <= 1;
    Some(Row {
        identity: Identity { pid, start: field(22)?.parse().ok()? },
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().unwrap_or(0),
        dead,
        ticks,
        rss_pages: number(24)?,
    })
}

/// All rows that can be ours.
pub(super) type Table = HashMap<u32, Row>;

#[cfg(target_os = "linux")]
mod system {
    use std::fs::{self, File};
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;

    use super::{Row, Table, parse_stat};

    /// What is read of an environment; the kernel allows 6 MiB with the arguments.
    const MAX_ENVIRONMENT: u64 = 8 * 1024 * 1024;

    /// Reads the table. Takes some milliseconds: not for a thread that serves others.
    pub(in super::super) fn read() -> Table {
        let own = rustix::process::geteuid().as_raw();
        let mut table = Table::new();
        let Ok(entries) = fs::read_dir("/proc") else { return table };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // A process of ours that guards its memory (ssh-agent) looks like root's.
            match entry.metadata() {
                Ok(metadata) if metadata.uid() == own || metadata.uid() == 0 => {}
                _ => continue,
            }
            if let Some(row) = row(pid) {
                table.insert(pid, row);
            }
        }
        table
    }

    /// One process, as it is just now.
    pub(in super::super) fn row(pid: u32) -> Option<Row> {
        let mut stat = Vec::with_capacity(512);
        let file = File::open(format!("/proc/{pid}/stat")).ok()?;
        file.take(8192).read_to_end(&mut stat).ok()?;
        parse_stat(&stat)
    }

    /// The environment a process was started with; nothing where it may not be read.
    pub(in super::super) fn environment(pid: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(format!("/proc/{pid}/environ")) {
            // Half an environment is as good as what it holds.
            let _ = file.take(MAX_ENVIRONMENT).read_to_end(&mut bytes);
        }
        bytes
    }
}

/// Without `/proc` nothing is seen: groups are still ended by their number, escapees are not found.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Row, Table};

    pub(in super::super) fn read() -> Table {
        Table::new()
    }

    pub(in super::super) fn row(_pid: u32) -> Option<Row> {
        None
    }

    pub(in super::super) fn environment(_pid: u32) -> Vec<u8> {
        Vec::new()
    }
}

pub(super) use system::{environment, read, row};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stat(name: &str, state: &str, threads: u32) -> Vec<u8> {
        let head = format!("42 ({name}) {state} 7 40 40 0 -1 4194560 1 2 3 4 ");
        format!("{head}10 20 -1 40 20 0 {threads} 0 98765 1000000 321 18446744073709551615 1\n")
            .into_bytes()
    }

    #[test]
    fn a_row_is_read_whatever_its_name() {
        let expected = Row {
            identity: Identity { pid: 42, start: 98765 },
            parent: 7,
            group: 40,
            dead: false,
            ticks: 70,
            rss_pages: 321,
        };
        for name in ["sh", "", "a b", ") Z 1 1 (", "(((", "\u{1F600}", "x) R 1 2 3"] {
            assert_eq!(parse_stat(&stat(name, "S", 1)).as_ref(), Some(&expected), "{name}");
        }
        assert!(parse_stat(&stat("sh", "Z", 1)).unwrap().dead);
        assert!(!parse_stat(&stat("sh", "Z", 3)).unwrap().dead, "its other threads live");
        assert_eq!(parse_stat(b""), None);
        assert_eq!(parse_stat(b"42 (sh) S 1 2"), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_stat(&bytes);
        }

        #[test]
        fn nothing_after_the_name_makes_it_panic(rest in "[-0-9ZS) ]{0,120}") {
            let _ = parse_stat(format!("1 (a) {rest}").as_bytes());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_stands_in_the_table() {
        let own = std::process::id();
        let row = read().remove(&own).unwrap();
        assert_eq!(row.identity, super::row(own).unwrap().identity);
        assert!(!row.dead && row.rss_pages > 0);
        assert!(!environment(own).is_empty());
    }
}
