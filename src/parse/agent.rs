//! What an agent's output lines say, whichever provider's program printed them.
//!
//! | program | shape |
//! | --- | --- |
//! | Claude Code, `--output-format stream-json` | `system`, `assistant`, `user`, `result` |
//! | Codex, `exec --json` | `thread.…`, `turn.…`, `item.…`, `error` |
//! | Gemini CLI, `--output-format stream-json` | `init`, `message`, `tool_result`, `result` |
//! | any other | plain text: all of it is what the agent says |
//!
//! All three are read at once: their lines tell themselves apart. A shape that is not known is
//! marked and passed over.

mod failure;
mod limit;
mod plain;
mod shapes;
#[cfg(test)]
mod tests;
mod words;

use serde_json::Value;

use crate::domain::workflow::Usage;

use super::csv::{CsvContext, LogRow, RowOutcome, looks_like_row, parse_row};
use plain::Tail;
use shapes::Notice;
use words::Words;

/// A longer line is not read; whoever collects lines should cut it there.
pub const MAX_LINE: usize = 1024 * 1024;
/// Longest line for the live log, in characters.
const MAX_SAID: usize = 200;
/// Longest cause of a failure; a list of what was denied may be long.
const MAX_CAUSE: usize = 600;

/// How an agent writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    StreamJson,
    /// Anything: every line is assistant text, and a log row where it is one.
    Text,
}

/// What a line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineMark {
    /// As expected.
    Ok,
    /// Not JSON, where JSON was expected.
    NotJson,
    /// Not UTF-8; read as far as it could be.
    NotUtf8,
    /// Too long; not read.
    Cut,
    /// JSON of a shape that is not known.
    Other,
}

/// What one line told.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Rows of the log that a tool printed.
    pub rows: Vec<LogRow>,
    /// What the line was.
    pub mark: LineMark,
    /// The run's result: nothing of weight follows.
    pub done: bool,
    /// A tool has answered.
    pub tool_result: bool,
    /// A short line for people.
    pub said: Option<String>,
}

/// How the agent itself says that it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Not well.
    pub is_error: bool,
    /// The provider's word for how.
    pub subtype: String,
    /// Closing words or the error; empty where the provider does not repeat them.
    pub text: String,
    /// What it was not allowed to do: `Bash(git push)`.
    pub denied: Vec<String>,
}

/// A provider's usage limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// When it ends, where that is told beyond doubt and lies ahead; ms since the epoch.
    pub resets_at_ms: Option<i64>,
    /// The provider's words.
    pub message: String,
}

/// That the provider takes no more requests.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    resets_at_ms: Option<i64>,
}

/// One agent's output so far, in bounded memory.
#[derive(Debug, Clone)]
pub struct AgentStream {
    format: Format,
    words: Words,
    /// How many separate texts the agent itself has said.
    texts: u64,
    /// The last thing was a piece of a text that may go on.
    in_piece: bool,
    result: Option<RunResult>,
    usage: Usage,
    model: Option<String>,
    worked: bool,
    /// The last error line.
    trouble: Option<String>,
    /// A limit met in words.
    limit: Option<Limit>,
    /// The provider has refused a request.
    refused: Option<Refusal>,
    stderr: Tail,
    /// Lines on standard output that are no JSON.
    chatter: Tail,
    csv: CsvContext,
    now_ms: Option<i64>,
}

impl AgentStream {
    /// An agent that has said nothing yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            words: Words::default(),
            texts: 0,
            in_piece: false,
            result: None,
            usage: Usage::default(),
            model: None,
            worked: false,
            trouble: None,
            limit: None,
            refused: None,
            stderr: Tail::default(),
            chatter: Tail::default(),
            csv: CsvContext::default(),
            now_ms: None,
        }
    }

    /// Takes one line of standard output without its LF. `cut`: this is only its beginning.
    pub fn line(&mut self, bytes: &[u8], cut: bool, now_ms: i64) -> Heard {
        self.now_ms = Some(now_ms);
        self.csv.now_ms = now_ms;
        let cut = cut || bytes.len() > MAX_LINE;
        let bytes = &bytes[..bytes.len().min(MAX_LINE)];
        match self.format {
            Format::StreamJson => self.json_line(bytes, cut),
            Format::Text => self.text_line(bytes, cut),
        }
    }

    /// Takes a piece of standard error.
    pub fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.push(bytes);
    }

    /// All that the agent itself has said, one message after another, each on lines of its own.
    pub fn text(&self) -> &str {
        self.words.text()
    }

    /// How it says that it ended, once it has.
    pub fn result(&self) -> Option<&RunResult> {
        self.result.as_ref()
    }

    /// Whether it has got to work: a tool has answered, or it ended well, with nothing denied to
    /// it. To begin is not enough.
    pub fn started_well(&self) -> bool {
        self.worked || self.ended_well()
    }

    /// What the run has cost; told with the result. Input counts what came out of a cache as well.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The model, where the agent names it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The provider's usage limit, where it has put an end to this run.
    ///
    /// Words about limits are everywhere in a project that handles them. So only what the agent's
    /// program says in its own voice counts (errors, an error result, standard error), and nothing
    /// does after an end without error, unless that end consists of the message and nothing else.
    /// Plain text does not tell how it ended: to be asked after a bad exit only.
    pub fn limit(&self) -> Option<Limit> {
        let now = self.now_ms;
        match &self.result {
            Some(result) if !result.is_error => {
                let alone = !self.worked && self.texts <= 1;
                return alone.then(|| limit::whole(&result.text, now)).flatten();
            }
            None if self.format == Format::Text => {
                let whole = limit::whole(self.words.text(), now);
                // Some print all that they do on standard error; the cause stands at its end.
                let stderr = self.stderr.text();
                let end: Vec<&str> = stderr.trim_end().lines().rev().take(3).collect();
                return whole.or_else(|| end.iter().find_map(|line| limit::of_error(line, now)));
            }
            _ => {}
        }
        let only_text = || {
            let only = self.result.is_some() && self.texts == 1;
            only.then(|| limit::whole(self.words.text(), now)).flatten()
        };
        let said = self
            .limit
            .clone()
            .or_else(only_text)
            .or_else(|| limit::of_error(&self.stderr.text(), now))
            .or_else(|| limit::of_error(&self.chatter.text(), now));
        match (said, self.refused) {
            (Some(said), Some(refused)) => {
                Some(Limit { resets_at_ms: refused.resets_at_ms.or(said.resets_at_ms), ..said })
            }
            (None, Some(Refusal { resets_at_ms })) => {
                let message = self.failure().unwrap_or_else(|| "usage limit reached".to_owned());
                Some(Limit { resets_at_ms, message })
            }
            (said, None) => said,
        }
    }

    /// Why the run failed, in one sentence, as far as its output tells; none when it tells of no
    /// failure.
    pub fn failure(&self) -> Option<String> {
        failure::of(self).and_then(|text| plain::line_of(&text, MAX_CAUSE))
    }

    fn ended_well(&self) -> bool {
        self.result.as_ref().is_some_and(|result| !result.is_error && result.denied.is_empty())
    }

    fn text_line(&mut self, bytes: &[u8], cut: bool) -> Heard {
        let (text, utf8) = decoded(bytes);
        let line = plain::plain(&text);
        self.words.add_line(&line);
        // The rest of a cut row is not known, so it is none.
        let rows = if cut { Vec::new() } else { self.rows(&line) };
        self.worked |= !rows.is_empty();
        let mark = match (cut, utf8) {
            (true, _) => LineMark::Cut,
            (_, false) => LineMark::NotUtf8,
            _ => LineMark::Ok,
        };
        Heard { rows, mark, done: false, tool_result: false, said: short(&line) }
    }

    fn json_line(&mut self, bytes: &[u8], cut: bool) -> Heard {
        let nothing =
            |mark| Heard { rows: Vec::new(), mark, done: false, tool_result: false, said: None };
        if cut {
            return nothing(LineMark::Cut);
        }
        let (text, utf8) = decoded(bytes);
        let marked = |mark| if utf8 { mark } else { LineMark::NotUtf8 };
        let line = text.trim_start_matches('\u{FEFF}').trim();
        if line.is_empty() {
            return nothing(LineMark::Ok);
        }
        if !line.starts_with('{') {
            // Programs that cannot even begin say so in plain words.
            self.chatter.push(line.as_bytes());
            self.chatter.push(b"\n");
            return Heard { said: short(line), ..nothing(marked(LineMark::NotJson)) };
        }
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            return nothing(marked(LineMark::NotJson));
        };
        let Some(notices) = shapes::read(&value) else {
            return nothing(marked(LineMark::Other));
        };
        let mut heard = nothing(marked(LineMark::Ok));
        for notice in notices {
            self.take(notice, &mut heard);
        }
        heard
    }

    fn take(&mut self, notice: Notice<'_>, heard: &mut Heard) {
        let continues = self.in_piece;
        self.in_piece = matches!(notice, Notice::Text { piece: true, .. });
        match notice {
            Notice::Model(model) => {
                self.model.get_or_insert_with(|| model.chars().take(MAX_SAID).collect());
                note(heard, format!("started with {model}"));
            }
            Notice::Text { text, piece } => {
                let goes_on = piece && continues;
                if !goes_on {
                    self.texts += 1;
                }
                self.words.add(text, goes_on);
                note(heard, text);
            }
            Notice::Aside(text) => note(heard, text),
            Notice::Output(output) => {
                heard.tool_result = true;
                self.worked = true;
                // Whatever it ran into before, it has got over it.
                self.limit = None;
                self.refused = None;
                heard.rows.append(&mut self.rows(&output));
            }
            Notice::Trouble(message) => {
                self.limit = limit::of_error(&message, self.now_ms).or(self.limit.take());
                note(heard, &message);
                self.trouble = plain::line_of(&message, MAX_SAID);
            }
            Notice::Refused(resets_at) => {
                let resets_at_ms = resets_at.and_then(|at| limit::ahead(at, self.now_ms));
                self.refused = Some(Refusal { resets_at_ms });
            }
            Notice::Allowed => self.refused = None,
            Notice::End { result, usage } => {
                heard.done = true;
                if result.is_error {
                    let met = limit::of_error(&result.text, self.now_ms);
                    self.limit = met.or(self.limit.take());
                } else if self.words.text().is_empty() {
                    self.words.add(&result.text, false);
                }
                let end = if result.is_error { "ended with an error" } else { "done" };
                note(heard, end);
                self.usage = Usage {
                    input_tokens: usage.input_tokens.or(self.usage.input_tokens),
                    output_tokens: usage.output_tokens.or(self.usage.output_tokens),
                    cost_usd: usage.cost_usd.or(self.usage.cost_usd),
                };
                self.result = Some(result);
            }
        }
    }

    /// Every line that is a row of the log.
    fn rows(&mut self, output: &str) -> Vec<LogRow> {
        let mut rows = Vec::new();
        for line in output.split('\n').map(str::as_bytes) {
            if looks_like_row(line)
                && let RowOutcome::Row(row, _) = parse_row(line, 2, &mut self.csv)
            {
                rows.push(*row);
            }
        }
        rows
    }
}

/// The first word on a line is the one shown.
fn note(heard: &mut Heard, said: impl AsRef<str>) {
    if heard.said.is_none() {
        heard.said = short(said.as_ref());
    }
}

fn short(text: &str) -> Option<String> {
    plain::line_of(text, MAX_SAID)
}

/// As text, and whether it was UTF-8 all through.
fn decoded(bytes: &[u8]) -> (std::borrow::Cow<'_, str>, bool) {
    let text = String::from_utf8_lossy(bytes);
    let utf8 = matches!(text, std::borrow::Cow::Borrowed(_));
    (text, utf8)
}
