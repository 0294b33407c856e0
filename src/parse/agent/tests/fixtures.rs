//! What is read from each file of `fixtures/agent-output`.

use crate::domain::workflow::{Severity, Verdict};
use crate::parse::verdict::verdict;

use super::*;

/// What to read from a file: rows, started well, resets at (seconds), and the failure's words.
struct Expected {
    file: &'static str,
    rows: usize,
    started_well: bool,
    limit: Limited,
    failure: Option<&'static str>,
}

/// Whether there was a usage limit, and until when.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limited {
    No,
    SomeTime,
    Until(i64),
}

use Limited::{No, SomeTime, Until};

#[rustfmt::skip]
const TABLE: &[Expected] = &[
    Expected { file: "claude-good", rows: 5, started_well: true, limit: No, failure: None },
    Expected { file: "claude-error", rows: 0, started_well: false, limit: No, failure: Some("the agent ended with an error: Reached maximum number of turns (40)") },
    Expected { file: "claude-denied", rows: 0, started_well: true, limit: No, failure: Some("permissions denied: Bash(npm test), Write(/etc/hosts)") },
    Expected { file: "claude-limit", rows: 0, started_well: false, limit: Until(1_769_228_000), failure: Some("the agent ended with an error: Claude AI usage limit reached|1769228000") },
    Expected { file: "claude-limit-event", rows: 0, started_well: true, limit: Until(1_769_228_000), failure: Some("the agent ended with an error: You've hit your limit · resets 3am (Europe/Berlin)") },
    Expected { file: "claude-limit-story", rows: 0, started_well: true, limit: No, failure: None },
    Expected { file: "claude-not-logged-in", rows: 0, started_well: false, limit: No, failure: Some("not logged in: Invalid API key · Please run /login") },
    Expected { file: "codex-good", rows: 3, started_well: true, limit: No, failure: None },
    Expected { file: "codex-error", rows: 0, started_well: false, limit: No, failure: Some("the agent ended with an error: {\"detail\":\"The 'nothing' model is not supported.\"}") },
    Expected { file: "codex-limit", rows: 0, started_well: false, limit: Until(1_769_210_500 + 5 * 86_400 + 22 * 3_600 + 11 * 60), failure: Some("the agent ended with an error: You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 5 days 22 hours 11 minutes.") },
    Expected { file: "codex-limit-clock", rows: 0, started_well: false, limit: SomeTime, failure: Some("the agent ended with an error: You've hit your usage limit. Upgrade to Plus to continue using Codex, or try again at Jul 5th, 2026 8:19 PM.") },
    Expected { file: "codex-not-logged-in", rows: 0, started_well: false, limit: No, failure: Some("not logged in: unexpected status 401 Unauthorized: Missing bearer or basic authentication in header, url: https://api.openai.com/v1/responses") },
    Expected { file: "gemini-good", rows: 2, started_well: true, limit: No, failure: None },
    Expected { file: "gemini-error", rows: 0, started_well: false, limit: No, failure: Some("the agent ended with an error: Reached max session turns for this session.") },
    Expected { file: "gemini-limit", rows: 0, started_well: false, limit: Until(1_769_210_500 + 8 * 3_600 + 44 * 60 + 7), failure: Some("the agent ended with an error: You have exhausted your capacity on this model. Your quota will reset after 8h44m7s.") },
    Expected { file: "gemini-not-logged-in", rows: 0, started_well: false, limit: No, failure: Some("not logged in: Please set an Auth method in your /home/ada/.gemini/settings.json or specify one of the following environment variables before running: GEMINI_API_KEY") },
];

fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/agent-output");
    std::fs::read_to_string(format!("{folder}/{name}.ndjson")).unwrap()
}

#[test]
fn every_file_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/agent-output");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = names
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut listed: Vec<&str> = TABLE.iter().map(|expected| expected.file).collect();
    files.sort_unstable();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn every_provider_by_its_files() {
    for expected in TABLE {
        let name = expected.file;
        let (stream, heard) = heard(&file(name));
        assert_eq!(rows(&heard).len(), expected.rows, "{name}");
        assert_eq!(stream.started_well(), expected.started_well, "{name}");
        let limit = match stream.limit().map(|limit| limit.resets_at_ms) {
            None => No,
            Some(None) => SomeTime,
            Some(Some(at)) => Until(at / 1000),
        };
        assert_eq!(limit, expected.limit, "{name}");
        assert_eq!(stream.failure().as_deref(), expected.failure, "{name}");
        let speaks = name != "gemini-not-logged-in";
        assert_eq!(stream.result().is_some(), speaks, "{name}");
        assert_eq!(heard.last().unwrap().done, speaks, "{name}");
        let other = heard.iter().filter(|heard| heard.mark == LineMark::Other).count();
        assert_eq!(other, 0, "{name}");
    }
}

#[test]
fn the_good_runs_tell_verdict_usage_and_model() {
    let (claude, lines) = heard(&file("claude-good"));
    let tasks: Vec<_> =
        rows(&lines).iter().map(|row| format!("{} {}", row.task, row.status)).collect();
    assert_eq!(tasks, ["analyze start", "analyze end", "tests start", "tests end", "workflow end"]);
    // The sub-agent's ZERO ISSUES is not the agent's.
    assert_eq!(claude.text().matches("ZERO").count(), 0);
    let Some(Verdict::Issues { severity: Severity::High, findings }) = verdict(claude.text())
    else {
        panic!("{:?}", verdict(claude.text()));
    };
    assert_eq!(findings, "high src a ts leaks a handle");
    let usage = claude.usage();
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(32_012), Some(950)));
    assert_eq!(usage.cost_usd, Some(0.4231));
    assert_eq!(claude.model(), Some("claude-sonnet-4-5"));
    let said: Vec<_> = lines.iter().filter_map(|heard| heard.said.as_deref()).collect();
    assert_eq!(said[0], "started with claude-sonnet-4-5");
    assert!(said.contains(&"Bash: sprint-runner log '{…}'"), "{said:?}");
    assert_eq!(said.last(), Some(&"done"));

    let (codex, _) = heard(&file("codex-good"));
    assert_eq!(verdict(codex.text()), Some(Verdict::ZeroIssues));
    assert_eq!(codex.usage().input_tokens, Some(24_763));
    assert_eq!(codex.usage().cost_usd, None);

    let (gemini, _) = heard(&file("gemini-good"));
    assert_eq!(gemini.text(), "I look at it.\n- a race\n\nHIGHEST SEVERITY: MEDIUM");
    assert_eq!(gemini.usage().output_tokens, Some(321));
    assert_eq!(gemini.model(), Some("gemini-2.5-pro"));
}
