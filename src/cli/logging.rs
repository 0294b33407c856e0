//! What the program tells about its own work: how much, and in which form.
//!
//! It goes to standard error, one line a record, as text or as JSON. A text of a file that stands in
//! a record cannot break the line: what would is written out. Requests and batches have spans, which
//! say what a record belongs to; spans alone make no line.

use std::fmt;

use anyhow::Context as _;
use clap::ValueEnum;
use indicatif::MultiProgress;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::run::Above;
use super::terminal::{self, colours_wanted};

/// Says the form where no flag does.
const FORMAT_VARIABLE: &str = "SPRINT_RUNNER_LOG_FORMAT";

/// The flags of every command that tells about its work.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub(crate) struct LogArgs {
    /// Tell so much on standard error: error, warn, info, debug, trace, or a filter as `RUST_LOG`,
    /// which counts where this is missing, has it
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// Tell it in this form; json is one object a line [default: `SPRINT_RUNNER_LOG_FORMAT`, text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<Format>,
}

/// The form of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

impl LogArgs {
    /// Begins to tell; with `bars` on the terminal above them. `level` counts where nobody names
    /// one; without it the environment is asked, and then it is `info`.
    pub(crate) fn start(
        &self,
        level: Option<&str>,
        bars: Option<MultiProgress>,
    ) -> anyhow::Result<()> {
        let filter = match self.log_level.as_deref().or(level) {
            Some(level) => EnvFilter::try_new(level)
                .with_context(|| format!("cannot understand the log level {level:?}"))?,
            None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        };
        // Spans make no line; whose a line is must be seen whatever the filter lets through.
        let filter = match "project=error".parse() {
            Ok(spans) => filter.add_directive(spans),
            Err(_) => filter,
        };
        let is_json = self.format()? == Format::Json;
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let coloured = is_terminal && colours_wanted() && !is_json;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || Above { bars: bars.clone(), coloured, is_json })
            .with_ansi(coloured);
        // Fails only where a log was started before, and then that one is right.
        if is_json {
            terminal::notes_as_json();
            let _ = log.fmt_fields(JsonFields::new()).event_format(Lines).try_init();
        } else {
            let _ = log.with_target(false).try_init();
        }
        Ok(())
    }

    fn format(&self) -> anyhow::Result<Format> {
        let Some(named) = std::env::var_os(FORMAT_VARIABLE).filter(|named| !named.is_empty())
        else {
            return Ok(self.log_format.unwrap_or_default());
        };
        let named = named.to_string_lossy();
        let read = Format::from_str(named.trim(), true);
        self.log_format.map_or_else(
            || {
                read.map_err(|_| {
                    anyhow::anyhow!("{FORMAT_VARIABLE} is {named:?}; it may be text or json")
                })
            },
            Ok,
        )
    }
}

/// One object a line: `timestamp`, `level`, `target`, `message`, `fields`, `spans` (the outermost
/// first, each with its `name`). The library's own form has the message among the fields, where
/// programs that collect logs do not look for it.
struct Lines;

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut spans = Vec::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let written = extensions.get::<FormattedFields<JsonFields>>();
            let written = written.and_then(|fields| serde_json::from_str::<Value>(fields).ok());
            let mut object = Map::from_iter([("name".to_owned(), span.name().into())]);
            if let Some(Value::Object(written)) = written {
                object.extend(written);
            }
            spans.push(Value::Object(object));
        }
        let metadata = event.metadata();
        let line = record(metadata.level().as_str(), metadata.target(), &fields, &spans);
        writeln!(writer, "{line}")
    }
}

fn record(level: &str, target: &str, fields: &Fields, spans: &[Value]) -> Value {
    json!({
        "timestamp": jiff::Timestamp::now().to_string(),
        "level": level,
        "target": target,
        "message": fields.message,
        "fields": fields.others,
        "spans": spans,
    })
}

/// A remark of the command line as such a record.
pub(super) fn note_as_json(text: &str) -> String {
    let fields = Fields { message: text.to_owned(), others: Map::new() };
    record("INFO", "sprint_runner::cli", &fields, &[]).to_string()
}

/// What a record holds.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
