//! Story and epic keys: short ids, epics, and joining a log row's id to the status file's key.
