//! The tables. Those of the older server keep its columns and gain ours.

use rusqlite::Connection;

/// The schema this version writes, kept in `user_version`.
pub const VERSION: i64 = 6;

/// The search index. It keeps no texts: its rows' ids are those of the events.
macro_rules! search_table {
    () => {
        "CREATE VIRTUAL TABLE search USING fts5 (
    body, content = '', tokenize = \"unicode61 remove_diacritics 2\"
);
"
    };
}

/// What the events that were purged added up to: the log goes on from here.
macro_rules! base_table {
    () => {
        "CREATE TABLE base (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_event_id INTEGER NOT NULL,
    state_json TEXT NOT NULL
);
"
    };
}

/// What runs is found among a million commands without a look at them.
macro_rules! running_index {
    () => {
        "CREATE INDEX commands_running ON commands (story_id) WHERE status = 'running';
"
    };
}

/// Which rows of older databases were taken over, and as what. A row is told by its table, its number
/// and a hash of what never changes of it; `seen` is a hash of what does. Its key follows the numbers:
/// whoever takes a long log over goes along it. The index lists batches by time: those of an older
/// database have later ids than some that they preceded.
macro_rules! imported_table {
    () => {
        "CREATE TABLE imported (
    kind INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    content INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (kind, source_id, content)
) WITHOUT ROWID;
CREATE INDEX batches_by_start ON batches (started_at);
"
    };
}

/// What leads from each schema to the next; the first from 1 to 2.
pub(super) const STEPS: &[&str] = &[
    "ALTER TABLE background_tasks ADD COLUMN task_id TEXT;",
    // The index is begun anew, because texts are taken apart in another way; it follows the log
    // from its beginning. Who told of a command stands with its first event.
    concat!(
        "ALTER TABLE commands ADD COLUMN source TEXT;
         UPDATE commands SET source = told.source
         FROM (SELECT command_id, min(id), source FROM events
               WHERE command_id IS NOT NULL GROUP BY command_id) AS told
         WHERE told.command_id = commands.id;
         DELETE FROM meta WHERE key = 'search_cursor';
         DROP TABLE search;",
        search_table!()
    ),
    concat!(
        base_table!(),
        "ALTER TABLE batches ADD COLUMN purged_events INTEGER NOT NULL DEFAULT 0;"
    ),
    running_index!(),
    imported_table!(),
];
const _: () = assert!(STEPS.len() as i64 == VERSION - 1);

/// Makes an empty database into schema [`VERSION`].
///
/// Times are milliseconds since the epoch. `events.story_id` and `command_id` are row numbers of
/// `stories` and `commands`; `story_short` is the short id beside `story_key`.
///
/// An `IN` of more than two words makes SQLite build a table of them at each change of a row: that
/// of `commands`, which almost half of all events change, is written out.
const CREATE: &str = concat!(
    "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE kept (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE fold (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    last_event_id INTEGER NOT NULL,
    state_json TEXT NOT NULL
);

CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    max_cycles INTEGER,
    cycles_completed INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'completed', 'stopped', 'error', 'lost')),
    origin TEXT NOT NULL DEFAULT 'managed' CHECK (origin IN ('managed', 'observed')),
    batch_mode TEXT,
    size INTEGER,
    reason TEXT,
    purged_events INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE stories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id INTEGER NOT NULL REFERENCES batches (id),
    story_key TEXT NOT NULL,
    epic_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'in-progress'
        CHECK (status IN ('pending', 'in-progress', 'review', 'done', 'failed', 'blocked',
                          'skipped', 'backlog', 'ready-for-dev', 'optional')),
    status_raw TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE UNIQUE INDEX stories_by_key ON stories (batch_id, story_key);

CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    story_id INTEGER NOT NULL REFERENCES stories (id),
    command TEXT NOT NULL,
    task_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    status TEXT NOT NULL DEFAULT 'running'
        CHECK (status = 'running' OR status = 'completed' OR status = 'failed'
            OR status = 'lost'),
    output_summary TEXT,
    source TEXT
);
CREATE INDEX commands_by_story ON commands (story_id);
",
    running_index!(),
    "

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id INTEGER REFERENCES batches (id),
    story_id INTEGER REFERENCES stories (id),
    command_id INTEGER REFERENCES commands (id),
    timestamp INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    epic_id TEXT NOT NULL,
    story_key TEXT NOT NULL,
    command TEXT NOT NULL,
    task_id TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    payload_json TEXT NOT NULL,
    source TEXT NOT NULL,
    story_short TEXT
);
CREATE INDEX events_by_batch ON events (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX events_by_story ON events (story_key, id) WHERE story_key <> '';

CREATE TABLE background_tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id INTEGER NOT NULL REFERENCES batches (id),
    story_key TEXT NOT NULL,
    task_type TEXT NOT NULL,
    spawned_at INTEGER NOT NULL,
    completed_at INTEGER,
    status TEXT NOT NULL DEFAULT 'running',
    task_id TEXT
);

",
    base_table!(),
    imported_table!(),
    search_table!()
);

/// Makes the tables, within a transaction of the caller's, for a log of this name.
pub(super) fn create(conn: &Connection, epoch: &str) -> rusqlite::Result<()> {
    conn.execute_batch(CREATE)?;
    conn.execute("INSERT INTO meta (key, value) VALUES ('epoch', ?1)", [epoch])?;
    Ok(())
}
