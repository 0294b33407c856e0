//! Story and epic keys: short ids, epics, and joining a log row's id to the status file's key.
/// temporary
pub fn command_base(c: &str) -> (String, Option<u32>) { (String::new(), c.rsplit_once('-').and_then(|(_, n)| n.parse().ok())) }
