//! `sprint-runner.toml` in the project folder.

use std::io::ErrorKind;
use std::path::Path;

use super::{ConfigError, FILE_NAME, Layer};

/// What the project's file says; nothing where there is none.
pub(super) fn read(project: &Path) -> Result<Layer, ConfigError> {
    match std::fs::read_to_string(project.join(FILE_NAME)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Layer::default()),
        Err(error) => Err(ConfigError::Unreadable(error)),
    }
}

/// Reads the file's text. An unknown key is an error: it may be a misspelt safeguard.
pub(super) fn parse(text: &str) -> Result<Layer, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ConfigError::File {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: error.message().trim().replace('\n', ": "),
        }
    })
}
