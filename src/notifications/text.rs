//! Somebody's words as they may stand in a message: one line, bounded, nothing that a screen obeys.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The text on one line, without control characters and those that turn the writing direction or
/// cannot be seen, at most `most` characters.
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            blank = !out.is_empty();
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        if count >= most {
            out.push('…');
            break;
        }
        if blank {
            out.push(' ');
            count += 1;
            blank = false;
        }
        out.push(c);
        count += 1;
    }
    out
}

/// Marks that show nothing, or turn what follows around.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// `2026-11-21 23:52 +01:00`
pub(super) fn moment(ms: i64, zone: &TimeZone) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(ms) else {
        return "an unknown time".to_owned();
    };
    timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
}

/// `40 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: String, rest: i64, word: &str| {
        if rest == 0 { large } else { format!("{large} {rest} {word}") }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => two(format!("{hours} h"), minutes % 60, "min"),
        _ => two(format!("{days} d"), hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_stay_on_one_line_and_move_nothing() {
        assert_eq!(plain(" a\r\n\tb\u{202e}c\u{200b}d \u{1b}[31m ", 40), "a bcd [31m");
        assert_eq!(plain("äöü 🚀 and more", 5), "äöü 🚀…");
        assert_eq!(plain("", 5), "");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(moment(0, &TimeZone::UTC), "1970-01-01 00:00 +00:00");
        assert_eq!(moment(i64::MAX, &TimeZone::UTC), "an unknown time");
        for (ms, words) in [
            (-5, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_600_000, "1 h"),
            (12_000_000, "3 h 20 min"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(span(ms), words);
        }
    }
}
