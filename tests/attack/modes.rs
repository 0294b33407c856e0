//! Who else on this machine may read what we keep: nobody, whatever the umask.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Serving;
use crate::support::bench::{Bench, Follower, STORIES, Toml, start};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

/// The binary under a umask of its own.
fn under(umask: &str, root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask \"$1\"; shift; exec \"$0\" \"$@\""])
        .arg(binary().get_program())
        .arg(umask)
        .args(arguments)
        .arg("-C")
        .arg(root)
        .env("NO_COLOR", "1");
    command
}

/// Everything below a folder, and the folder.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(all(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn assert_private(folder: &Path) -> Vec<String> {
    let found = all(folder);
    for path in &found {
        // SQLite's own files come and go.
        let Ok(metadata) = fs::symlink_metadata(path) else { continue };
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, expected, "{}", path.display());
    }
    found.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
}

#[test]
fn all_that_is_kept_is_private_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let bench = Bench::new(STORIES);
        let seen = bench.path("umask");
        bench.plan("quick", &format!("umask >>'{}'", seen.display()));
        let root = bench.project.root();
        let server = Server::spawn(under(umask, root, &["serve", "--port", "0"]));
        let mut follower = Follower::open(&server);
        let batch = start(&server, "1");
        assert_eq!(follower.end_of(batch)["status"], "completed");
        let put = format!(
            "PUT /api/settings HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: 24\r\nConnection: close\r\n\r\n{{\"default_max_cycles\":3}}",
            server.port()
        );
        assert_eq!(crate::support::http::send(server.port(), put).unwrap().status, 200);
        let names = assert_private(&root.join(".sprint-runner"));
        let has = |ending: &str| names.iter().any(|name| name.ends_with(ending));
        for ending in
            [".db", ".db-wal", ".lock", "settings.json", ".log", ".context.md", ".gitignore"]
        {
            assert!(has(ending), "no {ending} among {names:?}");
        }
        // What the agents make has the modes that the user wants.
        let theirs = fs::read_to_string(&seen).unwrap();
        assert!(!theirs.is_empty());
        assert!(theirs.lines().all(|line| line.ends_with(umask)), "{umask}: {theirs}");
    }
}

#[test]
fn a_database_elsewhere_and_a_socket_are_private_too() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let (db, socket) = (place.path().join("x.db"), place.path().join("s"));
    let arguments = ["serve", "--unix", socket.to_str().unwrap(), "--db", db.to_str().unwrap()];
    let mut server = Serving::spawn(under("000", project.root(), &arguments));
    eventually("the log", || place.path().join("x.db-wal").exists().then_some(()));
    for name in ["x.db", "x.db-wal", "x.db-shm", "x.lock", "s"] {
        let mode = fs::symlink_metadata(place.path().join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    server.terminate();
    assert_private(&project.root().join(".sprint-runner"));
}

#[test]
fn an_agents_environment_is_told_nowhere() {
    const VALUE: &str = "sk-a-very-secret-value-4711";
    let agent = format!("env = {{ PROVIDER_KEY = \"{VALUE}\" }}");
    let bench = Bench::with(STORIES, &Toml { agent: &agent, ..Toml::default() });
    let seen = bench.path("seen");
    bench.plan("quick", &format!("echo \"$PROVIDER_KEY\" >>'{}'", seen.display()));
    let server = Serving::start(bench.project.root(), &["--port", "0", "--log-level", "trace"]);
    let port = server.port();
    let ask = |method: &str, path: &str, body: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        crate::support::http::send(port, request).unwrap()
    };
    assert_eq!(ask("POST", "/api/orchestrator/start", "{\"batch_size\":1}").status, 200);
    eventually("the end of the batch", || {
        let status = ask("GET", "/api/orchestrator/status", "").json();
        (status["status"] == "idle").then_some(())
    });
    assert!(fs::read_to_string(seen).unwrap().contains(VALUE), "the agent has it");
    for path in [
        "/api/snapshot",
        "/api/events?limit=1000",
        "/api/agents",
        "/api/agents/1-1/log",
        "/api/settings/sources",
        "/api/export",
        "/healthz",
        "/metrics",
    ] {
        assert!(!ask("GET", path, "").text().contains(VALUE), "{path}");
    }
    for path in all(&bench.project.root().join(".sprint-runner")) {
        let bytes = fs::read(&path).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(VALUE), "{}", path.display());
    }
    let mut rehearsal = binary();
    rehearsal.args(["run", "--dry-run", "-C"]).arg(bench.project.root());
    let told = rehearsal.output().unwrap();
    assert!(!String::from_utf8_lossy(&told.stdout).contains(VALUE));
    assert!(!server.log().contains(VALUE), "{}", server.log());
}

#[test]
fn an_error_never_tells_where_on_this_machine_it_is() {
    let project = Project::new();
    let missing = project.root().join("no-such-agent");
    let toml = format!("[agents.claude]\nprogram = \"{}\"\n", missing.display());
    fs::write(project.root().join("sprint-runner.toml"), toml).unwrap();
    fs::create_dir(project.path("orchestrator.md")).unwrap();
    fs::create_dir(project.log()).unwrap();
    let server = Server::start(&project);
    let root = project.root().to_str().unwrap();
    let start = server.post("/api/orchestrator/start", "{\"batch_size\":1}");
    assert_eq!(start.status, 409, "{}", start.text());
    assert!(!start.text().contains(root), "{}", start.text());
    for body in ["", "{", "[]", "{\"batch_size\":\"/etc\"}", "\"x\""] {
        let answer = server.post("/api/orchestrator/start", body);
        assert!((400..500).contains(&answer.status) && !answer.text().contains(root));
    }
    for path in [
        "/sprint-runner.csv",
        "/orchestrator.md",
        "/api/orchestrator-status",
        "/api/snapshot",
        "/api/sprint-status",
        "/api/batches/999",
        "/api/batches/x",
        "/api/agents/1-1/log",
        "/api/settings/sources",
        "/api/events?limit=x",
        "/api/events?limit=1000",
        "/api/stories/none",
        "/healthz",
    ] {
        let text = server.get(path).text();
        assert!(!text.contains(root), "{path}: {text}");
    }
}

#[test]
fn what_was_left_open_to_others_is_closed_at_the_next_start() {
    let project = Project::new();
    let state = project.root().join(".sprint-runner");
    let chmod = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o777;
    drop(Server::start(&project));
    let stranger = tempfile::tempdir().unwrap();
    let theirs = stranger.path().join("theirs");
    fs::write(&theirs, "{}").unwrap();
    chmod(&theirs, 0o644);
    let files = [
        "sprint-runner.db",
        "sprint-runner.db-wal",
        "sprint-runner.lock",
        "sprint-runner.db.v3.bak",
    ];
    for name in files {
        let file = fs::OpenOptions::new().create(true).append(true).open(state.join(name));
        drop(file.unwrap());
        chmod(&state.join(name), 0o664);
    }
    for name in ["agents", "backups"] {
        fs::create_dir_all(state.join(name)).unwrap();
        chmod(&state.join(name), 0o755);
    }
    fs::write(state.join("notes.txt"), "mine").unwrap();
    chmod(&state.join("notes.txt"), 0o644);
    std::os::unix::fs::symlink(&theirs, state.join("settings.json")).unwrap();
    chmod(&state, 0o755);

    let mut server = Serving::start(project.root(), &["--port", "0"]);
    assert_eq!(mode(&state), 0o700);
    for name in files {
        assert_eq!(mode(&state.join(name)), 0o600, "{name}");
    }
    for name in ["agents", "backups"] {
        assert_eq!(mode(&state.join(name)), 0o700, "{name}");
    }
    assert_eq!(mode(&state.join("notes.txt")), 0o644, "it is not ours");
    assert_eq!(mode(&theirs), 0o644, "a link leads there");
    let log = server.log();
    assert!(log.contains("others could use") && log.contains("sprint-runner.db"), "{log}");
    server.terminate();
    let mut again = Serving::start(project.root(), &["--port", "0"]);
    assert!(!again.log().contains("others could use"), "it is told once");
    again.terminate();

    // A folder that was named may be anything: it stays, what is ours in it does not.
    fs::remove_file(state.join("settings.json")).unwrap();
    let shared = stranger.path().join("shared");
    fs::rename(&state, &shared).unwrap();
    chmod(&shared, 0o755);
    chmod(&shared.join("sprint-runner.db"), 0o644);
    let arguments = ["--port", "0", "--state", shared.to_str().unwrap()];
    let mut server = Serving::start(project.root(), &arguments);
    assert_eq!((mode(&shared), mode(&shared.join("sprint-runner.db"))), (0o755, 0o600));
    server.terminate();

    // A database elsewhere, and a state folder that is a link: what it leads to is not touched.
    let db = stranger.path().join("x.db");
    fs::write(&db, "").unwrap();
    chmod(&db, 0o644);
    chmod(&shared.join("sprint-runner.db"), 0o644);
    std::os::unix::fs::symlink(&shared, &state).unwrap();
    let mut server = Serving::start(project.root(), &["--port", "0", "--db", db.to_str().unwrap()]);
    assert_eq!(mode(&db), 0o600);
    assert_eq!((mode(&shared), mode(&shared.join("sprint-runner.db"))), (0o755, 0o644));
    server.terminate();
}
