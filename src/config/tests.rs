//! Which source wins, and what each refuses.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Config, ConfigError, Layer, environment, file};

fn env(pairs: &[(&str, &str)]) -> Result<Layer, ConfigError> {
    let map: HashMap<String, OsString> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    environment::read(&|name| map.get(name).cloned())
}

#[test]
fn the_later_source_wins_key_by_key() {
    let file = file::parse("port = 1\nhost = \"0.0.0.0\"\nread_only = true\n").unwrap();
    let environment =
        env(&[("SPRINT_RUNNER_PORT", "2"), ("SPRINT_RUNNER_READ_ONLY", "no")]).unwrap();
    let flags = Layer { port: Some(3), ..Layer::default() };
    let config = Config::from(flags.over(environment).over(file));
    assert_eq!(config.port, Some(3));
    assert!(!config.read_only);
    assert_eq!(config.host.to_string(), "0.0.0.0");
}

#[test]
fn nothing_said_gives_the_defaults() {
    let config = Config::from(Layer::default());
    assert_eq!(config.host.to_string(), "127.0.0.1");
    assert_eq!(config.port, None);
    assert_eq!(config.observed_idle_ms(), 30 * 60 * 1000);
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let error = file::parse("port = 80\n\nprot = 81\n").unwrap_err().to_string();
    assert!(error.starts_with("sprint-runner.toml:3:1: "), "{error}");
    assert!(error.contains("`prot`"), "{error}");
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    for (text, place, word) in [
        ("port = 70000", "1:8", "70000"),
        ("host = \"example.org\"", "1:8", "example.org"),
        ("\ntoken = \"short\"", "2:9", "token"),
        ("observed_idle_minutes = 0", "1:25", "observed_idle_minutes"),
        ("read_only = \"yes\"", "1:13", "boolean"),
        ("port = ", "1:", ""),
    ] {
        let error = file::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("sprint-runner.toml:{place}")), "{text}: {error}");
        assert!(error.contains(word), "{text}: {error}");
        assert!(!error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn the_environment_is_checked_and_empty_is_none() {
    assert_eq!(env(&[("SPRINT_RUNNER_PORT", "")]).unwrap(), Layer::default());
    let error = env(&[("SPRINT_RUNNER_PORT", "x")]).unwrap_err().to_string();
    assert!(error.contains("SPRINT_RUNNER_PORT"), "{error}");
    let layer = env(&[("SPRINT_RUNNER_ALLOW_HOST", "a.example, b.example,")]).unwrap();
    assert_eq!(layer.allow_host.unwrap(), ["a.example", "b.example"]);
}

#[test]
fn relative_paths_begin_at_the_source() {
    let layer = file::parse("db = \"x.db\"\nstate = \"/elsewhere\"\n").unwrap();
    let layer = layer.based_on(Path::new("/project"));
    assert_eq!(layer.db, Some(PathBuf::from("/project/x.db")));
    assert_eq!(layer.state, Some(PathBuf::from("/elsewhere")));
}

#[test]
fn fractions_of_minutes_are_taken() {
    let layer = file::parse("observed_idle_minutes = 0.05").unwrap();
    assert_eq!(Config::from(layer).observed_idle_ms(), 3000);
    let layer = file::parse("observed_idle_minutes = 5").unwrap();
    assert_eq!(Config::from(layer).observed_idle_ms(), 300_000);
}
