//! A rehearsal: what the next cycle's agents would be told, with nothing written or started.
//!
//! The words are made by the same code as for a real run ([`super::telling`]); here is only who
//! would be told, and what is in the way.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::agents::context::PROJECT_CONTEXT;
use crate::agents::story_files::{StoryKey, has_tech_spec};
use crate::config::agents::Agents;
use crate::config::workflow::Runner;
use crate::domain::payload::Payload;
use crate::domain::settings::Settings;
use crate::domain::status::StatusClass;
use crate::domain::workflow::{Candidate, Command, ContextAge, Job, RunId, select};
use crate::project::layout::Layout;

use super::telling::{Sources, Words, words, words_for_whole};
use super::{BatchSize, files, preflight};

/// What a batch would begin with.
#[derive(Debug)]
pub struct Rehearsal {
    /// The stories of the next cycle with their words in the status file.
    pub stories: Vec<(String, String)>,
    /// Stories whose words say nothing known.
    pub unknown: Vec<(String, String)>,
    /// Why nothing can be selected at all.
    pub problem: Option<String>,
    /// The nine commands in their order; one for a runner of the user's own.
    pub commands: Vec<Rehearsed>,
}

/// One command.
#[derive(Debug)]
pub struct Rehearsed {
    /// Its name.
    pub command: String,
    /// When the next cycle runs it, or why not.
    pub when: String,
    /// What it would be told, for all stories or story by story.
    pub runs: Vec<Rehearsing>,
}

/// One run.
#[derive(Debug, Default)]
pub struct Rehearsing {
    /// For whom.
    pub story_keys: Vec<String>,
    /// The agent's name in the configuration.
    pub agent: String,
    /// Its program as it would be started, or as it is configured where it is not found.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The model that would be asked for.
    pub model: Option<String>,
    /// Where `context` would be.
    pub context_file: PathBuf,
    /// What it would be given.
    pub context: Option<String>,
    /// What it would read on standard input.
    pub prompt: String,
    /// What would end in failure.
    pub problems: Vec<String>,
    /// What would only be told.
    pub warnings: Vec<String>,
}

/// What a rehearsal is made from.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// Where the files lie.
    pub layout: &'a Layout,
    /// The settings in force.
    pub settings: &'a Settings,
    /// Which program does what.
    pub agents: &'a Agents,
    /// The folder in which the context files would be.
    pub contexts: &'a Path,
    /// How many cycles are asked for.
    pub size: BatchSize,
}

/// Puts all of it together.
pub async fn rehearse(stage: Stage<'_>) -> Rehearsal {
    let git_status = files::git::status(&stage.layout.root).await;
    // Reads the project's files. The command line has nothing else to do meanwhile.
    if stage.agents.workflow().runner == Runner::Command {
        return stage.whole();
    }
    let (selection, keys, problem) = match preflight::look(stage.layout) {
        Ok((candidates, keys)) => (select(&candidates, &BTreeSet::new()), keys, None),
        Err(problem) => (<_>::default(), Vec::new(), Some(problem)),
    };
    let taken = &selection.stories;
    let mut run = 0;
    let commands = Command::ALL
        .into_iter()
        .filter(|command| !taken.is_empty() || *command == Command::GenerateProjectContext)
        .map(|command| Rehearsed {
            command: command.name().to_owned(),
            when: stage.when(command, taken, &keys),
            runs: (stage.jobs(command, taken, &mut run).iter())
                .map(|job| stage.told(job, &keys, &git_status))
                .collect(),
        })
        .collect();
    let words = |story: &Candidate| (story.story_key.clone(), story.status.clone());
    Rehearsal {
        stories: taken.iter().map(words).collect(),
        unknown: selection.unknown.iter().map(words).collect(),
        problem,
        commands,
    }
}

impl Stage<'_> {
    fn jobs(&self, command: Command, taken: &[Candidate], run: &mut RunId) -> Vec<Job> {
        let keys: Vec<String> = taken.iter().map(|story| story.story_key.clone()).collect();
        let of_stories = command != Command::GenerateProjectContext;
        let groups = match (of_stories, command.is_story_by_story()) {
            (false, _) => vec![Vec::new()],
            (true, false) => vec![keys],
            (true, true) => keys.into_iter().map(|key| vec![key]).collect(),
        };
        let attempt = command.is_review().then_some(1);
        let small_from = u32::try_from(self.settings.haiku_after_review).unwrap_or(u32::MAX);
        let job = |story_keys| {
            *run += 1;
            Job {
                run: *run,
                command,
                story_keys,
                epic_id: taken.first().filter(|_| of_stories).and_then(|one| one.epic_id.clone()),
                attempt,
                background: false,
                small_model: command.is_for_small_model(attempt, small_from),
            }
        };
        groups.into_iter().map(job).collect()
    }

    fn told(
        &self,
        job: &Job,
        keys: &[StoryKey],
        git_status: &Result<String, String>,
    ) -> Rehearsing {
        let file = format!("{}-{}.context.md", job.run, job.command.name());
        let context_file = self.contexts.join(file);
        // A batch begins with copying the one to the other.
        let original = files::context::original(self.layout);
        let copy = self.layout.root.join(PROJECT_CONTEXT);
        let sources = Sources {
            layout: self.layout,
            stories: keys,
            settings: self.settings,
            agents: self.agents,
            project_context: if original.is_file() { &original } else { &copy },
        };
        let wants_git = job.command.groups().git_status;
        let git = git_status.as_ref().ok().map(String::as_str);
        let mut told = Rehearsing::default();
        match words(&sources, job, git, &context_file) {
            Ok(words) => self.take(&mut told, words),
            Err(cause) => {
                let agent = self.agents.for_command(job.command.name());
                agent.name.clone_into(&mut told.agent);
                told.program = agent.program.clone().into();
                told.problems.push(cause.message().to_owned());
                told.problems.extend(preflight::program(agent, self.layout).err());
            }
        }
        if let (true, Err(why)) = (wants_git, git_status) {
            told.warnings.push(why.clone());
        }
        Rehearsing { story_keys: job.story_keys.clone(), context_file, ..told }
    }

    fn take(&self, told: &mut Rehearsing, words: Words) {
        told.program = match preflight::program(&words.agent, self.layout) {
            Ok(path) => path.into(),
            Err(problem) => {
                told.problems.push(problem);
                words.agent.program.into()
            }
        };
        told.agent = words.agent.name;
        told.args = words.args;
        told.model = words.model;
        told.context = words.context;
        told.prompt = words.prompt;
        told.warnings.extend(words.warnings);
        told.warnings.extend(words.events.into_iter().filter_map(|event| match event {
            Payload::InjectionWarning(body) | Payload::InjectionEmpty(body) => Some(body.message),
            _ => None,
        }));
    }

    /// The user's own orchestrator for the whole batch.
    fn whole(&self) -> Rehearsal {
        let mut told = Rehearsing::default();
        self.take(&mut told, words_for_whole(self.agents, self.size));
        let command = Rehearsed {
            command: "sprint-runner".to_owned(),
            when: "the whole batch is one run of it (runner = \"command\")".to_owned(),
            runs: vec![told],
        };
        Rehearsal {
            stories: Vec::new(),
            unknown: Vec::new(),
            problem: preflight::look(self.layout).err(),
            commands: vec![command],
        }
    }

    /// Whether the next cycle would come to it, in words.
    fn when(&self, command: Command, taken: &[Candidate], keys: &[StoryKey]) -> String {
        // Stories of a cycle are of one class.
        let Some(story) = taken.first() else { return self.when_context() };
        let class = StatusClass::of(&story.status);
        let new = class == StatusClass::Backlog;
        let not_needed = |what: &str| format!("not in this cycle: {what}");
        match command {
            Command::GenerateProjectContext => self.when_context(),
            Command::CreateStory | Command::CreateStoryDiscovery if new => {
                "in this cycle, both at the same time".to_owned()
            }
            Command::CreateStory | Command::CreateStoryDiscovery | Command::StoryReview if !new => {
                not_needed("only for stories of the backlog")
            }
            Command::CreateTechSpec | Command::TechSpecReview => match class {
                StatusClass::Backlog => {
                    "in this cycle, unless create-story decides against a tech spec".to_owned()
                }
                StatusClass::ReadyForDev if taken.iter().all(|it| self.has_spec(it, keys)) => {
                    not_needed("there is a tech spec")
                }
                StatusClass::ReadyForDev => {
                    "in this cycle, unless it was decided against a tech spec".to_owned()
                }
                _ => not_needed("development has begun"),
            },
            Command::DevStory if class == StatusClass::Review => not_needed("development is over"),
            Command::CodeReview => "in this cycle, again until nothing is found".to_owned(),
            Command::Commit => "at the end of this cycle, for the stories that are done".to_owned(),
            _ => "in this cycle".to_owned(),
        }
    }

    fn has_spec(&self, story: &Candidate, keys: &[StoryKey]) -> bool {
        let known = keys.iter().find(|(key, _)| *key == story.story_key);
        let epic = known.and_then(|(_, epic)| epic.as_deref());
        has_tech_spec(self.layout, &story.story_key, epic, keys)
    }

    fn when_context(&self) -> String {
        let hours = self.settings.project_context_max_age_hours.unsigned_abs();
        let age = files::context::age(self.layout, Duration::from_secs(hours * 3600));
        match age {
            ContextAge::Missing => "before the first cycle: there is no project context".to_owned(),
            ContextAge::Stale => {
                format!("in the background: the project context is older than {hours} hours")
            }
            ContextAge::Fresh => "not now: the project context is young enough".to_owned(),
        }
    }
}
