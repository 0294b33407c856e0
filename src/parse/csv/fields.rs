//! A line as text, and its fields.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::domain::issue::{Issue, Severity};

/// More columns than this are not a row; what follows is not looked at.
const MAX_FIELDS: usize = 70;

thread_local! {
    /// The csv library's state machine: to make one costs more than to read a row by it. Begun anew
    /// for each row; a clone of it would do, but the library's has half of its tables.
    static READER: RefCell<csv_core::Reader> = RefCell::new(csv_core::Reader::new());
}

/// The line as text, with a remark where bytes had to give way.
pub(super) fn text_of(line: &[u8], line_no: u64) -> Result<(Cow<'_, str>, Option<Issue>), Issue> {
    let issue = |severity, code: &str, message: &str, hint: &str| Issue {
        severity,
        code: code.to_owned(),
        line: Some(line_no),
        column: Some(1),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    };
    if line.starts_with(&[0xFF, 0xFE]) || line.starts_with(&[0xFE, 0xFF]) {
        return Err(issue(
            Severity::Error,
            "utf-16",
            "the file is UTF-16, not UTF-8",
            "save it as UTF-8",
        ));
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = if line_no == 1 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
    let mut remark = None;
    let bytes = if memchr::memchr(0, line).is_some() {
        let nulls = memchr::memchr_iter(0, line).count();
        if nulls > 16 && nulls * 3 > line.len() && line.get(1) == Some(&0) && line[0] != 0 {
            return Err(issue(
                Severity::Error,
                "utf-16",
                "every other byte is NUL, as in UTF-16",
                "save the file as UTF-8",
            ));
        }
        remark = Some(issue(
            Severity::Warning,
            "nul",
            "a row holds NUL bytes, as a crash leaves them; they were left out",
            "remove them",
        ));
        Cow::Owned(line.iter().copied().filter(|byte| *byte != 0).collect::<Vec<u8>>())
    } else {
        Cow::Borrowed(line)
    };
    let text = match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    };
    if memchr::memchr(b'\r', text.as_bytes()).is_some() {
        return Err(issue(
            Severity::Error,
            "bare-cr",
            "a row holds a carriage return that ends no line",
            "end each row with a line feed",
        ));
    }
    if matches!(text, Cow::Owned(_)) && remark.is_none() {
        remark = Some(issue(
            Severity::Warning,
            "not-utf-8",
            "a row is not UTF-8; what could not be read is shown as \u{FFFD}",
            "save the file as UTF-8",
        ));
    }
    Ok((text, remark))
}

/// The fields of one row.
pub(super) struct Fields<'a> {
    fields: Vec<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    /// Splits a row. An open quote is answered with its column, from 1.
    pub(super) fn split(line: &'a str) -> Result<Self, u64> {
        Self::plain(line).map_or_else(|| Self::quoted(line), Ok)
    }

    /// The usual row: no quote but the pair around the last field.
    fn plain(line: &'a str) -> Option<Self> {
        let (head, message) = match memchr::memchr(b'"', line.as_bytes()) {
            None => (line, None),
            Some(quote) => {
                let inner = line[quote + 1..].strip_suffix('"')?;
                if memchr::memchr(b'"', inner.as_bytes()).is_some() {
                    return None;
                }
                (line[..quote].strip_suffix(',')?, Some(inner))
            }
        };
        let mut fields = Vec::with_capacity(8);
        fields.extend(head.split(',').take(MAX_FIELDS).map(Cow::Borrowed));
        fields.extend(message.map(Cow::Borrowed));
        Some(Self { fields })
    }

    /// Any other row, by the csv library's own state machine.
    fn quoted(line: &'a str) -> Result<Self, u64> {
        if let Some(column) = open_quote(line) {
            return Err(column);
        }
        Ok(READER.with_borrow_mut(|reader| {
            reader.reset();
            Self::read(line, reader)
        }))
    }

    fn read(line: &str, reader: &mut csv_core::Reader) -> Self {
        let mut fields = Vec::with_capacity(8);
        let mut input = line.as_bytes();
        // A field is never longer than what it is read from.
        let mut output = vec![0; line.len() + 1];
        loop {
            let (result, read, written) = reader.read_field(input, &mut output);
            input = &input[read..];
            match result {
                csv_core::ReadFieldResult::Field { .. } => {
                    let field = String::from_utf8_lossy(&output[..written]).into_owned();
                    fields.push(Cow::Owned(field));
                }
                csv_core::ReadFieldResult::InputEmpty => {
                    // The end of the line is told by an empty input; it completes the last field.
                    let (result, _, more) = reader.read_field(&[], &mut output[written..]);
                    if matches!(result, csv_core::ReadFieldResult::Field { .. }) {
                        let field = String::from_utf8_lossy(&output[..written + more]).into_owned();
                        fields.push(Cow::Owned(field));
                    }
                    break;
                }
                csv_core::ReadFieldResult::OutputFull | csv_core::ReadFieldResult::End => break,
            }
            if fields.len() >= MAX_FIELDS {
                break;
            }
        }
        Self { fields }
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field; empty when the row has no such column.
    pub(super) fn get(&self, column: usize) -> &str {
        self.fields.get(column).map_or("", |field| field)
    }

    /// All fields from `first` on, with their commas.
    pub(super) fn join(&self, first: usize) -> String {
        self.fields.get(first..).map(|rest| rest.join(",")).unwrap_or_default()
    }
}

/// The column of a quote that opens a field and is never closed.
fn open_quote(line: &str) -> Option<u64> {
    let mut opened = None;
    let mut field_start = true;
    let mut chars = (1..).zip(line.chars()).peekable();
    while let Some((column, c)) = chars.next() {
        match (opened, c) {
            (None, '"') if field_start => opened = Some(column),
            (Some(_), '"') if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
            }
            (Some(_), '"') => opened = None,
            _ => {}
        }
        field_start = opened.is_none() && c == ',';
    }
    opened
}
