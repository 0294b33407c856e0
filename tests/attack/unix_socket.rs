//! Listening on a Unix socket: its mode is the gate, and everything works through it.

use std::fs;
use std::io::{BufReader, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tokio_tungstenite::tungstenite;

use super::Serving;
use crate::support::http::{self, Response};
use crate::support::process::ended;
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::{DEADLINE, Project, eventually};

fn serve(project: &Project, socket: &Path) -> Serving {
    Serving::start(project.root(), &["--unix", socket.to_str().unwrap()])
}

fn run(project: &Project, arguments: &[&str]) -> Output {
    binary().args(arguments).arg("-C").arg(project.root()).output().unwrap()
}

fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn ask(socket: &Path, request: &str) -> Response {
    let mut stream = connect(socket);
    stream.write_all(request.as_bytes()).unwrap();
    http::read_response(&mut BufReader::new(stream), false).unwrap()
}

fn get(socket: &Path, host: &str) -> u16 {
    ask(socket, &format!("GET /healthz HTTP/1.1\r\n{host}Connection: close\r\n\r\n")).status
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn everything_works_through_a_unix_socket() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("s.sock");
    let mut server = serve(&project, &socket);
    assert_eq!(server.first_line, format!("Sprint Runner listening on unix:{}", socket.display()));
    assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(mode(&socket), 0o600);

    // What curl and nginx send, and no other name; a page of any other place is foreign.
    assert_eq!(get(&socket, "Host: localhost\r\n"), 200);
    assert_eq!(get(&socket, "Host: localhost\r\nOrigin: http://localhost\r\n"), 200);
    assert_eq!(get(&socket, "Host: evil.example\r\n"), 421);
    assert_eq!(get(&socket, "Host: localhost:8080\r\n"), 421);
    assert!(matches!(get(&socket, ""), 400 | 421));
    assert_eq!(get(&socket, "Host: localhost\r\nOrigin: http://evil.example\r\n"), 403);
    assert_eq!(get(&socket, "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"), 403);

    let body = r#"{"default_max_cycles":7}"#;
    let put = format!(
        "PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(&socket, &put).status, 200);
    let post = "POST /api/orchestrator/stop HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    assert_eq!(ask(&socket, post).status, 409);

    // Both streams carry what is appended.
    let mut sse = BufReader::new(connect(&socket));
    sse.get_mut()
        .write_all(b"GET /sse?types=command:* HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(http::read_head(&mut sse).unwrap().0, 200);
    let (mut ws, _) = tungstenite::client("ws://localhost/ws", connect(&socket)).unwrap();
    assert!(ws.read().unwrap().to_string().contains("\"init\""));
    project.append(row(now_s() - 100, 0).as_bytes());
    let mut told = Vec::new();
    while !String::from_utf8_lossy(&told).contains("row 0") {
        told.extend(http::read_some(&mut sse).unwrap());
    }
    while !ws.read().unwrap().to_string().contains("row 0") {}

    // The command line finds it; a second server is told where the first one is.
    let status: Value =
        serde_json::from_slice(&run(&project, &["status", "--json"]).stdout).unwrap();
    assert_eq!(status["server"], format!("unix:{}", socket.display()));
    let events = run(&project, &["events", "--json", "--type", "command:*"]);
    assert!(String::from_utf8_lossy(&events.stdout).contains("row 0"));
    let second = run(&project, &["serve", "--port", "0"]);
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && told.contains(socket.to_str().unwrap()), "{told}");

    server.terminate();
    assert!(!socket.exists(), "it goes with the server");
    drop(server);
    while http::read_some(&mut sse).is_some() {}
}

#[test]
fn curl_speaks_through_it() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("left out: curl_speaks_through_it: needs curl");
        return;
    }
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("s.sock");
    let _server = serve(&project, &socket);
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "20", "--unix-socket"]).arg(&socket).args(arguments);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(curl(&["http://localhost/api/snapshot"]).contains("lantern"));
    let put =
        ["-X", "PUT", "--json", r#"{"haiku_after_review":3}"#, "http://localhost/api/settings"];
    assert!(curl(&put).contains("\"haiku_after_review\":3"));
    let post = ["--json", "{}", "-w", "%{http_code}", "http://localhost/api/orchestrator/stop"];
    assert!(curl(&post).ends_with("409"));
    let sse = ["-N", "--max-time", "2", "http://localhost/sse"];
    assert!(curl(&sse).contains("\"type\":\"init\""));
}

#[test]
fn only_a_dead_socket_makes_way() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("s.sock");
    let refused = |what: &str| {
        let mut server = serve(&project, &socket);
        assert_eq!(server.first_line, "", "{what}");
        assert!(!ended(&mut server.child).success());
        let log = server.log();
        assert!(log.contains(socket.to_str().unwrap()) && log.contains("--unix"), "{what}: {log}");
    };
    // Somebody listens.
    let alive = UnixListener::bind(&socket).unwrap();
    refused("a live socket");
    assert!(UnixStream::connect(&socket).is_ok(), "the other one is left alone");
    // Nobody listens any more: as kill -9 leaves it.
    drop(alive);
    assert!(socket.exists());
    let mut server = serve(&project, &socket);
    assert_eq!(get(&socket, "Host: localhost\r\n"), 200);
    assert_eq!(mode(&socket), 0o600);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(socket.exists());
    let server = serve(&project, &socket);
    eventually("an answer", || (get(&socket, "Host: localhost\r\n") == 200).then_some(()));
    drop(server);
    // Something else is there.
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "precious").unwrap();
    refused("a file");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
    fs::rename(&socket, place.path().join("file")).unwrap();
    symlink(place.path().join("file"), &socket).unwrap();
    refused("a link to a file");
    fs::remove_file(&socket).unwrap();
    symlink(place.path().join("nowhere"), &socket).unwrap();
    refused("a link to nowhere");
    assert!(!place.path().join("nowhere").exists());
}

#[test]
fn a_socket_put_in_the_place_of_ours_is_not_ours_to_remove() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("s.sock");
    let mut server = serve(&project, &socket);
    fs::remove_file(&socket).unwrap();
    let _other = UnixListener::bind(&socket).unwrap();
    server.terminate();
    assert!(socket.exists());
}

#[test]
fn it_is_named_in_the_file_the_environment_or_by_a_flag() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("env.sock");
    fs::write(project.root().join("sprint-runner.toml"), "unix = \"file.sock\"\n").unwrap();
    let first_line = |arguments: &[&str], variable: Option<&Path>| {
        let mut command = binary();
        command.arg("serve").arg("-C").arg(project.root()).args(arguments);
        if let Some(path) = variable {
            command.env("SPRINT_RUNNER_UNIX", path);
        }
        Serving::spawn(command).first_line.clone()
    };
    let root = project.root().canonicalize().unwrap();
    assert!(first_line(&[], None).ends_with(root.join("file.sock").to_str().unwrap()));
    assert!(first_line(&[], Some(&socket)).ends_with("env.sock"));
    // A port named by somebody stronger is what is meant.
    assert!(first_line(&["--port", "0"], None).contains("http://127.0.0.1:"));
    let both = run(&project, &["serve", "--unix", "x", "--port", "0"]);
    assert_eq!(both.status.code(), Some(2), "one or the other");
    let long = run(&project, &["serve", "--unix", &"x".repeat(200)]);
    assert!(String::from_utf8_lossy(&long.stderr).contains("shorter"));
}

#[test]
fn a_token_that_was_given_is_asked_for_here_too() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("s.sock");
    let token = "a-token-of-some-length";
    let arguments = ["--unix", socket.to_str().unwrap(), "--token", token];
    let _server = Serving::start(project.root(), &arguments);
    assert_eq!(get(&socket, "Host: localhost\r\n"), 401);
    assert_eq!(get(&socket, &format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n")), 200);
    assert!(run(&project, &["status"]).status.success());
}
