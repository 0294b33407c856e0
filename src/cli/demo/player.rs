//! Plays the acts, again and again: a batch by scripted agents, then the recording, written as
//! other people's agents would write it. Only one of them at a time, and none beside a batch that
//! the onlooker has started.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::cli::append::append_line;
use crate::cli::clock::now_s;
use crate::orchestrator::{BatchSize, Orchestrator};
use crate::parse::csv_append::format_row;
use crate::parse::yaml;

use super::recording::{Action, Recording};
use super::stage::{Act, Stage, replace};

/// As many as the batch's beginning has worthwhile stories for.
const CYCLES: BatchSize = BatchSize::Cycles(5);
/// Between two acts: time to look at what was done.
const INTERMISSION: Duration = Duration::from_secs(20);
/// Between two looks at whether a batch still runs.
const LOOK: Duration = Duration::from_millis(300);

/// A player at work.
pub(crate) struct Player {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Player {
    /// Starts to play on a stage that is laid out for a batch. Needs a runtime around it.
    pub(crate) fn start(
        stage: Stage,
        recording: Recording,
        orchestrator: Orchestrator,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let runtime = Handle::current();
        let play = move || {
            let play = Play { stage, recording, orchestrator, runtime, stopped };
            // It ends when it is stopped.
            let _ = play.acts();
        };
        let thread = std::thread::Builder::new().name("demo".to_owned()).spawn(play)?;
        Ok(Self { stop, thread })
    }

    /// Ends it; nothing is written afterwards.
    pub(crate) fn stop(self) {
        drop(self.stop);
        // It cannot panic halfway through a file: there is nothing to clean up.
        let _ = self.thread.join();
    }
}

/// It was stopped.
struct Stopped;

struct Play {
    stage: Stage,
    recording: Recording,
    orchestrator: Orchestrator,
    runtime: Handle,
    stopped: Receiver<()>,
}

impl Play {
    fn acts(&self) -> Result<(), Stopped> {
        loop {
            let started = self.runtime.block_on(self.orchestrator.start(CYCLES));
            told("start the batch", started.map_err(anyhow::Error::new));
            self.wait_for_batch()?;
            self.intermission(Act::Recording)?;
            self.play_recording()?;
            self.intermission(Act::Batch)?;
        }
    }

    /// Time to look, then the stage is laid out anew.
    fn intermission(&self, next: Act) -> Result<(), Stopped> {
        self.wait(Instant::now() + INTERMISSION)?;
        self.wait_for_batch()?;
        told("begin anew", self.stage.lay_out(next));
        Ok(())
    }

    /// Plays all steps, each at its time; leaves off when somebody starts a batch.
    fn play_recording(&self) -> Result<(), Stopped> {
        let start = Instant::now();
        for step in &self.recording.steps {
            self.wait(start + Duration::from_millis(step.at_ms))?;
            if !self.is_idle() {
                break;
            }
            told("play a step", self.act(&step.action));
        }
        Ok(())
    }

    fn wait_for_batch(&self) -> Result<(), Stopped> {
        while !self.is_idle() {
            self.wait(Instant::now() + LOOK)?;
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.orchestrator.status().view.status == "idle"
    }

    fn wait(&self, until: Instant) -> Result<(), Stopped> {
        let left = until.saturating_duration_since(Instant::now());
        match self.stopped.recv_timeout(left) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Err(Stopped),
        }
    }

    fn act(&self, action: &Action) -> anyhow::Result<()> {
        let artifacts = self.stage.artifacts();
        match action {
            Action::Row { epic, story, command, task, status, message } => {
                let row = serde_json::json!({
                    "epic_id": epic, "story_id": story, "command": command,
                    "task_id": task, "status": status, "message": message,
                });
                let row = format_row(&row, now_s())?;
                append_line(&artifacts.join("sprint-runner.csv"), &row)?;
            }
            Action::Status { key, status } => {
                let old = std::fs::read(self.stage.status_file())?;
                let new = yaml::write_status(&old, key, status)?;
                replace(&self.stage.status_file(), &new)?;
            }
            Action::Markdown { line } => append_line(&artifacts.join("orchestrator.md"), line)?,
        }
        Ok(())
    }
}

/// A step that fails (the disk is full) must not end the show.
fn told<T>(what: &str, result: anyhow::Result<T>) {
    if let Err(error) = result {
        tracing::warn!("cannot {what}: {error:#}");
    }
}
