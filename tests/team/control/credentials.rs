//! Who may control whom is for the credentials of NATS to say: the ones that OPERATIONS.md shows.

use super::hub::Hub;
use super::{SETTINGS, START, audit, configured, serve};
use crate::support::bench::doing;
use crate::support::nats::Nats;

/// The lines of OPERATIONS.md between its two marks.
pub(super) fn shown() -> String {
    let text = include_str!("../../../OPERATIONS.md");
    let (_, rest) = text.split_once("```nats-accounts\n").expect("the accounts in OPERATIONS.md");
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_hub_that_only_looks_cannot_order_and_another_team_reaches_nothing() {
    let nats = Nats::start_with(&shown());
    let bench = configured(&nats.url_as("red-server", "change-me-1"), "control = true");
    let hub = Hub::at(&nats.url_as("red-control", "change-me-3"), true);
    let server = serve(&bench, &hub);
    let viewer = Hub::at(&nats.url_as("red-viewer", "change-me-2"), true);
    let other = Hub::at(&nats.url_as("blue-control", "change-me-5"), true);
    for stranger in [&viewer, &other] {
        let answer = stranger.post(START, "{\"batch_size\":1}");
        assert!([503, 504].contains(&answer.status), "{} {}", answer.status, answer.text());
        assert!(answer.text().contains("nothing was done"), "{}", answer.text());
        assert!([503, 504].contains(&stranger.get(SETTINGS).status));
    }
    assert_eq!((doing(&server).as_str(), audit(&server).len()), ("idle", 0));
    let log = nats.log();
    assert!(log.contains("Publish Violation") && log.contains("red-viewer"), "{log}");
    assert_eq!(hub.put(SETTINGS, "{\"default_max_cycles\":6}").status, 200);
}
