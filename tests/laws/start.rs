//! Bodies of start and stop: a size or a mode, or 400.

use sprint_runner::http::doors::{asked_range, asked_size, asks_to_stop_now};
use sprint_runner::orchestrator::BatchSize;

pub(crate) fn law(data: &[u8]) {
    match asked_size(data) {
        Ok(Some(BatchSize::Cycles(cycles))) => {
            assert!((1..=2_147_483_647).contains(&cycles), "{cycles}");
            for said in [format!("{cycles}"), format!("\"{cycles}\"")] {
                let again = asked_size(format!("{{\"batch_size\":{said}}}").as_bytes());
                assert_eq!(again, Ok(Some(BatchSize::Cycles(cycles))));
            }
        }
        Ok(None | Some(BatchSize::All)) => {}
        Err(status) => assert_eq!(status, 400),
    }
    match asks_to_stop_now(data) {
        Ok(now) => assert!(!now || data.windows(3).any(|word| word == b"now") || escaped(data)),
        Err(status) => assert_eq!(status, 400),
    }
    // And the one header with numbers of the client's choice.
    let Ok(header) = http::HeaderValue::from_bytes(data) else { return };
    for length in [0, 1, 1000, u64::MAX] {
        if let Some(Ok((from, to))) = asked_range(&header, length) {
            assert!(from <= to && to < length, "{from}-{to} of {length}");
        }
    }
}

/// A word may be written as `\u006eow`.
fn escaped(data: &[u8]) -> bool {
    data.contains(&b'\\')
}
