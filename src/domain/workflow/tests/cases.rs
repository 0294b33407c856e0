//! Tables of cases: one rule of the workflow each.

use std::collections::HashMap;

use super::world::*;
use crate::domain::payload::Payload;
use crate::domain::workflow::*;

const PAIR: [(&str, &str); 2] = [("1-1-a", "backlog"), ("1-2-b", "backlog")];

#[test]
fn each_status_goes_through_its_own_phases() {
    let table: &[(&str, &[&str])] = &[
        (
            "backlog",
            &[
                "create-story 1-1-a",
                "create-story-discovery 1-1-a",
                "story-review-1 1-1-a",
                "create-tech-spec 1-1-a",
                "tech-spec-review-1 1-1-a",
                "dev-story 1-1-a",
                "code-review-1 1-1-a",
                "commit 1-1-a",
            ],
        ),
        (
            "drafted",
            &[
                "create-tech-spec 1-1-a",
                "tech-spec-review-1 1-1-a",
                "dev-story 1-1-a",
                "code-review-1 1-1-a",
                "commit 1-1-a",
            ],
        ),
        ("wip", &["dev-story 1-1-a", "code-review-1 1-1-a", "commit 1-1-a"]),
        ("review", &["code-review-1 1-1-a", "commit 1-1-a"]),
        ("done", &[]),
        ("blocked", &[]),
        ("on hold", &[]),
    ];
    for (status, commands) in table {
        let mut world = World::new(&[("1-1-a", status)]).acting(|job| {
            let report =
                Report { tech_specs: vec![TechSpecDecision::Required], ..Report::default() };
            match job.command {
                Command::CreateStory => (true, Outcome::Done(report)),
                _ => (true, good(job)),
            }
        });
        world.run(rules());
        assert_eq!(world.commands(), *commands, "{status}");
        assert_eq!(world.end(), ("completed".into(), "all_done".into()), "{status}");
    }
}

#[test]
fn a_tech_spec_is_written_only_for_those_who_need_one() {
    let mut world = World::new(&PAIR).acting(|job| {
        let tech_specs = vec![TechSpecDecision::Skip, TechSpecDecision::Required];
        match job.command {
            Command::CreateStory => {
                (true, Outcome::Done(Report { tech_specs, ..Report::default() }))
            }
            _ => (true, good(job)),
        }
    });
    world.run(rules());
    assert!(world.commands().contains(&"create-tech-spec 1-2-b".to_owned()));
    assert_eq!(world.tech_specs, ["1-1-a"]);
    // No decision counts as required, and is told.
    let mut world = World::new(&PAIR).acting(|job| match job.command {
        Command::CreateStory => (true, Outcome::Done(Report::default())),
        _ => (true, good(job)),
    });
    world.run(rules());
    assert!(world.commands().contains(&"create-tech-spec 1-1-a,1-2-b".to_owned()));
    assert_eq!(world.warnings(), ["tech_spec_decision", "tech_spec_decision"]);
    // One that exists, or was decided against, is not written again.
    let mut world = World::new(&[("1-1-a", "ready-for-dev"), ("1-2-b", "ready-for-dev")]);
    world.tech_specs = vec!["1-2-b".to_owned()];
    world.run(rules());
    assert!(world.commands().contains(&"create-tech-spec 1-1-a".to_owned()));
}

#[test]
fn create_and_discovery_run_side_by_side() {
    let mut world = World::new(&PAIR);
    world.run(rules());
    let at = |text: &str| world.log.iter().position(|line| line.contains(text)).unwrap();
    assert!(at("run 2 create-story-discovery") < at("> run 1 done"));
    assert!(at("run 3 story-review-1") > at("> run 2 done"));
}

#[test]
fn a_critical_review_starts_a_chain_that_holds_nothing_up() {
    for (critical_until, attempts) in [(1, vec![2]), (2, vec![2, 3]), (9, vec![2, 3])] {
        let mut world = World::new(&[("1-1-a", "backlog")]).acting(move |job| match job.command {
            Command::StoryReview => {
                let critical = job.attempt.is_some_and(|attempt| attempt <= critical_until);
                (true, Outcome::Done(Report { critical, ..Report::default() }))
            }
            _ => (true, good(job)),
        });
        world.run(rules());
        let chain: Vec<_> = world.runs.iter().filter(|job| job.background).collect();
        let tried: Vec<_> = chain.iter().filter_map(|job| job.attempt).collect();
        assert_eq!(tried, attempts, "critical until {critical_until}");
        assert!(chain.iter().all(|job| job.small_model));
        let done = world.events.iter().filter(|it| matches!(it, Payload::BackgroundComplete(_)));
        assert_eq!(done.count(), 1);
        assert_eq!(world.sprint["1-1-a"], "done");
    }
}

#[test]
fn the_small_model_reviews_from_the_setting_on() {
    let mut world = World::new(&[("1-1-a", "review")]).acting(|job| match job.attempt {
        Some(attempt) if attempt < 4 => (true, issues(Severity::Critical, &attempt.to_string())),
        _ => (true, good(job)),
    });
    world.run(Rules { small_from_review: 3, ..rules() });
    assert_eq!(
        world.commands(),
        [
            "code-review-1 1-1-a",
            "code-review-2 1-1-a",
            "code-review-3 1-1-a (small)",
            "code-review-4 1-1-a (small)",
            "commit 1-1-a"
        ]
    );
}

#[test]
fn code_review_verdicts() {
    use Severity::{Critical, High, Low, Medium};
    type Review = (Severity, &'static str);
    let table: &[(&[Review], u32, &str, usize)] = &[
        // Findings, then none: done.
        (&[(High, "a")], 10, "done", 2),
        // From the third on, what is not critical passes.
        (&[(High, "a"), (Medium, "b"), (Low, "c")], 10, "done", 3),
        (&[(Critical, "a"), (Critical, "b"), (High, "b")], 10, "done", 3),
        // Three times the same and critical: stuck. Not critical: it passes.
        (&[(Critical, "a"), (Critical, "a"), (Critical, "a")], 10, "blocked", 3),
        (&[(High, "a"), (High, "a"), (High, "a")], 10, "done", 3),
        // The same severity is not the same findings.
        (&[(Critical, "a"), (Critical, "b"), (Critical, "c"), (Critical, "d")], 10, "done", 5),
        (&[(Critical, "x"), (Critical, "a"), (Critical, "a"), (Critical, "a")], 10, "blocked", 4),
        // The setting's last attempt.
        (&[(Critical, "a"), (Critical, "b"), (Critical, "c"), (Critical, "d")], 4, "blocked", 4),
        (&[(High, "a")], 1, "blocked", 1),
    ];
    for (reviews, most, status, runs) in table {
        let reviews = reviews.to_vec();
        let mut world = World::new(&[("1-1-a", "review")]).acting(move |job| {
            let attempt = job.attempt.unwrap_or_default() as usize;
            match (job.command, reviews.get(attempt.wrapping_sub(1))) {
                (Command::CodeReview, Some((severity, text))) => (true, issues(*severity, text)),
                _ => (true, good(job)),
            }
        });
        world.run(Rules { max_code_reviews: *most, ..rules() });
        let count = world.runs.iter().filter(|job| job.command == Command::CodeReview).count();
        assert_eq!((world.sprint["1-1-a"].as_str(), count), (*status, *runs));
    }
}

#[test]
fn a_review_without_verdict_is_a_failure_and_not_a_result() {
    let mut tries = 0;
    let mut world = World::new(&[("1-1-a", "review")]).acting(move |job| {
        tries += 1;
        match job.command {
            Command::CodeReview if tries < 3 => (true, Outcome::Done(Report::default())),
            _ => (true, good(job)),
        }
    });
    world.run(rules());
    let attempts: Vec<_> = world.runs.iter().filter_map(|job| job.attempt).collect();
    assert_eq!(attempts, [1, 1, 1]);
    assert_eq!(world.sprint["1-1-a"], "done");
}

#[test]
fn three_failures_in_a_row_block_the_stories_of_any_command() {
    for command in Command::ALL {
        let mut world = World::new(&PAIR).acting(move |job| match job.command {
            it if it == command => (true, failed("exit code 1")),
            Command::CreateStory => (true, Outcome::Done(Report::default())),
            _ => (true, good(job)),
        });
        world.context = ContextAge::Missing;
        world.run(rules());
        let tries = world.runs.iter().filter(|job| job.command == command).count();
        let statuses: Vec<&str> = world.sprint.values().map(String::as_str).collect();
        match command {
            // These fail with a warning, and the batch goes on.
            Command::GenerateProjectContext | Command::Commit => {
                assert_eq!((tries, statuses), (3, vec!["done", "done"]), "{command:?}");
            }
            // Story by story: each has its own three.
            Command::DevStory | Command::CodeReview => {
                assert_eq!((tries, statuses), (6, vec!["blocked", "blocked"]), "{command:?}");
            }
            _ => assert_eq!((tries, statuses), (3, vec!["blocked", "blocked"]), "{command:?}"),
        }
        assert_eq!(world.end().0, "completed", "{command:?}");
    }
}

#[test]
fn the_pauses_between_tries_double() {
    let mut world = World::new(&[("1-1-a", "wip")]).acting(|_| (true, failed("no")));
    world.run(rules());
    let waits: Vec<&String> = world.log.iter().filter(|line| line.contains("Wait")).collect();
    assert_eq!(waits.len(), 2);
    let until = |line: &str| -> i64 {
        let (_, rest) = line.split_once("until_ms: ").unwrap();
        rest.trim_end_matches(" }").parse().unwrap()
    };
    let started = 1_000_000;
    assert!((until(waits[0]) - started) / 1000 == 5, "{waits:?}");
    assert!((until(waits[1]) - until(waits[0])) / 1000 == 10, "{waits:?}");
}

#[test]
fn when_no_agent_ever_starts_well_no_story_is_touched() {
    let lines = [("1-1-a", "backlog"), ("1-2-b", "backlog"), ("2-1-c", "wip")];
    for status in ["backlog", "ready-for-dev", "wip", "review"] {
        for cause in [
            Cause::Failed("exit code 1: error: unknown option '--verbose'".to_owned()),
            Cause::CannotStart("there is no program claude".to_owned()),
            Cause::Refused("the context is too large".to_owned()),
        ] {
            let mut lines = lines;
            lines[0].1 = status;
            lines[1].1 = status;
            let outcome = Outcome::Failed(cause.clone());
            let mut world = World::new(&lines).acting(move |_| (false, outcome.clone()));
            let before = world.sprint.clone();
            world.run(rules());
            let (end, reason) = world.end();
            assert_eq!(end, "error");
            assert!(reason.contains(cause.message()), "{reason}");
            assert_eq!(world.sprint, before, "{status} {cause:?}");
            assert!(world.events.iter().any(|it| matches!(it, Payload::Error(_))));
        }
    }
}

#[test]
fn one_that_starts_well_proves_that_agents_work() {
    // Create never starts well, discovery does: the stories are at fault, not the program.
    let mut world = World::new(&PAIR).acting(|job| match job.command {
        Command::CreateStory => (false, failed("boom")),
        _ => (true, good(job)),
    });
    world.run(rules());
    assert_eq!(world.sprint["1-1-a"], "blocked");
    assert_eq!(world.end().0, "completed");
}

#[test]
fn a_program_that_vanishes_ends_the_batch() {
    let mut world = World::new(&PAIR).acting(|job| match job.command {
        Command::DevStory => (false, Outcome::Failed(Cause::CannotStart("gone".to_owned()))),
        _ => (true, good(job)),
    });
    world.run(rules());
    assert_eq!(world.end(), ("error".into(), "agent: gone".into()));
    assert_eq!(world.sprint["1-1-a"], "backlog");
}

#[test]
fn a_usage_limit_parks_and_blocks_nobody() {
    let mut limits = HashMap::from([(Command::CreateStory, 2), (Command::CodeReview, 1)]);
    let mut world = World::new(&PAIR).acting(move |job| {
        match limits.get_mut(&job.command).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                let resets_at_ms = (*left == 0).then_some(90_000_000);
                let message = "limit reached".to_owned();
                (false, Outcome::UsageLimit { resets_at_ms, message })
            }
            None => (true, good(job)),
        }
    });
    world.run(rules());
    assert_eq!(world.end(), ("completed".into(), "all_done".into()));
    assert_eq!(world.sprint["1-1-a"], "done");
    assert!(world.now_ms > 90_000_000);
    let states: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Payload::BatchWarning(body) => body.state.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(states, ["waiting", "running"].repeat(3));
}

#[test]
fn cycles_end_at_the_limit() {
    let lines =
        [("1-1-a", "backlog"), ("1-2-b", "backlog"), ("2-1-c", "backlog"), ("3-1-d", "wip")];
    let mut world = World::new(&lines);
    world.run(Rules { max_cycles: Some(2), ..rules() });
    assert_eq!(world.end(), ("completed".into(), "max_cycles".into()));
    let statuses: Vec<_> = world.sprint.values().map(String::as_str).collect();
    assert_eq!(statuses, ["done", "done", "done", "wip"]);
    assert_eq!(world.archived, ["1-1-a", "1-2-b", "2-1-c"]);
}

#[test]
fn stop_one_leaves_its_stories_out_for_the_rest() {
    let mut world = World::new(&PAIR).acting(|job| match job.command {
        Command::DevStory if job.story_keys[0] == "1-1-a" => (true, Outcome::Stopped),
        _ => (true, good(job)),
    });
    world.run(rules());
    assert_eq!(world.sprint["1-1-a"], "in-progress");
    assert_eq!(world.sprint["1-2-b"], "done");
    assert_eq!(world.end(), ("completed".into(), "all_done".into()));
}

#[test]
fn a_graceful_stop_lets_the_running_command_end_and_starts_nothing() {
    for at in 0..60 {
        let mut world = World::new(&PAIR);
        world.interfere =
            Box::new(move |step| (step == at).then_some(Input::Stop(StopMode::Graceful)));
        world.run(rules());
        let Some(asked) = world.log.iter().position(|line| line.contains("> Stop")) else { break };
        let later = &world.log[asked..];
        assert!(!later.iter().any(|line| line.starts_with("  run ")), "{}", world.log.join("\n"));
        if world.end().0 != "completed" {
            assert_eq!(world.end(), ("stopped".into(), "stop".into()), "stopped at {at}");
        }
    }
}

#[test]
fn a_stop_now_does_nothing_but_end() {
    for at in 0..60 {
        let mut world = World::new(&PAIR);
        world.interfere = Box::new(move |step| (step == at).then_some(Input::Stop(StopMode::Now)));
        world.run(rules());
        if !world.log.iter().any(|line| line.contains("> Stop")) {
            break;
        }
        assert_eq!(world.end().0, "stopped", "stopped at {at}");
    }
}

#[test]
fn a_stop_while_parked_or_resting_ends_at_once() {
    let limit = Outcome::UsageLimit { resets_at_ms: Some(99_000_000), message: "limit".to_owned() };
    for outcome in [limit, failed("no")] {
        for mode in [StopMode::Graceful, StopMode::Now] {
            let outcome = outcome.clone();
            let mut world =
                World::new(&[("1-1-a", "wip")]).acting(move |_| (false, outcome.clone()));
            let mut once = false;
            world.interfere = Box::new(move |step| {
                // The steps so far: begin, context, copy, sprint, started, ended.
                let now = step == 6 && !once;
                once |= now;
                now.then_some(Input::Stop(mode))
            });
            world.run(rules());
            assert_eq!(world.end().0, "stopped", "{}", world.log.join("\n"));
            assert!(world.now_ms < 2_000_000);
        }
    }
}

#[test]
fn a_status_file_that_cannot_be_written_ends_the_batch() {
    let mut world = World::new(&PAIR);
    world.write_fails = Some(WriteFailure::Failed("the disk is full".to_owned()));
    world.run(rules());
    assert_eq!(world.end(), ("error".into(), "status_file: the disk is full".into()));
    // A story that went from the file takes only itself along.
    let mut world = World::new(&PAIR);
    world.write_fails = Some(WriteFailure::Gone);
    world.run(rules());
    assert_eq!(world.end(), ("completed".into(), "all_done".into()));
}

#[test]
fn the_context_is_made_refreshed_or_fresh() {
    let kinds = |world: &World| -> Vec<String> {
        let context = |event: &&Payload| event.kind().starts_with("context:");
        world.events.iter().filter(context).map(|event| event.kind().to_owned()).collect()
    };
    let table: &[(ContextAge, &[&str])] = &[
        (ContextAge::Missing, &["context:create", "context:create", "context:copied"]),
        (ContextAge::Stale, &["context:refresh", "context:copied", "context:complete"]),
        (ContextAge::Fresh, &["context:fresh", "context:copied"]),
    ];
    for (age, expected) in table {
        let mut world = World::new(&PAIR);
        world.context = *age;
        world.run(rules());
        assert_eq!(kinds(&world), *expected);
        assert_eq!(world.end().0, "completed");
    }
}

#[test]
fn the_users_own_orchestrator_is_one_run() {
    let mut world = World::new(&PAIR);
    world.run(Rules { whole: true, ..rules() });
    assert_eq!(world.end(), ("completed".into(), "command_ended".into()));
    for mode in [StopMode::Graceful, StopMode::Now] {
        let mut world = World::new(&PAIR);
        world.interfere = Box::new(move |step| (step == 1).then_some(Input::Stop(mode)));
        world.run(Rules { whole: true, ..rules() });
        assert_eq!(world.end().0, "stopped");
    }
}
