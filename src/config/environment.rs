//! The environment: each key of the file as `SPRINT_RUNNER_<KEY>`, lists separated by commas.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use toml::Spanned;

use super::nats::{NatsTable, Servers, parse_name, parse_replicas};
use super::notifications::parse_public_url;
use super::values::{parse_days, parse_host, parse_minutes, parse_token};
use super::workflow::WorkflowTable;
use super::{ConfigError, Layer};

/// Reads the variables through `lookup`. An empty value counts as none, as shells make it hard to
/// tell the two apart.
pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Layer, ConfigError> {
    let path = |key: &str| -> Option<PathBuf> {
        lookup(&name(key)).filter(|value| !value.is_empty()).map(PathBuf::from)
    };
    let list = |value: &str| -> Result<Vec<String>, String> {
        Ok(value
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(String::from)
            .collect())
    };
    Ok(Layer {
        host: parsed(lookup, "host", parse_host)?,
        port: parsed(lookup, "port", |value| {
            value.parse().map_err(|_| format!("{value:?} is not a port (0 to 65535)"))
        })?,
        unix: path("unix"),
        db: path("db"),
        public: path("public"),
        read_only: parsed(lookup, "read_only", parse_bool)?,
        token: parsed(lookup, "token", parse_token)?,
        allow_host: parsed(lookup, "allow_host", list)?,
        allow_origin: parsed(lookup, "allow_origin", list)?,
        observed_idle_minutes: parsed(lookup, "observed_idle_minutes", parse_minutes)?,
        retention_days: parsed(lookup, "retention_days", parse_days)?,
        status_file: path("status_file"),
        csv_log: path("csv_log"),
        orchestrator_log: path("orchestrator_log"),
        state: path("state"),
        agents: BTreeMap::new(),
        workflow: WorkflowTable {
            default: parsed(lookup, "agent", |value| Ok(Spanned::new(0..0, value.to_owned())))?,
            ..WorkflowTable::default()
        },
        public_url: parsed(lookup, "public_url", parse_public_url)?,
        notifications: None,
        nats: NatsTable {
            url: parsed(lookup, "nats", Servers::parse)?,
            team: parsed(lookup, "nats_team", parse_name)?,
            project: parsed(lookup, "nats_project", parse_name)?,
            stream: parsed(lookup, "nats_stream", parse_name)?,
            replicas: parsed(lookup, "nats_replicas", parse_replicas)?,
            keep_days: parsed(lookup, "nats_keep_days", parse_days)?,
            credentials: path("nats_credentials"),
            ca: path("nats_ca"),
            certificate: path("nats_certificate"),
            key: path("nats_key"),
            control: parsed(lookup, "nats_control", parse_bool)?,
        },
    })
}

fn name(key: &str) -> String {
    format!("SPRINT_RUNNER_{}", key.to_ascii_uppercase())
}

fn parse_bool(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("{value:?} is neither true nor false")),
    }
}

fn parsed<T>(
    lookup: &dyn Fn(&str) -> Option<OsString>,
    key: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    let name = name(key);
    let Some(value) = lookup(&name) else { return Ok(None) };
    let read = match value.to_str().map(str::trim) {
        None => Err("the value is not UTF-8".to_owned()),
        Some("") => return Ok(None),
        Some(text) => parse(text),
    };
    read.map(Some).map_err(|message| ConfigError::Environment { name, message })
}
