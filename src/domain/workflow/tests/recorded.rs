//! Whole batches, input by input and effect by effect, as they stand in `snapshots/`.

use super::world::*;
use crate::domain::workflow::*;

#[test]
fn a_good_night() {
    let lines = [("1-1-a", "backlog"), ("1-2-b", "backlog"), ("2-1-c", "review")];
    let mut world = World::new(&lines);
    world.context = ContextAge::Stale;
    world.run(rules());
    insta::assert_snapshot!(world.log.join("\n"));
}

#[test]
fn a_hard_night() {
    let lines = [("1-1-a", "ready-for-dev"), ("1-2-b", "ready-for-dev"), ("2-1-c", "odd")];
    let mut tries = 0;
    let mut world = World::new(&lines).acting(move |job| {
        tries += 1;
        match (tries, job.command) {
            (1, _) => {
                let message = "limit reached, resets 3am".to_owned();
                (false, Outcome::UsageLimit { resets_at_ms: Some(5_000_000), message })
            }
            (3, _) => (true, Outcome::Done(Report { critical: true, ..Report::default() })),
            (5..8, Command::DevStory) => (true, failed("no output for 20 minutes")),
            (_, Command::CodeReview) => (true, issues(Severity::Critical, "it leaks")),
            _ => (true, good(job)),
        }
    });
    world.run(Rules { max_cycles: Some(3), ..rules() });
    insta::assert_snapshot!(world.log.join("\n"));
}
