//! The projects of one server, and what each is up to in few words: what `/api/projects` and the
//! health of the whole are made of.
//!
//! - Every word is made from the folded state when it is asked for. Nothing is remembered that could
//!   go on saying *running*: what was counted is kept for one event id, and what depends on the time
//!   is judged anew.
//! - A project that could not be started is listed with the reason, and has nothing else to tell.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::timeout;

use super::stream::Streams;
use crate::domain::event::EventId;
use crate::domain::state::{OrchestratorView, State};
use crate::domain::words;
use crate::hub::Hub;
use crate::notifications::{Outcomes, TargetState};
use crate::project::checkout;

/// From one command to the next: a batch that was quiet for longer waits. The page says the same.
const BREATH_MS: i64 = 10_000;

/// Commands under way that are told one by one; the others are counted.
const SHOWN: usize = 3;

/// The folder is looked at this often at most, and an answer waits this long for it: a network
/// mount that hangs must not hold up what is said of the others.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_WAIT: Duration = Duration::from_millis(250);

/// All of them, in the order in which they were named.
#[derive(Debug, Default)]
pub struct Projects(Vec<Arc<Project>>);

/// One project of the server.
#[derive(Debug)]
pub struct Project {
    /// `None` when it is the only one, which stands at the root.
    name: Option<String>,
    folder: PathBuf,
    database: PathBuf,
    inside: Result<Inside, String>,
    looked: Mutex<Looked>,
    looking: AtomicBool,
    counted: Mutex<Option<(EventId, Arc<Counted>)>>,
}

/// What runs: its log, what its streams share, what became of its notifications.
pub type Inside = (Hub, Arc<Streams>, Outcomes);

/// What was last seen of the folder.
#[derive(Debug, Clone, Default)]
struct Looked {
    at: Option<Instant>,
    branch: Option<String>,
    gone: Option<&'static str>,
}

/// All projects of a server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Projects")]
pub(super) struct Told {
    /// In the order in which they were named.
    projects: Vec<Summary>,
}

/// What is said of one project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectSummary")]
struct Summary {
    /// What stands in its addresses; null for the only one.
    name: Option<String>,
    /// Where it is, from the server's root: `p/lantern/`; empty for the only one.
    path: String,
    /// Where it lies; the home folder is `~`.
    folder: String,
    /// What its repository has checked out.
    branch: Option<String>,
    #[schemars(with = "words::ProjectState")]
    state: &'static str,
    /// What ails it, a sentence each.
    reasons: Vec<String>,
    /// Names its log; null while it does not run.
    #[schemars(with = "Option<words::Epoch>")]
    epoch: Option<String>,
    /// The last event.
    last_event_id: Option<EventId>,
    /// The batch under way.
    batch: Option<BatchTold>,
    /// Agents at work.
    agents: usize,
    #[serde(flatten)]
    counted: Arc<Counted>,
}

/// The batch under way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectBatch")]
struct BatchTold {
    /// Its number.
    id: i64,
    #[schemars(with = "words::Origin")]
    origin: String,
    /// Milliseconds since the epoch.
    started_at: i64,
    /// How many are done.
    cycles_completed: i64,
    /// How many there are to be; null without a limit.
    max_cycles: Option<i64>,
    /// At a usage limit: until when, in milliseconds since the epoch.
    parked_until: Option<i64>,
}

/// A command under way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectCommand")]
struct ActiveTold {
    /// The story's long key.
    story_key: String,
    /// Its short id.
    story_id: String,
    /// What is done.
    command: String,
    /// Milliseconds since the epoch.
    started_at: i64,
}

/// What is counted over all stories, once an event id.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Counted {
    /// As its status file calls it.
    project: Option<String>,
    /// The commands that have been under way longest, three at most.
    active: Vec<ActiveTold>,
    /// How many commands are under way.
    active_count: usize,
    stories: Stories,
    issues: Issues,
    /// Milliseconds since the epoch.
    last_activity_at: Option<i64>,
    /// Dollars; null where nobody told.
    cost_usd: Option<f64>,
    /// Tokens; null where nobody told.
    input_tokens: Option<f64>,
    /// Tokens; null where nobody told.
    output_tokens: Option<f64>,
}

/// Stories, counted.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ProjectStories")]
struct Stories {
    /// All there are.
    total: usize,
    /// Their word is done.
    done: usize,
    /// Their word is *blocked* or *failed*.
    blocked: usize,
    /// Their last command ended badly and nothing has begun since.
    stuck: usize,
}

/// Issues of the three files, counted.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ProjectIssues")]
struct Issues {
    /// What cannot be read.
    errors: usize,
    /// What is read, and looks wrong.
    warnings: usize,
}

impl Projects {
    /// These, the first first.
    pub fn new(all: Vec<Project>) -> Self {
        Self(all.into_iter().map(Arc::new).collect())
    }

    /// The one with these streams. A log's name would not do: who copies a project copies it.
    pub(super) fn of(&self, streams: &Arc<Streams>) -> Option<&Arc<Project>> {
        self.0.iter().find(|one| one.streams().is_some_and(|known| Arc::ptr_eq(known, streams)))
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Arc<Project>] {
        &self.0
    }

    /// What each is up to at this time.
    pub(super) async fn told(&self, now_ms: i64) -> Told {
        let mut projects = Vec::with_capacity(self.0.len());
        // The looks run beside one another; the words follow in their order.
        let looks: Vec<_> = self.0.iter().map(Project::look).collect();
        futures_util::future::join_all(looks).await;
        for project in &self.0 {
            projects.push(project.summary(now_ms));
        }
        Told { projects }
    }
}

impl Project {
    /// One that runs. `name`: none for the only one.
    pub fn running(name: Option<String>, folder: &Path, database: &Path, inside: Inside) -> Self {
        Self::new(name, folder, database.to_owned(), Ok(inside))
    }

    /// One that could not be started, and why, in a sentence that names no path.
    pub fn down(name: String, folder: &Path, why: String) -> Self {
        Self::new(Some(name), folder, PathBuf::new(), Err(why))
    }

    fn new(
        name: Option<String>,
        folder: &Path,
        database: PathBuf,
        inside: Result<Inside, String>,
    ) -> Self {
        Self {
            name,
            folder: folder.to_owned(),
            database,
            inside,
            looked: Mutex::default(),
            looking: AtomicBool::new(false),
            counted: Mutex::default(),
        }
    }

    /// Its name; none for the only one.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its log, where it runs.
    pub(super) fn hub(&self) -> Option<&Hub> {
        self.inside.as_ref().ok().map(|(hub, ..)| hub)
    }

    /// What its streams share, where it runs.
    pub(super) fn streams(&self) -> Option<&Arc<Streams>> {
        self.inside.as_ref().ok().map(|(_, streams, _)| streams)
    }

    /// What became of its notifications.
    pub(super) fn notified(&self) -> Vec<TargetState> {
        self.inside.as_ref().map(|(.., notified)| notified.get()).unwrap_or_default()
    }

    /// What ails it just now, a sentence each.
    pub(super) async fn reasons(self: &Arc<Self>) -> Vec<String> {
        self.look().await;
        self.known_reasons()
    }

    fn known_reasons(&self) -> Vec<String> {
        match &self.inside {
            Err(why) => vec![why.clone()],
            Ok((hub, streams, notified)) => {
                let gone = self.looked().gone.filter(|_| self.name.is_some());
                let mut all = reasons(hub, streams, &notified.get());
                all.extend(gone.map(str::to_owned));
                all
            }
        }
    }

    fn looked(&self) -> Looked {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the folder, unless that was done just now or is being done.
    async fn look(self: &Arc<Self>) {
        let is_fresh = self.looked().at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        if is_fresh || self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let project = Arc::clone(self);
        let look = tokio::task::spawn_blocking(move || {
            let looked = Looked {
                at: Some(Instant::now()),
                branch: checkout::branch(&project.folder),
                gone: project.missing(),
            };
            *project.looked.lock().unwrap_or_else(PoisonError::into_inner) = looked;
            project.looking.store(false, Ordering::Release);
        });
        // One that takes longer is seen by whoever asks next.
        let _ = timeout(LOOK_WAIT, look).await;
    }

    fn missing(&self) -> Option<&'static str> {
        if self.inside.is_err() {
            None
        } else if !self.folder.is_dir() {
            Some("its folder is gone: put it back, or start the server without it")
        } else if !self.database.is_file() {
            Some("its database was taken away: what happens now is lost with the server's end")
        } else {
            None
        }
    }

    fn summary(&self, now_ms: i64) -> Summary {
        let state = self.hub().map(Hub::state);
        let (counted, orchestrator) = match &state {
            Some(state) => (self.counted(state), OrchestratorView::of(state)),
            None => (Arc::default(), OrchestratorView::idle()),
        };
        let batch = state.as_ref().and_then(|state| state.batch.as_ref()).map(|batch| BatchTold {
            id: batch.id,
            origin: batch.origin.clone(),
            started_at: batch.started_at,
            cycles_completed: batch.cycles_completed,
            max_cycles: batch.max_cycles,
            parked_until: orchestrator.parked_until,
        });
        Summary {
            name: self.name.clone(),
            path: self.name.as_ref().map(|name| format!("p/{name}/")).unwrap_or_default(),
            folder: shown(&self.folder),
            branch: self.looked().branch,
            state: state.as_ref().map_or("down", |state| word(state, &counted, now_ms)),
            reasons: self.known_reasons(),
            epoch: self.hub().map(|hub| hub.epoch().to_owned()),
            last_event_id: state.as_ref().map(|state| state.last_event_id),
            batch,
            agents: state.as_ref().map_or(0, |state| state.agents.len()),
            counted,
        }
    }

    fn counted(&self, state: &State) -> Arc<Counted> {
        let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((id, counted)) if *id == state.last_event_id => Arc::clone(counted),
            _ => {
                let counted = Arc::new(count(state));
                *kept = Some((state.last_event_id, Arc::clone(&counted)));
                counted
            }
        }
    }
}

/// What ails a log and those who read it, a sentence each.
pub(super) fn reasons(hub: &Hub, streams: &Streams, notified: &[TargetState]) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(trouble) = hub.trouble() {
        reasons.push(format!("the log cannot be written: {trouble}"));
    }
    if streams.counts.starved.load(Ordering::Relaxed) {
        reasons.push(
            "the server has no file descriptor left: new connections wait; close some pages, or \
             start it with a higher limit (ulimit -n)"
                .to_owned(),
        );
    }
    let state = hub.state();
    let unread = state.sprint.sources.iter().filter(|(_, source)| source.state == "unreadable");
    reasons.extend(unread.map(|(file, source)| {
        format!("{file} cannot be read: {}", source.message.as_deref().unwrap_or("unknown cause"))
    }));
    reasons.extend(notified.iter().filter_map(|target| {
        let error = target.error.as_deref()?;
        Some(format!("notifications to {} do not arrive: {error}", target.name))
    }));
    reasons
}

/// The one word for what goes on; the page's `verdict.js` says it of one project.
fn word(state: &State, counted: &Counted, now_ms: i64) -> &'static str {
    match OrchestratorView::of(state).status {
        "stopping" => return "stopping",
        "waiting" => return "parked",
        _ => {}
    }
    if !state.active.is_empty() || !state.agents.is_empty() {
        return "running";
    }
    if let Some(batch) = &state.batch {
        let quiet = now_ms.saturating_sub(batch.last_activity_at);
        return if quiet < BREATH_MS { "running" } else { "waiting" };
    }
    let Stories { total, done, .. } = counted.stories;
    match (total, state.sprint.epics.is_empty()) {
        (0, true) => "empty",
        (1.., _) if total == done => "finished",
        _ => "idle",
    }
}

fn count(state: &State) -> Counted {
    let busy: HashSet<&str> = state.active.values().map(|one| &*one.story_key).collect();
    let mut active: Vec<_> = state.active.values().collect();
    active.sort_by_key(|one| one.event_id);
    let active = active.into_iter().take(SHOWN).map(|one| ActiveTold {
        story_key: one.story_key.clone(),
        story_id: one.story_id.clone(),
        command: one.command.clone(),
        started_at: one.started_at,
    });
    let mut stories = Stories { total: state.sprint.stories.len(), ..Stories::default() };
    let mut last = state.batch.as_ref().map(|batch| batch.last_activity_at);
    for (key, story) in &state.sprint.stories {
        last = last.max(story.updated_at);
        if story.status_class == "done" {
            stories.done += 1;
            continue;
        }
        let work = state.work.get(key.as_str());
        let failed = work.and_then(|work| work.last.as_ref()).is_some_and(|last| last.failed);
        if is_stuck_word(&story.status) {
            stories.blocked += 1;
        } else if failed && !busy.contains(key.as_str()) {
            stories.stuck += 1;
        }
    }
    let mut issues = Issues::default();
    for issue in state.sprint.sources.values().flat_map(|source| &source.issues) {
        match issue.severity {
            crate::domain::issue::Severity::Error => issues.errors += 1,
            crate::domain::issue::Severity::Warning => issues.warnings += 1,
            crate::domain::issue::Severity::Info => {}
        }
    }
    last = last.max(state.work.values().filter_map(|work| work.last_at).max());
    // Nothing spent and nothing known look alike; then nothing is said.
    let sum = |of: fn(&crate::domain::state::Effort) -> f64| {
        let all: f64 = state.effort.iter().map(of).sum();
        (all > 0.0).then_some(all)
    };
    Counted {
        project: state.sprint.project.clone(),
        active: active.collect(),
        active_count: state.active.len(),
        stories,
        issues,
        last_activity_at: last,
        cost_usd: sum(|effort| effort.cost_usd),
        input_tokens: sum(|effort| effort.input_tokens),
        output_tokens: sum(|effort| effort.output_tokens),
    }
}

/// `blocked`, `failed`, and what people write behind them.
fn is_stuck_word(status: &str) -> bool {
    let word = status.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    word.is_some_and(|it| it.eq_ignore_ascii_case("blocked") || it.eq_ignore_ascii_case("failed"))
}

/// The folder as people know it: what lies at home begins with `~`.
fn shown(folder: &Path) -> String {
    let home = std::env::home_dir().filter(|home| home.parent().is_some());
    match home.as_deref().and_then(|home| folder.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => folder.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::Batch;

    fn said(state: &State, now_ms: i64) -> &'static str {
        word(state, &count(state), now_ms)
    }

    #[test]
    fn a_batch_that_is_quiet_does_not_run() {
        let mut state = State::default();
        assert_eq!(said(&state, 0), "empty");
        state.batch = Some(Batch { last_activity_at: 1000, ..Batch::default() });
        assert_eq!(said(&state, 1000 + BREATH_MS - 1), "running");
        assert_eq!(said(&state, 1000 + BREATH_MS), "waiting");
        // A clock that was put back makes nothing run for hours.
        state.batch = None;
        assert_eq!(said(&state, i64::MIN), "empty");
    }

    #[test]
    fn words_that_mean_that_somebody_is_needed() {
        for word in ["blocked", "Blocked", "failed - no key", "blocked: waits", " failed"] {
            assert!(is_stuck_word(word), "{word}");
        }
        for word in ["unblocked", "blockedish", "done", "", "on hold", "in-progress"] {
            assert!(!is_stuck_word(word), "{word}");
        }
    }
}
