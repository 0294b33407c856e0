//! Runs over all their tries: started, retried with back-off, parked at a usage limit, given up.

use super::batch::{Batch, Phase, Work, WorkState};
use super::command::Command;
use super::input::{Effect, TimerId};
use super::job::{Cause, Job, Outcome, Report, RunId};

/// So many failures in a row, and a piece of work is given up.
const GIVE_UP_AFTER: u32 = 3;

/// So many usage limits in a row, and waiting longer does not help: with half an hour each, a day.
const MAX_LIMITS: u32 = 48;

/// How a piece of work ended, over all its tries.
#[derive(Debug, Clone)]
pub(super) enum Settled {
    Done(Report),
    GivenUp(Cause),
    Stopped,
}

impl Batch {
    /// Has something of the main line done.
    pub(super) fn run(&mut self, command: Command, story_keys: Vec<String>, attempt: Option<u32>) {
        let small = command.is_for_small_model(attempt, self.rules.small_from_review);
        let epic_id = (!story_keys.is_empty()).then(|| self.cycle.epic_id.clone()).flatten();
        let background = false;
        let small_model = small;
        let job = Job { run: 0, command, story_keys, epic_id, attempt, background, small_model };
        self.launch(job, None);
    }

    /// Reviews again what `job` reviewed, by the small model, holding nothing up.
    pub(super) fn review_in_background(&mut self, job: &Job, attempt: u32, task: String) {
        let job =
            Job { attempt: Some(attempt), background: true, small_model: true, ..job.clone() };
        self.launch(job, Some(task));
    }

    /// Makes the project context anew, holding nothing up.
    pub(super) fn refresh_context(&mut self, task: String) {
        let job = Job {
            run: 0,
            command: Command::GenerateProjectContext,
            story_keys: Vec::new(),
            epic_id: None,
            attempt: None,
            background: true,
            small_model: false,
        };
        self.launch(job, Some(task));
    }

    fn launch(&mut self, job: Job, task: Option<String>) {
        let work = Work { job, state: WorkState::Parked, failures: 0, task, told: false };
        self.works.push(work);
        if self.parked.is_none() {
            self.ask_for_run(self.works.len() - 1);
        }
    }

    fn ask_for_run(&mut self, index: usize) {
        let run = self.next_run;
        self.next_run += 1;
        let work = &mut self.works[index];
        work.job.run = run;
        work.state = WorkState::Running;
        self.out.push(Effect::Run { job: work.job.clone(), task: work.task.clone() });
    }

    fn running(&self, run: RunId) -> Option<usize> {
        let is_it = |work: &Work| work.job.run == run && work.state == WorkState::Running;
        self.works.iter().position(is_it)
    }

    pub(super) fn started(&mut self, run: RunId) {
        if let Some(index) = self.running(run) {
            self.works[index].told = true;
            let job = self.works[index].job.clone();
            self.tell_start(&job);
        }
    }

    pub(super) fn started_well(&mut self, run: RunId) {
        let Some(index) = self.running(run) else { return };
        let job = self.works[index].job.clone();
        if self.works[index].task.is_none() {
            self.does_well(&job);
        }
    }

    /// An agent of the main line works.
    fn does_well(&mut self, job: &Job) {
        if self.phase == Phase::Ending {
            return;
        }
        self.cycle.started_well = true;
        if job.command == Command::DevStory
            && let Some(key) = job.story_keys.first()
        {
            self.write(&key.clone(), "in-progress");
        }
    }

    pub(super) fn ended(&mut self, run: RunId, outcome: Outcome) {
        if self.phase == Phase::Whole || self.rules.whole {
            self.whole_ended(outcome);
            return;
        }
        let Some(index) = self.running(run) else { return };
        let outcome = match outcome {
            Outcome::Done(report) if lacks_verdict(&self.works[index].job, &report) => {
                Outcome::Failed(Cause::Failed("the review ended without a verdict".to_owned()))
            }
            other => other,
        };
        if self.works[index].told {
            self.works[index].told = false;
            let job = self.works[index].job.clone();
            self.tell_end(&job, &outcome);
        }
        match outcome {
            Outcome::Done(report) => self.settle(index, Settled::Done(report)),
            Outcome::Stopped => self.settle(index, Settled::Stopped),
            Outcome::Failed(cause) => self.failed(index, cause),
            Outcome::UsageLimit { resets_at_ms, message } => {
                self.limited(index, resets_at_ms, &message);
            }
        }
    }

    fn failed(&mut self, index: usize, cause: Cause) {
        let work = &mut self.works[index];
        work.failures += 1;
        let failures = work.failures;
        let passing = matches!(cause, Cause::Failed(_) | Cause::Denied(_));
        let is_final = !passing || failures >= GIVE_UP_AFTER;
        if is_final || work.task.is_some() || self.is_stopping() {
            self.settle(index, Settled::GivenUp(cause));
            return;
        }
        let pause = self.rules.retry_ms.saturating_mul(1 << (failures - 1));
        let timer = self.timer(self.now_ms.saturating_add(pause));
        self.works[index].state = WorkState::Resting(timer);
        let job = self.works[index].job.clone();
        self.tell_retry(&job, failures, pause, cause.message());
    }

    fn limited(&mut self, index: usize, resets_at_ms: Option<i64>, message: &str) {
        if self.is_stopping() {
            self.settle(index, Settled::GivenUp(Cause::Failed(message.to_owned())));
            return;
        }
        self.limits += 1;
        if self.limits > MAX_LIMITS {
            self.works.remove(index);
            return self.fail("usage_limit", message);
        }
        self.works[index].state = WorkState::Parked;
        let until = resets_at_ms
            .filter(|resets_at| *resets_at > self.now_ms)
            .unwrap_or_else(|| self.now_ms.saturating_add(self.rules.limit_wait_ms));
        if self.parked.is_none_or(|(parked_until, _)| parked_until < until) {
            let timer = self.timer(until);
            self.parked = Some((until, timer));
            self.tell_parked(until, message);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_some() || self.phase == Phase::Ending
    }

    /// Whether a background chain may go on: also while a batch that is otherwise complete waits.
    pub(super) fn may_go_on(&self) -> bool {
        let ending_well = self.ending.as_ref().is_none_or(|ending| ending.status == "completed");
        self.stop.is_none() && ending_well
    }

    pub(super) fn tick(&mut self, timer: TimerId) {
        if self.parked.is_some_and(|(_, parked)| parked == timer) {
            self.parked = None;
            self.tell_resumed();
            for index in 0..self.works.len() {
                if self.works[index].state == WorkState::Parked {
                    self.ask_for_run(index);
                }
            }
            return;
        }
        let rested = |work: &Work| work.state == WorkState::Resting(timer);
        let Some(index) = self.works.iter().position(rested) else { return };
        if self.parked.is_some() {
            self.works[index].state = WorkState::Parked;
        } else {
            self.ask_for_run(index);
        }
    }

    /// Forgets what waits for another try or for a usage limit to end.
    pub(super) fn drop_waiting(&mut self) {
        self.parked = None;
        let waiting: Vec<Work> =
            self.works.extract_if(.., |work| work.state != WorkState::Running).collect();
        for work in waiting {
            if let Some(task) = &work.task {
                self.tell_background(task, &work.job, Err("stopped"));
            }
        }
    }

    fn settle(&mut self, index: usize, settled: Settled) {
        let Work { job, task, .. } = self.works.remove(index);
        if matches!(settled, Settled::Done(_)) {
            self.limits = 0;
        }
        match task {
            Some(task) => self.background_settled(&task, &job, settled),
            None if self.phase == Phase::Ending => {}
            None => {
                if let Settled::Done(_) = settled {
                    self.does_well(&job);
                }
                self.settled(&job, settled);
            }
        }
    }

    fn settled(&mut self, job: &Job, settled: Settled) {
        match settled {
            Settled::GivenUp(Cause::CannotStart(message)) => self.fail("agent", &message),
            _ if job.command == Command::GenerateProjectContext => self.context_settled(settled),
            _ if job.command == Command::Commit => self.commit_settled(settled),
            Settled::Done(report) => self.cycle_did(job, report),
            Settled::Stopped => self.leave_out(&job.story_keys),
            Settled::GivenUp(_) if self.stop.is_some() => {}
            // The next story would meet the same: none is blocked for what the settings forbid.
            Settled::GivenUp(Cause::Denied(message)) => {
                self.fail("agent", &format!("{} failed: {message}", job.row_command()));
            }
            Settled::GivenUp(cause) => {
                let message = format!("{} failed: {}", job.row_command(), cause.message());
                self.cycle.given_up.push((job.clone(), message));
            }
        }
        if self.works.iter().all(|work| work.task.is_some()) {
            self.judge_given_up();
        }
    }
}

fn lacks_verdict(job: &Job, report: &Report) -> bool {
    job.command == Command::CodeReview && report.verdict.is_none()
}
