//! `sprint-runner.toml` in the project folder.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use toml::Spanned;

use super::agents;
use super::notifications;
use super::workflow::COMMANDS;
use super::{ConfigError, FILE_NAME, Layer};

/// No file of settings is that large.
const LARGEST: u64 = 1 << 20;

/// What the project's file says; nothing where there is none.
pub(super) fn read(project: &Path) -> Result<Layer, ConfigError> {
    match text(&project.join(FILE_NAME)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Layer::default()),
        Err(error) => Err(ConfigError::Unreadable(error)),
    }
}

/// The text of a plain file: a pipe of that name is not waited for, a device not read for ever.
fn text(path: &Path) -> std::io::Result<String> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no plain file"));
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(text)
}

/// Reads the file's text. An unknown key is an error: it may be a misspelt safeguard.
pub fn parse(text: &str) -> Result<Layer, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let layer: Layer = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        wrong(text, at, error.message())
    })?;
    check_names(&layer).map_err(|(at, message)| wrong(text, at, &message))?;
    let told = layer.notifications.as_deref().unwrap_or_default();
    notifications::check(told).map_err(|(at, message)| wrong(text, at, &message))?;
    for (name, table) in &layer.agents {
        if !table.has_program(name) {
            let message = format!("the agent {name:?} needs a program, or a preset that has one");
            return Err(wrong(text, place_of_agent(text, name), &message));
        }
    }
    Ok(layer)
}

/// The error at a place of the text.
fn wrong(text: &str, at: usize, message: &str) -> ConfigError {
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ConfigError::File {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: one_line(message),
    }
}

/// A sentence for a terminal: what the file says in it moves nothing.
fn one_line(message: &str) -> String {
    let mut out = String::new();
    for c in message.trim().replace('\n', ": ").chars().take(500) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Whether every agent that is named is there, and every command that is named is one of ours.
fn check_names(layer: &Layer) -> Result<(), (usize, String)> {
    let known = |name: &Spanned<String>| match agents::unknown(name.get_ref(), &layer.agents) {
        Some(message) => Err((name.span().start, message)),
        None => Ok(()),
    };
    layer.workflow.default.as_ref().map_or(Ok(()), known)?;
    for (command, agent) in layer.workflow.commands.iter().flatten() {
        if !COMMANDS.contains(&command.get_ref().as_str()) {
            let names = COMMANDS.join(", ");
            let message =
                format!("no command is called {:?}; there are {names}", command.get_ref());
            return Err((command.span().start, message));
        }
        known(agent)?;
    }
    Ok(())
}

/// Where the agent's table begins.
fn place_of_agent(text: &str, name: &str) -> usize {
    #[derive(serde::Deserialize)]
    struct Names {
        agents: BTreeMap<Spanned<String>, toml::Value>,
    }
    let names: Option<Names> = toml::from_str(text).ok();
    let mut names = names.into_iter().flat_map(|names| names.agents.into_keys());
    names.find(|known| known.get_ref() == name).map_or(0, |known| known.span().start)
}
