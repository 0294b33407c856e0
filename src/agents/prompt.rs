//! The prompt: what an agent reads on its standard input, whole.
//!
//! Header lines that say which job it is, the job, and what holds for every agent of a batch: its
//! files, how it logs, which verdict it prints. The last part wins over the job's text, which may
//! be a project's own.

#[cfg(test)]
mod tests;

use std::path::Path;

use super::instructions::Instructions;
use super::story_files::{StoryKey, names};
use crate::domain::key;
use crate::domain::workflow::{Command, Job};
use crate::project::layout::Layout;

/// Where the job is done.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// Where the files lie.
    pub layout: &'a Layout,
    /// All stories of the sprint with their epics' keys.
    pub stories: &'a [StoryKey],
    /// The context file, when the agent's arguments do not hand it over.
    pub context_file: Option<&'a Path>,
}

/// One story of the job.
struct Story {
    /// Its key on one line.
    key: String,
    /// As rows of the log name it.
    id: String,
    files: Option<super::story_files::Names>,
}

/// The whole prompt.
pub fn prompt(job: &Job, instructions: &Instructions, project: &Project) -> String {
    let stories: Vec<Story> = job.story_keys.iter().map(|key| story(job, key, project)).collect();
    let mut out = header(job, &stories);
    if let Some(path) = project.context_file {
        out.push_str(&format!(
            "\nBefore anything else read the file `{}` whole: it holds the files that this text \
             calls provided. If your reading tool passes over it because git ignores it, print it \
             with `cat`.\n",
            one_line(&path.to_string_lossy())
        ));
    }
    out.push('\n');
    out.push_str(instructions.text.trim());
    out.push_str("\n\n---\n\n# Rules of this run\n\n");
    out.push_str("Where anything above says otherwise, these rules win.\n\n");
    out.push_str(include_str!("instructions/rules.md").trim());
    out.push_str("\n\n");
    out.push_str(&files(job, &stories, project));
    out.push_str(&logging(job, &stories));
    out.push_str(&ending(job, &stories));
    out
}

fn story(job: &Job, story_key: &str, project: &Project) -> Story {
    let of_job = job.epic_id.as_ref().map(|id| format!("epic-{id}"));
    let known = project.stories.iter().find(|(known, _)| known == story_key);
    let epic = known.map_or(of_job.as_deref(), |(_, epic)| epic.as_deref());
    let id = key::short_id(story_key, epic).filter(|id| {
        let same = |(other, epic): &&StoryKey| {
            other != story_key && key::short_id(other, epic.as_deref()).as_ref() == Some(id)
        };
        project.stories.iter().find(same).is_none()
    });
    Story {
        key: one_line(story_key),
        id: one_line(id.as_deref().unwrap_or(story_key)),
        files: names(story_key, epic),
    }
}

/// A key or path that cannot begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn header(job: &Job, stories: &[Story]) -> String {
    let mut out = format!("{}\n", job.command.name());
    let keys: Vec<&str> = stories.iter().map(|story| story.key.as_str()).collect();
    match keys.len() {
        0 => {}
        1 => out.push_str(&format!("Story key: {}\n", keys[0])),
        _ => out.push_str(&format!("Story keys: {}\n", keys.join(","))),
    }
    if let Some(epic) = &job.epic_id {
        out.push_str(&format!("Epic ID: {}\n", one_line(epic)));
    }
    if let Some(attempt) = job.attempt {
        out.push_str(&format!("Review attempt: {attempt}\n"));
    }
    if job.background {
        out.push_str("Background chain: true\n");
    }
    out
}

/// Which files the job is about, by their exact paths.
fn files(job: &Job, stories: &[Story], project: &Project) -> String {
    let layout = project.layout;
    let artifacts = layout.display_name(&layout.artifacts);
    let place = |name: &str| {
        if artifacts.is_empty() { name.to_owned() } else { format!("{artifacts}/{name}") }
    };
    let mut out = "## Files of this job\n\nPaths begin at the project folder, where you were \
                   started.\n\n"
        .to_owned();
    out.push_str("- Project context: `_bmad-output/planning-artifacts/project-context.md`\n");
    for story in stories {
        match &story.files {
            Some(names) => out.push_str(&format!(
                "- Story {}: `{}`\n  - discovery: `{}`\n  - tech spec: `{}`\n",
                story.key,
                place(&names.story),
                place(&names.discovery),
                place(&names.tech_spec)
            )),
            None => out.push_str(&format!(
                "- Story {}: no file can be named after this key. Write none for it and say so.\n",
                story.key
            )),
        }
    }
    if !stories.is_empty() {
        out.push_str(
            "\nWhere a provided file of a story has another path, that file is the one: change it \
             there and make no second one. A new file gets exactly the name above, or the next \
             command will not find it.\n",
        );
    }
    let write = match job.command {
        Command::GenerateProjectContext => "the project context",
        Command::CreateStory | Command::StoryReview => "the story files",
        Command::CreateStoryDiscovery => "the discovery files",
        Command::CreateTechSpec | Command::TechSpecReview => "the tech specs",
        Command::DevStory => "code, tests, what documents them, and the story file",
        Command::CodeReview => "code and tests where you fix something, and the story file",
        Command::Commit => "nothing but the commit",
    };
    out.push_str(&format!("\nThis command writes {write}. Everything else you only read.\n\n"));
    out
}

/// The task ids that are usual for a command, in their order.
pub const fn tasks(command: Command) -> &'static [&'static str] {
    match command {
        Command::GenerateProjectContext => &["setup", "explore", "analyze", "write", "validate"],
        Command::CreateStory => &["setup", "analyze", "generate", "write", "validate"],
        Command::CreateStoryDiscovery => &["setup", "explore", "discover", "write"],
        Command::StoryReview | Command::TechSpecReview => &["setup", "analyze", "fix", "validate"],
        Command::CreateTechSpec => &["setup", "explore", "generate", "write", "validate"],
        Command::DevStory => &["setup", "analyze", "implement", "tests", "lint", "validate"],
        Command::CodeReview => &["setup", "analyze", "fix", "tests", "lint", "write"],
        Command::Commit => &["setup", "analyze", "stage", "commit", "validate"],
    }
}

fn logging(job: &Job, stories: &[Story]) -> String {
    let tasks = tasks(job.command);
    let ids: Vec<&str> = stories.iter().map(|story| story.id.as_str()).collect();
    let all = if ids.is_empty() { "context".to_owned() } else { ids.join(",") };
    let (first, middle) = (tasks[0], tasks[tasks.len() / 2]);
    let row = |story: &str, task: &str, status: &str, message: &str| {
        let row = serde_json::json!({
            "epic_id": job.epic_id.as_deref().map_or_else(|| epic_word(&all), one_line),
            "story_id": story,
            "command": job.row_command(),
            "task_id": task,
            "status": status,
            "message": message,
        });
        // The only character that ends a quoted word of a shell.
        format!("sprint-runner log '{}'", row.to_string().replace('\'', "'\\''"))
    };
    let mut out = format!(
        "## Log your tasks\n\nPeople follow the sprint live through these rows. Log the start and \
         the end of each task, when it happens and not afterwards:\n\n```sh\n{}\n{}\n```\n\n",
        row(&all, first, "start", "What this task is about, in a few words"),
        row(&all, middle, "end", "What came of it (files:2, lines:85)"),
    );
    let list: Vec<String> = tasks.iter().map(|task| format!("`{task}`")).collect();
    out.push_str(&format!(
        "- Task ids of this command, in their order: {}. Leave out what does not happen; a task \
         that comes again is logged again.\n",
        list.join(", ")
    ));
    out.push_str(&format!(
        "- `epic_id`, `story_id` and `command` (`{}`) stay exactly as they are here.\n",
        job.row_command()
    ));
    if ids.len() > 1 {
        out.push_str(&format!(
            "- `\"story_id\":\"{all}\"` means all of them; for a task about one story write its id \
             alone, the same at its start and its end.\n"
        ));
    }
    out.push_str(
        "- `status` is `start`, `end`, or `failed` in place of `end`; a long task may say \
         `progress` between.\n\
         - `message`: one plain line of at most 150 characters, without apostrophes. At an end, \
         add what you counted in this form: `(files:2, lines:85)`; `tests`, `issues` and the like \
         may stand there too.\n\
         - Never write to the log's file yourself. If `sprint-runner` cannot be run, go on without \
         logging; that is no reason to stop.\n\n",
    );
    out
}

/// A row must name an epic.
fn epic_word(story: &str) -> String {
    if story == "context" { "context".to_owned() } else { "none".to_owned() }
}

/// The last words of the agent, which decide how the batch goes on.
fn ending(job: &Job, stories: &[Story]) -> String {
    const SEVERITY: &str = "HIGHEST SEVERITY: CRITICAL\nHIGHEST SEVERITY: HIGH\n\
                            HIGHEST SEVERITY: MEDIUM\nHIGHEST SEVERITY: LOW\nZERO ISSUES";
    const UNDONE: &str = "If you could not review, write no verdict at all, and say why in the \
                          first sentence.";
    let mut out = "## How to end\n\n".to_owned();
    match job.command {
        Command::CreateStory => {
            out.push_str(
                "A program reads your last message. It ends with one decision for each story, each \
                 on a line of its own, exactly in one of these two forms:\n\n```text\n\
                 [TECH-SPEC-DECISION: REQUIRED]\n[TECH-SPEC-DECISION: SKIP]\n```\n\n",
            );
            if stories.len() > 1 {
                out.push_str("In this order, as the lines do not name the story:\n\n");
                for (at, story) in stories.iter().enumerate() {
                    out.push_str(&format!("{}. {}\n", at + 1, story.key));
                }
                out.push('\n');
            }
            out.push_str("Write such a line nowhere else in any of your messages.\n");
        }
        Command::StoryReview | Command::TechSpecReview => out.push_str(&format!(
            "A program reads your last message. Its last two lines are the verdict on what you \
             **found**, also where you have mended it since. First, exactly one of:\n\n```text\n\
             [CRITICAL-ISSUES-FOUND: YES]\n[CRITICAL-ISSUES-FOUND: NO]\n```\n\nthen, exactly one \
             of:\n\n```text\n{SEVERITY}\n```\n\n`YES` goes with `CRITICAL` and with nothing else. \
             One verdict for all stories together, the worst counts. Write such lines nowhere else \
             in any of your messages. {UNDONE}\n"
        )),
        Command::CodeReview => out.push_str(&format!(
            "A program reads your last message. Before the verdict, list every finding on a line \
             of its own, `- [HIGH] path/of/file.rs:42 what is wrong`, in words that a next review \
             would choose again. Its last line is the verdict on what you **found**, also where \
             you have mended it since, exactly one of:\n\n```text\n{SEVERITY}\n```\n\n`ZERO ISSUES` \
             only when this review found nothing at all. Write such a line nowhere else in any of \
             your messages. {UNDONE}\n"
        )),
        _ => out.push_str(
            "Your last message says in a few sentences what you did, which files you wrote, and \
             what is left open or went wrong. Plain words, no decoration. If you could not do the \
             job, say so in its first sentence, with the cause.\n",
        ),
    }
    out
}
