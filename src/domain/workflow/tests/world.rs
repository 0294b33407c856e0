//! A simulated world: a sprint, agents that do what they are told to, and a clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use indexmap::IndexMap;

use crate::domain::key;
use crate::domain::payload::Payload;
use crate::domain::workflow::*;

/// What an agent does: well or not, and whether it first starts well.
pub(super) type Acts = Box<dyn FnMut(&Job) -> (bool, Outcome)>;

pub(super) struct World {
    pub(super) sprint: IndexMap<String, String>,
    pub(super) epics: BTreeMap<String, String>,
    pub(super) context: ContextAge,
    pub(super) tech_specs: Vec<String>,
    pub(super) acts: Acts,
    /// Called before each input: may put another one in front.
    pub(super) interfere: Box<dyn FnMut(usize) -> Option<Input>>,
    pub(super) write_fails: Option<WriteFailure>,
    pub(super) now_ms: i64,
    /// Everything that happened, a line each.
    pub(super) log: Vec<String>,
    pub(super) events: Vec<Payload>,
    pub(super) runs: Vec<Job>,
    pub(super) archived: Vec<String>,
    /// How many steps it took.
    pub(super) steps: usize,
}

pub(super) fn rules() -> Rules {
    Rules {
        batch_id: 7,
        max_cycles: None,
        max_code_reviews: 10,
        small_from_review: 2,
        retry_ms: 5_000,
        limit_wait_ms: 1_800_000,
        whole: false,
    }
}

/// Does everything well at the first try.
pub(super) fn good(job: &Job) -> Outcome {
    Outcome::Done(Report {
        verdict: (job.command == Command::CodeReview).then_some(Verdict::ZeroIssues),
        critical: false,
        tech_specs: vec![TechSpecDecision::Skip; job.story_keys.len()],
    })
}

pub(super) fn failed(message: &str) -> Outcome {
    Outcome::Failed(Cause::Failed(message.to_owned()))
}

pub(super) fn issues(severity: Severity, findings: &str) -> Outcome {
    let verdict = Verdict::Issues { severity, findings: findings.to_owned() };
    Outcome::Done(Report { verdict: Some(verdict), ..Report::default() })
}

impl World {
    /// A world where all goes well; `lines` are keys and words, epics are the part before the
    /// first dash.
    pub(super) fn new(lines: &[(&str, &str)]) -> Self {
        let mut sprint = IndexMap::new();
        let mut epics = BTreeMap::new();
        for (story, word) in lines {
            sprint.insert((*story).to_owned(), (*word).to_owned());
            let epic = story.split('-').next().unwrap_or_default();
            epics.insert((*story).to_owned(), epic.to_owned());
        }
        Self {
            sprint,
            epics,
            context: ContextAge::Fresh,
            tech_specs: Vec::new(),
            acts: Box::new(|job| (true, good(job))),
            interfere: Box::new(|_| None),
            write_fails: None,
            now_ms: 1_000_000,
            log: Vec::new(),
            events: Vec::new(),
            runs: Vec::new(),
            archived: Vec::new(),
            steps: 0,
        }
    }

    pub(super) fn acting(mut self, acts: impl FnMut(&Job) -> (bool, Outcome) + 'static) -> Self {
        self.acts = Box::new(acts);
        self
    }

    /// Runs a batch to its end and holds the laws on the way.
    pub(super) fn run(&mut self, rules: Rules) -> &mut Self {
        let mut batch = Batch::new(rules, self.now_ms);
        let mut inputs = VecDeque::from([Input::Begin]);
        let mut timers: BTreeSet<(i64, TimerId)> = BTreeSet::new();
        let mut alive: IndexMap<RunId, Outcome> = IndexMap::new();
        let mut stopped_now = false;
        let mut over = false;
        while !over {
            let input = match (self.interfere)(self.steps) {
                Some(input) => input,
                None => match inputs.pop_front() {
                    Some(input) => input,
                    None => match alive.shift_remove_index(0) {
                        Some((run, outcome)) => Input::Ended(run, outcome),
                        None => match timers.pop_first() {
                            Some((at, timer)) => {
                                self.now_ms = self.now_ms.max(at);
                                Input::Tick(timer)
                            }
                            None => break,
                        },
                    },
                },
            };
            self.steps += 1;
            assert!(self.steps < 20_000, "this batch does not end:\n{}", self.log.join("\n"));
            self.now_ms += 1;
            stopped_now |= input == Input::Stop(StopMode::Now);
            self.note_input(&input);
            let effects;
            (batch, effects) = step(batch, input, self.now_ms);
            for effect in effects {
                assert!(!over, "{effect:?} after the end");
                self.note_effect(&effect);
                match effect {
                    Effect::Publish(payload) => {
                        let ends = self.events.iter().any(|it| matches!(it, Payload::BatchEnd(_)));
                        assert!(!ends, "{payload:?} after batch:end");
                        self.events.push(payload);
                    }
                    Effect::LookAtContext => inputs.push_back(Input::ContextAge(self.context)),
                    Effect::CopyContext => inputs.push_back(Input::ContextCopied(Ok(()))),
                    Effect::ReadSprint => inputs.push_back(Input::Sprint(Ok(self.candidates()))),
                    Effect::LookForTechSpecs(keys) => {
                        let has = |key: &String| self.tech_specs.contains(key);
                        let settled = keys.into_iter().filter(has).collect();
                        inputs.push_back(Input::TechSpecs(settled));
                    }
                    Effect::NoteNoTechSpec(keys) => self.tech_specs.extend(keys),
                    Effect::Run { job, .. } => {
                        assert!(!stopped_now, "{job:?} after stop");
                        self.runs.push(job.clone());
                        let (well, outcome) = (self.acts)(&job);
                        let cannot_start =
                            matches!(outcome, Outcome::Failed(Cause::CannotStart(_)));
                        if !cannot_start {
                            inputs.push_back(Input::Started(job.run));
                        }
                        if well {
                            inputs.push_back(Input::StartedWell(job.run));
                        }
                        alive.insert(job.run, outcome);
                    }
                    Effect::RunWhole(run) => {
                        alive.insert(run, Outcome::Done(Report::default()));
                    }
                    Effect::WriteStatus { story_key, status } => {
                        assert!(!stopped_now, "a write after stop");
                        let result = self.write_fails.clone().map_or(Ok(()), Err);
                        if result.is_ok() {
                            self.sprint.insert(story_key.clone(), status.to_owned());
                        }
                        inputs.push_back(Input::StatusWritten(story_key, result));
                    }
                    Effect::MoveFiles(keys) => {
                        let moved = keys.iter().map(|key| format!("{key}.md")).collect();
                        self.archived.extend(keys);
                        inputs.push_back(Input::Moved(MoveReport { moved, failed: Vec::new() }));
                    }
                    Effect::Wait { timer, until_ms } => {
                        timers.insert((until_ms, timer));
                    }
                    Effect::EndChildren => {
                        for (_, outcome) in &mut alive {
                            *outcome = Outcome::Stopped;
                        }
                    }
                    Effect::Finish => {
                        assert!(alive.is_empty(), "runs alive at the end: {alive:?}");
                        over = true;
                    }
                }
            }
            assert_eq!(batch.is_over(), over);
        }
        assert!(over, "nothing left to do, and no end:\n{}", self.log.join("\n"));
        let ends = self.events.iter().filter(|it| matches!(it, Payload::BatchEnd(_))).count();
        assert_eq!(ends, 1);
        self
    }

    fn candidates(&self) -> Vec<Candidate> {
        let candidate = |(story_key, status): (&String, &String)| Candidate {
            story_key: story_key.clone(),
            story_id: key::short_id(story_key, None),
            epic_id: self.epics.get(story_key).cloned(),
            status: status.clone(),
        };
        self.sprint.iter().map(candidate).collect()
    }

    /// How the batch ended: status and reason.
    pub(super) fn end(&self) -> (String, String) {
        let end = self.events.iter().find_map(|event| match event {
            Payload::BatchEnd(end) => Some((end.status.clone(), end.reason.clone())),
            _ => None,
        });
        end.unwrap_or_default()
    }

    /// The commands run, with attempt and stories.
    pub(super) fn commands(&self) -> Vec<String> {
        let told = |job: &Job| {
            let small = if job.small_model { " (small)" } else { "" };
            let background = if job.background { " (background)" } else { "" };
            format!("{} {}{small}{background}", job.row_command(), job.story_keys.join(","))
        };
        self.runs.iter().map(told).map(|it| it.trim_end().to_owned()).collect()
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let warning = |event: &Payload| match event {
            Payload::BatchWarning(warning) => Some(warning.warning_type.clone()),
            _ => None,
        };
        self.events.iter().filter_map(warning).collect()
    }

    fn note_input(&mut self, input: &Input) {
        let line = match input {
            Input::Ended(run, Outcome::Done(_)) => format!("> run {run} done"),
            Input::Ended(run, Outcome::Failed(cause)) => format!("> run {run} {cause:?}"),
            Input::Ended(run, outcome) => format!("> run {run} {outcome:?}"),
            Input::Sprint(Ok(stories)) => format!("> sprint of {}", stories.len()),
            Input::StatusWritten(key, Ok(())) => format!("> {key} written"),
            other => format!("> {other:?}"),
        };
        self.log.push(line);
    }

    fn note_effect(&mut self, effect: &Effect) {
        let line = match effect {
            Effect::Publish(payload) => {
                let json = serde_json::to_string(payload).unwrap_or_default();
                format!("  tell {} {json}", payload.kind())
            }
            Effect::Run { job, .. } => {
                let small = if job.small_model { " small" } else { "" };
                let background = if job.background { " background" } else { "" };
                let keys = job.story_keys.join(",");
                format!("  run {} {} {keys}{small}{background}", job.run, job.row_command())
            }
            Effect::WriteStatus { story_key, status } => format!("  write {story_key}: {status}"),
            other => format!("  {other:?}"),
        };
        self.log.push(line);
    }
}
