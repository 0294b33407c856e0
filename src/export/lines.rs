//! The log as lines: one wire event each.

use crate::domain::event::EventId;
use crate::store::rows::{EventFilter, Range, StoredEvent};
use crate::store::{Queries, StoreError};

use super::{ExportError, PAGE_BYTES, json};

/// Events that match a filter, read at once.
const PAGE_EVENTS: u32 = 256;

/// Hands each event behind `after` to `line`, in order, up to the head as it is now.
pub fn lines(
    queries: &Queries,
    after: EventId,
    filter: &EventFilter,
    mut line: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), ExportError> {
    each(queries, after, filter, |event| Ok(line(&json(&event.wire())?)?))
}

/// The same as events.
pub(super) fn each(
    queries: &Queries,
    mut after: EventId,
    filter: &EventFilter,
    mut take: impl FnMut(&StoredEvent) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let head = queries.head()?;
    let all = *filter == EventFilter::default();
    let mut begun = false;
    loop {
        let events = if all {
            queries.events_after(after, PAGE_BYTES)?
        } else {
            filtered(queries, after, filter)?
        };
        // Better no file than one with a hole: only its beginning may be missing.
        if begun && queries.base_id()? > after {
            return Err(ExportError::Overtaken);
        }
        begun = true;
        for event in &events {
            if event.id > head {
                return Ok(());
            }
            take(event)?;
        }
        match events.last() {
            Some(last) => after = last.id,
            None => return Ok(()),
        }
    }
}

fn filtered(
    queries: &Queries,
    after: EventId,
    filter: &EventFilter,
) -> Result<Vec<StoredEvent>, StoreError> {
    Ok(queries.events(Range::After(after), filter, PAGE_EVENTS)?.events)
}
