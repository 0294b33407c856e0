//! What the scripted agent says, writes and finds.

use super::brief::{Brief, Story};
use crate::domain::workflow::Command;

/// What it finds in code, from bad to worse.
const FINDINGS: [&str; 4] = [
    "src/store/notes.ts:48 the write is not awaited before the list is drawn anew",
    "src/capture/camera.ts:112 a refused permission leaves the spinner turning",
    "src/search/index.ts:77 an empty query walks the whole index",
    "src/sync/clock.ts:31 two changes in one millisecond get the same stamp",
];

/// Its first words.
pub(super) fn opening(brief: &Brief) -> String {
    let subjects: Vec<&str> = brief.stories.iter().map(|story| story.key.as_str()).collect();
    match subjects.len() {
        0 => "I begin with the project.".to_owned(),
        _ => format!("I begin with {}.", subjects.join(" and ")),
    }
}

/// What a task is about.
pub(super) fn intent(brief: &Brief, task: &str) -> String {
    let what = match (task, brief.command) {
        ("setup", _) => "Read what is provided",
        ("explore", _) => "Look through the project",
        ("discover", _) => "Neighbouring stories and what they share",
        ("analyze", Command::CodeReview) => "Read the change as a stranger would",
        ("analyze", _) => "Acceptance criteria against the epic",
        ("generate", _) => "Put it into words",
        ("write", Command::CodeReview) => "Note the findings in the story file",
        ("write", _) => "Write the file",
        ("implement", _) => "Work through the tasks",
        ("fix", _) => "Mend what was found",
        ("tests", _) => "Run all tests",
        ("lint", _) => "Types and style",
        ("stage", _) => "Choose what belongs to the story",
        ("commit", _) => "One commit for the cycle",
        _ => "Check it against the job",
    };
    what.to_owned()
}

/// How many times as long as the others a task takes.
pub(super) fn weight(brief: &Brief, task: &str) -> u32 {
    match (task, brief.command) {
        ("implement", _) => 6,
        ("explore" | "generate", _) | ("tests", Command::DevStory) => 3,
        _ => 1,
    }
}

/// What came of a task.
pub(super) fn outcome(brief: &Brief, subject: &str, task: &str) -> String {
    let dice = brief.dice(&format!("{subject}/{task}"));
    let (few, many) = (2 + dice % 5, 40 + dice % 160);
    match (task, brief.command) {
        ("setup", _) => format!("Context is clear (files:{})", few + 6),
        ("explore" | "discover", _) => format!("{} places matter (files:{})", few + 3, few + 9),
        ("analyze", Command::CodeReview) => format!("Change read (files:{few}, lines:{many})"),
        ("analyze", _) => format!("{few} acceptance criteria, {} tasks", few + 3),
        ("write", _) => format!("Written (files:1, lines:{many})"),
        ("implement", _) => format!("All tasks done (files:{few}, lines:{many})"),
        ("fix", _) => format!("Nothing left open (issues:{})", dice % 4),
        ("tests", _) => format!("All pass (tests:{})", 90 + dice % 70),
        ("lint", _) => "No remarks".to_owned(),
        ("stage", _) => format!("Only files of the story (files:{few})"),
        ("commit", _) => "Played, not made: this is a demonstration".to_owned(),
        _ => "As it should be".to_owned(),
    }
}

/// The file that a command is there for: its name and its text.
pub(super) fn file(brief: &Brief, subject: &str) -> Option<(String, String)> {
    let Some(story) = brief.story(subject) else {
        let name = "_bmad-output/planning-artifacts/project-context.md".to_owned();
        let text = "# Project context\n\nAn offline-first notebook. TypeScript, no server.\n";
        return (brief.command == Command::GenerateProjectContext).then(|| (name, text.to_owned()));
    };
    let title = title(story);
    let (name, text) = match brief.command {
        Command::CreateStory => (
            story.file.clone()?,
            format!(
                "# Story {}: {title}\n\n## Story\n\nAs somebody who works outdoors, I want {}, so \
                 that nothing is lost where there is no network.\n\n## Acceptance Criteria\n\n1. It \
                 works without a connection.\n2. It takes less than a second on an old phone.\n\n\
                 ## Tasks / Subtasks\n\n- [ ] Store (AC 1)\n- [ ] Screen (AC 1, 2)\n- [ ] Tests\n",
                story.id,
                title.to_lowercase()
            ),
        ),
        Command::CreateStoryDiscovery => (
            story.discovery.clone()?,
            format!(
                "# Discovery: {}\n\n## In short\n\n{title} touches the store and one screen.\n\n\
                 ## Files to change\n\n- `src/store/notes.ts`\n- `src/screens/list.ts`\n",
                story.key
            ),
        ),
        Command::CreateTechSpec => (
            story.tech_spec.clone()?,
            format!(
                "# Tech spec: {title}\n\n## Decision\n\nWrite to disk first, everything else in a \
                 worker.\n\n## Interfaces\n\n`save(note): Promise<Stamp>`\n"
            ),
        ),
        _ => return None,
    };
    Some((name, text))
}

/// Its last words, with the verdict that is asked for.
pub(super) fn ending(brief: &Brief) -> String {
    match brief.command {
        Command::CreateStory => {
            let decide = |story: &Story| {
                let skip = brief.dice(&story.key).is_multiple_of(3);
                format!("[TECH-SPEC-DECISION: {}]\n", if skip { "SKIP" } else { "REQUIRED" })
            };
            let decisions: String = brief.stories.iter().map(decide).collect();
            format!("The story files are written.\n\n{decisions}")
        }
        Command::StoryReview | Command::TechSpecReview => document_review(brief),
        Command::CodeReview => code_review(brief),
        Command::Commit => "The cycle's stories would be committed now.".to_owned(),
        _ => "Done, and nothing is left open.".to_owned(),
    }
}

/// Sometimes critical at first: that is reviewed again in the background.
fn document_review(brief: &Brief) -> String {
    let first = brief.attempt.unwrap_or(1) == 1;
    let story = brief.command == Command::StoryReview;
    let (flag, severity) = match brief.dice("found") % 3 {
        0 if first && story => ("YES", "HIGHEST SEVERITY: CRITICAL"),
        1 => ("NO", "HIGHEST SEVERITY: LOW"),
        _ => ("NO", "ZERO ISSUES"),
    };
    format!("Read and mended where needed.\n\n[CRITICAL-ISSUES-FOUND: {flag}]\n{severity}\n")
}

/// A first review often finds something, a second hardly ever.
fn code_review(brief: &Brief) -> String {
    let dice = brief.dice("remarks");
    let severity = match (brief.attempt.unwrap_or(1), dice % 4) {
        (1, 0 | 1) => "HIGH",
        (1, 2) | (2, 0) => "MEDIUM",
        _ => return "I found nothing to remark on.\n\nZERO ISSUES\n".to_owned(),
    };
    let finding = FINDINGS[(dice / 4 % FINDINGS.len() as u64) as usize];
    format!("- [{severity}] {finding}\n\nMended, with a test.\n\nHIGHEST SEVERITY: {severity}\n")
}

/// `Photo attachments` of `2-2-photo-attachments`.
fn title(story: &Story) -> String {
    let words = story.key.strip_prefix(&story.id).unwrap_or(&story.key);
    let words = words.trim_start_matches('-').replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::{TechSpecDecision, Verdict};
    use crate::parse::verdict::{is_critical, tech_spec_decisions, verdict};

    fn brief(command: &str, keys: &str, attempt: u32) -> Brief {
        let prompt =
            format!("{command}\nStory keys: {keys}\nEpic ID: 2\nReview attempt: {attempt}\n");
        Brief::read(&prompt).unwrap()
    }

    #[test]
    fn its_verdicts_are_read_as_they_are_meant() {
        let (mut zero, mut issues, mut critical, mut skipped) = (0, 0, 0, 0);
        for story in 1..40 {
            let key = format!("2-{story}-story");
            match verdict(&ending(&brief("sprint-code-review", &key, 1))) {
                Some(Verdict::ZeroIssues) => zero += 1,
                Some(Verdict::Issues { .. }) => issues += 1,
                None => panic!("no verdict"),
            }
            let last = verdict(&ending(&brief("sprint-code-review", &key, 3)));
            assert_eq!(last, Some(Verdict::ZeroIssues));
            critical += u32::from(is_critical(&ending(&brief("sprint-story-review", &key, 1))));
            assert!(!is_critical(&ending(&brief("sprint-story-review", &key, 2))));
            let keys = format!("{key},2-99-other");
            let decided = tech_spec_decisions(&ending(&brief("sprint-create-story", &keys, 1)));
            assert_eq!(decided.len(), 2);
            skipped += u32::from(decided[0] == TechSpecDecision::Skip);
        }
        assert!(zero > 0 && issues > 0 && critical > 0 && skipped > 0);
    }

    #[test]
    fn a_title_from_a_key() {
        let story =
            Story { key: "2-2-photo-attachments".into(), id: "2-2".into(), ..<_>::default() };
        assert_eq!(title(&story), "Photo attachments");
    }
}
