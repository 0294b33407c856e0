//! Texts as they may stand on the screen, and how they look there.

use std::borrow::Cow;

use ratatui::style::{Color, Modifier, Style};

use crate::cli::terminal::{Tone, escape};

/// Whether colours are wanted; without them weight alone tells tones apart, beside the words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) colours: bool,
}

impl Palette {
    pub(super) fn style(self, tone: Tone) -> Style {
        let colour = |colour: Color, without: Modifier| {
            if self.colours { Style::new().fg(colour) } else { Style::new().add_modifier(without) }
        };
        match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
            Tone::Faint => Style::new().add_modifier(Modifier::DIM),
            Tone::Good => colour(Color::Green, Modifier::empty()),
            Tone::Live => colour(Color::Cyan, Modifier::BOLD),
            Tone::Warn => colour(Color::Yellow, Modifier::BOLD),
            Tone::Bad => colour(Color::Red, Modifier::BOLD),
        }
    }

    /// A word on a ground of its colour.
    pub(super) fn badge(self, tone: Tone) -> Style {
        self.style(tone).add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }
}

/// Somebody's text, safe to draw: nothing that moves the cursor or turns the direction, and nothing
/// whose width terminals disagree about (joined emoji, variants, flags), since a cell that is wider
/// than it was taken for pushes the rest of its line aside.
pub(super) fn safe(text: &str) -> String {
    let out = escape(text);
    if out.is_ascii() {
        return out;
    }
    let mut marks = 0;
    let few = |c: &char| {
        marks = if is_mark(*c) { marks + 1 } else { 0 };
        marks < 2
    };
    out.chars().filter_map(plain).filter(few).collect()
}

/// Stands on the letter before it; some stack hundreds of them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn plain(c: char) -> Option<char> {
    match c {
        // Joiners, variants, skin tones.
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => None,
        // Flags are pairs of letters.
        '\u{1f1e6}'..='\u{1f1ff}' => char::from_u32(u32::from('A') + (u32::from(c) - 0x1f1e6)),
        c => Some(c),
    }
}

/// Shortens a text to so many characters, the last of which then tells that there was more.
pub(super) fn cut(text: &mut String, most: usize) {
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
        text.push('…');
        text.shrink_to_fit();
    }
}

/// A stretch of time in few columns.
pub(super) fn short(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A large number in few columns.
pub(super) fn count(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{:.1}M", number / 1e6),
        number if number >= 1e4 => format!("{:.0}k", number / 1e3),
        number => format!("{number:.0}"),
    }
}

/// `1 story`, `2 stories`.
pub(super) fn plural<'a>(number: usize, one: &'a str, many: &'a str) -> Cow<'a, str> {
    format!("{number} {}", if number == 1 { one } else { many }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_whose_width_is_in_doubt_is_drawn() {
        assert_eq!(safe("a\x1b[2Jb\u{202e}"), "a\\x1b[2Jb\\u{202e}");
        assert_eq!(safe("👩\u{200d}💻 ❤\u{fe0f} 👍🏽 🇩🇪"), "👩💻 ❤ 👍 DE");
        assert_eq!(safe("z\u{300}\u{301}\u{302} 日本"), "z\u{300} 日本");
    }

    #[test]
    fn stretches_and_numbers_are_short() {
        let shown: Vec<String> =
            [-1, 59_999, 61_000, 7_260_000, 90_000_000].into_iter().map(short).collect();
        assert_eq!(shown, ["0s", "59s", "1m01s", "2h01m", "1d01h"]);
        let shown: Vec<String> =
            [0.0, 9999.0, 12_345.0, 1_250_000.0].into_iter().map(count).collect();
        assert_eq!(shown, ["0", "9999", "12k", "1.2M"]);
        assert_eq!(plural(1, "story", "stories"), "1 story");
    }

    #[test]
    fn a_cut_text_says_so() {
        let mut text = "日本語".to_owned();
        cut(&mut text, 2);
        assert_eq!(text, "日本…");
        cut(&mut text, 3);
        assert_eq!(text, "日本…");
    }
}
