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

#[cfg(test)]
mod tests {
    use super::super::tests::Old;
    use super::*;

    fn of_kind(kind: &str) -> EventFilter {
        EventFilter { kinds: vec![kind.to_owned()], ..EventFilter::default() }
    }

    #[test]
    fn b38_a_purge_that_overtakes_an_export_ends_it() {
        // Bytes enough for several pages; and many enough for several pages of a filter.
        for filter in [EventFilter::default(), of_kind("batch:*")] {
            let mut old = Old::new(400, 2000);
            let queries = old.queries.clone();
            let mut seen = Vec::new();
            let result = each(&queries, 0, &filter, |event| {
                seen.push(event.id);
                if seen.len() == 100 {
                    old.purge(390);
                }
                Ok(())
            });
            assert!(matches!(result, Err(ExportError::Overtaken)), "{result:?}");
            assert!(seen.len() < 390 && seen.is_sorted(), "{}", seen.len());
            // From the beginning that is left it goes.
            let mut rest = Vec::new();
            each(&queries, 0, &filter, |event| {
                rest.push(event.id);
                Ok(())
            })
            .unwrap();
            assert_eq!(rest, (391..=400).collect::<Vec<_>>());
        }
    }
}
