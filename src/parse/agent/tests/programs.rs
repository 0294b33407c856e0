//! The make-believe agents of `fixtures/agents` speak what is read here.

use std::io::Write;
use std::process::{Command as Program, Stdio};

use crate::domain::workflow::{Command, TechSpecDecision, Verdict};
use crate::parse::verdict::{is_critical, tech_spec_decisions, verdict};

use super::*;

/// Runs one of them to its end and hears all of it.
fn run(name: &str, prompt: &str, env: &[(&str, &str)]) -> (AgentStream, Vec<Heard>, Option<i32>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/agents");
    let mut child = Program::new(format!("{folder}/{name}"))
        .args(["-p", "--output-format", "stream-json"])
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that ends at once does not read its prompt.
    let _ = child.stdin.take().unwrap().write_all(prompt.as_bytes());
    let output = child.wait_with_output().unwrap();
    let mut stream = AgentStream::new(Format::StreamJson);
    stream.stderr(&output.stderr);
    let heard = hear(&mut stream, &output.stdout);
    (stream, heard, output.status.code())
}

fn prompt(command: Command) -> String {
    let header = match command {
        Command::GenerateProjectContext => "",
        Command::DevStory => "Story key: 3b-4-first-one\nEpic ID: 3b\n",
        Command::CodeReview => "Story key: 3b-4-first-one\nEpic ID: 3b\nReview attempt: 2\n",
        Command::StoryReview | Command::TechSpecReview => {
            "Story keys: 3b-4-first-one,3b-5-\"other\"\nEpic ID: 3b\nReview attempt: 1\n"
        }
        _ => "Story keys: 3b-4-first-one,3b-5-\"other\"\n",
    };
    format!("{}\n{header}\nStory keys: are named above\n", command.name())
}

#[test]
fn the_good_one_does_all_nine_commands() {
    for command in Command::ALL {
        let name = command.name();
        let (stream, heard, code) = run("good", &prompt(command), &[]);
        assert_eq!((code, stream.failure(), stream.limit()), (Some(0), None, None), "{name}");
        assert!(stream.started_well(), "{name}");
        assert!(heard.iter().all(|heard| heard.mark == LineMark::Ok), "{name}");
        assert!(heard.last().unwrap().done, "{name}");
        assert_eq!(stream.usage().input_tokens, Some(4_321), "{name}");
        assert_eq!(stream.usage().output_tokens, Some(210), "{name}");
        let rows = rows(&heard);
        let stories = match command {
            Command::GenerateProjectContext => vec!["context"],
            Command::DevStory | Command::CodeReview => vec!["3b-4"],
            _ => vec!["3b-4", "3b-5"],
        };
        assert_eq!(rows.len(), 3 * stories.len(), "{name}");
        for (row, story) in rows.iter().zip(stories.iter().flat_map(|story| [story; 3])) {
            assert_eq!(row.story, **story, "{name}");
            let attempt = if command == Command::CodeReview { "-2" } else { "-1" };
            let suffix = if command.is_review() { attempt } else { "" };
            assert_eq!(row.command, format!("{}{suffix}", command.row_name()), "{name}");
        }
        let expected = (command == Command::CodeReview).then_some(Verdict::ZeroIssues);
        match command {
            Command::StoryReview | Command::TechSpecReview => {
                assert!(verdict(stream.text()).is_some(), "{name}");
            }
            _ => assert_eq!(verdict(stream.text()), expected, "{name}"),
        }
        assert!(!is_critical(stream.text()), "{name}");
        let decisions = if command == Command::CreateStory { 2 } else { 0 };
        assert_eq!(
            tech_spec_decisions(stream.text()),
            vec![TechSpecDecision::Required; decisions],
            "{name}"
        );
    }
}

#[test]
fn the_bad_ones_tell_why() {
    let review = prompt(Command::CodeReview);
    for (name, code, started_well, failure) in [
        ("exit-1", Some(1), false, Some("exit-1: nothing works today")),
        ("crash", None, false, None),
        ("garbage", Some(0), true, None),
        ("flaky", Some(1), false, Some("flaky: the connection was lost (call 1)")),
        (
            "not-logged-in",
            Some(1),
            false,
            Some("not logged in: Invalid API key · Please run /login"),
        ),
        (
            "unknown-flag",
            Some(1),
            false,
            Some("the agent does not know an option: error: unknown option '-p'"),
        ),
        ("denied", Some(0), false, Some("permissions denied: Bash(npm test), Write(src/app.ts)")),
        ("stderr-flood", Some(0), true, None),
    ] {
        let (stream, _, seen) = run(name, &review, &[]);
        assert_eq!((seen, stream.started_well()), (code, started_well), "{name}");
        if let Some(failure) = failure {
            assert_eq!(stream.failure().as_deref(), Some(failure), "{name}");
        }
        let well = name == "stderr-flood" || name == "denied";
        assert_eq!(stream.result().is_some_and(|result| !result.is_error), well, "{name}");
    }
}

#[test]
fn the_noisy_one_loses_no_row() {
    let (_, heard, _) = run("noisy", &prompt(Command::DevStory), &[]);
    let tasks: Vec<_> = rows(&heard).iter().map(|row| row.task.clone()).collect();
    let expected: Vec<_> = (1..=1000).map(|n| format!("task-{n}")).collect();
    assert_eq!(tasks, expected);
}

#[test]
fn the_critical_one_finds_the_same_again_and_again() {
    let verdicts: Vec<_> = (1..=3)
        .map(|attempt| {
            let prompt =
                format!("sprint-code-review\nStory key: 1-2-x\nReview attempt: {attempt}\n");
            verdict(run("critical", &prompt, &[]).0.text()).unwrap()
        })
        .collect();
    assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{verdicts:?}");
    let Verdict::Issues { findings, .. } = &verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!(
        findings,
        "critical src store ts the write is not flushed\nhigh src store ts the error is swallowed"
    );
}

#[test]
fn the_limited_one_is_good_afterwards_and_the_flaky_one_at_the_third_call() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("calls");
    let env = [("AGENT_STATE", state.to_str().unwrap()), ("AGENT_RESET_SECONDS", "9")];
    let limited = || run("usage-limit", &prompt(Command::DevStory), &env).0;
    // The clock of the test stands long before the program's, so only that there is a limit counts.
    assert!(limited().limit().is_some());
    assert!(limited().limit().is_none());
    let state = folder.path().join("others");
    let env = [("AGENT_STATE", state.to_str().unwrap())];
    let flaky = || run("flaky", &prompt(Command::DevStory), &env).2;
    assert_eq!([flaky(), flaky(), flaky()], [Some(1), Some(1), Some(0)]);
}
