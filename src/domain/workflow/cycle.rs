//! Steps 1 to 7, 9 and 10: select, create, review, tech spec, development, commit, the next cycle.

use super::batch::{Batch, Cycle, Fate, Phase, StoryWork};
use super::command::Command;
use super::input::{Effect, MoveReport, WriteFailure};
use super::job::{Job, Report, TechSpecDecision};
use super::runs::Settled;
use super::select::select;
use crate::domain::payload::{CycleEnd, CycleStart, Payload};
use crate::domain::status::StatusClass;

/// A chain of story reviews goes on up to this attempt.
const LAST_BACKGROUND_REVIEW: u32 = 3;

impl Batch {
    pub(super) fn look_for_stories(&mut self) {
        self.phase = Phase::Selecting;
        self.ask(Effect::ReadSprint);
    }

    pub(super) fn select(&mut self) {
        let candidates = match self.sprint.take() {
            Some(Ok(candidates)) => candidates,
            Some(Err(message)) => return self.fail("status_file", &message),
            None => return self.look_for_stories(),
        };
        let selection = select(&candidates, &self.left_out);
        for story in &selection.unknown {
            if self.told_unknown.insert(story.story_key.clone()) {
                let message = format!(
                    "{} has the status \"{}\", which says nothing known: it is left out",
                    story.story_key, story.status
                );
                self.warn("unknown_status", &message);
            }
        }
        if selection.stories.is_empty() {
            return self.end("completed", "all_done");
        }
        self.cycle_number += 1;
        self.cycle = Cycle::of(selection.stories);
        // Whatever comes of a story, it is taken only once: so every batch ends.
        let keys = self.cycle.with_fate(Fate::Open);
        self.left_out.extend(keys.iter().cloned());
        self.tell(Payload::CycleStart(CycleStart {
            cycle_number: i64::from(self.cycle_number),
            story_keys: keys,
        }));
        self.phase = Phase::Creating;
        let new = self.cycle.open(|work| work.class == StatusClass::Backlog);
        if !new.is_empty() {
            self.run(Command::CreateStory, new.clone(), None);
            self.run(Command::CreateStoryDiscovery, new, None);
        }
    }

    pub(super) fn review_stories(&mut self) {
        self.phase = Phase::ReviewingStories;
        let new = self.cycle.open(|work| work.class == StatusClass::Backlog);
        if !new.is_empty() {
            self.run(Command::StoryReview, new, Some(1));
        }
    }

    pub(super) fn look_for_tech_specs(&mut self) {
        self.phase = Phase::LookingForTechSpecs;
        // What create-story decided a moment ago holds; of the others the files tell.
        let undecided = self
            .cycle
            .open(|work| work.class == StatusClass::ReadyForDev && work.tech_spec.is_none());
        if !undecided.is_empty() {
            self.ask(Effect::LookForTechSpecs(undecided));
        }
    }

    pub(super) fn tech_specs_found(&mut self, settled: &[String]) {
        for work in &mut self.cycle.stories {
            if work.class == StatusClass::ReadyForDev {
                let skip = settled.contains(&work.story.story_key);
                let decision =
                    if skip { TechSpecDecision::Skip } else { TechSpecDecision::Required };
                work.tech_spec = Some(decision);
            }
        }
    }

    pub(super) fn write_tech_specs(&mut self) {
        self.phase = Phase::WritingTechSpecs;
        let needing = self.cycle.open(needs_tech_spec);
        if !needing.is_empty() {
            self.run(Command::CreateTechSpec, needing, None);
        }
    }

    pub(super) fn review_tech_specs(&mut self) {
        self.phase = Phase::ReviewingTechSpecs;
        let needing = self.cycle.open(needs_tech_spec);
        if !needing.is_empty() {
            self.run(Command::TechSpecReview, needing, Some(1));
        }
    }

    /// Story by story.
    pub(super) fn develop(&mut self) {
        self.phase = Phase::Developing;
        let next = self.cycle.open(|work| work.class != StatusClass::Review && !work.developed);
        match next.into_iter().next() {
            Some(key) => self.run(Command::DevStory, vec![key], None),
            None => self.phase = Phase::ReviewingCode,
        }
    }

    /// What a command of the cycle has brought.
    pub(super) fn cycle_did(&mut self, job: &Job, report: Report) {
        match job.command {
            Command::CreateStory => self.decided(job, &report.tech_specs),
            Command::StoryReview | Command::TechSpecReview if report.critical => {
                self.start_chain(job);
            }
            Command::DevStory => {
                for key in &job.story_keys {
                    if let Some(work) = self.cycle.story(key) {
                        work.developed = true;
                    }
                    self.write(key, "review");
                }
            }
            Command::CodeReview => self.reviewed(job, report.verdict),
            _ => {}
        }
    }

    /// The n-th decision is the n-th story's; none found = required.
    fn decided(&mut self, job: &Job, decisions: &[TechSpecDecision]) {
        let mut skipped = Vec::new();
        for (index, key) in job.story_keys.iter().enumerate() {
            let decision = decisions.get(index).copied();
            if decision.is_none() {
                let message = format!(
                    "create-story said nothing about a tech spec for {key}: one will be written"
                );
                self.warn("tech_spec_decision", &message);
            }
            if decision == Some(TechSpecDecision::Skip) {
                skipped.push(key.clone());
            }
            if let Some(work) = self.cycle.story(key) {
                work.tech_spec = Some(decision.unwrap_or(TechSpecDecision::Required));
            }
        }
        if !skipped.is_empty() {
            self.out.push(Effect::NoteNoTechSpec(skipped));
        }
    }

    /// Something critical was found: it is reviewed again in the background, and never holds the
    /// main line up.
    fn start_chain(&mut self, job: &Job) {
        if self.stop.is_none() {
            let task = format!("{}-{}-{}", job.command.row_name(), self.id(), self.cycle_number);
            self.review_in_background(job, 2, task);
        }
    }

    pub(super) fn background_settled(&mut self, task: &str, job: &Job, settled: Settled) {
        let attempt = job.attempt.unwrap_or(LAST_BACKGROUND_REVIEW);
        match settled {
            Settled::Done(report)
                if report.critical && attempt < LAST_BACKGROUND_REVIEW && self.may_go_on() =>
            {
                self.review_in_background(job, attempt + 1, task.to_owned());
            }
            Settled::Done(_) => self.tell_background(task, job, Ok(())),
            Settled::Stopped => self.tell_background(task, job, Err("stopped")),
            Settled::GivenUp(cause) => {
                self.tell_background(task, job, Err(cause.message()));
                let message = format!(
                    "{} in the background failed: {}",
                    job.command.row_name(),
                    cause.message()
                );
                self.warn("background_failed", &message);
            }
        }
    }

    /// Commands have failed for good. If no agent of the cycle has ever started well, it is not the
    /// stories' fault.
    pub(super) fn judge_given_up(&mut self) {
        for (job, message) in std::mem::take(&mut self.cycle.given_up) {
            if self.cycle.started_well {
                self.block(&job.story_keys, &message);
            } else {
                self.fail("agent", &message);
            }
        }
    }

    /// Writes the stories down as blocked, once it is sure that agents work at all.
    pub(super) fn block(&mut self, story_keys: &[String], message: &str) {
        for key in story_keys {
            let Some(work) = self.cycle.story(key) else { continue };
            if work.fate != Fate::Open {
                continue;
            }
            work.fate = Fate::Blocked;
            self.warn("story_blocked", &format!("{key} is blocked: {message}"));
            self.write(key, "blocked");
        }
    }

    /// Their agent was stopped by hand: they keep their status and are left alone from now on.
    pub(super) fn leave_out(&mut self, story_keys: &[String]) {
        for key in story_keys {
            if let Some(work) = self.cycle.story(key)
                && work.fate == Fate::Open
            {
                work.fate = Fate::LeftOut;
                let message = format!("the agent of {key} was stopped: the story is left out");
                self.warn("story_left_out", &message);
            }
        }
    }

    /// Writes a status unless the file has it already.
    pub(super) fn write(&mut self, key: &str, status: &'static str) {
        let Some(work) = self.cycle.story(key) else { return };
        let known =
            work.written.is_none() && StatusClass::of(&work.story.status).as_str() == status;
        if !known && work.written != Some(status) {
            work.written = Some(status);
            self.ask(Effect::WriteStatus { story_key: key.to_owned(), status });
        }
    }

    pub(super) fn written(&mut self, key: &str, result: Result<(), WriteFailure>) {
        match result {
            Ok(()) => {}
            Err(WriteFailure::Failed(message)) => self.fail("status_file", &message),
            Err(WriteFailure::Gone) => {
                let message = format!("{key} is no longer in the status file: it is left out");
                self.warn("story_gone", &message);
                if let Some(work) = self.cycle.story(key)
                    && work.fate == Fate::Open
                {
                    work.fate = Fate::LeftOut;
                }
            }
        }
    }

    /// The finished stories' files go to the archive before the commit, so that it holds them.
    pub(super) fn move_files(&mut self) {
        self.phase = Phase::Moving;
        let done = self.cycle.with_fate(Fate::Done);
        if !done.is_empty() {
            self.ask(Effect::MoveFiles(done));
        }
    }

    pub(super) fn moved(&mut self, report: &MoveReport) {
        let done = self.cycle.with_fate(Fate::Done);
        self.tell_moved(report, &done);
    }

    pub(super) fn commit(&mut self) {
        self.phase = Phase::Committing;
        let done = self.cycle.with_fate(Fate::Done);
        if !done.is_empty() {
            self.run(Command::Commit, done, None);
        }
    }

    pub(super) fn commit_settled(&mut self, settled: Settled) {
        let cause = match settled {
            Settled::Done(_) => {
                self.cycle.committed = true;
                return;
            }
            Settled::GivenUp(cause) => cause.message().to_owned(),
            Settled::Stopped => "its agent was stopped".to_owned(),
        };
        self.cycle.committed = true;
        let keys = self.cycle.with_fate(Fate::Done).join(", ");
        self.warn("commit_failed", &format!("{keys} could not be committed: {cause}"));
    }

    pub(super) fn end_cycle(&mut self) {
        self.cycles_completed += 1;
        let completed_stories = self.cycle.with_fate(Fate::Done);
        self.cycle = Cycle::default();
        self.tell(Payload::CycleEnd(CycleEnd {
            cycle_number: i64::from(self.cycle_number),
            completed_stories,
        }));
        if self.rules.max_cycles.is_some_and(|most| self.cycles_completed >= most) {
            self.end("completed", "max_cycles");
        } else {
            self.look_for_stories();
        }
    }
}

fn needs_tech_spec(work: &StoryWork) -> bool {
    matches!(work.class, StatusClass::Backlog | StatusClass::ReadyForDev)
        && work.tech_spec != Some(TechSpecDecision::Skip)
}
