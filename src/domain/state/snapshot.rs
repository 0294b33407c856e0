//! The snapshot: the folded state as `/api/snapshot` and `init` show it.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Active, Agent, Batch, Effort, State, WorkByStory};
use crate::domain::event::{EventId, Source};
use crate::domain::issue::FileIssue;
use crate::domain::status::StatusClass;
use crate::domain::words;

/// What the log adds up to, after one of its events.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Snapshot<'a> {
    /// 8 hex digits that name the log.
    #[schemars(with = "words::Epoch")]
    pub epoch: &'a str,
    /// The last event folded in.
    pub last_event_id: EventId,
    /// Epics, stories, counts, issues, files.
    pub sprint: SprintView<'a>,
    /// The running batch.
    pub batch: Option<&'a Batch>,
    /// Commands under way, oldest first.
    pub active: Vec<ActiveView<'a>>,
    /// The managed orchestrator.
    pub orchestrator: OrchestratorView,
    /// Agents at work, in the order in which they were started.
    pub agents: Vec<&'a Agent>,
    /// What was done for each story, by its key.
    pub work: &'a WorkByStory,
    /// What each command took.
    pub effort: &'a [Effort],
    /// The server that works on the project, where that is not this one. It is no part of what the
    /// log adds up to, and of no past moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerView>,
}

/// The server that works on a project, as another one knows it. While it is not heard, nothing of
/// the project is known to run, whatever it said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "OwningServer")]
pub struct ServerView {
    /// Its machine's name; null before it was heard.
    pub host: Option<String>,
    /// Since when it has not been heard, in milliseconds since the epoch; null while it is.
    pub unreachable_since: Option<i64>,
    /// Whether it lets itself be controlled from here.
    pub control: bool,
}

/// The sprint with what is counted from it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sprint")]
pub struct SprintView<'a> {
    /// The status file's `project`, when it says one.
    pub project: Option<&'a str>,
    /// How the status file could be read; null before the first reading.
    #[schemars(with = "Option<words::SprintState>")]
    pub state: Option<&'a str>,
    /// Since when, in milliseconds since the epoch.
    pub since: Option<i64>,
    /// In the order of the file.
    pub epics: Vec<EpicView<'a>>,
    /// In the order of the file.
    pub stories: Vec<StoryView<'a>>,
    /// How many of what.
    pub counts: Counts,
    /// What is wrong in the files.
    pub issues: Vec<FileIssue>,
    /// The watched files.
    pub sources: Vec<SourceView<'a>>,
}

/// An epic with the count of its stories.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Epic")]
pub struct EpicView<'a> {
    /// Without the prefix `epic-`.
    pub epic_id: &'a str,
    /// As the file writes it.
    pub epic_key: &'a str,
    /// What people call it.
    pub title: Option<&'a str>,
    /// The file's own word; null when only its retrospective is listed.
    pub status: Option<&'a str>,
    /// The class behind the word.
    #[schemars(with = "Option<StatusClass>")]
    pub status_class: Option<&'a str>,
    /// The retrospective's word.
    pub retrospective: Option<&'a str>,
    /// Its stories.
    pub story_count: u64,
    /// Those of them that are done.
    pub done_count: u64,
}

/// A story.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Story")]
pub struct StoryView<'a> {
    /// As the file writes it.
    pub story_key: &'a str,
    /// The number part of the key.
    pub story_id: Option<&'a str>,
    /// The epic it belongs to, without the prefix `epic-`.
    pub epic_id: Option<&'a str>,
    /// What people call it.
    pub title: Option<&'a str>,
    /// The file's own word.
    pub status: &'a str,
    /// The class behind the word.
    #[schemars(with = "StatusClass")]
    pub status_class: &'a str,
    /// When its status last changed, in milliseconds since the epoch.
    pub updated_at: Option<i64>,
}

/// A watched file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SourceFile")]
pub struct SourceView<'a> {
    /// Its name, never a path of the machine.
    pub file: &'a str,
    /// What became of it.
    #[schemars(with = "words::FileState")]
    pub state: &'a str,
    /// Since when, in milliseconds since the epoch.
    pub since: i64,
    /// Why, in one sentence.
    pub message: Option<&'a str>,
    /// Where, from 1.
    pub line: Option<u64>,
    /// Where, from 1.
    pub column: Option<u64>,
}

/// A command under way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Active")]
pub struct ActiveView<'a> {
    /// The story's long key where known.
    pub story_key: &'a str,
    /// The row's own id.
    pub story_id: &'a str,
    /// Without the prefix `epic-`.
    pub epic_id: &'a str,
    /// As the row says it, attempt included.
    pub command: &'a str,
    /// The phase.
    pub task_id: &'a str,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// From the command's suffix; 1 without one.
    #[schemars(range(min = 1))]
    pub attempt: u32,
    /// Who told us.
    #[schemars(with = "Source")]
    pub source: &'a str,
    /// The last thing it said.
    pub message: Option<&'a str>,
}

/// How many of what.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Counts {
    /// Epics.
    pub epics: u64,
    /// Those of them that are done.
    pub epics_done: u64,
    /// Stories.
    pub stories: u64,
    /// Stories by the class of their status.
    pub by_class: ByClass,
}

/// Stories by status class.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ByClass {
    /// Exist in their epic only.
    pub backlog: u64,
    /// Their file is written.
    pub ready_for_dev: u64,
    /// Being developed.
    pub in_progress: u64,
    /// Wait for code review.
    pub review: u64,
    /// Finished.
    pub done: u64,
    /// Need not be done.
    pub optional: u64,
    /// With a word of somebody's own.
    pub other: u64,
}

impl ByClass {
    fn count(&mut self, class: &str) {
        *match class {
            "backlog" => &mut self.backlog,
            "ready-for-dev" => &mut self.ready_for_dev,
            "in-progress" => &mut self.in_progress,
            "review" => &mut self.review,
            "done" => &mut self.done,
            "optional" => &mut self.optional,
            _ => &mut self.other,
        } += 1;
    }
}

/// The managed orchestrator's state, the answer of `/api/orchestrator/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "OrchestratorStatus")]
pub struct OrchestratorView {
    /// What it does.
    #[schemars(with = "words::OrchestratorState")]
    pub status: &'static str,
    /// The running batch.
    pub batch_id: Option<i64>,
    /// Whole cycles.
    pub cycles_completed: i64,
    /// Null = unlimited, or idle.
    pub max_cycles: Option<i64>,
    /// The stories of the cycle under way.
    pub current_stories: Vec<String>,
    /// Whether the batch has an end; null when idle.
    #[schemars(with = "Option<words::ManagedMode>")]
    pub batch_mode: Option<String>,
    /// The cycle under way, or the last one; 0 before the first.
    pub cycle_number: i64,
    /// Until when a waiting batch waits, in milliseconds since the epoch.
    pub parked_until: Option<i64>,
}

impl OrchestratorView {
    /// Nothing managed is running.
    pub const fn idle() -> Self {
        Self {
            status: "idle",
            batch_id: None,
            cycles_completed: 0,
            max_cycles: None,
            current_stories: Vec::new(),
            batch_mode: None,
            cycle_number: 0,
            parked_until: None,
        }
    }

    /// What the state says of it. An observed batch leaves it idle.
    pub fn of(state: &State) -> Self {
        let (Some(run), Some(batch)) = (&state.run, &state.batch) else { return Self::idle() };
        Self {
            status: match run.status.as_str() {
                "waiting" => "waiting",
                "stopping" => "stopping",
                _ => "running",
            },
            batch_id: Some(run.batch_id),
            cycles_completed: batch.cycles_completed,
            max_cycles: batch.max_cycles,
            current_stories: run.current_stories.clone(),
            batch_mode: Some(run.batch_mode.clone()),
            cycle_number: run.cycle_number,
            parked_until: run.parked_until,
        }
    }
}

impl State {
    /// The state as the outside sees it.
    pub fn snapshot<'a>(&'a self, epoch: &'a str) -> Snapshot<'a> {
        let mut active: Vec<&Active> = self.active.values().collect();
        active.sort_by_key(|active| active.event_id);
        Snapshot {
            epoch,
            last_event_id: self.last_event_id,
            sprint: self.sprint_view(),
            batch: self.batch.as_ref(),
            active: active.into_iter().map(ActiveView::from).collect(),
            orchestrator: OrchestratorView::of(self),
            agents: self.agents.values().collect(),
            work: &self.work,
            effort: &self.effort,
            server: None,
        }
    }

    fn sprint_view(&self) -> SprintView<'_> {
        let sprint = &*self.sprint;
        let mut counts = Counts::default();
        let mut by_epic = std::collections::HashMap::<&str, (u64, u64)>::new();
        for story in sprint.stories.values() {
            counts.stories += 1;
            counts.by_class.count(&story.status_class);
            if let Some(epic_id) = &story.epic_id {
                let (all, done) = by_epic.entry(epic_id).or_default();
                *all += 1;
                *done += u64::from(story.status_class == "done");
            }
        }
        let epics = sprint.epics.iter().map(|(epic_key, epic)| {
            // A retrospective whose epic is not listed is no epic.
            counts.epics += u64::from(epic.status.is_some());
            counts.epics_done += u64::from(epic.status_class.as_deref() == Some("done"));
            let (story_count, done_count) =
                by_epic.get(epic.epic_id.as_str()).copied().unwrap_or_default();
            EpicView {
                epic_id: &epic.epic_id,
                epic_key,
                title: epic.title.as_deref(),
                status: epic.status.as_deref(),
                status_class: epic.status_class.as_deref(),
                retrospective: epic.retrospective.as_deref(),
                story_count,
                done_count,
            }
        });
        let epics = epics.collect();
        SprintView {
            project: sprint.project.as_deref(),
            state: sprint.state.as_deref(),
            since: sprint.since,
            epics,
            stories: sprint
                .stories
                .iter()
                .map(|(story_key, story)| StoryView {
                    story_key,
                    story_id: story.story_id.as_deref(),
                    epic_id: story.epic_id.as_deref(),
                    title: story.title.as_deref(),
                    status: &story.status,
                    status_class: &story.status_class,
                    updated_at: story.updated_at,
                })
                .collect(),
            counts,
            issues: sprint
                .sources
                .iter()
                .flat_map(|(file, source)| {
                    source
                        .issues
                        .iter()
                        .map(|issue| FileIssue { file: file.clone(), issue: issue.clone() })
                })
                .collect(),
            sources: sprint
                .sources
                .iter()
                .map(|(file, source)| SourceView {
                    file,
                    state: &source.state,
                    since: source.since,
                    message: source.message.as_deref(),
                    line: source.line,
                    column: source.column,
                })
                .collect(),
        }
    }
}

impl<'a> From<&'a Active> for ActiveView<'a> {
    fn from(active: &'a Active) -> Self {
        Self {
            story_key: &active.story_key,
            story_id: &active.story_id,
            epic_id: &active.epic_id,
            command: &active.command,
            task_id: &active.task_id,
            started_at: active.started_at,
            attempt: active.attempt,
            source: &active.source,
            message: active.message.as_deref(),
        }
    }
}
