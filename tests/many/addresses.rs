//! What stands at which address, and who may come in there.

use crate::support::http::{self, Response};
use crate::support::openapi::Api;
use crate::support::{Project, Server};

use super::{Side, names, roots, serve, told};

#[test]
fn each_project_is_a_whole_server_below_its_name() {
    let side = Side::of(&["lantern", "harbour"]);
    let server = side.serve(&["lantern", "harbour"], &[]);
    assert_eq!(names(&server), ["lantern", "harbour"]);
    for name in ["lantern", "harbour"] {
        let at = |path: &str| server.get(&format!("/p/{name}{path}"));
        let page = at("/");
        assert_eq!(page.status, 200);
        assert!(page.text().contains("js/main.js"), "the page itself");
        for (path, kind) in [
            ("/js/main.js", "text/javascript; charset=utf-8"),
            ("/api/snapshot", "application/json"),
            ("/api/sprint-status", "application/json"),
            ("/api/orchestrator/status", "application/json"),
            ("/api/events", "application/json"),
            ("/api/settings", "application/json"),
            ("/api/openapi.json", "application/json"),
            ("/healthz", "application/json"),
            ("/sprint-status.yaml", "application/yaml; charset=utf-8"),
        ] {
            let answer = at(path);
            assert_eq!(answer.status, 200, "{name}{path}");
            assert_eq!(answer.header("content-type"), Some(kind), "{name}{path}");
        }
        assert_eq!(at("/api/snapshot").json()["sprint"]["project"], format!("Sprint of {name}"));
        assert!(at("/sprint-status.yaml").text().contains(&format!("Sprint of {name}")));
        assert_eq!(at("/api/nothing").status, 404);
    }
    let root = server.get("/?x=1");
    assert_eq!((root.status, root.header("location")), (307, Some("p/lantern/?x=1")));
    let page = server.get("/projects");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("js/projects.js"), "the overview: {}", page.text());
    // A script that knows of one project speaks to the first.
    assert_eq!(server.json("/api/snapshot")["sprint"]["project"], "Sprint of lantern");
    assert!(server.get("/sprint-status.yaml").text().contains("Sprint of lantern"));
    let health = server.json("/healthz");
    assert_eq!(health["status"], "ok");
    assert_eq!(health["projects"].as_array().unwrap().len(), 2);
    assert_eq!(server.json("/p/harbour/api/projects"), server.json("/api/projects"));
}

/// What is said of all of them is in the document as well, also where one could not begin.
#[test]
fn the_answers_for_all_are_as_described() {
    let side = Side::of(&["a"]);
    let server = side.serve(&["a", "missing"], &[]);
    let api = Api::of(&server);
    assert_eq!(api.ask("GET", "/healthz", None).json()["projects"][1]["status"], "down");
    assert_eq!(api.ask("GET", "/api/projects", None).json()["projects"][1]["state"], "down");
    assert_eq!(api.ask("HEAD", "/api/projects", None).status, 200);
}

#[test]
fn tricks_with_the_path_lead_nowhere() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    for (path, status) in [
        ("/p/a", 307),
        ("/p/a?x=1", 307),
        ("/p/a/", 200),
        ("/p", 404),
        ("/p/", 404),
        ("/p//", 400),
        ("/p//a/", 400),
        ("//p/a/", 400),
        ("/p/a//", 400),
        ("/p/a//healthz", 400),
        ("/p/a/../b/healthz", 400),
        ("/p/../p/a/healthz", 400),
        ("/p/a/..", 400),
        ("/p/a/%2e%2e/b/healthz", 400),
        ("/p/a%2fhealthz", 400),
        ("/p/a%2f", 400),
        ("/p%2fa/", 400),
        ("/p/a/%2fhealthz", 400),
        ("/p/a%00/", 400),
        ("/p/%61/", 404),
        ("/p/A/", 404),
        ("/p/a./", 404),
        ("/p/unknown", 404),
        ("/p/unknown/", 404),
        ("/p/unknown/healthz", 404),
        ("/p/unknown/sse", 404),
        ("/p/unknown/ws", 404),
        ("/P/a/", 404),
        ("/p/a/p/b/", 404),
        ("/p/a/p/a/healthz", 404),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    assert_eq!(server.get("/p/a").header("location"), Some("a/"));
    assert_eq!(server.get("/p/a?x=1").header("location"), Some("a/?x=1"));
    let unknown = server.get("/p/unknown/api/snapshot");
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &"not_found".into()));
    assert_eq!(server.post("/p/a", "{}").status, 405);
    assert_eq!(server.post("/p/unknown/api/orchestrator/stop", "{}").status, 404);
}

fn with(server: &Server, method: &str, path: &str, lines: &str) -> Response {
    let request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n");
    http::send(server.port(), request).unwrap_or_else(|| panic!("no answer: {method} {path}"))
}

/// Every address of every project is behind the same rules, and so is what lies between them.
#[test]
fn the_guard_stands_before_every_prefix() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    let own = format!("Host: 127.0.0.1:{}\r\n", server.port());
    for path in [
        "/",
        "/projects",
        "/p/a",
        "/p/a/",
        "/p/b/api/snapshot",
        "/p/b/sse",
        "/p/b/ws",
        "/p/none/",
        "/healthz",
    ] {
        assert_eq!(with(&server, "GET", path, "Host: evil.example\r\n").status, 421, "{path}");
        assert_eq!(with(&server, "GET", path, "").status, 421, "{path}");
        let foreign = format!("{own}Origin: http://evil.example\r\n");
        assert_eq!(with(&server, "GET", path, &foreign).status, 403, "{path}");
        let cross = format!("{own}Sec-Fetch-Site: cross-site\r\n");
        assert_eq!(with(&server, "GET", path, &cross).status, 403, "{path}");
        let absolute = format!("http://127.0.0.1:{}{path}", server.port());
        assert_eq!(with(&server, "GET", &absolute, &own).status, 421, "{path}");
        let answer = with(&server, "GET", path, &foreign);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    // A link from a chat may open a project's page, and no other address.
    let link = format!(
        "{own}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
    );
    for page in ["/p/b/", "/projects"] {
        assert_eq!(with(&server, "GET", page, &link).status, 200, "{page}");
    }
    assert_eq!(with(&server, "GET", "/p/b/api/snapshot", &link).status, 403);
    let form = format!("{own}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(with(&server, "POST", "/p/b/api/orchestrator/start", &form).status, 415);
    let options = with(&server, "OPTIONS", "/p/b/api/orchestrator/start", &own);
    assert_eq!((options.status, options.header("allow")), (204, Some("POST, OPTIONS")));
}

#[test]
fn one_token_opens_all_projects_and_nothing_opens_without() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &["--token", "s3cret-s3cret-s3cret"]);
    let own = format!("Host: 127.0.0.1:{}\r\n", server.port());
    let known = format!("{own}Authorization: Bearer s3cret-s3cret-s3cret\r\n");
    for path in [
        "/",
        "/p/a",
        "/p/a/",
        "/p/b/api/snapshot",
        "/p/b/sse",
        "/p/none/",
        "/healthz",
        "/api/projects",
    ] {
        // Not even which projects there are is told.
        assert_eq!(with(&server, "GET", path, &own).status, 401, "{path}");
    }
    assert_eq!(with(&server, "GET", "/p/none/", &known).status, 404);
    assert_eq!(with(&server, "GET", "/p/b/api/snapshot", &known).status, 200);
    let signed = with(&server, "GET", "/p/b/?token=s3cret-s3cret-s3cret", &own);
    assert_eq!((signed.status, signed.header("location")), (303, Some("/p/b/")));
    let cookie = signed.header("set-cookie").unwrap();
    assert!(cookie.contains("Path=/;"), "{cookie}");
    let cookie = format!("{own}Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(with(&server, "GET", "/p/a/api/snapshot", &cookie).status, 200);
    let signed = with(&server, "GET", "/?token=s3cret-s3cret-s3cret", &own);
    assert_eq!((signed.status, signed.header("location")), (303, Some("/")));
}

/// A project that is only to be looked at stays so beside one that is not; a token that one of them
/// asks for is asked for all.
#[test]
fn a_project_s_own_safeguards_hold_beside_others() {
    let side = Side::of(&["open", "closed"]);
    std::fs::write(side.path("closed").join("sprint-runner.toml"), "read_only = true\n").unwrap();
    let server = side.serve(&["open", "closed"], &[]);
    assert_eq!(server.post("/p/closed/api/orchestrator/stop", "{}").status, 403);
    assert_eq!(server.post("/p/open/api/orchestrator/stop", "{}").status, 409);
    drop(server);
    let text = "token = \"s3cret-s3cret-s3cret\"\n";
    std::fs::write(side.path("closed").join("sprint-runner.toml"), text).unwrap();
    let server = side.serve(&["open", "closed"], &[]);
    assert_eq!(server.get("/p/open/api/snapshot").status, 401);
    assert_eq!(server.get("/p/closed/api/snapshot").status, 401);
}

/// One project, named in whichever way, is served as ever: at the root, under no name.
#[test]
fn one_project_stands_at_the_root() {
    let project = Project::new();
    let root = roots(&[&project]);
    let server = serve(&[&root[0]], &[]);
    assert_eq!(server.get("/p/x/").status, 404);
    assert!(server.get("/").text().contains("js/main.js"));
    assert_eq!(server.json("/healthz").get("projects"), None);
    let all = server.json("/api/projects");
    assert_eq!(all["projects"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&all["projects"][0]["name"], &all["projects"][0]["path"]),
        (&().into(), &"".into())
    );
    drop(server);
    // Who chooses a name wants the address that goes with it.
    let named = format!("light={}", root[0].display());
    let server = serve(&[named.as_ref()], &[]);
    assert_eq!(server.json("/p/light/api/snapshot")["sprint"]["project"], "lantern");
    assert_eq!(told(&server, "light")["path"], "p/light/");
}
