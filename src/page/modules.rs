//! ES modules without addresses: what a module imports by a relative path it imports by a bare name,
//! which an import map can send anywhere.

mod reader;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use reader::is_word;
use reader::{Import, Reader};

/// Bare names begin with this.
pub const PREFIX: &str = "page/";

/// A module, or another file of the page, that cannot be taken along.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {what}")]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Where, from 1.
    pub line: usize,
    /// What is the matter.
    pub what: String,
}

/// The text of the module `file` with bare names. Each target is shown to `allow`, which says what
/// is the matter with it; a module that is only missing may be let pass: it is missing on a server
/// too.
pub fn rewrite(
    file: &str,
    text: &str,
    mut allow: impl FnMut(&str) -> Result<(), String>,
) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len() + 256);
    let mut copied = 0;
    for import in imports(file, text)? {
        let told = |what| fault(file, text, import.literal.start, what);
        let target = resolve(file, &import.specifier)
            .ok_or_else(|| told(format!("imports \"{}\", which is no path", import.specifier)))?;
        allow(&target).map_err(told)?;
        out.push_str(&text[copied..import.literal.start]);
        out.push_str(&format!("\"{PREFIX}{target}\""));
        copied = import.literal.end;
    }
    out.push_str(&text[copied..]);
    Ok(out)
}

/// What `specifier` means in `file`: a name below the page's folder.
fn resolve(file: &str, specifier: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    if !(specifier.starts_with("./") || specifier.starts_with("../")) {
        return None;
    }
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn fault(file: &str, text: &str, at: usize, what: String) -> Fault {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n').count();
    Fault { file: file.to_owned(), line, what }
}

/// Where a module's text holds nothing but blanks and comments; `None` where that is not sure.
pub(super) fn blanks(text: &str) -> Option<Vec<Range<usize>>> {
    let mut reader = Reader::new(text);
    reader.read().ok().map(|()| reader.blanks)
}

fn imports(file: &str, text: &str) -> Result<Vec<Import>, Fault> {
    let mut reader = Reader::new(text);
    match reader.read() {
        Ok(()) => Ok(reader.found),
        Err(what) => Err(fault(file, text, reader.at.min(text.len()), what.to_owned())),
    }
}
