//! `sprint-runner log JSON`: what is written is one whole row, or nothing.

use sprint_runner::parse::csv::{CsvContext, RowOutcome, parse_row};
use sprint_runner::parse::csv_append::format_row;

pub(crate) fn law(data: &[u8]) {
    let Ok(json) = serde_json::from_slice(data) else { return };
    match format_row(&json, super::NOW_MS / 1000) {
        Ok(line) => {
            assert!(!line.contains(['\n', '\r', '\0']), "{line:?}");
            assert!(line.len() <= 2 * data.len() + 64, "{} of {}", line.len(), data.len());
            let outcome = parse_row(line.as_bytes(), 2, &mut CsvContext::default());
            let RowOutcome::Row(row, None) = outcome else { panic!("{line:?}: {outcome:?}") };
            assert_eq!(row.timestamp_ms, super::NOW_MS, "{line:?}");
        }
        Err(error) => super::assert_sentence(&error.to_string()),
    }
}
