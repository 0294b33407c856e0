//! Long logs: read for the first time, told to a client from the beginning, there at the start.

use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::{Connection, params};

use super::{Bench, STORIES};
use crate::http::address;
use crate::load::{Clients, Kind};
use crate::machine::peak_mib;
use crate::ours::Ours;
use crate::table::{Aim, Figure, Peer};

/// What it is judged by, and what a quick run has instead.
fn rows(bench: &Bench) -> u64 {
    bench.sized(1_000_000, 100_000)
}

/// The row `read`.
pub(super) fn first_read(bench: &mut Bench) -> Result<()> {
    let rows = rows(bench);
    let (mut per_s, mut theirs, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let project = bench.project("read", STORIES)?;
        project.write_log(rows)?;
        let start = Instant::now();
        let ours = bench.ours(&project)?;
        ours.until_head(rows)?;
        per_s.push(rows as f64 / start.elapsed().as_secs_f64());
        peaks.push(peak_mib(ours.pid())?);
        drop(ours);
        std::fs::remove_dir_all(&project.root)?;
        theirs.push(sqlite_alone(bench, rows / 5)?);
    }
    let what = format!("first read of {rows} rows");
    let figure = Figure::new("read", &what, "rows/s", per_s);
    let figure = figure.beside(Some(Peer::new("SQLite alone, 100 a commit, synced", theirs)));
    bench.tell(
        figure
            .aim(Aim::AtLeast(120_000.0))
            .note("from the program's start to the last event stored"),
    );
    let figure = Figure::new("read", "peak memory meanwhile", "MiB", peaks);
    bench.tell(figure.aim(Aim::AtMost(100.0)));
    Ok(())
}

/// The same events put into a table without an index by the same SQLite: rows a second.
fn sqlite_alone(bench: &Bench, rows: u64) -> Result<f64> {
    let path = bench.scratch.join("alone.db");
    let mut database = Connection::open(&path)?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER, kind TEXT,
                              story TEXT, payload TEXT)",
    )?;
    let payload = "p".repeat(crate::feed::EVENT_BYTES);
    let start = Instant::now();
    for batch in 0..(rows / 100).cast_signed() {
        let transaction = database.transaction()?;
        for n in 0..100_i64 {
            transaction
                .prepare_cached(
                    "INSERT INTO events (timestamp, kind, story, payload) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![batch * 100 + n, "command:progress", "1-2", payload])?;
        }
        transaction.commit()?;
    }
    let per_s = rows as f64 / start.elapsed().as_secs_f64();
    drop(database);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(bench.scratch.join(format!("alone.db{end}")));
    }
    Ok(per_s)
}

/// The row `replay`.
pub(super) fn replay(bench: &mut Bench) -> Result<()> {
    let rows = rows(bench);
    let project = bench.stored(rows)?;
    let ours = bench.ours(&project)?;
    let (mut seconds, mut first_ms, mut share) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..bench.rounds {
        let start = Instant::now();
        let mut client =
            Clients::connect(address(ours.port), Kind::Sse, "/sse?last_event_id=0", 1)?;
        let opened = start.elapsed();
        let tally = client.receive(rows, 0)?;
        seconds.push((opened + tally.took).as_secs_f64());
        first_ms.push((opened + tally.first_byte).as_secs_f64() * 1000.0);
        share = tally.client_share();
    }
    let what = format!("replay of {rows} events over SSE");
    let figure = Figure::new("replay", &what, "s", seconds).aim(Aim::AtMost(3.0));
    bench.tell(figure.note(format!("client {share:.2} of a core")));
    let figure = Figure::new("replay", "from the request to its first byte", "ms", first_ms);
    bench.tell(figure.aim(Aim::AtMost(50.0)));
    Ok(())
}

/// The row `start`.
pub(super) fn start(bench: &mut Bench) -> Result<()> {
    let rows = rows(bench);
    let full = bench.stored(rows)?;
    let (mut with_all, mut with_none) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds.max(3) {
        let project = bench.project("empty", STORIES)?;
        with_none.push(millis(Ours::start(&bench.scratch, &project)?.first_answer));
        with_all.push(millis(bench.ours(&full)?.first_answer));
    }
    let what = format!("start to first answer, {rows} events stored");
    let figure = Figure::new("start", &what, "ms", with_all).aim(Aim::AtMost(100.0));
    bench.tell(figure.beside(Some(Peer::new("ours, empty", with_none))));
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
