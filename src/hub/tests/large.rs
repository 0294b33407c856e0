//! Commits of many events: shown as a whole, and not encoded for nobody.

use std::time::Duration;

use super::{end, hub, start};
use crate::hub::Publication;

#[tokio::test]
async fn a_large_commit_that_nobody_heard_is_read_from_the_database_then_live() {
    let dir = tempfile::tempdir().unwrap();
    let first = hub(dir.path());
    let few = || vec![start(1, "1-1", "dev-story"), end(2, "1-1", "dev-story", "end")];
    // The batch's start and these two lie in the ring.
    first.publish(Publication::events(few())).await.unwrap();
    let many = (0..1000).map(|n| start(n, &format!("1-{}", n % 400), "dev-story")).collect();
    first.publish(Publication::events(many)).await.unwrap();
    assert_eq!(first.state().last_event_id, first.head());

    let mut cursor = first.subscribe(2);
    let writer = first.clone();
    let publishing = tokio::spawn(async move {
        // Now somebody listens.
        let many = (0..1000).map(|n| end(n, &format!("1-{}", n % 400), "dev-story", "end"));
        writer.publish(Publication::events(many.collect())).await.unwrap();
        writer.publish(Publication::events(few())).await.unwrap();
    });
    let mut seen = Vec::new();
    while seen.last() != Some(&2005) {
        let next = tokio::time::timeout(Duration::from_secs(120), cursor.next(100_000));
        seen.extend(next.await.unwrap().unwrap().iter().map(|entry| entry.id));
    }
    publishing.await.unwrap();
    assert_eq!(seen, (3..=2005).collect::<Vec<_>>());

    let expected = first.state();
    assert_eq!(expected.last_event_id, 2005);
    let stopped = first.clone();
    tokio::task::spawn_blocking(move || stopped.shutdown()).await.unwrap();
    let conn = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
    conn.execute("DELETE FROM fold", []).unwrap();
    drop(conn);
    assert_eq!(hub(dir.path()).state(), expected);
}
