//! orchestrator.md, line by line.

use sprint_runner::parse::csv::looks_like_row;
use sprint_runner::parse::markdown::{MarkdownLog, MdKind, MdLine, activities};

pub(crate) fn law(data: &[u8]) {
    let mut log = MarkdownLog::default();
    let mut again = MarkdownLog::default();
    for (number, line) in super::lines(data) {
        let read = log.line(number, line);
        assert_eq!(again.line(number, line), read);
        match read {
            MdLine::Entry(entry) => {
                assert_eq!(entry.line, number);
                assert!(!entry.text.is_empty() && entry.text.trim() == entry.text);
                assert!(entry.text.len() <= 3 * line.len());
                assert!(entry.duration_seconds.is_none_or(|time| time.is_finite() && time >= 0.0));
                assert!(entry.attempt.is_none() || entry.command.is_some());
                assert!(entry.kind == MdKind::Step || entry.step.is_none());
                let json = serde_json::to_string(&entry).expect("JSON");
                assert!(!json.contains(|c: char| c < ' '), "{json:?}");
            }
            MdLine::Csv => assert!(looks_like_row(line.trim_ascii_start()) || line[0] == 0xEF),
            MdLine::Nothing => {}
        }
    }
    let text = String::from_utf8_lossy(data);
    let said = activities(&text);
    assert!(said.iter().all(|line| !line.is_empty() && !line.contains('\n')));
    assert!(said.iter().map(|line| line.len()).sum::<usize>() <= text.len());
}
