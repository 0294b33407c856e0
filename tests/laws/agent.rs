//! What agents print: streams of JSON or plain text, their verdicts and limits.

use sprint_runner::parse::agent::{AgentStream, Format};
use sprint_runner::parse::verdict;

use super::NOW_MS;

/// So much of an agent's words is kept: 1 MiB, and a quarter of it to gather.
const MOST_TEXT: usize = 1024 * 1024 + 256 * 1024;
const DAY_MS: i64 = 86_400_000;

pub(crate) fn law(data: &[u8]) {
    for format in [Format::StreamJson, Format::Text] {
        let mut stream = AgentStream::new(format);
        for (number, line) in super::lines(data) {
            let heard = stream.line(line, number % 11 == 0, NOW_MS);
            if let Some(said) = &heard.said {
                super::assert_sentence(said);
                assert!(said.chars().count() <= 201, "{said:?}");
            }
            assert!(heard.rows.len() <= line.len() / 9 + 1);
            for row in &heard.rows {
                assert!(row.timestamp_ms <= NOW_MS + DAY_MS && !row.status.is_empty());
            }
            if number % 7 == 0 {
                stream.stderr(line);
            }
            assert!(stream.text().len() <= MOST_TEXT);
        }
        if let Some(limit) = stream.limit() {
            super::assert_sentence(&limit.message);
            let latest = NOW_MS + 401 * DAY_MS;
            assert!(limit.resets_at_ms.is_none_or(|at| at > NOW_MS && at <= latest), "{limit:?}");
        }
        if let Some(failure) = stream.failure() {
            super::assert_sentence(&failure);
        }
        let usage = stream.usage();
        assert!(usage.cost_usd.is_none_or(f64::is_finite), "{usage:?}");
        assert!(!(stream.started_well() && data.is_empty()));
        judged(stream.text());
    }
    judged(&String::from_utf8_lossy(data));
}

fn judged(text: &str) {
    let found = verdict::verdict(text);
    assert_eq!(verdict::verdict(text), found);
    let _ = verdict::is_critical(text);
    assert!(verdict::tech_spec_decisions(text).len() <= text.lines().count());
    // Somebody else's words, quoted, decide nothing.
    let quoted: String = text.lines().map(|line| format!("> {line}\n")).collect();
    assert_eq!(verdict::verdict(&quoted), None);
    assert!(!verdict::is_critical(&quoted));
    assert_eq!(verdict::tech_spec_decisions(&quoted), []);
}
