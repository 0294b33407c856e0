//! Laws that hold whatever agents, files and people do. The simulated world itself asserts the
//! hardest: it ends, with one `batch:end`, and nothing runs or is asked for after it.

use proptest::prelude::*;

use super::world::*;
use crate::domain::workflow::*;

const WORDS: [&str; 9] = [
    "backlog",
    "ready-for-dev",
    "drafted",
    "in-progress",
    "review",
    "done",
    "blocked",
    "odd",
    "wip",
];

fn sprint() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let story = (1..4_u8, 1..12_u8, prop::sample::select(&WORDS[..]));
    prop::collection::vec(story, 0..12).prop_map(|stories| {
        stories.into_iter().map(|(epic, n, word)| (format!("{epic}-{n}-s"), word)).collect()
    })
}

fn outcome(byte: u8, job: &Job) -> (bool, Outcome) {
    let well = byte & 0x80 != 0;
    let outcome = match byte & 0x0f {
        0 => failed("exit code 1"),
        1 => Outcome::Failed(Cause::Refused("too large".to_owned())),
        2 if byte & 0x70 == 0 => Outcome::Failed(Cause::CannotStart("missing".to_owned())),
        3 => Outcome::UsageLimit { resets_at_ms: None, message: "limit".to_owned() },
        4 => Outcome::Stopped,
        5 => issues(Severity::Critical, "same"),
        6 => issues(Severity::High, "other"),
        7 => Outcome::Done(Report { critical: true, ..Report::default() }),
        8 => Outcome::Done(Report::default()),
        _ => good(job),
    };
    (well, outcome)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_batch_ends_once_and_touches_only_its_stories(
        sprint in sprint(),
        fates in prop::collection::vec(any::<u8>(), 1..80),
        age in 0..3_u8,
        stop in prop::option::of((0..120_usize, any::<bool>())),
        max_cycles in prop::option::of(1..5_u32),
    ) {
        let lines: Vec<(&str, &str)> =
            sprint.iter().map(|(key, word)| (key.as_str(), *word)).collect();
        let mut next = fates.into_iter().cycle();
        let mut world = World::new(&lines)
            .acting(move |job| outcome(next.next().unwrap_or_default(), job));
        world.context = [ContextAge::Missing, ContextAge::Stale, ContextAge::Fresh][age as usize];
        let mut said = false;
        world.interfere = Box::new(move |step| {
            let (at, now) = stop?;
            let due = step >= at && !said;
            said |= due;
            let mode = if now { StopMode::Now } else { StopMode::Graceful };
            due.then_some(Input::Stop(mode))
        });
        let before = world.sprint.clone();
        world.run(Rules { max_cycles, ..rules() });

        for (key, word) in &world.sprint {
            let was = before[key].as_str();
            let open = ["backlog", "ready-for-dev", "drafted", "in-progress", "review", "wip"];
            // Finished, blocked and unknown stories are never touched; others only get our words.
            prop_assert!(word == was || open.contains(&was), "{key}: {was} -> {word}");
            let ours = ["in-progress", "review", "done", "blocked"].contains(&word.as_str());
            prop_assert!(word == was || ours);
        }
        // Ids of runs rise and are never used twice.
        prop_assert!(world.runs.windows(2).all(|pair| pair[0].run < pair[1].run));
        // A story is committed only when done.
        for job in world.runs.iter().filter(|job| job.command == Command::Commit) {
            prop_assert!(job.story_keys.iter().all(|key| world.sprint[key] == "done"));
        }
        let (status, _) = world.end();
        prop_assert!(["completed", "stopped", "error"].contains(&status.as_str()));
    }

    #[test]
    fn agents_that_never_start_well_touch_nothing(sprint in sprint(), code in 0..3_u8) {
        let lines: Vec<(&str, &str)> =
            sprint.iter().map(|(key, word)| (key.as_str(), *word)).collect();
        let mut world = World::new(&lines).acting(move |_| {
            let cause = match code {
                0 => Cause::Failed("exit code 1".to_owned()),
                1 => Cause::CannotStart("missing".to_owned()),
                _ => Cause::Refused("too large".to_owned()),
            };
            (false, Outcome::Failed(cause))
        });
        let before = world.sprint.clone();
        world.run(rules());
        prop_assert_eq!(&world.sprint, &before);
    }
}
