//! What a run prints: into its log, rows of the log into events, all of it into the outcome.

use std::sync::Arc;
use std::time::Instant;

use super::{Attendant, Input};
use crate::agents::log::{AgentLog, Mark};
use crate::agents::process::{Line, Stream};
use crate::domain::event::{NewEvent, Source};
use crate::domain::key::KeyIndex;
use crate::orchestrator::parts::now_ms;
use crate::orchestrator::publish::publish_heard;
use crate::orchestrator::pulse::Pulse;
use crate::parse::agent::{AgentStream, Format, LineMark};
use crate::parse::csv::{LogRow, RowKind};
use crate::parse::row_event::event_of;

/// An agent's log has two files of this size at most.
const LOG_BYTES: u64 = 8 * 1024 * 1024;
/// Rows published together at most.
const ROWS_AT_ONCE: usize = 1000;
/// Rows older than the run by more than this were looked up by the agent, not reported.
const SLACK_MS: i64 = 2_000;

pub(super) struct Hearing<'a> {
    attendant: &'a Attendant,
    stream: AgentStream,
    format: Format,
    log: Option<AgentLog>,
    keys: KeyIndex,
    rows: Vec<NewEvent>,
    /// When the first of them was heard.
    heard: Option<Instant>,
    pulse: Arc<Pulse>,
    started_ms: i64,
    told_well: bool,
}

impl<'a> Hearing<'a> {
    pub(super) fn new(
        attendant: &'a Attendant,
        format: Format,
        pulse: Arc<Pulse>,
        started_ms: i64,
    ) -> Self {
        let log = AgentLog::create(&attendant.log_path(), LOG_BYTES)
            .map_err(|error| tracing::warn!(%error, "an agent's log cannot be written"))
            .ok();
        let sprint = attendant.parts.board.sprint();
        let entries = sprint.shown.as_ref().map_or(&[][..], |reading| &reading.entries);
        Self {
            attendant,
            stream: AgentStream::new(format),
            format,
            log,
            keys: KeyIndex::new(entries),
            rows: Vec::new(),
            heard: None,
            pulse,
            started_ms,
            told_well: false,
        }
    }

    pub(super) const fn stream(&self) -> &AgentStream {
        &self.stream
    }

    /// Whether the actor knows that this run has started well.
    pub(super) const fn told_well(&self) -> bool {
        self.told_well
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_AT_ONCE
    }

    /// Takes a line. True when it was the run's result.
    pub(super) fn line(&mut self, line: &Line) -> bool {
        let now = now_ms();
        self.pulse.beat();
        let cut = line.full_len > line.bytes.len() as u64;
        if line.stream == Stream::Stderr {
            self.stream.stderr(&line.bytes);
            self.note(Mark::Stderr, &line.bytes);
            return false;
        }
        let heard = self.stream.line(&line.bytes, cut, now);
        let mark = match heard.mark {
            _ if cut => Mark::Cut { full_len: line.full_len },
            LineMark::NotJson if self.format == Format::StreamJson => Mark::NotJson,
            LineMark::NotUtf8 => Mark::NotUtf8,
            _ => Mark::Plain,
        };
        self.note(mark, &line.bytes);
        for row in heard.rows {
            self.row(row);
        }
        if !self.told_well && self.stream.started_well() {
            self.told_well = true;
            self.attendant.input(Input::StartedWell(self.attendant.task.run()));
        }
        heard.done
    }

    fn row(&mut self, row: LogRow) {
        // Rows from before its time are what an agent reads when it looks at the log; a batch is
        // not begun by an agent of one.
        let older = row.timestamp_ms < self.started_ms - SLACK_MS;
        if older || matches!(row.kind, RowKind::BatchStart { .. }) {
            return;
        }
        let (event, _) = event_of(row, Source::Agent, &self.keys);
        // Attribution gives it its batch, and knows whether the log file told it already.
        self.heard.get_or_insert_with(Instant::now);
        self.rows.push(event);
    }

    fn note(&mut self, mark: Mark, bytes: &[u8]) {
        if let Some(log) = &self.log {
            log.line(mark, bytes);
        }
    }

    /// Nothing more comes: the last rows are committed and the log is whole when it returns.
    pub(super) async fn finish(&mut self) {
        self.flush().await;
        if let Some(log) = self.log.take() {
            log.finish().await;
        }
    }

    /// Publishes the rows heard so far; they are committed when it returns.
    pub(super) async fn flush(&mut self) {
        if !self.rows.is_empty() {
            self.pulse.deaf();
            let rows = std::mem::take(&mut self.rows);
            publish_heard(&self.attendant.parts.hub, rows, self.heard.take()).await;
            self.pulse.listening();
        }
    }
}
