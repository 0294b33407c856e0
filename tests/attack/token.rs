//! Token mode: who does not know it gets nothing, and it is told nowhere.

use super::Serving;
use crate::support::bench::chmod;
use crate::support::http::{Response, send};
use crate::support::process::ended;
use crate::support::server::binary;
use crate::support::{Project, eventually};

const TOKEN: &str = "correct-horse-battery-staple-0815";

fn serve(project: &Project) -> Serving {
    let mut command = binary();
    // As a user should: not in the arguments, which everybody sees.
    command.env("SPRINT_RUNNER_TOKEN", TOKEN);
    command.args(["serve", "--port", "0", "--log-level", "trace", "-C"]).arg(project.root());
    Serving::spawn(command)
}

fn ask(port: u16, target: &str, lines: &str) -> Response {
    let head = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    let response = send(port, format!("{head}{lines}Connection: close\r\n\r\n")).unwrap();
    assert!(!response.text().contains(TOKEN), "{target}");
    for (name, value) in &response.headers {
        assert!(name == "set-cookie" || !value.contains(TOKEN), "{target}: {name}: {value}");
    }
    response
}

#[test]
fn b40_without_the_token_nothing_is_read_and_with_it_everything() {
    let project = Project::new();
    let server = serve(&project);
    let port = server.port();
    let everything = [
        "/",
        "/ws",
        "/sse",
        "/api/snapshot",
        "/sprint-status.yaml",
        "/healthz",
        "/css/main.css",
        "/x",
    ];
    let cookie = format!("sprint_runner_{port}");
    for target in everything {
        for wrong in [
            String::new(),
            "Authorization: Bearer wrong\r\n".to_owned(),
            "Authorization: Bearer \r\n".to_owned(),
            format!("Authorization: Bearer {}\r\n", &TOKEN[..TOKEN.len() - 1]),
            format!("Authorization: Bearer {TOKEN}x\r\n"),
            format!("Authorization: Basic {TOKEN}\r\n"),
            format!("Authorization: {TOKEN}\r\n"),
            format!("Cookie: {cookie}=wrong\r\n"),
            format!("Cookie: sprint_runner_1={TOKEN}\r\n"),
            format!("Cookie: token={TOKEN}\r\n"),
        ] {
            let response = ask(port, target, &wrong);
            assert_eq!(response.status, 401, "{target} {wrong}");
            assert_eq!(response.header("www-authenticate"), Some("Bearer"));
            assert!(response.header("set-cookie").is_none());
            assert!(!response.text().contains("lantern"));
        }
    }
    // Only the page's own address signs in; elsewhere a token in the query is nothing.
    assert_eq!(ask(port, &format!("/api/snapshot?token={TOKEN}"), "").status, 401);
    assert_eq!(ask(port, &format!("/sse?token={TOKEN}"), "").status, 401);
    assert_eq!(ask(port, "/?token=wrong", "").status, 401);

    let signed_in = ask(port, &format!("/?token={TOKEN}"), "");
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/")));
    assert_eq!(signed_in.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    let set = signed_in.header("set-cookie").unwrap().to_owned();
    let mut parts: Vec<&str> = set.split("; ").collect();
    let pair = parts.remove(0);
    assert!(pair.starts_with(&format!("{cookie}=")), "{set}");
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Path=/", "SameSite=Strict"]);

    for lines in [
        format!("Cookie: {pair}\r\n"),
        format!("Cookie: a=b; {pair}; c=d\r\n"),
        format!("Authorization: Bearer {TOKEN}\r\n"),
        format!("Authorization: bearer {TOKEN}\r\n"),
    ] {
        assert_eq!(ask(port, "/api/snapshot", &lines).status, 200, "{lines}");
        assert_eq!(ask(port, "/sprint-status.yaml", &lines).status, 200);
    }
    // The cookie alone does not help a foreign page.
    let foreign = format!("Cookie: {pair}\r\nOrigin: http://evil.example\r\n");
    assert_eq!(ask(port, "/api/snapshot", &foreign).status, 403);
}

#[test]
fn the_token_stands_in_no_log_and_no_answer() {
    let project = Project::new();
    let mut server = serve(&project);
    let port = server.port();
    for (target, lines) in [
        (format!("/?token={TOKEN}"), String::new()),
        (format!("/?token={TOKEN}x"), String::new()),
        (format!("/api/events?limit={TOKEN}"), format!("Authorization: Bearer {TOKEN}\r\n")),
        (format!("/nothing?token={TOKEN}"), format!("Authorization: Bearer {TOKEN}\r\n")),
        ("/api/snapshot".to_owned(), format!("Cookie: sprint_runner_{port}={TOKEN}\r\n")),
        (
            "/ws".to_owned(),
            format!(
                "Authorization: Bearer {TOKEN}\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            ),
        ),
    ] {
        ask(port, &target, &lines);
    }
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    for path in ["/api/settings/sources", "/healthz", "/metrics", "/api/snapshot", "/api/events"] {
        ask(port, path, &token);
    }
    // The lock file tells it to this user's own command line, and to nobody else.
    let lock = project.root().join(".sprint-runner/sprint-runner.lock");
    assert!(std::fs::read_to_string(&lock).unwrap().contains(TOKEN));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&lock).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let mut status = binary();
    status.args(["status", "--json", "-C"]).arg(project.root());
    let status = status.output().unwrap();
    assert!(status.status.success() && !String::from_utf8_lossy(&status.stdout).contains(TOKEN));
    // Neither in the arguments that everybody on this machine can read.
    let arguments = std::fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains(TOKEN));
    server.terminate();
    assert!(!std::fs::read_to_string(lock).unwrap().contains(TOKEN));
    let log = server.log();
    assert!(!log.contains(TOKEN), "{log}");
    assert!(log.lines().count() > 3, "at this level something is told: {log}");
}

#[test]
fn a_token_in_the_file_is_asked_for_and_shown_nowhere() {
    let project = Project::new();
    let toml = project.root().join("sprint-runner.toml");
    std::fs::write(&toml, format!("token = \"{TOKEN}\"\n")).unwrap();
    let server = Serving::start(project.root(), &["--port", "0"]);
    assert_eq!(ask(server.port(), "/api/snapshot", "").status, 401);
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(ask(server.port(), "/api/snapshot", &bearer).status, 200);
    assert!(!server.log().contains(TOKEN), "{}", server.log());
    drop(server);
    // One that cannot be used is not repeated in the refusal.
    let odd = "spaces are not allowed";
    std::fs::write(&toml, format!("token = \"{odd}\"\n")).unwrap();
    let mut server = Serving::start(project.root(), &["--port", "0"]);
    assert!(!ended(&mut server.child).success());
    let log = server.log();
    assert!(log.contains("token must be") && !log.contains(odd), "{log}");
}

#[test]
fn b40_a_browser_that_is_opened_is_not_given_the_token_as_an_argument() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let told = place.path().join("told");
    let browser = place.path().join("xdg-open");
    // Renamed when it is whole.
    let script = format!("#!/bin/sh\necho \"$@\" >'{0}.new'\nmv '{0}.new' '{0}'\n", told.display());
    std::fs::write(&browser, script).unwrap();
    chmod(&browser, 0o755);
    let mut command = binary();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", place.path().display()));
    command.env("SPRINT_RUNNER_TOKEN", TOKEN).args(["serve", "--port", "0", "--open", "-C"]);
    command.arg(project.root());
    let server = Serving::spawn(command);
    let told = eventually("a browser", || std::fs::read_to_string(&told).ok());
    assert_eq!(told, format!("http://127.0.0.1:{}/\n", server.port()));
}
