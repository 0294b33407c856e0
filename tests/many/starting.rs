//! What is said when not all of them can begin, or none.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

use super::{Side, names, refused, roots, said, told};

#[test]
fn the_same_folder_twice_is_refused() {
    let side = Side::of(&["a", "b"]);
    std::os::unix::fs::symlink(side.path("a"), side.path("link")).unwrap();
    let given = |names: &[&str]| -> Vec<OsString> {
        names.iter().map(|name| side.path(name).into_os_string()).collect()
    };
    let twice = refused(&given(&["a", "b", "a"]));
    assert_eq!(twice.status.code(), Some(2));
    assert!(said(&twice).contains("is named twice"), "{}", said(&twice));
    for again in ["link", "b/../a"] {
        let linked = refused(&given(&["a", again]));
        assert_eq!(linked.status.code(), Some(2), "{again}");
        assert!(said(&linked).contains("are the same folder"), "{again}: {}", said(&linked));
    }
    assert!(!side.path("a").join(".sprint-runner").exists(), "nothing was begun");
}

#[test]
fn wrong_arguments_are_told_before_anything_begins() {
    let side = Side::of(&["a", "b"]);
    let folder = |name: &str| side.path(name).display().to_string();
    for (arguments, words) in [
        (vec![format!("A={}", folder("a")), folder("b")], "cannot be a project's name"),
        (vec![format!("api={}", folder("a")), folder("b")], "other uses"),
        (
            vec![format!("x={}", folder("a")), format!("x={}", folder("b"))],
            "two projects are named",
        ),
        (vec![folder("a"), folder("b"), "--db".into(), "/tmp/x.db".into()], "--db says where one"),
        (
            vec![folder("a"), folder("b"), "--state".into(), "/tmp/x".into()],
            "--state says where one",
        ),
        (vec![folder("a"), "-C".into(), folder("b")], "not both"),
    ] {
        let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
        let output = refused(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{arguments:?}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

/// A server's standard error, read while it runs.
fn serve_and_listen(folders: &[PathBuf]) -> (Server, String) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("told");
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "told=$1; shift; exec \"$0\" serve --port 0 \"$@\" 2>\"$told\""])
        .arg(env!("CARGO_BIN_EXE_sprint-runner"))
        .arg(&path)
        .args(folders)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG");
    let server = Server::spawn(command);
    let told = eventually("the addresses on standard error", || {
        let told = std::fs::read_to_string(&path).unwrap();
        told.contains("/p/").then_some(told)
    });
    (server, told)
}

#[test]
fn what_cannot_begin_is_told_and_the_others_do() {
    let side = Side::of(&["good", "taken", "wrong"]);
    let taken = side.path("taken");
    let other = Server::start_with(&taken, &[]);
    std::fs::write(side.path("wrong").join("sprint-runner.toml"), "colour = 3\n").unwrap();
    let folders: Vec<_> =
        ["missing", "taken", "good", "wrong"].iter().map(|name| side.path(name)).collect();
    let (server, words) = serve_and_listen(&folders);
    for word in [
        "missing cannot be served, the others are:",
        "is not a folder",
        "taken cannot be served, the others are: this project already has a server at",
        "wrong cannot be served, the others are: sprint-runner.toml:1:1",
        "good: http://127.0.0.1:",
    ] {
        assert!(words.contains(word), "{word:?} is not in {words}");
    }
    assert_eq!(names(&server), ["missing", "taken", "good", "wrong"]);
    assert_eq!(server.json("/p/good/api/snapshot")["sprint"]["project"], "Sprint of good");
    assert_eq!(told(&server, "good")["state"], "idle");
    for (name, why) in [
        ("missing", "its folder is not there".to_owned()),
        ("taken", format!("another server has it, at http://127.0.0.1:{}/", other.port())),
        ("wrong", "its sprint-runner.toml cannot be used; the server's log says why".to_owned()),
    ] {
        let one = told(&server, name);
        assert_eq!((&one["state"], &one["reasons"][0]), (&"down".into(), &why.into()));
        assert_eq!(server.get(&format!("/p/{name}/")).status, 503);
        let api = server.get(&format!("/p/{name}/api/snapshot"));
        assert_eq!((api.status, &api.json()["code"]), (503, &"busy".into()));
    }
    // The first is one that could not begin: who asks for it is not given another.
    assert_eq!(server.get("/api/snapshot").status, 503);
    // But the overview is, and its files.
    assert_eq!(server.get("/").header("location"), Some("projects"));
    assert_eq!(server.get("/projects").status, 200);
    assert_eq!(server.get("/js/projects.js").status, 200);
    assert_eq!(server.get("/css/tokens.css").status, 200);
    let health = server.json("/healthz");
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["projects"][2]["status"], "ok");
    assert_eq!(health["projects"][1]["status"], "down");
    drop(other);
}

#[test]
fn when_none_can_begin_nothing_does() {
    let side = Side::of(&[]);
    let output = refused(&[side.path("x").into(), side.path("y").into()]);
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output);
    assert!(words.contains("none of the projects can be served"), "{words}");
    assert!(words.contains("x: ") && words.contains("y: "), "{words}");
    assert!(output.stdout.is_empty());
}

/// Two that are told to keep their state in one place would write into one log.
#[test]
fn two_projects_never_share_a_database() {
    let side = Side::of(&["a", "b"]);
    let state = tempfile::tempdir().unwrap();
    let mut command = binary();
    command
        .args(["serve", "--port", "0"])
        .args([side.path("a"), side.path("b")])
        .env("SPRINT_RUNNER_STATE", state.path())
        .stderr(Stdio::null());
    let server = Server::spawn(command);
    assert_eq!(told(&server, "a")["state"], "idle");
    let b = told(&server, "b");
    assert!(b["reasons"][0].as_str().unwrap().contains("where a keeps it"), "{b}");
}

/// A link to another project's database is that database; also where another server has it.
#[test]
fn two_projects_never_share_a_database_by_a_link() {
    let side = Side::of(&["a", "b"]);
    let link = side.path("link.db");
    std::os::unix::fs::symlink(side.path("a").join(".sprint-runner/sprint-runner.db"), &link)
        .unwrap();
    let text = format!("db = \"{}\"\n", link.display());
    std::fs::write(side.path("b").join("sprint-runner.toml"), text).unwrap();
    let server = side.serve(&["a", "b"], &[]);
    let b = told(&server, "b");
    assert_eq!(b["state"], "down", "{b}");
    assert!(b["reasons"][0].as_str().unwrap().contains("where a keeps it"), "{b}");
    let alone = refused(&["-C".into(), side.path("b").into()]);
    assert!(!alone.status.success());
    assert!(said(&alone).contains("already has a server"), "{}", said(&alone));
}

#[test]
fn the_first_line_is_the_only_one_on_standard_output() {
    let projects = [Project::new(), Project::new()];
    let real = roots(&[&projects[0], &projects[1]]);
    let mut server = super::serve(&[real[0].as_path(), real[1].as_path()], &[]);
    assert!(server.terminate().success());
    let mut rest = String::new();
    rest.push_str(&server.rest_of_output());
    assert_eq!(rest, "");
    for root in &real {
        // Whoever starts next finds nobody.
        let mut lock = String::new();
        let path = root.join(".sprint-runner/sprint-runner.lock");
        std::fs::File::open(path).unwrap().read_to_string(&mut lock).unwrap();
        assert_eq!(lock, "");
    }
}
