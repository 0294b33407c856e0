//! Makes a database of the older server into one of ours, where it lies: a whole copy is put aside
//! first, and all else happens in one transaction.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::shape::{Kind, Shape, kind_of};
use super::source::check_whole;
use super::take::{Ids, take_over};
use super::tally::Adopted;
use crate::domain::state::State;
use crate::store::{StoreError, fold, migrate, schema};

/// What the older tables' names begin with while their rows are taken over.
const PREFIX: &str = "older server's ";

/// Names that our tables need: whatever else is in the file and has one of them makes room.
const OURS: &[&str] = &["meta", "kept", "fold", "base", "imported", "search"];

/// Brings the database to our schema. The connection must be the file's only one.
pub(in crate::store) fn adopt(conn: &Connection, path: &Path) -> Result<Adopted, StoreError> {
    migrate::take_for_oneself(conn)
        .map_err(|error| migrate::in_use(error, StoreError::OlderInUse))?;
    let Kind::Older(shape) = kind_of(conn)? else { return Err(StoreError::Foreign) };
    check_whole(conn)?;
    tracing::info!("a database of the older server is made into one of this version");
    let at = Timestamp::now();
    let stamp = format!("{}-{:03}Z", at.strftime("%Y%m%dT%H%M%S"), at.subsec_millisecond());
    let aside = migrate::beside(path, &format!(".older-{stamp}.bak"));
    migrate::put_aside(conn, &aside, &migrate::beside(path, ".older.bak.part"), false)?;
    // The older tables go in the end, and with them what refers to them.
    conn.pragma_update(None, "foreign_keys", "OFF")?;
    conn.pragma_update(None, "legacy_alter_table", "ON")?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    // Whoever fails here drops the connection, and all is as it was.
    let given = given_so_far(conn, &shape)?;
    make_room(conn, &shape)?;
    schema::create(conn, &migrate::draw_epoch()?)?;
    let renamed = shape.clone().renamed(PREFIX);
    let tally = take_over(conn, &renamed, conn, Ids::Own, &mut |_| {})?;
    for (table, highest) in given {
        conn.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
            (table, highest),
        )?;
    }
    let head: i64 =
        conn.query_row("SELECT coalesce(max(id), 0) FROM events", [], |row| row.get(0))?;
    if head > 0 {
        // History adds up to nothing.
        fold::save(conn, &State { last_event_id: head.cast_unsigned(), ..State::default() })?;
    }
    for table in shape.tables() {
        conn.execute_batch(&format!("DROP TABLE {}", renamed.name(table)))?;
    }
    conn.pragma_update(None, "user_version", schema::VERSION)?;
    conn.execute_batch("COMMIT")?;
    tracing::info!(copy = %aside.display(), "the older database is now one of this version");
    // Room that purged events leave can only be given back by a file that was made for it. Without,
    // the room is used again.
    let _ = conn.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
    Ok(Adopted { aside, tally })
}

/// The highest number ever given in each older table that kept count: none is given twice.
fn given_so_far(conn: &Connection, shape: &Shape) -> Result<Vec<(&'static str, i64)>, StoreError> {
    let mut given = Vec::new();
    if shape.has("sqlite_sequence") {
        let mut read = conn
            .prepare("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE lower(name) = ?1")?;
        for table in shape.tables() {
            let highest: i64 = read.query_row([table], |row| row.get(0))?;
            if highest <= super::take::HIGHEST {
                given.push((table, highest));
            }
        }
    }
    Ok(given)
}

/// Renames the older tables and takes away what belongs to them by name; views stay.
fn make_room(conn: &Connection, shape: &Shape) -> Result<(), StoreError> {
    let mut read = conn.prepare(
        "SELECT type, name FROM sqlite_schema
         WHERE type = 'trigger' OR (type = 'index' AND sql IS NOT NULL)",
    )?;
    let belongings: Vec<(String, String)> =
        read.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    drop(read);
    for (kind, name) in belongings {
        conn.execute_batch(&format!("DROP {kind} \"{}\"", name.replace('"', "\"\"")))?;
    }
    for table in shape.tables() {
        conn.execute_batch(&format!(
            "ALTER TABLE \"{table}\" RENAME TO {}",
            shape.clone().renamed(PREFIX).name(table)
        ))?;
    }
    for table in OURS.iter().filter(|table| shape.has(table)) {
        conn.execute_batch(&format!("ALTER TABLE \"{table}\" RENAME TO \"older_{table}\""))?;
    }
    Ok(())
}
