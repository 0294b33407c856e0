//! `doctor`: on a machine without any agent, beside a server, and before everything that hangs.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::process::{Stopped, output_of};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

/// A machine of its own: what is on it, and nobody's home.
struct Machine {
    place: tempfile::TempDir,
}

impl Machine {
    /// With nothing on it.
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("bin")).unwrap();
        fs::create_dir(place.path().join("home")).unwrap();
        Self { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Puts a script on it.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        // By a rename: nobody has it open for writing when it is started.
        let part = self.path("part");
        fs::write(&part, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")).unwrap();
        fs::set_permissions(&part, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&part, &path).unwrap();
        path
    }

    fn doctor(&self, root: &Path) -> Command {
        let mut command = binary();
        command.args(["doctor", "-C"]).arg(root);
        self.own(&mut command);
        command
    }

    fn own(&self, command: &mut Command) {
        let home = self.path("home");
        command.env("PATH", self.path("bin")).env("HOME", home);
        for name in ["ANTHROPIC_API_KEY", "XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "OPENAI_API_KEY"] {
            command.env_remove(name);
        }
        // Whoever runs on the usual one is nobody's fault here.
        command.env("SPRINT_RUNNER_PORT", "0");
    }
}

/// What stands in a line, by the check's name: its verdict, what was found, what to do.
type Checks = BTreeMap<String, (String, String, String)>;

/// What it says as JSON, by check, and its exit code.
fn report(command: &mut Command) -> (Checks, Option<i32>) {
    if !command.get_args().any(|known| known == "--json") {
        command.arg("--json");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = output_of(command.spawn().unwrap());
    let text = String::from_utf8(output.stdout).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr))
    });
    let word = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let checks: Vec<&Value> = json["checks"].as_array().unwrap().iter().collect();
    for (key, state) in
        [("ok", "ok"), ("warn", "warn"), ("fail", "fail"), ("not_checked", "not-checked")]
    {
        let count = checks.iter().filter(|check| check["state"] == state).count() as u64;
        assert_eq!(json[key], count, "{key}");
    }
    for check in &checks {
        assert_eq!(
            check["advice"].is_string(),
            matches!(check["state"].as_str(), Some("warn" | "fail")),
            "{check}"
        );
    }
    let checks = checks.into_iter().map(|check| {
        (word(check, "id"), (word(check, "state"), word(check, "found"), word(check, "advice")))
    });
    (checks.collect(), output.status.code())
}

/// The same, until it is as wanted: it waits for an answer no longer than people do, which a busy
/// machine may not be in time for. What is broken is so each time.
fn report_until(command: &mut Command, wanted: impl Fn(&Checks) -> bool) -> (Checks, Option<i32>) {
    for _ in 0..10 {
        let (checks, code) = report(command);
        if wanted(&checks) {
            return (checks, code);
        }
    }
    report(command)
}

/// Everything below a folder: names, modes, contents; not the part of a database that its readers
/// share in memory.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mut bytes = Vec::new();
            if metadata.is_dir() {
                folders.push(path.clone());
            } else if metadata.is_file() && !path.to_string_lossy().ends_with("-shm") {
                bytes = fs::read(&path).unwrap();
            }
            found.insert(path, (metadata.permissions().mode(), bytes));
        }
    }
    found
}

#[test]
fn on_a_machine_without_any_agent_it_says_what_works_and_what_to_install() {
    let (machine, project) = (Machine::new(), Project::new());
    let before = tree(project.root());
    let output = machine.doctor(project.root()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("can be watched here, not run"), "{text}");
    assert!(text.contains("npm install -g @anthropic-ai/claude-code"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    let (checks, code) =
        report_until(&mut machine.doctor(project.root()), |checks| checks["file-events"].0 == "ok");
    assert_eq!(code, Some(0));
    for (id, state) in [
        ("project", "ok"),
        ("config", "ok"),
        ("files.status", "ok"),
        ("git", "warn"),
        ("agents", "warn"),
        ("agent.claude", "warn"),
        ("agent.codex", "ok"),
        ("server", "ok"),
        ("port", "ok"),
        ("state", "ok"),
        ("file-events", "ok"),
        ("clock", "ok"),
    ] {
        assert_eq!(checks[id].0, state, "{id}: {:?}", checks[id]);
    }
    assert_eq!(tree(project.root()), before, "nothing may be changed");
    // No PATH at all, and no project.
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = binary();
    machine.own(command.arg("doctor").current_dir(nowhere.path()).env_remove("PATH"));
    let (checks, code) = report(command.env_remove("PATH"));
    assert_eq!((checks["project"].0.as_str(), code), ("warn", Some(0)));
    assert_eq!(fs::read_dir(nowhere.path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(machine.path("home")).unwrap().count(), 0);
}

#[test]
fn it_tells_version_login_and_leave_of_an_agent_that_is_there() {
    let (machine, project) = (Machine::new(), Project::new());
    // Told in a file what it was asked: nothing but its version.
    let asked = machine.path("asked");
    machine.script(
        "claude",
        &format!(
            "echo \"$@\" >> '{}'\n[ \"$*\" = --version ] && echo '2.1.0 (Claude Code)'",
            asked.display()
        ),
    );
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!(code, Some(0));
    assert!(checks["agent.claude"].1.contains("2.1.0 (Claude Code)"), "{checks:?}");
    assert_eq!(
        (checks["agents"].0.as_str(), checks["agent.claude.login"].0.as_str()),
        ("ok", "warn")
    );
    assert_eq!(checks["agent.claude.permissions"].0, "warn");
    fs::create_dir(machine.path("home/.claude")).unwrap();
    fs::write(machine.path("home/.claude/.credentials.json"), "secret words").unwrap();
    fs::create_dir(project.root().join(".claude")).unwrap();
    let settings = r#"{"permissions": {"allow": ["Bash(cargo test:*)", "Edit"]}}"#;
    fs::write(project.root().join(".claude/settings.json"), settings).unwrap();
    let (checks, _) = report(&mut machine.doctor(project.root()));
    assert_eq!(checks["agent.claude.login"].0, "ok");
    assert!(checks["agent.claude.permissions"].1.starts_with("2 allow rules"), "{checks:?}");
    let mut command = machine.doctor(project.root());
    let (checks, _) = report(command.env("ANTHROPIC_API_KEY", "sk-very-secret"));
    let all = format!("{checks:?}");
    assert!(all.contains("ANTHROPIC_API_KEY is set") && !all.contains("secret"), "{all}");
    let asked = fs::read_to_string(asked).unwrap();
    assert!(asked.lines().all(|line| line == "--version"), "{asked}");
}

#[test]
fn a_program_of_ones_own_is_never_started() {
    let (machine, project) = (Machine::new(), Project::new());
    let mark = machine.path("started");
    let text = format!("touch '{}'", mark.display());
    let own = machine.script("my-agent", &text);
    // One of a known name that came with the project is a stranger's as well.
    let inside = project.root().join("bin");
    fs::create_dir(&inside).unwrap();
    fs::rename(machine.script("claude", &text), inside.join("claude")).unwrap();
    let toml = format!(
        "[agents.loop]\nprogram = \"{}\"\n[agents.bare]\nprogram = \"my-agent\"\n[workflow]\ndefault = \"loop\"\n",
        own.display()
    );
    fs::write(project.root().join("sprint-runner.toml"), toml).unwrap();
    let mut command = machine.doctor(project.root());
    let path = format!("{}:{}", inside.display(), machine.path("bin").display());
    let (checks, code) = report(command.env("PATH", path));
    assert_eq!(code, Some(0));
    for id in ["agent.loop", "agent.bare", "agent.claude"] {
        assert_eq!(checks[id].0, "ok", "{checks:?}");
        assert!(checks[id].1.contains("its version is not checked"), "{checks:?}");
    }
    assert_eq!(checks["agent.loop.login"].0, "not-checked");
    assert!(!mark.exists(), "it was started");
}

#[test]
fn nothing_that_hangs_or_floods_holds_it_up() {
    let (machine, project) = (Machine::new(), Project::new());
    let pid = machine.path("pid");
    machine.script(
        "claude",
        &format!("trap '' TERM INT HUP\nsleep 1000 & echo $! > '{}'\nwait", pid.display()),
    );
    machine.script("codex", "while :; do head -c 1000000 /dev/zero | tr '\\0' x || exit; done");
    fs::create_dir(machine.path("bin/gemini")).unwrap();
    assert!(Command::new("mkfifo").arg(machine.path("bin/git")).status().unwrap().success());
    let log = project.log();
    assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!(code, Some(1), "a pipe is no log");
    assert_eq!(checks["files.csv"].0, "fail");
    assert!(checks["agent.claude"].1.contains("does not answer --version"), "{checks:?}");
    assert!(checks["agent.gemini"].1.contains("is a folder"), "{checks:?}");
    assert!(checks["git"].1.contains("is no program"), "{checks:?}");
    let child = fs::read_to_string(pid).unwrap();
    eventually("the end of what it left", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
    });
}

#[test]
fn what_was_asked_for_by_name_and_is_missing_fails() {
    let (machine, project) = (Machine::new(), Project::new());
    let toml = "[workflow]\ndefault = \"codex\"\n";
    fs::write(project.root().join("sprint-runner.toml"), toml).unwrap();
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!((checks["agent.codex"].0.as_str(), code), ("fail", Some(1)));
    assert_eq!(checks["agent.claude"].0, "ok");
}

#[test]
fn a_broken_configuration_is_told_with_its_place_and_the_rest_goes_on() {
    let (machine, project) = (Machine::new(), Project::new());
    let toml = project.root().join("sprint-runner.toml");
    fs::write(&toml, "port = 1\nnonsense = 2\n").unwrap();
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!((checks["config"].0.as_str(), code), ("fail", Some(1)));
    assert!(checks["config"].1.contains("sprint-runner.toml:2:"), "{checks:?}");
    assert!(checks.contains_key("clock") && checks.contains_key("agents"));
    fs::remove_file(&toml).unwrap();
    assert!(Command::new("mkfifo").arg(&toml).status().unwrap().success());
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!((checks["config"].0.as_str(), code), ("fail", Some(1)));
    assert!(checks["config"].1.contains("no plain file"), "{checks:?}");
}

#[test]
fn a_token_that_others_may_read_is_told() {
    let (machine, project) = (Machine::new(), Project::new());
    let toml = project.root().join("sprint-runner.toml");
    fs::write(&toml, "token = \"a-token-of-mine-1234\"\n").unwrap();
    for (mode, state) in [(0o644, "warn"), (0o600, "ok")] {
        fs::set_permissions(&toml, fs::Permissions::from_mode(mode)).unwrap();
        let (checks, _) = report(&mut machine.doctor(project.root()));
        assert_eq!(checks["config"].0, state);
        assert!(!format!("{checks:?}").contains("a-token-of-mine"));
    }
}

#[test]
fn a_live_server_is_known_and_one_that_stands_still_is_told() {
    let (machine, project) = (Machine::new(), Project::new());
    let server = Server::start(&project);
    let port = server.port().to_string();
    let mut command = machine.doctor(project.root());
    let (checks, code) = report_until(command.env("SPRINT_RUNNER_PORT", &port), |checks| {
        ["server", "database", "file-events"].iter().all(|id| checks[*id].0 == "ok")
    });
    assert_eq!(code, Some(0), "{checks:?}");
    assert!(checks["server"].1.contains("running at"), "{checks:?}");
    assert!(checks["server"].1.contains(env!("CARGO_PKG_VERSION")));
    assert!(checks["port"].1.contains("our own server"), "{checks:?}");
    assert_eq!((checks["database"].0.as_str(), checks["file-events"].0.as_str()), ("ok", "ok"));
    assert_eq!(checks["state.private"].0, "ok", "{checks:?}");
    let stopped = Stopped::new(&server);
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!((checks["server"].0.as_str(), code), ("fail", Some(1)));
    assert!(checks["server"].2.contains(&format!("kill {}", server.pid())), "{checks:?}");
    drop(stopped);
}

#[test]
fn the_state_that_a_crash_left_is_looked_at_and_left_as_it_is() {
    let (machine, project) = (Machine::new(), Project::new());
    let server = Server::start(&project);
    eventually("the stories", || (server.json("/healthz")["head"].as_u64()? > 4).then_some(()));
    server.kill();
    let before = tree(project.root());
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!(code, Some(0), "{checks:?}");
    assert!(checks["database"].1.starts_with("whole"), "{checks:?}");
    assert_eq!(tree(project.root()), before);
    // And after an orderly end.
    Server::start(&project).terminate();
    let before = tree(project.root());
    let (checks, _) = report(&mut machine.doctor(project.root()));
    assert!(checks["database"].1.starts_with("whole"), "{checks:?}");
    assert_eq!(tree(project.root()), before);
    let state = project.root().join(".sprint-runner");
    let database = state.join("sprint-runner.db");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
    let (checks, _) = report(&mut machine.doctor(project.root()));
    assert!(checks["state.private"].1.contains("sprint-runner.db (644)"), "{checks:?}");
    let mut bytes = fs::read(&database).unwrap();
    bytes[..64].fill(0);
    fs::write(&database, bytes).unwrap();
    let (checks, code) = report(&mut machine.doctor(project.root()));
    assert_eq!((checks["database"].0.as_str(), code), ("fail", Some(1)), "{checks:?}");
}

#[test]
fn nothing_is_written_through_a_link() {
    let (machine, project) = (Machine::new(), Project::new());
    let theirs = machine.path("theirs");
    fs::create_dir(&theirs).unwrap();
    symlink(&theirs, project.root().join(".sprint-runner")).unwrap();
    let changed = theirs.metadata().unwrap().modified().unwrap();
    let (checks, _) = report(&mut machine.doctor(project.root()));
    assert_eq!(
        (checks["state"].0.as_str(), checks["file-events"].0.as_str()),
        ("warn", "not-checked")
    );
    assert_eq!(theirs.metadata().unwrap().modified().unwrap(), changed);
}

#[test]
fn a_port_that_somebody_else_has_fails() {
    let (machine, project) = (Machine::new(), Project::new());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = machine.doctor(project.root());
    let (checks, code) = report(command.env("SPRINT_RUNNER_PORT", &port));
    assert_eq!((checks["port"].0.as_str(), code), ("fail", Some(1)));
    assert!(checks["port"].2.contains("--port"), "{checks:?}");
}
