//! Which source wins, and what each refuses.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::agents::{AgentConfig, AgentOutput};
use super::workflow::{COMMANDS, DEFAULT_COMMANDS_DIR, Runner};
use super::{Config, ConfigError, Layer, Origin, environment, file};

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
fn the_port_remembers_who_named_it() {
    let named = || Layer { port: Some(1), ..Layer::default() };
    let silent = Layer::default;
    for (flags, environment, file, origin) in [
        (named(), named(), named(), Some(Origin::Flag)),
        (silent(), named(), named(), Some(Origin::Environment)),
        (silent(), silent(), named(), Some(Origin::File)),
        (silent(), silent(), silent(), None),
    ] {
        assert_eq!(Origin::of_port(&flags, &environment, &file), origin);
    }
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
        ("retention_days = 0", "1:18", "retention_days must be"),
        ("retention_days = -1.5", "1:18", "retention_days must be"),
        ("retention_days = inf", "1:18", "retention_days must be"),
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
fn events_are_kept_for_ever_unless_days_are_given() {
    assert_eq!(Config::from(Layer::default()).retention_ms(), None);
    let layer = file::parse("retention_days = 0.5").unwrap();
    assert_eq!(Config::from(layer).retention_ms(), Some(43_200_000));
    let layer = file::parse("retention_days = 36500").unwrap();
    assert_eq!(Config::from(layer).retention_ms(), Some(3_153_600_000_000));
}

#[test]
fn fractions_of_minutes_are_taken() {
    let layer = file::parse("observed_idle_minutes = 0.05").unwrap();
    assert_eq!(Config::from(layer).observed_idle_ms(), 3000);
    let layer = file::parse("observed_idle_minutes = 5").unwrap();
    assert_eq!(Config::from(layer).observed_idle_ms(), 300_000);
}

fn configured(text: &str) -> Config {
    Config::from(file::parse(text).unwrap().based_on(Path::new("/project")))
}

fn agent(text: &str, command: &str) -> AgentConfig {
    configured(text).agents.for_command(command).clone()
}

#[test]
fn claude_does_all_unless_told() {
    let config = configured("");
    let agent = config.agents.for_command("sprint-dev-story");
    assert_eq!((agent.name.as_str(), agent.program.as_str()), ("claude", "claude"));
    assert_eq!(
        agent.args,
        [
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--append-system-prompt-file",
            "{context_file}"
        ]
    );
    assert_eq!(agent.model_args, ["--model", "{model}"]);
    assert_eq!((agent.model.as_deref(), agent.small_model.as_deref()), (None, Some("haiku")));
    assert_eq!((agent.permission_mode.as_deref(), agent.output), (None, AgentOutput::StreamJson));
    assert_eq!(agent.timeout, Duration::from_secs(7200));
    assert_eq!(agent.idle, Duration::from_secs(1200));
    let workflow = config.agents.workflow();
    assert_eq!((workflow.runner, workflow.max_processes), (Runner::Agents, 4));
    assert_eq!(workflow.commands_dir, PathBuf::from(DEFAULT_COMMANDS_DIR));
    assert_eq!(workflow.stop_grace, Duration::from_secs(3));
    assert_eq!(workflow.timeout_grace, Duration::from_secs(10));
    assert_eq!(workflow.result_grace, Duration::from_secs(10));
    assert_eq!(workflow.retry, Duration::from_secs(5));
    assert_eq!(workflow.limit_wait, Duration::from_secs(1800));
}

#[test]
fn a_table_takes_its_preset_key_by_key() {
    let own = agent("[agents.claude]\nprogram = \"/opt/claude\"\nsmall_model = \"\"\n", "");
    assert_eq!(own.program, "/opt/claude");
    assert_eq!(own.args.len(), 6);
    assert_eq!(own.small_model, None);
    let text = "[workflow]\ndefault = \"fast\"\n[workflow.commands]\nsprint-dev-story = \"codex\"\n\
                [agents.fast]\npreset = \"claude\"\nmodel = \"sonnet\"\nidle_minutes = 0.5\n\
                env = { A = \"b\" }\npermission_mode = \"acceptEdits\"\n";
    let fast = agent(text, "sprint-commit");
    assert_eq!((fast.name.as_str(), fast.program.as_str()), ("fast", "claude"));
    assert_eq!(fast.model.as_deref(), Some("sonnet"));
    assert_eq!(fast.idle, Duration::from_secs(30));
    assert_eq!(fast.permission_args, ["--permission-mode", "{permission_mode}"]);
    assert_eq!(fast.env["A"], "b");
    assert!(fast.takes_context_file());
    let codex = agent(text, "sprint-dev-story");
    assert_eq!(codex.args, ["exec", "--json"]);
    assert!(!codex.takes_context_file());
    let script = agent("[workflow]\ndefault=\"me\"\n[agents.me]\nprogram=\"./do.sh\"\n", "");
    assert_eq!(script.program, "/project/./do.sh");
    assert_eq!((script.args.len(), script.output), (0, AgentOutput::Text));
    assert_eq!(agent("[workflow]\ndefault = \"gemini\"", "").output, AgentOutput::StreamJson);
}

#[test]
fn a_wrong_agent_or_workflow_is_named_with_its_place() {
    for (text, place, word) in [
        ("[agents.claude]\nprogramm = \"x\"", "2:1", "`programm`"),
        ("[workflow]\nmax = 3", "2:1", "`max`"),
        ("[workflow]\nmax_processes = 0", "2:17", "1 to 64"),
        ("[workflow]\nmax_processes = 65", "2:17", "1 to 64"),
        ("[workflow]\nrunner = \"robots\"", "2:10", "robots"),
        ("[workflow]\ndefault = \"cloude\"", "2:11", "there are claude, codex, gemini"),
        ("[workflow.commands]\nsprint-commit = \"x\"", "2:17", "no agent is called \"x\""),
        ("[workflow.commands]\ncommit = \"claude\"", "2:1", "no command is called"),
        ("port = 1\n[agents.mine]\nmodel = \"x\"", "2:9", "needs a program"),
        ("[agents.command]\noutput = \"text\"", "1:9", "needs a program"),
        ("[agents.claude]\nprogram = \" \"", "2:11", "empty"),
        ("[agents.claude]\nargs = [\"a\\u0000b\"]", "2:8", "NUL"),
        ("[agents.claude]\noutput = \"xml\"", "2:10", "xml"),
        ("[agents.claude]\npreset = \"clod\"", "2:10", "clod"),
        ("[agents.claude]\ntimeout_minutes = 0", "2:19", "timeout_minutes must be more than 0"),
        ("[agents.claude]\nidle_minutes = nan", "2:16", "idle_minutes"),
        ("[agents.claude]\nenv = { \"A=B\" = \"x\" }", "2:7", "A=B"),
        ("[workflow]\nretry_seconds = -1", "2:17", "retry_seconds must be at least 0"),
        ("[workflow]\nstop_grace_seconds = 1e300", "2:22", "at most 31536000"),
    ] {
        let error = file::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("sprint-runner.toml:{place}: ")), "{text}: {error}");
        assert!(error.contains(word), "{text}: {error}");
        assert!(!error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn the_environment_names_the_default_agent() {
    let file = file::parse("[workflow]\ndefault = \"claude\"\nmax_processes = 2\n").unwrap();
    let environment = env(&[("SPRINT_RUNNER_AGENT", "gemini")]).unwrap();
    assert_eq!(environment.check_agent(&file), Ok(()));
    let config = Config::from(environment.over(file.clone()));
    assert_eq!(config.agents.for_command("sprint-commit").name, "gemini");
    assert_eq!(config.agents.workflow().max_processes, 2);
    let environment = env(&[("SPRINT_RUNNER_AGENT", "nobody")]).unwrap();
    assert!(environment.check_agent(&file).unwrap_err().contains("nobody"));
}

#[test]
fn a_configured_commands_folder_is_absolute() {
    let text = "[workflow]\ncommands_dir = \"mine\"\nextra_files = [\"docs/a.md\"]\n";
    let config = configured(text);
    assert_eq!(config.agents.workflow().commands_dir, PathBuf::from("/project/mine"));
    assert_eq!(config.agents.workflow().extra_files, ["docs/a.md"]);
}

#[test]
fn the_commands_are_those_of_the_workflow() {
    let names = crate::domain::workflow::Command::ALL.map(crate::domain::workflow::Command::name);
    assert_eq!(COMMANDS, names);
}
