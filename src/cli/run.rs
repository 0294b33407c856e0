//! `run`: one batch in the terminal. A live server on the project runs it, else this process does.

mod driver;
mod progress;
mod rehearsal;
mod shown;

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use indicatif::MultiProgress;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::app::signals::{Signalled, Signals};
use crate::config::Layer;
use crate::domain::workflow::StopMode;
use crate::orchestrator::BatchSize;

use super::clock::now_ms;
use super::logging;
use super::place::Place;
use super::terminal::{escape_record, json_escape};

use driver::{Begun, Driver};
use progress::{End, LastOutput, Progress};
use shown::Shown;

/// Between two drawings of the bars.
const TICK: Duration = Duration::from_millis(120);
/// Between two looks at when the agents last printed something.
const LOOK: Duration = Duration::from_secs(2);
/// How long a receipt may come later than the batch's end.
const RECEIPT: Duration = Duration::from_secs(10);

/// The flags of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many cycles (one or two stories each), or all: until nothing is left [default: the
    /// setting `default_max_cycles`, 2]
    #[arg(value_name = "N|all", value_parser = size)]
    cycles: Option<BatchSize>,
    /// Only show what the next cycle's agents would be told: arguments, context and prompt of each
    /// command. Writes nothing into the project, starts nothing; exit code 1 where something is in
    /// the way
    #[arg(long)]
    dry_run: bool,
    /// The batch's events as NDJSON; with --dry-run all of it as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    log: logging::LogArgs,
}

/// `3` or `all`.
fn size(text: &str) -> Result<BatchSize, String> {
    if text == "all" {
        return Ok(BatchSize::All);
    }
    let number = text.parse::<u32>().ok().filter(|number| (1..=i32::MAX as u32).contains(number));
    number
        .map(BatchSize::Cycles)
        .ok_or_else(|| "either a whole number from 1 to 2147483647, or all".to_owned())
}

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    if args.dry_run {
        return rehearsal::run(&found, args.cycles, args.json).await;
    }
    let shown = Shown::new(args.json);
    args.log.start(Some("warn"), shown.multi())?;
    // Before anything is started: whoever sends a signal gets an orderly end.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let driver = tokio::select! {
        driver = Driver::find(&found) => driver?,
        _ = signals.next() => bail!("interrupted before the batch began"),
    };
    match &driver {
        Driver::There(server) => shown.remark(&format!("the server at {} runs it", server.url)),
        Driver::Here(core) if core.state.elsewhere => shown.remark(&format!(
            "the project cannot be written: the database is kept in {}",
            core.state.path.display()
        )),
        Driver::Here(_) => {}
    }
    let ended = match driver.start(args.cycles, found.state_folders()).await {
        Ok(begun) => follow(&driver, begun, shown, &mut signals).await,
        Err(error) => Err(error),
    };
    driver.close().await;
    match ended? {
        End { status, .. } if status == "completed" => Ok(0),
        End { status, reason, .. } => bail!("the batch ended as {status}: {reason}"),
    }
}

/// Shows the batch until it has ended.
async fn follow(
    driver: &Driver,
    mut begun: Begun,
    mut shown: Shown,
    signals: &mut Signals,
) -> anyhow::Result<End> {
    let mut progress = Progress::new(begun.batch_id, now_ms());
    let mut last_output = LastOutput::new();
    let mut stops = Stops::default();
    let mut looks: JoinSet<LastOutput> = JoinSet::new();
    let (mut tick, mut look) = (interval(TICK), interval(LOOK));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let is_seen = shown.multi().is_some();
    while progress.end.is_none() {
        tokio::select! {
            biased;
            signal = signals.next() => {
                if !stops.ask(driver, signal, &shown) {
                    bail!("the batch did not end in time");
                }
            }
            Some(answer) = stops.answers.join_next() => tell_answer(&shown, answer?),
            _ = tick.tick(), if is_seen => shown.tick(&progress, &last_output),
            Some(Ok(seen)) = looks.join_next() => last_output = seen,
            _ = look.tick(), if is_seen && looks.is_empty() => {
                looks.spawn(driver.last_output());
            }
            event = begun.events.recv() => {
                let json = event.ok_or_else(|| anyhow!("the log has ended"))??;
                let told = progress.take(&json);
                shown.event(&json, told.as_ref(), &progress);
            }
        }
    }
    // The receipt of a stop comes a moment after the end.
    let deadline = Instant::now() + RECEIPT;
    while let Ok(Some(answer)) = timeout_at(deadline, stops.answers.join_next()).await {
        tell_answer(&shown, answer?);
    }
    shown.end(&progress);
    progress.end.ok_or_else(|| anyhow!("how the batch ended is not known"))
}

/// What was asked for so far.
#[derive(Default)]
struct Stops {
    last: Option<StopMode>,
    answers: JoinSet<anyhow::Result<Value>>,
}

impl Stops {
    /// First gracefully, then now, then without waiting any more: false.
    fn ask(&mut self, driver: &Driver, signal: Signalled, shown: &Shown) -> bool {
        let mode = match (signal, self.last) {
            (Signalled::Asked, None) => {
                shown.remark("stopping: what runs may end (once more: stop it now)");
                StopMode::Graceful
            }
            (_, None | Some(StopMode::Graceful)) => {
                shown.remark("stopping now");
                StopMode::Now
            }
            (Signalled::HangUp, Some(_)) => return true,
            (Signalled::Asked, Some(_)) => return false,
        };
        self.last = Some(mode);
        self.answers.spawn(driver.stop(mode));
        true
    }
}

fn tell_answer(shown: &Shown, answer: anyhow::Result<Value>) {
    match answer {
        Ok(answer) => {
            let number = |key: &str| answer.get(key).and_then(Value::as_u64);
            if let (Some(processes), Some(killed), Some(left)) =
                (number("processes"), number("killed"), number("left"))
            {
                shown.remark(&format!(
                    "stopped: {processes} processes ended, {killed} of them killed, {left} left"
                ));
            }
        }
        // The batch may have ended just before.
        Err(error) => shown.remark(&format!("{error:#}")),
    }
}

/// Writes records of the log, safe to show, and above the bars where there are any.
#[derive(Clone)]
pub(crate) struct Above {
    /// The bars.
    pub(crate) bars: Option<MultiProgress>,
    /// The log sets colours.
    pub(crate) coloured: bool,
    /// The log is JSON.
    pub(crate) is_json: bool,
}

impl std::io::Write for Above {
    /// Takes one whole record, as the log hands them over.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let record = String::from_utf8_lossy(bytes);
        let record = if self.is_json {
            json_escape(record.trim_end()) + "\n"
        } else {
            escape_record(&record, self.coloured)
        };
        let write = || std::io::Write::write_all(&mut std::io::stderr().lock(), record.as_bytes());
        self.bars.as_ref().map_or_else(write, |bars| bars.suspend(write))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("1", Some(BatchSize::Cycles(1))),
            ("2147483647", Some(BatchSize::Cycles(2_147_483_647))),
            ("all", Some(BatchSize::All)),
            ("0", None),
            ("-1", None),
            ("2147483648", None),
            ("1.5", None),
            ("ALL", None),
            ("", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
