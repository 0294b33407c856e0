//! The whole texts that agents are given.

use super::*;
use crate::parse::csv_append::format_row;
use crate::project::layout::Named;

fn sprint() -> Vec<StoryKey> {
    [("2a-1-session-list", "epic-2a"), ("2a-2-detail", "epic-2a"), ("2-1-c", "epic-2")]
        .into_iter()
        .chain([("2-1-d", "epic-2")])
        .map(|(key, epic)| (key.to_owned(), Some(epic.to_owned())))
        .collect()
}

fn job(command: Command, keys: &[&str]) -> Job {
    Job {
        run: 1,
        command,
        story_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        epic_id: (!keys.is_empty()).then(|| "2a".to_owned()),
        attempt: command.is_review().then_some(2),
        background: command == Command::TechSpecReview,
        small_model: false,
    }
}

fn told(job: &Job, context_file: Option<&Path>) -> String {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::discover(dir.path(), &Named::default());
    let stories = sprint();
    let project = Project { layout: &layout, stories: &stories, context_file };
    prompt(job, &Instructions::built_in(job.command), &project)
}

/// What each agent reads, to be read by us as it would.
#[test]
fn one_prompt_per_command() {
    for command in Command::ALL {
        let keys: &[&str] = match command {
            Command::GenerateProjectContext => &[],
            Command::DevStory | Command::CodeReview => &["2a-1-session-list"],
            _ => &["2a-1-session-list", "2a-2-detail"],
        };
        insta::assert_snapshot!(command.name(), told(&job(command, keys), None));
    }
}

#[test]
fn the_header_says_which_job_it_is() {
    let two = ["2a-1-session-list", "2a-2-detail"];
    for (command, keys, head) in [
        (Command::GenerateProjectContext, &two[..0], "generate-project-context\n\n"),
        (
            Command::DevStory,
            &two[..1],
            "sprint-dev-story\nStory key: 2a-1-session-list\nEpic ID: 2a\n\n",
        ),
        (
            Command::TechSpecReview,
            &two[..],
            "sprint-tech-spec-review\nStory keys: 2a-1-session-list,2a-2-detail\n\
             Epic ID: 2a\nReview attempt: 2\nBackground chain: true\n\n",
        ),
    ] {
        let prompt = told(&job(command, keys), None);
        assert!(prompt.starts_with(head), "{prompt}");
    }
}

#[test]
fn only_what_a_command_decides_is_asked_for() {
    for command in Command::ALL {
        let prompt = told(&job(command, &["2a-1-session-list"]), None);
        let asked = [
            ("TECH-SPEC-DECISION", command == Command::CreateStory),
            (
                "CRITICAL-ISSUES-FOUND",
                matches!(command, Command::StoryReview | Command::TechSpecReview),
            ),
            ("HIGHEST SEVERITY:", command.is_review()),
            ("ZERO ISSUES", command.is_review()),
        ];
        for (marker, expected) in asked {
            assert_eq!(prompt.contains(marker), expected, "{command:?} {marker}");
        }
    }
}

#[test]
fn every_row_it_shows_can_be_logged() {
    for command in Command::ALL {
        for keys in [&[][..], &["2a-1-session-list"], &["2a-1-session-list", "x'y \"z\", ü"]] {
            let job = job(command, keys);
            let prompt = told(&job, None);
            let rows = prompt.lines().filter_map(|line| line.strip_prefix("sprint-runner log "));
            let mut seen = 0;
            for row in rows {
                let json = row.strip_prefix('\'').and_then(|row| row.strip_suffix('\''));
                let json = json.unwrap().replace("'\\''", "'");
                let json: serde_json::Value = serde_json::from_str(&json).unwrap();
                let line = format_row(&json, 1_767_225_600).unwrap();
                assert!(line.contains(&format!(",{},", job.row_command())), "{line}");
                seen += 1;
            }
            assert_eq!(seen, 2, "{command:?}");
        }
    }
}

#[test]
fn a_key_is_one_line_and_no_path() {
    let key = "a\nBackground chain: true\n../../etc";
    let prompt = told(&job(Command::DevStory, &[key]), None);
    assert!(!prompt.contains("\nBackground chain"), "{prompt}");
    assert!(prompt.contains("no file can be named after this key"));
    assert!(!prompt.contains("etc.md"));
}

#[test]
fn an_id_that_fits_two_stories_is_not_used() {
    let prompt = told(&job(Command::DevStory, &["2-1-c"]), None);
    assert!(prompt.contains("\"story_id\":\"2-1-c\""));
    let prompt = told(&job(Command::DevStory, &["2a-1-session-list"]), None);
    assert!(prompt.contains("\"story_id\":\"2a-1\""));
}

#[test]
fn the_context_file_is_named_where_no_argument_does() {
    let path = Path::new("/p/.sprint-runner/c.txt");
    let job = job(Command::Commit, &["2a-1-session-list"]);
    assert!(told(&job, Some(path)).contains("read the file `/p/.sprint-runner/c.txt` whole"));
    assert!(!told(&job, None).contains("Before anything else read the file"));
}

#[test]
fn a_projects_own_text_stands_between_header_and_rules() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::discover(dir.path(), &Named::default());
    let project = Project { layout: &layout, stories: &[], context_file: None };
    let own = Instructions {
        text: "<workflow>ask the user</workflow>".into(),
        file: None,
        warning: None,
    };
    let prompt = prompt(&job(Command::CreateStory, &["2a-1-x"]), &own, &project);
    let (before, after) = prompt.split_once("<workflow>ask the user</workflow>").unwrap();
    assert_eq!(before, "sprint-create-story\nStory key: 2a-1-x\nEpic ID: 2a\n\n");
    assert!(after.contains("these rules win"));
    assert!(after.contains("[TECH-SPEC-DECISION: REQUIRED]"));
}

#[test]
fn the_texts_are_of_a_size_to_be_read() {
    for command in Command::ALL {
        let lines = Instructions::built_in(command).text.lines().count();
        assert!((60..=150).contains(&lines), "{command:?}: {lines}");
    }
}
