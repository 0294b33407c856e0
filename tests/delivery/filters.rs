//! What a stream's filters pass, and its headers.

use super::{number, rows};
use crate::support::project::STATUS;
use crate::support::{Project, Server};

#[test]
fn filters_pass_what_they_name_and_connection_messages() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut starts = server.sse("?types=command:start&story=1-2");
    let mut others = server.ws("?type=story:*");
    assert_eq!(starts.next().unwrap().json["type"], "init");
    assert_eq!(others.next().unwrap()["type"], "init");
    project.append(&rows(4));
    project.replace(
        "sprint-status.yaml",
        STATUS.replace("1-2-database: in-progress", "1-2-database: done").as_bytes(),
    );
    for expected in [0, 2] {
        assert_eq!(number(&starts.next().unwrap().json), Some(expected));
    }
    let changed = others.next().unwrap();
    assert_eq!(
        (&changed["type"], &changed["payload"]["new_status"]),
        (&"story:status".into(), &"done".into())
    );
    let refused = server.get("/sse?batch_id=x");
    assert_eq!(refused.status, 400);
    let headers = &server.sse("").headers;
    let header = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    assert!(header("content-type").unwrap().starts_with("text/event-stream"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("content-encoding"), None);
}
