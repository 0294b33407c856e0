//! One step: an input, then as far as the main line can go by itself.

use super::batch::{Batch, Phase, WorkState};
use super::input::{Effect, Input, StopMode};
use super::job::{Outcome, RunId};

/// The state after an input at `now_ms`, and what is to be done, in order.
pub fn step(mut batch: Batch, input: Input, now_ms: i64) -> (Batch, Vec<Effect>) {
    // A clock that jumps back does not make time negative.
    batch.now_ms = now_ms.max(batch.started_at_ms);
    if !batch.is_over() {
        batch.take(input);
        batch.advance();
    }
    let effects = std::mem::take(&mut batch.out);
    (batch, effects)
}

impl Batch {
    fn take(&mut self, input: Input) {
        match input {
            Input::Begin => {}
            Input::ContextAge(age) => {
                self.answered();
                self.context_age = Some(age);
            }
            Input::ContextCopied(result) => {
                self.answered();
                self.context_copied(result);
            }
            Input::Sprint(sprint) => {
                self.answered();
                self.sprint = Some(sprint);
            }
            Input::TechSpecs(settled) => {
                self.answered();
                self.tech_specs_found(&settled);
            }
            Input::StatusWritten(story_key, result) => {
                self.answered();
                self.written(&story_key, result);
            }
            Input::Moved(report) => {
                self.answered();
                self.moved(&report);
            }
            Input::Started(run) => self.started(run),
            Input::StartedWell(run) => self.started_well(run),
            Input::Ended(run, outcome) => self.ended(run, outcome),
            Input::Tick(timer) => self.tick(timer),
            Input::Stop(mode) => self.stop(mode),
        }
    }

    fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Goes on until something has to be waited for.
    fn advance(&mut self) {
        while self.main_line_is_free() && self.phase != Phase::Ended {
            if self.phase == Phase::Ending {
                if self.works.is_empty() {
                    self.conclude();
                }
                return;
            }
            match self.stop {
                Some(_) if self.works.iter().any(|work| work.state == WorkState::Running) => return,
                Some(_) => self.end("stopped", "stop"),
                None => self.next(),
            }
        }
    }

    /// Nothing of the main line runs, waits or has to be answered.
    fn main_line_is_free(&self) -> bool {
        self.unanswered == 0 && self.works.iter().all(|work| work.task.is_some())
    }

    fn next(&mut self) {
        match self.phase {
            Phase::Begin if self.rules.whole => self.run_whole(),
            Phase::Begin => {
                self.phase = Phase::Context;
                self.ask(Effect::LookAtContext);
            }
            Phase::Context => self.context(),
            Phase::CopyingContext => self.look_for_stories(),
            Phase::Selecting => self.select(),
            Phase::Creating => self.review_stories(),
            Phase::ReviewingStories => self.look_for_tech_specs(),
            Phase::LookingForTechSpecs => self.write_tech_specs(),
            Phase::WritingTechSpecs => self.review_tech_specs(),
            Phase::ReviewingTechSpecs | Phase::Developing => self.develop(),
            Phase::ReviewingCode => self.review_code(),
            Phase::Moving => self.commit(),
            Phase::Committing => self.end_cycle(),
            // These are left by the end of a run, or not at all.
            Phase::Whole | Phase::Ending | Phase::Ended => {}
        }
    }

    fn stop(&mut self, mode: StopMode) {
        if self.stop.is_none_or(|earlier| earlier == StopMode::Graceful && earlier != mode) {
            self.stop = Some(mode);
            self.tell_stopping(mode);
        }
        let ending = self.phase == Phase::Ending;
        match mode {
            StopMode::Graceful if ending => {}
            StopMode::Graceful => {
                self.drop_waiting();
                if self.rules.whole {
                    // One process is the whole batch: there is no step between to stop at.
                    self.out.push(Effect::EndChildren);
                }
            }
            StopMode::Now => self.end_at_once("stop_now"),
            StopMode::Shutdown => self.end_at_once("server_stopped"),
        }
    }

    fn run_whole(&mut self) {
        let run: RunId = self.next_run;
        self.next_run += 1;
        self.phase = Phase::Whole;
        // Answered by the run's end, through `whole_ended`.
        self.ask(Effect::RunWhole(run));
    }

    pub(super) fn whole_ended(&mut self, outcome: Outcome) {
        self.answered();
        if self.phase == Phase::Ending {
            return;
        }
        match outcome {
            _ if self.stop.is_some() => self.end("stopped", "stop"),
            Outcome::Done(_) => self.end("completed", "command_ended"),
            Outcome::Failed(cause) => self.fail("agent", cause.message()),
            Outcome::UsageLimit { message, .. } => self.fail("usage_limit", &message),
            Outcome::Stopped => self.end("stopped", "agent_stopped"),
        }
    }
}
