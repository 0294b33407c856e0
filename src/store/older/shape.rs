//! Which database a file is, and which of the older server's columns it has.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::store::{StoreError, schema};

/// The older server's tables with all columns that any of its versions had, the row's number first.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("batches", &["id", "started_at", "ended_at", "max_cycles", "cycles_completed", "status"]),
    ("stories", &["id", "batch_id", "story_key", "epic_id", "status", "started_at", "ended_at"]),
    (
        "commands",
        &[
            "id",
            "story_id",
            "command",
            "task_id",
            "started_at",
            "ended_at",
            "status",
            "output_summary",
        ],
    ),
    (
        "background_tasks",
        &["id", "batch_id", "story_key", "task_type", "spawned_at", "completed_at", "status"],
    ),
    (
        "events",
        &[
            "id",
            "batch_id",
            "story_id",
            "command_id",
            "timestamp",
            "event_type",
            "epic_id",
            "story_key",
            "command",
            "task_id",
            "status",
            "message",
            "payload_json",
        ],
    ),
];

/// What a database must have to be one of the older server's: other programs have batches and
/// events as well.
const SIGNS: &[(&str, &[&str])] = &[
    ("batches", &["started_at", "cycles_completed", "status"]),
    ("events", &["timestamp", "story_key", "command", "task_id"]),
];

/// What a database is.
#[derive(Debug)]
pub(in crate::store) enum Kind {
    /// Nothing is in it yet.
    Empty,
    /// Ours, of this schema.
    Ours(i64),
    /// Ours, of a schema that this version does not know.
    Newer(i64),
    /// The older server's.
    Older(Shape),
    /// Somebody else's.
    Foreign,
}

/// Tells what a database is; changes nothing.
pub(in crate::store) fn kind_of(conn: &Connection) -> Result<Kind, StoreError> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let shape = Shape::of(conn)?;
    if shape.has("meta") && version > 0 {
        let ours = version <= schema::VERSION;
        return Ok(if ours { Kind::Ours(version) } else { Kind::Newer(version) });
    }
    // The older server may have numbered its schemas in the same place.
    if SIGNS.iter().all(|(table, columns)| columns.iter().all(|one| shape.has_column(table, one))) {
        return Ok(Kind::Older(shape));
    }
    if version > schema::VERSION {
        return Ok(Kind::Newer(version));
    }
    let all: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if all == 0 && version == 0 { Kind::Empty } else { Kind::Foreign })
}

/// The tables of a database with their columns, all in lower case.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Shape {
    tables: HashMap<String, Vec<String>>,
    /// What the older tables' names begin with, once they were renamed.
    prefix: &'static str,
}

impl Shape {
    fn of(conn: &Connection) -> Result<Self, StoreError> {
        let mut read = conn.prepare(
            "SELECT lower(t.name), lower(c.name) FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table'",
        )?;
        let mut rows = read.query([])?;
        let mut shape = Self::default();
        while let Some(row) = rows.next()? {
            let table: String = row.get(0)?;
            shape.tables.entry(table).or_default().push(row.get(1)?);
        }
        Ok(shape)
    }

    /// The same tables under names that begin with `prefix`.
    pub(super) fn renamed(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }

    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.iter().any(|one| one == column))
    }

    /// The older tables that are there.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'static str> {
        TABLES.iter().map(|(table, _)| *table).filter(|table| self.has(table))
    }

    /// The table's name as SQL.
    pub(super) fn name(&self, table: &str) -> String {
        format!("\"{}{table}\"", self.prefix)
    }

    /// The row's number as SQL.
    pub(super) fn id(&self, table: &str) -> &'static str {
        if self.has_column(table, "id") { "id" } else { "rowid" }
    }

    /// All rows of a table in order of their numbers, with every column of [`TABLES`]: what this
    /// database lacks is null.
    pub(super) fn select(&self, table: &str) -> String {
        let known = TABLES.iter().find(|(name, _)| *name == table).map_or(&[][..], |known| known.1);
        let columns: Vec<&str> = known
            .iter()
            .map(|column| match *column {
                "id" => self.id(table),
                column if self.has_column(table, column) => column,
                _ => "NULL",
            })
            .collect();
        if !self.has(table) {
            return format!("SELECT {} WHERE 0", vec!["NULL"; known.len()].join(", "));
        }
        format!(
            "SELECT {} FROM {} ORDER BY {}",
            columns.join(", "),
            self.name(table),
            self.id(table)
        )
    }
}
