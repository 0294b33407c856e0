//! Which batch an event belongs to, and what follows from that.
//!
//! While a managed batch runs, everything belongs to it; for a minute after its end so do the rows
//! that were written while it ran and are read late. Other rows belong to an observed batch: it
//! begins with the first row after a silence longer than the limit, measured by the rows' own
//! times, and ends when that silence has passed. Whatever ends a batch, each command still open
//! first gets its `command:end` with status `left-open`: the log never leaves a ghost running. A
//! batch ends once.

#[cfg(test)]
mod tests;

use super::event::{NewEvent, Source};
use super::payload::{BatchEnd, BatchStart, BatchWarning, CommandEnd, CommandStart, Payload};
use super::state::{Active, Batch, EndedBatch, State};

/// For so long after the end of a managed batch its late rows are taken for its own.
const LATE_MS: u64 = 60_000;
/// Rows tell whole seconds, events milliseconds: how far a row may lie outside of its batch.
const ROW_SLACK_MS: i64 = 1000;

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

/// The moment of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The server's clock, in milliseconds since the epoch.
    pub now_ms: i64,
    /// The id the next batch will get.
    pub next_batch_id: i64,
}

/// Gives an event its batch. Returns it with all that has to stand before it in the log (the end
/// of the batch that its time shows to be over, the start of the one that it opens) and behind it;
/// empty when it has no place in the log.
pub fn attribute(
    state: &State,
    mut event: NewEvent,
    rules: Rules,
    moment: Moment,
) -> Vec<NewEvent> {
    match &event.payload {
        Payload::BatchStart(body) if body.batch_id == 0 => {
            return batch_start(state, event, moment);
        }
        Payload::BatchEnd(_) => return batch_end(state, event),
        _ if is_row(&event) => return row(state, event, rules, moment),
        _ => {}
    }
    event.batch_id = event.batch_id.or_else(|| state.batch.as_ref().map(|batch| batch.id));
    match &mut event.payload {
        Payload::BatchWarning(body) => body.batch_id = body.batch_id.or(event.batch_id),
        Payload::CommandEnd(body) if body.duration_ms.is_none() => {
            body.duration_ms = since_start(state, body, event.timestamp_ms);
        }
        _ => {}
    }
    vec![event]
}

/// How long a command has taken, when its start is known.
fn since_start(state: &State, end: &CommandEnd, timestamp_ms: i64) -> Option<i64> {
    let active = state.active.get(&Active::slot(&end.story_key, &end.command, &end.task_id))?;
    Some(timestamp_ms.saturating_sub(active.started_at).max(0))
}

/// The end of an observed batch whose silence has passed at `now_ms`; empty while none is due.
pub fn due(state: &State, now_ms: i64, rules: Rules) -> Vec<NewEvent> {
    match &state.batch {
        Some(batch)
            if batch.origin == "observed"
                && now_ms.saturating_sub(batch.last_activity_at) > rules.observed_idle_ms =>
        {
            end_of(state, batch, "silence")
        }
        _ => Vec::new(),
    }
}

/// Ends a managed batch that a crash has left running; empty when none was.
pub fn lost(state: &State, now_ms: i64, reason: &str) -> Vec<NewEvent> {
    match (&state.run, &state.batch) {
        (Some(_), Some(batch)) => end(state, batch, now_ms, "lost", reason),
        _ => Vec::new(),
    }
}

/// The managed batch that an agent's rows are reported to just now: the one that runs, or for a
/// minute the one that has ended.
pub fn managed(state: &State, now_ms: i64) -> Option<i64> {
    match &state.run {
        Some(run) => Some(run.batch_id),
        None => late(state, now_ms).map(|ended| ended.id),
    }
}

/// The managed batch that a row belongs to.
pub fn managed_home(state: &State, row: &NewEvent, now_ms: i64) -> Option<i64> {
    if let Some(run) = &state.run {
        return Some(run.batch_id);
    }
    let ended = late(state, now_ms)?;
    let from = ended.started_at.saturating_sub(ROW_SLACK_MS);
    let to = ended.ended_at.saturating_add(ROW_SLACK_MS);
    // What an agent's stream brings was said by one of ours, whatever its clock showed.
    (row.source == Source::Agent || (from..=to).contains(&row.timestamp_ms)).then_some(ended.id)
}

/// The managed batch that ended a moment ago, by the server's clock.
fn late(state: &State, now_ms: i64) -> Option<&EndedBatch> {
    state.last_managed.as_ref().filter(|ended| now_ms.abs_diff(ended.ended_at) <= LATE_MS)
}

/// A batch that names no id yet: a managed one, or one that a `batch-start` row announces.
fn batch_start(state: &State, mut event: NewEvent, moment: Moment) -> Vec<NewEvent> {
    let Payload::BatchStart(body) = &mut event.payload else { return vec![event] };
    let managed = body.origin == "managed";
    if !managed {
        let home = managed_home(state, &event, moment.now_ms);
        if home.is_some() || event.source == Source::Agent {
            return vec![announced(&event, home)];
        }
    }
    let mut out = match &state.batch {
        Some(open) if open.origin == "observed" => {
            end_of(state, open, if managed { "managed_started" } else { "batch_start" })
        }
        // Never two at once: one that still stands here was left over.
        Some(open) => end(state, open, moment.now_ms, "lost", "managed_started"),
        None => Vec::with_capacity(1),
    };
    if let Payload::BatchStart(body) = &mut event.payload {
        body.batch_id = moment.next_batch_id;
    }
    event.batch_id = Some(moment.next_batch_id);
    out.push(event);
    out
}

/// A `batch-start` row of a batch that we run ourselves begins nothing: it is told and no more.
fn announced(row: &NewEvent, batch_id: Option<i64>) -> NewEvent {
    let size = match &row.payload {
        Payload::BatchStart(BatchStart { size: Some(size), .. }) => format!(" of {size}"),
        _ => String::new(),
    };
    NewEvent {
        timestamp_ms: row.timestamp_ms,
        source: row.source,
        batch_id,
        payload: Payload::BatchWarning(BatchWarning {
            batch_id,
            message: format!("the log announces a batch{size} within the running one"),
            warning_type: "batch_start_row".to_owned(),
            ..BatchWarning::default()
        }),
    }
}

/// The end of the running batch, with what the state knows of it; of no other, and only once.
fn batch_end(state: &State, mut event: NewEvent) -> Vec<NewEvent> {
    let (Payload::BatchEnd(body), Some(batch)) = (&mut event.payload, &state.batch) else {
        return Vec::new();
    };
    if body.batch_id != 0 && body.batch_id != batch.id {
        return Vec::new();
    }
    let mut out = left_open(state, batch.id, event.timestamp_ms);
    body.batch_id = batch.id;
    body.cycles_completed = batch.cycles_completed;
    body.duration_ms = event.timestamp_ms.saturating_sub(batch.started_at).max(0);
    event.batch_id = Some(batch.id);
    out.push(event);
    out
}

fn row(state: &State, mut event: NewEvent, rules: Rules, moment: Moment) -> Vec<NewEvent> {
    let mut out = Vec::with_capacity(1);
    let mut running = state.batch.as_ref().map(|batch| batch.id);
    event.batch_id = event.batch_id.or_else(|| managed_home(state, &event, moment.now_ms));
    if event.batch_id.is_none() && event.source == Source::Csv {
        match &state.batch {
            Some(batch) if continues(batch, &event, rules) => {}
            open => {
                if let Some(open) = open {
                    out = end_of(state, open, "silence");
                }
                out.push(observed_start(moment.next_batch_id, event.timestamp_ms));
                running = Some(moment.next_batch_id);
            }
        }
        event.batch_id = running;
    }
    let of_the_running = event.batch_id.is_some() && event.batch_id == running;
    let mut ghost = None;
    match &mut event.payload {
        Payload::CommandEnd(body)
            if body.duration_ms.is_none() && of_the_running && out.is_empty() =>
        {
            body.duration_ms = since_start(state, body, event.timestamp_ms);
        }
        // No batch's end will come behind this start.
        Payload::CommandStart(body) if !of_the_running => {
            let ended = late(state, moment.now_ms).filter(|batch| event.batch_id == Some(batch.id));
            let at = ended.map_or(event.timestamp_ms, |ended| ended.ended_at);
            ghost = Some(NewEvent {
                timestamp_ms: at.max(event.timestamp_ms),
                source: Source::Server,
                batch_id: event.batch_id,
                payload: Payload::CommandEnd(never_ended(body)),
            });
        }
        _ => {}
    }
    out.push(event);
    out.extend(ghost);
    out
}

fn is_row(event: &NewEvent) -> bool {
    matches!(event.source, Source::Csv | Source::Agent)
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
    let status = if state.active.is_empty() { "completed" } else { "lost" };
    end(state, batch, batch.last_activity_at, status, reason)
}

fn end(state: &State, batch: &Batch, at: i64, status: &str, reason: &str) -> Vec<NewEvent> {
    let mut out = left_open(state, batch.id, at);
    out.push(NewEvent {
        timestamp_ms: at,
        source: Source::Server,
        batch_id: Some(batch.id),
        payload: Payload::BatchEnd(BatchEnd {
            batch_id: batch.id,
            cycles_completed: batch.cycles_completed,
            status: status.to_owned(),
            reason: reason.to_owned(),
            duration_ms: at.saturating_sub(batch.started_at).max(0),
        }),
    });
    out
}

/// The ends of the commands that are still open, in the order in which they were opened.
fn left_open(state: &State, batch_id: i64, at: i64) -> Vec<NewEvent> {
    let mut open: Vec<&Active> = state.active.values().collect();
    open.sort_by_key(|active| active.event_id);
    open.into_iter()
        .map(|active| {
            let start = CommandStart {
                story_key: active.story_key.clone(),
                story_id: active.story_id.clone(),
                epic_id: active.epic_id.clone(),
                command: active.command.clone(),
                task_id: active.task_id.clone(),
                ..CommandStart::default()
            };
            NewEvent {
                timestamp_ms: at,
                source: Source::Server,
                batch_id: Some(batch_id),
                payload: Payload::CommandEnd(never_ended(&start)),
            }
        })
        .collect()
}

fn never_ended(start: &CommandStart) -> CommandEnd {
    CommandEnd {
        story_key: start.story_key.clone(),
        story_id: start.story_id.clone(),
        epic_id: start.epic_id.clone(),
        command: start.command.clone(),
        task_id: start.task_id.clone(),
        status: "left-open".to_owned(),
        message: Some("never ended before its batch did".to_owned()),
        story_ids: start.story_ids.clone(),
        ..CommandEnd::default()
    }
}
