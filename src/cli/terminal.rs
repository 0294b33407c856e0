//! What goes to the terminal: escaped, coloured where wanted, plain when piped.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::logging;

/// Meanings, not colours: what they look like is decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// Headings.
    Strong,
    /// What matters less.
    Faint,
    /// Done, all well.
    Good,
    /// Under way.
    Live,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

impl Tone {
    /// The tone of a status class.
    pub(crate) fn of_class(class: &str) -> Self {
        match class {
            "done" => Self::Good,
            "in-progress" => Self::Live,
            "review" => Self::Warn,
            "backlog" | "ready-for-dev" | "optional" => Self::Plain,
            _ => Self::Faint,
        }
    }

    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Live => Some("36"),
            Self::Warn => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// Standard output, and whether a person reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    is_terminal: bool,
    colours: bool,
}

impl Terminal {
    /// Standard output as it is now. `NO_COLOR` with any value, and `TERM=dumb`, switch colours off.
    pub(crate) fn stdout() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self { is_terminal, colours: is_terminal && colours_wanted() }
    }

    /// Whether lines on it can be drawn anew.
    pub(crate) fn moves(self) -> bool {
        self.is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Nobody at the other end but a program.
    #[cfg(test)]
    pub(crate) const fn piped() -> Self {
        Self { is_terminal: false, colours: false }
    }

    /// Text from somebody's file, safe to show: see [`escape`].
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let text = escape(text);
        match tone.code() {
            Some(code) if self.colours => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text,
        }
    }

    /// A table without lines; folded to the window's width on a terminal, one line a row when piped.
    pub(crate) fn table(self, header: &[&str], rows: Vec<Vec<(Tone, String)>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.is_terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        table.set_header(header.iter().map(|name| self.cell(Tone::Faint, name)));
        for row in rows {
            table.add_row(row.iter().map(|(tone, text)| self.cell(*tone, text)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }

    fn cell(self, tone: Tone, text: &str) -> Cell {
        let cell = Cell::new(escape(text));
        if !self.colours {
            return cell;
        }
        match tone {
            Tone::Plain => cell,
            Tone::Strong => cell.add_attribute(comfy_table::Attribute::Bold),
            Tone::Faint => cell.add_attribute(comfy_table::Attribute::Dim),
            Tone::Good => cell.fg(Color::DarkGreen),
            Tone::Live => cell.fg(Color::DarkCyan),
            Tone::Warn => cell.fg(Color::DarkYellow),
            Tone::Bad => cell.fg(Color::DarkRed),
        }
    }

    /// A line of a file: as it is for programs, escaped for people.
    pub(crate) fn raw_line(self, text: &str) -> String {
        if self.is_terminal { escape(text) } else { text.to_owned() }
    }

    /// A row of a table of ours, its end included: the same.
    pub(crate) fn raw_row(self, row: &[u8]) -> Vec<u8> {
        if !self.is_terminal {
            return row.to_owned();
        }
        let text = String::from_utf8_lossy(row);
        (escape(text.trim_end_matches(['\r', '\n'])) + "\n").into_bytes()
    }

    /// JSON for programs; on a terminal also what JSON itself leaves raw is escaped.
    pub(crate) fn json_line(self, json: &str) -> String {
        if self.is_terminal { json_escape(json) } else { json.to_owned() }
    }
}

/// The same JSON, with what is unsafe to show and what JSON leaves raw written out.
pub(crate) fn json_escape(json: &str) -> String {
    if !json.chars().any(is_unsafe) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether colours are wanted at all.
pub(crate) fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether standard error is read by a program that expects an object on each line.
static NOTES_AS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on remarks are records of the log, as it has them.
pub(crate) fn notes_as_json() {
    NOTES_AS_JSON.store(true, Ordering::Relaxed);
}

/// Writes a remark to standard error, each of its lines safe to show. Who closed it does not want
/// to read it.
pub(crate) fn note(text: &str) {
    if NOTES_AS_JSON.load(Ordering::Relaxed) {
        let line = json_escape(&logging::note_as_json(text));
        let _ = writeln!(std::io::stderr().lock(), "{line}");
        return;
    }
    let lines: Vec<String> = text.split('\n').map(escape).collect();
    let _ = writeln!(std::io::stderr().lock(), "{}", lines.join("\n"));
}

/// Writes a line to standard output at once.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Control characters (ANSI sequences among them) and characters that turn the reading direction
/// are written out as escapes: a message must not move the cursor or disguise what it says.
pub(crate) fn escape(text: &str) -> String {
    if !text.chars().any(is_unsafe) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && (c as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// One record of the server's log, which may tell what stood in a file: safe to show like all else,
/// and one line, whatever it holds. Only the colours that the log itself sets are let through, where
/// it sets any.
pub(crate) fn escape_record(record: &str, coloured: bool) -> String {
    let (mut rest, end) = match record.strip_suffix('\n') {
        Some(rest) => (rest, "\n"),
        None => (record, ""),
    };
    let mut out = String::with_capacity(record.len() + 8);
    while let Some(at) = rest.find('\x1b') {
        out += &escape(&rest[..at]);
        let colour = if coloured { colour_length(&rest[at..]) } else { 0 };
        out += if colour > 0 { &rest[at..at + colour] } else { "\\x1b" };
        rest = &rest[at + colour.max(1)..];
    }
    out + &escape(rest) + end
}

/// The bytes of `ESC [ … m` at the beginning, for what the log sets: plain, bold, dim, italic and six
/// colours; 0 for anything else, such as what would hide the rest of a line.
fn colour_length(text: &str) -> usize {
    let known = |inside: &str| matches!(inside, "0" | "1" | "2" | "3") || is_colour(inside);
    text.strip_prefix("\x1b[")
        .and_then(|rest| rest.split_once('m'))
        .map_or(0, |(inside, _)| if known(inside) { inside.len() + 3 } else { 0 })
}

fn is_colour(code: &str) -> bool {
    matches!(code.as_bytes(), [b'3', b'1'..=b'6'])
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // What turns the direction of text, parts lines, or is not seen.
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPED: Terminal = Terminal { is_terminal: false, colours: false };
    const PERSON: Terminal = Terminal { is_terminal: true, colours: true };

    #[test]
    fn nothing_from_a_file_reaches_the_terminal_raw() {
        assert_eq!(escape("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
        assert_eq!(escape("a\r\nb\tc\0\u{9b}"), "a\\r\\nb\\tc\\x00\\x9b");
        assert_eq!(escape("evil\u{202e}txt"), "evil\\u{202e}txt");
        assert_eq!(escape("plain — 日本 🎉"), "plain — 日本 🎉");
        let table = PERSON.table(&["k"], vec![vec![(Tone::Plain, "\x1b]0;x\x07".to_owned())]]);
        assert!(!table.contains("\x1b]"), "{table:?}");
    }

    #[test]
    fn what_is_not_seen_or_turns_text_around_is_shown_as_what_it_is() {
        let turning = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{206f}');
        let unseen = ('\u{2060}'..='\u{2065}').chain('\u{fff9}'..='\u{fffb}');
        let tags = '\u{e0000}'..='\u{e007f}';
        assert_eq!(escape("a\u{ad}b"), "a\\xadb");
        let others = "\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{feff}";
        for c in turning.chain(unseen).chain(tags).chain(others.chars()) {
            let expected = format!("a\\u{{{:x}}}b", c as u32);
            assert_eq!(escape(&format!("a{c}b")), expected);
        }
        for c in '\u{7f}'..='\u{9f}' {
            assert_eq!(escape(&format!("a{c}b")), format!("a\\x{:02x}b", c as u32));
        }
        // Letters and signs are made with these two.
        for text in ["می\u{200c}خواهم", "👩\u{200d}💻"] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn no_colour_of_a_record_hides_what_follows() {
        // Hidden, blinking, reversed, black, a ground, 256 colours, and a number in disguise.
        for code in ["8", "5", "7", "30", "37", "41", "38;5;16", "01", "", "0;8", "3 1"] {
            let record = format!("\x1b[{code}mx\n");
            assert_eq!(escape_record(&record, true), format!("\\x1b[{code}mx\n"));
        }
        for code in ["0", "1", "2", "3", "31", "32", "33", "34", "35", "36"] {
            let record = format!("\x1b[{code}mx\n");
            assert_eq!(escape_record(&record, true), record);
        }
    }

    #[test]
    fn a_record_of_the_log_stays_one_line_and_keeps_its_own_colours() {
        let record = "\x1b[2mnow\x1b[0m a\nb \x1b]0;t\x07 \u{9b}2J \u{202e}\n";
        assert_eq!(
            escape_record(record, true),
            "\x1b[2mnow\x1b[0m a\\nb \\x1b]0;t\\x07 \\x9b2J \\u{202e}\n"
        );
        assert!(!escape_record(record, false).contains('\x1b'));
        assert_eq!(escape_record("\x1b", true), "\\x1b");
        assert_eq!(escape_record("\x1b[1\x1b[1m", true), "\\x1b[1\x1b[1m");
    }

    #[test]
    fn colours_only_for_people() {
        assert_eq!(PIPED.paint(Tone::Bad, "x"), "x");
        assert_eq!(PERSON.paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
    }

    #[test]
    fn a_piped_table_keeps_one_line_a_row() {
        let long = "word ".repeat(200);
        let table =
            PIPED.table(&["a", "b"], vec![vec![(Tone::Good, long), (Tone::Plain, "z".into())]]);
        assert_eq!(table.lines().count(), 2);
        assert!(!table.contains('\x1b'));
    }

    #[test]
    fn json_on_a_terminal_stays_the_same_json() {
        let json = "{\"m\":\"a\u{9b}b\u{202e}\"}";
        assert_eq!(PIPED.json_line(json), json);
        let shown = PERSON.json_line(json);
        assert!(shown.is_ascii(), "{shown}");
        let one: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), one);
    }
}
