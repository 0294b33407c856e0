//! The state of a managed batch.

use std::collections::BTreeSet;

use super::input::{ContextAge, Effect, StopMode, TimerId};
use super::job::{Job, RunId, TechSpecDecision};
use super::select::Candidate;
use crate::domain::status::StatusClass;

/// What a batch is started with; the settings of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The batch's row.
    pub batch_id: i64,
    /// `None` = until nothing is left.
    pub max_cycles: Option<u32>,
    /// After so many code reviews a story is blocked.
    pub max_code_reviews: u32,
    /// From this code review on, the small model does it.
    pub small_from_review: u32,
    /// The pause after a first failure; doubled after each further one.
    pub retry_ms: i64,
    /// The pause at a usage limit whose end is not known.
    pub limit_wait_ms: i64,
    /// The batch is one run of the user's own orchestrator.
    pub whole: bool,
}

/// A managed batch under way.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) rules: Rules,
    pub(super) phase: Phase,
    pub(super) started_at_ms: i64,
    pub(super) now_ms: i64,
    /// The cycle under way, or the last one; from 1.
    pub(super) cycle_number: u32,
    pub(super) cycles_completed: u32,
    pub(super) cycle: Cycle,
    /// Stories that are not taken (again) in this batch.
    pub(super) left_out: BTreeSet<String>,
    /// Stories whose unknown word has been told.
    pub(super) told_unknown: BTreeSet<String>,
    pub(super) works: Vec<Work>,
    pub(super) next_run: RunId,
    pub(super) next_timer: TimerId,
    /// Until when nothing is run, and the timer that ends it.
    pub(super) parked: Option<(i64, TimerId)>,
    /// Usage limits met since an agent last did its work.
    pub(super) limits: u32,
    /// Effects that still have to be answered.
    pub(super) unanswered: u32,
    pub(super) stop: Option<StopMode>,
    pub(super) ending: Option<Ending>,
    pub(super) context_age: Option<ContextAge>,
    pub(super) sprint: Option<Result<Vec<Candidate>, String>>,
    pub(super) out: Vec<Effect>,
}

/// Where the main line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Begin,
    Context,
    CopyingContext,
    Selecting,
    Creating,
    ReviewingStories,
    LookingForTechSpecs,
    WritingTechSpecs,
    ReviewingTechSpecs,
    Developing,
    ReviewingCode,
    Moving,
    Committing,
    Whole,
    /// Nothing more begins; what runs is waited for.
    Ending,
    Ended,
}

/// How the batch will end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: &'static str,
    pub(super) reason: String,
}

/// One turn: one story, or two of the same epic.
#[derive(Debug, Clone, Default)]
pub(super) struct Cycle {
    pub(super) stories: Vec<StoryWork>,
    pub(super) epic_id: Option<String>,
    /// An agent of this cycle has done something.
    pub(super) started_well: bool,
    /// The commit of its finished stories was tried.
    pub(super) committed: bool,
    /// Commands that were given up, with their stories, until it is clear whether agents work at all.
    pub(super) given_up: Vec<(Job, String)>,
}

/// A story of the cycle.
#[derive(Debug, Clone)]
pub(super) struct StoryWork {
    pub(super) story: Candidate,
    pub(super) class: StatusClass,
    pub(super) fate: Fate,
    pub(super) tech_spec: Option<TechSpecDecision>,
    pub(super) developed: bool,
    /// The word that we wrote last.
    pub(super) written: Option<&'static str>,
    /// Code reviews that gave a verdict.
    pub(super) reviews: u32,
    /// The findings of the last reviews in a row that found the same, and how many.
    pub(super) same_findings: (String, u32),
}

/// What has become of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Done,
    Blocked,
    /// Somebody stopped its agent: it keeps its status.
    LeftOut,
}

/// Something to be done by an agent, over all its tries.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// As it was last run, or will be run next.
    pub(super) job: Job,
    pub(super) state: WorkState,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The task id of a background chain.
    pub(super) task: Option<String>,
    /// Its start was told, its end was not.
    pub(super) told: bool,
}

/// Where a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkState {
    /// Asked for; the pool runs it or will.
    Running,
    /// Waits for its next try.
    Resting(TimerId),
    /// Waits for a usage limit to end.
    Parked,
}

impl Batch {
    /// A batch whose row exists.
    pub fn new(rules: Rules, started_at_ms: i64) -> Self {
        Self {
            rules,
            phase: Phase::Begin,
            started_at_ms,
            now_ms: started_at_ms,
            cycle_number: 0,
            cycles_completed: 0,
            cycle: Cycle::default(),
            left_out: BTreeSet::new(),
            told_unknown: BTreeSet::new(),
            works: Vec::new(),
            next_run: 1,
            next_timer: 1,
            parked: None,
            limits: 0,
            unanswered: 0,
            stop: None,
            ending: None,
            context_age: None,
            sprint: None,
            out: Vec::new(),
        }
    }

    /// The batch's row.
    pub const fn id(&self) -> i64 {
        self.rules.batch_id
    }

    /// Whether [`Effect::Finish`] has been given.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Asks for something that is answered.
    pub(super) fn ask(&mut self, effect: Effect) {
        self.unanswered += 1;
        self.out.push(effect);
    }

    pub(super) fn timer(&mut self, until_ms: i64) -> TimerId {
        let timer = self.next_timer;
        self.next_timer += 1;
        self.out.push(Effect::Wait { timer, until_ms });
        timer
    }
}

impl Cycle {
    pub(super) fn of(stories: Vec<Candidate>) -> Self {
        let epic_id = stories.first().and_then(|story| story.epic_id.clone());
        let stories = stories
            .into_iter()
            .map(|story| StoryWork {
                class: StatusClass::of(&story.status),
                story,
                fate: Fate::Open,
                tech_spec: None,
                developed: false,
                written: None,
                reviews: 0,
                same_findings: (String::new(), 0),
            })
            .collect();
        Self { stories, epic_id, ..Self::default() }
    }

    /// The keys of the stories that are still open and fit.
    pub(super) fn open(&self, fits: impl Fn(&StoryWork) -> bool) -> Vec<String> {
        let fit = self.stories.iter().filter(|work| work.fate == Fate::Open && fits(work));
        fit.map(|work| work.story.story_key.clone()).collect()
    }

    /// The keys of the stories with this fate.
    pub(super) fn with_fate(&self, fate: Fate) -> Vec<String> {
        let fit = self.stories.iter().filter(|work| work.fate == fate);
        fit.map(|work| work.story.story_key.clone()).collect()
    }

    pub(super) fn story(&mut self, key: &str) -> Option<&mut StoryWork> {
        self.stories.iter_mut().find(|work| work.story.story_key == key)
    }
}
