//! Links that lead to one of several projects from elsewhere: a chat, a notification.

use std::fs;

use crate::notifications::inbox::Inbox;
use crate::support::http::{self, Response};
use crate::support::{Server, eventually};

use super::Side;

const ELSEWHERE: &str =
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

fn get(server: &Server, path: &str, lines: &str) -> Response {
    let host = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", server.port());
    http::send(server.port(), format!("GET {path} HTTP/1.1\r\n{host}{lines}\r\n")).unwrap()
}

/// Without its last slash, and where the project could not begin, a link is still one to a page.
#[test]
fn a_link_from_elsewhere_opens_a_project_however_it_is_written() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b", "missing"], &[]);
    for (path, status) in [("/p/b", 307), ("/p/b/", 200), ("/p/missing", 307), ("/p/missing/", 503)]
    {
        assert_eq!(get(&server, path, ELSEWHERE).status, status, "{path}");
    }
    for path in ["/p/b/api/snapshot", "/p/missing/api/snapshot", "/p/missing/sse", "/api/projects"]
    {
        assert_eq!(get(&server, path, ELSEWHERE).status, 403, "{path}");
    }
    let framed = ELSEWHERE.replace("document", "iframe");
    assert_eq!(get(&server, "/p/b", &framed).status, 403);
}

#[test]
fn a_token_signs_in_at_a_project_however_it_is_written() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b", "missing"], &["--token", "s3cret-s3cret-s3cret"]);
    for (path, home) in [("/p/b", "/p/b/"), ("/p/b/", "/p/b/"), ("/p/missing/", "/")] {
        let signed = get(&server, &format!("{path}?token=s3cret-s3cret-s3cret"), "");
        assert_eq!((signed.status, signed.header("location")), (303, Some(home)), "{path}");
        assert!(signed.header("set-cookie").is_some(), "{path}");
        let wrong = get(&server, &format!("{path}?token=wrong-wrong-wrong"), "");
        assert_eq!((wrong.status, wrong.header("location")), (401, None), "{path}");
        let asked = get(&server, path, ELSEWHERE);
        assert_eq!(asked.status, 401, "{path}");
        assert!(asked.text().contains("<h1>Sign in</h1>"), "{path}: {}", asked.text());
    }
    // One step more brings the cookie along: to the page that was asked for.
    for (path, to) in [("/projects", "/projects"), ("/p/b/", "/p/b/"), ("/", "/")] {
        let step = get(&server, path, ELSEWHERE).text();
        assert!(step.contains(&format!("content=\"0;url={to}\"")), "{path}: {step}");
    }
    assert_eq!(get(&server, "/p/missing/healthz?token=s3cret-s3cret-s3cret", "").status, 401);
}

/// The address under which people reach the dashboard is one for all; a message is about one.
#[test]
fn a_notification_links_to_its_own_project() {
    let side = Side::of(&["a", "b"]);
    let inbox = Inbox::open();
    let told = |name: &str, more: &str| {
        let url = inbox.url(name);
        let target = format!(
            "{more}[[notifications]]\nto = \"webhook\"\nurl = \"{url}\"\nsettle_seconds = 0.05\n"
        );
        fs::write(side.path(name).join("sprint-runner.toml"), target).unwrap();
    };
    let link = |server: &Server, story: &str| {
        let path = side.path("b").join("_bmad-output/implementation-artifacts/sprint-status.yaml");
        let before = inbox.posts().len();
        let text = fs::read_to_string(&path).unwrap();
        let from = text.find(&format!("{story}: ")).unwrap() + story.len() + 2;
        let end = from + text[from..].find('\n').unwrap();
        let head = server.json("/p/b/healthz")["head"].clone();
        fs::write(&path, format!("{}blocked{}", &text[..from], &text[end..])).unwrap();
        eventually("the story is seen", || {
            (server.json("/p/b/healthz")["head"] != head).then_some(())
        });
        let post = inbox.wait(before + 1)[before].clone();
        assert_eq!(post.path, "/b");
        post.json()["link"].as_str().unwrap().to_owned()
    };
    told("a", "");
    told("b", "");
    let server = side.serve(&["a", "b"], &["--public-url", "https://sprint.example.org"]);
    let first = link(&server, "1-2-database");
    assert!(first.starts_with("https://sprint.example.org/p/b/#overview"), "{first}");
    drop(server);
    // One that names the project already is taken as it is.
    told("b", "public_url = \"https://box.example.org/p/b\"\n");
    let server = side.serve(&["a", "b"], &[]);
    let second = link(&server, "2a-1-editor");
    assert!(second.starts_with("https://box.example.org/p/b/#overview"), "{second}");
}
