//! Subjects and names on NATS.

use crate::config::nats::parse_name;

/// The first token of every event's subject.
const EVENTS: &str = "sprint";

/// A type's name is no longer than this.
const LONGEST_TYPE: usize = 64;

/// The token of types that cannot stand in a subject: an older server's history may have any.
const OTHER: &str = "other";

/// The subject of one event.
pub fn event(team: &str, project: &str, kind: &str) -> String {
    format!("{EVENTS}.{team}.{project}.{}", token(kind))
}

/// What stands for a type in subjects.
pub fn token(kind: &str) -> &str {
    if is_type(kind) { kind } else { OTHER }
}

/// All events of a team.
pub fn events_of(team: &str) -> String {
    format!("{EVENTS}.{team}.*.*")
}

/// All events of one project.
pub fn events_of_project(team: &str, project: &str) -> String {
    format!("{EVENTS}.{team}.{project}.*")
}

/// Where a project is asked to send events again.
pub fn again(team: &str, project: &str) -> String {
    format!("sprint-again.{team}.{project}")
}

/// Where a project is asked to do something.
pub fn control(team: &str, project: &str, verb: &str) -> String {
    format!("sprint-control.{team}.{project}.{verb}")
}

/// The bucket in which the servers of a team say that they are alive.
pub fn presence_bucket(team: &str) -> String {
    format!("sprint-presence-{team}")
}

/// The bucket of what the hubs of a team agree on.
pub fn team_bucket(team: &str) -> String {
    format!("sprint-team-{team}")
}

/// Project and the type's token in an event's subject; none where it is not one of this team's.
pub fn parts<'a>(team: &str, subject: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = subject.strip_prefix(EVENTS)?.strip_prefix('.')?;
    let rest = rest.strip_prefix(team)?.strip_prefix('.')?;
    let (project, kind) = rest.split_once('.')?;
    (parse_name(project).is_ok() && is_type(kind)).then_some((project, kind))
}

/// Whether a type's name can stand in a subject.
fn is_type(kind: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    !kind.is_empty() && kind.len() <= LONGEST_TYPE && kind.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_back() {
        let subject = event("red", "lantern", "command:start");
        assert_eq!(subject, "sprint.red.lantern.command:start");
        assert_eq!(parts("red", &subject), Some(("lantern", "command:start")));
        for foreign in [
            "sprint.redder.lantern.x",
            "sprint.blue.lantern.x",
            "sprint.red.lantern",
            "sprint.red.lantern.a.b",
            "sprint.red.Lantern.x",
            "sprint.red..x",
            "sprint.red.lantern.",
            "sprintred.lantern.x",
            "",
        ] {
            assert_eq!(parts("red", foreign), None, "{foreign}");
        }
    }
}
