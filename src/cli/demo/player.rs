//! Plays a recording into a project, again and again, as agents would write it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::cli::append::append_line;
use crate::cli::clock::now_s;
use crate::parse::csv_append::format_row;
use crate::parse::yaml;

use super::recording::{Action, Recording};

/// Between the end and the next beginning: time to look at a finished sprint.
const INTERMISSION: Duration = Duration::from_secs(20);

/// A player at work.
pub(crate) struct Player {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Player {
    /// Starts to play into the artifacts folder, whose status file is the beginning of each round.
    pub(crate) fn start(artifacts: PathBuf, recording: Recording) -> anyhow::Result<Self> {
        let beginning = std::fs::read(artifacts.join("sprint-status.yaml"))
            .context("cannot read the demo's status file")?;
        let (stop, stopped) = channel::<()>();
        let wait = move |until: Instant| {
            let left = until.saturating_duration_since(Instant::now());
            stopped.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
        };
        let play = move || {
            let stage = Stage { artifacts };
            while stage.round(&recording, &wait) && wait(Instant::now() + INTERMISSION) {
                stage.told("begin anew", replace(&stage.status_file(), &beginning));
            }
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

struct Stage {
    artifacts: PathBuf,
}

impl Stage {
    /// Plays all steps once, each at its time. False: it was stopped.
    fn round(&self, recording: &Recording, wait: &impl Fn(Instant) -> bool) -> bool {
        let start = Instant::now();
        for step in &recording.steps {
            if !wait(start + Duration::from_millis(step.at_ms)) {
                return false;
            }
            self.told("play a step", self.act(&step.action));
        }
        true
    }

    fn act(&self, action: &Action) -> anyhow::Result<()> {
        match action {
            Action::Row { epic, story, command, task, status, message } => {
                let row = serde_json::json!({
                    "epic_id": epic, "story_id": story, "command": command,
                    "task_id": task, "status": status, "message": message,
                });
                let row = format_row(&row, now_s())?;
                append_line(&self.artifacts.join("sprint-runner.csv"), &row)?;
            }
            Action::Status { key, status } => {
                let old = std::fs::read(self.status_file())?;
                let new = yaml::write_status(&old, key, status)?;
                replace(&self.status_file(), &new)?;
            }
            Action::Markdown { line } => {
                append_line(&self.artifacts.join("orchestrator.md"), line)?;
            }
        }
        Ok(())
    }

    fn status_file(&self) -> PathBuf {
        self.artifacts.join("sprint-status.yaml")
    }

    /// A step that fails (the disk is full) must not end the show.
    #[allow(clippy::unused_self)]
    fn told(&self, what: &str, result: anyhow::Result<()>) {
        if let Err(error) = result {
            tracing::warn!("cannot {what}: {error:#}");
        }
    }
}

/// Replaces a file by a temporary one and a rename: readers see the old or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_file_name(".sprint-status-demo.tmp");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}
