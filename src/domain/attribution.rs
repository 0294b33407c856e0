//! Which batch an event belongs to, and what follows from that.
//!
//! Rows with no managed batch running belong to an observed batch: it begins with the first row
//! after a silence longer than the limit, measured by the rows' own times, and ends when that
//! silence has passed. Whatever ends a batch, each command still open first gets its
//! `command:end` with status `left-open`: the log never leaves a ghost running.

use super::event::{NewEvent, Source};
use super::payload::{BatchEnd, BatchStart, CommandEnd, Payload};
use super::state::{Active, Batch, State};

/// What attribution needs to know beside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A silence longer than this separates two observed batches.
    pub observed_idle_ms: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { observed_idle_ms: 30 * 60 * 1000 }
    }
}

/// Gives an event its batch. Returns it with all that has to stand before it in the log: the end
/// of the batch that its time shows to be over, the start of the one that it opens.
pub fn attribute(
    state: &State,
    mut event: NewEvent,
    rules: Rules,
    next_batch_id: i64,
) -> Vec<NewEvent> {
    let mut out = Vec::with_capacity(1);
    if let Payload::BatchStart(body) = &mut event.payload
        && body.batch_id == 0
    {
        // A `batch-start` row: it names no batch yet, so it opens an observed one.
        if let Some(open) = &state.batch {
            out = end_of(state, open, "batch_start");
        }
        body.batch_id = next_batch_id;
        event.batch_id = Some(next_batch_id);
        out.push(event);
        return out;
    }
    if event.batch_id.is_none() && is_row(&event) {
        match &state.batch {
            Some(batch) if batch.origin != "observed" || continues(batch, &event, rules) => {
                event.batch_id = Some(batch.id);
            }
            open => {
                if let Some(open) = open {
                    out = end_of(state, open, "silence");
                }
                out.push(observed_start(next_batch_id, event.timestamp_ms));
                event.batch_id = Some(next_batch_id);
            }
        }
    } else if event.batch_id.is_none() {
        event.batch_id = state.batch.as_ref().map(|batch| batch.id);
    }
    if let Payload::CommandEnd(body) = &mut event.payload {
        let slot = Active::slot(&body.story_key, &body.command, &body.task_id);
        if body.duration_ms.is_none()
            && out.is_empty()
            && let Some(active) = state.active.get(&slot)
        {
            body.duration_ms = Some((event.timestamp_ms - active.started_at).max(0));
        }
    }
    out.push(event);
    out
}

/// The end of an observed batch whose silence has passed at `now_ms`; empty while none is due.
pub fn due(state: &State, now_ms: i64, rules: Rules) -> Vec<NewEvent> {
    match &state.batch {
        Some(batch)
            if batch.origin == "observed"
                && now_ms - batch.last_activity_at > rules.observed_idle_ms =>
        {
            end_of(state, batch, "silence")
        }
        _ => Vec::new(),
    }
}

fn is_row(event: &NewEvent) -> bool {
    event.source == Source::Csv
        && matches!(
            event.payload,
            Payload::CommandStart(_) | Payload::CommandProgress(_) | Payload::CommandEnd(_)
        )
}

/// A row far from the last one belongs to another run, whichever way time jumped.
fn continues(batch: &Batch, event: &NewEvent, rules: Rules) -> bool {
    event.timestamp_ms.abs_diff(batch.last_activity_at) <= rules.observed_idle_ms.unsigned_abs()
}

fn observed_start(batch_id: i64, started_at: i64) -> NewEvent {
    NewEvent {
        timestamp_ms: started_at,
        source: Source::Server,
        batch_id: Some(batch_id),
        payload: Payload::BatchStart(BatchStart {
            batch_id,
            max_cycles: None,
            batch_mode: "observed".to_owned(),
            origin: "observed".to_owned(),
            started_at,
            size: None,
        }),
    }
}

/// Everything that ends an observed batch, in order: its open commands, then itself.
fn end_of(state: &State, batch: &Batch, reason: &str) -> Vec<NewEvent> {
    let at = batch.last_activity_at;
    let mut open: Vec<&Active> = state.active.values().collect();
    open.sort_by_key(|active| active.event_id);
    let status = if open.is_empty() { "completed" } else { "lost" };
    let event = |payload| NewEvent {
        timestamp_ms: at,
        source: Source::Server,
        batch_id: Some(batch.id),
        payload,
    };
    let mut out: Vec<NewEvent> = open
        .into_iter()
        .map(|active| {
            event(Payload::CommandEnd(CommandEnd {
                story_key: active.story_key.clone(),
                story_id: active.story_id.clone(),
                epic_id: active.epic_id.clone(),
                command: active.command.clone(),
                task_id: active.task_id.clone(),
                status: "left-open".to_owned(),
                message: Some("never ended before its batch did".to_owned()),
                ..CommandEnd::default()
            }))
        })
        .collect();
    out.push(event(Payload::BatchEnd(BatchEnd {
        batch_id: batch.id,
        cycles_completed: batch.cycles_completed,
        status: status.to_owned(),
        reason: reason.to_owned(),
        duration_ms: (at - batch.started_at).max(0),
    })));
    out
}
