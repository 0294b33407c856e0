//! The snapshot: the folded state as `/api/snapshot` and `init` show it.

use serde::Serialize;

use super::{Active, Agent, Batch, Effort, State, WorkByStory};
use crate::domain::event::EventId;
use crate::domain::issue::FileIssue;

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct Snapshot<'a> {
    /// 8 hex digits that name the log.
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
}

/// The sprint with what is counted from it.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct SprintView<'a> {
    pub project: Option<&'a str>,
    pub state: Option<&'a str>,
    pub since: Option<i64>,
    pub epics: Vec<EpicView<'a>>,
    pub stories: Vec<StoryView<'a>>,
    pub counts: Counts,
    pub issues: Vec<FileIssue>,
    pub sources: Vec<SourceView<'a>>,
}

/// An epic with the count of its stories.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct EpicView<'a> {
    pub epic_id: &'a str,
    pub epic_key: &'a str,
    pub title: Option<&'a str>,
    pub status: Option<&'a str>,
    pub status_class: Option<&'a str>,
    pub retrospective: Option<&'a str>,
    pub story_count: u64,
    pub done_count: u64,
}

/// A story.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct StoryView<'a> {
    pub story_key: &'a str,
    pub story_id: Option<&'a str>,
    pub epic_id: Option<&'a str>,
    pub title: Option<&'a str>,
    pub status: &'a str,
    pub status_class: &'a str,
    pub updated_at: Option<i64>,
}

/// A watched file.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct SourceView<'a> {
    pub file: &'a str,
    pub state: &'a str,
    pub since: i64,
    pub message: Option<&'a str>,
    pub line: Option<u64>,
    pub column: Option<u64>,
}

/// A command under way.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct ActiveView<'a> {
    pub story_key: &'a str,
    pub story_id: &'a str,
    pub epic_id: &'a str,
    pub command: &'a str,
    pub task_id: &'a str,
    pub started_at: i64,
    pub attempt: u32,
    pub source: &'a str,
    pub message: Option<&'a str>,
}

/// How many of what.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Counts {
    pub epics: u64,
    pub epics_done: u64,
    pub stories: u64,
    pub by_class: ByClass,
}

/// Stories by status class.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct ByClass {
    pub backlog: u64,
    pub ready_for_dev: u64,
    pub in_progress: u64,
    pub review: u64,
    pub done: u64,
    pub optional: u64,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct OrchestratorView {
    pub status: &'static str,
    pub batch_id: Option<i64>,
    pub cycles_completed: i64,
    pub max_cycles: Option<i64>,
    pub current_stories: Vec<String>,
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
