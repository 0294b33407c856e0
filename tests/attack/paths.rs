//! Behaviour 41: no path and no name leads to a byte outside of what is served.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::http::send;
use crate::support::{Project, Server};

const SECRET: &str = "hidden treasure";

/// What a way out may look like, each to be put where a name is expected.
fn ways_out() -> Vec<String> {
    let deep = "../".repeat(20);
    let escaped = deep.replace("../", "%2e%2e%2f");
    let mut ways: Vec<String> = [
        "..",
        "../secret.txt",
        "../../secret.txt",
        "%2e%2e/secret.txt",
        "%2E%2E/secret.txt",
        ".%2e/secret.txt",
        "..%2fsecret.txt",
        "..%2Fsecret.txt",
        "..%5csecret.txt",
        "..%5Csecret.txt",
        "..\\secret.txt",
        "%252e%252e/secret.txt",
        "%252e%252e%252fsecret.txt",
        "%25252e%25252e/secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "%e0%80%ae%e0%80%ae/secret.txt",
        "..%c0%afsecret.txt",
        "..%ef%bc%8fsecret.txt",
        "%u002e%u002e/secret.txt",
        "....//secret.txt",
        "..;/secret.txt",
        "./../secret.txt",
        "secret.txt%00.css",
        "%00",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "\\\\server\\share",
        "%5c%5cserver%5cshare",
        "//server/share",
        "c:%5cwindows%5cwin.ini",
        "file:%2f%2f%2fetc%2fpasswd",
        ".env",
        ".git/config",
        ".sprint-runner/sprint-runner.db",
        ".sprint-runner/settings.json",
        ".sprint-runner/sprint-runner.lock",
        "secret.txt",
        "out.txt",
        "way/secret.txt",
        "%",
        "%2",
        "%zz",
        "%ff",
    ]
    .map(str::to_owned)
    .into();
    ways.extend([
        format!("{deep}etc/passwd"),
        format!("{escaped}etc%2fpasswd"),
        "a".repeat(300),
        "%61".repeat(300),
        format!("{}.txt", "é".repeat(200)),
    ]);
    ways
}

/// Asks for each way behind each prefix; every answer is a refusal that tells nothing.
fn refused(port: u16, prefixes: &[&str], tell: &str) {
    for prefix in prefixes {
        for way in ways_out() {
            for target in [format!("{prefix}{way}"), format!("{prefix}{way}/log")] {
                let request = format!(
                    "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
                );
                let response = send(port, request).unwrap_or_else(|| panic!("{target}: no answer"));
                let (status, text) = (response.status, response.text());
                assert!((400..500).contains(&status), "{target}: {status}");
                assert!(!text.contains(SECRET) && !text.contains("root:"), "{target}");
                assert!(!text.contains(tell), "{target} tells where it is: {text}");
            }
        }
    }
}

fn plant(root: &Path) {
    fs::write(root.join("secret.txt"), SECRET).unwrap();
    fs::write(root.join(".env"), SECRET).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::write(root.join(".git/config"), SECRET).unwrap();
}

#[test]
fn b41_no_path_leads_outside() {
    let project = Project::new();
    plant(project.root());
    let server = Server::start(&project);
    let prefixes = ["/", "/css/", "/js/../", "/api/stories/", "/api/agents/", "/api/batches/"];
    let tell = project.root().to_str().unwrap().to_owned();
    refused(server.port(), &prefixes, &tell);
    let artifacts = "/_bmad-output/implementation-artifacts";
    for way in ["sprint-status.yaml", "sprint-runner.csv", "../../secret.txt"] {
        let response = server.get(&format!("{artifacts}/{way}"));
        assert!((400..500).contains(&response.status), "{way}: {}", response.status);
    }
    assert_eq!(server.get("/sprint-status.yaml").status, 200);
    assert!((400..500).contains(&server.get("/sprint-status.yaml/").status));
    assert!((400..500).contains(&server.get("/sprint-status.yaml%20").status));
}

#[test]
fn b41_a_story_key_names_no_file_outside() {
    let project = Project::new();
    plant(project.root());
    fs::write(project.root().join("outside.md"), format!("## Story\n\n{SECRET}\n")).unwrap();
    symlink("/etc/passwd", project.path("1-1-skeleton.md")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("1-2.md");
    fs::write(&file, format!("## Story\n\n{SECRET}\n")).unwrap();
    symlink(&file, project.path("1-2-database.md")).unwrap();
    symlink(outside.path(), project.path("stories")).unwrap();
    let server = Server::start(&project);
    for way in ways_out() {
        let query: String = way.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let response = server.get(&format!("/api/stories?key={query}"));
        assert!((400..500).contains(&response.status), "{way}: {}", response.status);
        assert!(!response.text().contains(SECRET), "{way}");
    }
    for path in
        ["/story-descriptions.json", "/api/stories/1-1-skeleton", "/api/stories/1-2-database"]
    {
        let text = server.get(path).text();
        assert!(!text.contains(SECRET) && !text.contains("root:"), "{path}: {text}");
        assert!(!text.contains(outside.path().to_str().unwrap()), "{path}: {text}");
    }
}

#[test]
fn b41_a_data_file_that_is_a_link_outward_is_not_served() {
    let project = Project::empty();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("f");
    fs::write(&file, SECRET).unwrap();
    let names = ["sprint-runner.csv", "orchestrator.csv", "orchestrator.md", "sprint-status.yaml"];
    for name in names {
        symlink(&file, project.path(name)).unwrap();
    }
    let server = Server::start(&project);
    for name in names.into_iter().chain(["orchestrator-sample.md"]) {
        for name in [name.to_owned(), format!("{name}?x=../../f")] {
            let response = server.get(&format!("/{name}"));
            assert_eq!(response.status, 404, "{name}: {}", response.text());
            assert!(!response.text().contains(outside.path().to_str().unwrap()));
        }
    }
    for path in ["/api/sprint-status", "/api/orchestrator-status", "/api/snapshot", "/api/events"] {
        let text = server.get(path).text();
        assert!(!text.contains(SECRET), "{path}");
        assert!(!text.contains(outside.path().to_str().unwrap()), "{path}: {text}");
    }
}

#[test]
fn b41_an_agents_log_is_a_file_of_ours_and_no_link() {
    let project = Project::new();
    plant(project.root());
    let agents = project.root().join(".sprint-runner/agents");
    fs::create_dir_all(agents.join("1")).unwrap();
    fs::create_dir_all(agents.join("3")).unwrap();
    fs::write(agents.join("1/1-honest.log"), "honest").unwrap();
    symlink(project.root().join("secret.txt"), agents.join("1/2-link.log")).unwrap();
    symlink("/etc/passwd", agents.join("1/3-link.log")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("1-x.log"), SECRET).unwrap();
    symlink(elsewhere.path(), agents.join("2")).unwrap();
    let fifo = agents.join("3/1-fifo.log");
    assert!(std::process::Command::new("mkfifo").arg(fifo).status().unwrap().success());
    let server = Server::start(&project);
    assert_eq!(server.get("/api/agents/1-1/log").text(), "honest");
    for id in
        ["1-2", "1-3", "2-1", "3-1", "..%2f1-1", "1-1%2f..", "01-1", "1-1.log", "%31-1", "-", "1-"]
    {
        let response = server.get(&format!("/api/agents/{id}/log"));
        assert!((400..500).contains(&response.status), "{id}: {}", response.status);
        let text = response.text();
        assert!(!text.contains(SECRET) && !text.contains("root:"), "{id}: {text}");
    }
}

#[test]
fn b41_a_folder_of_the_users_own_shows_what_lies_in_it() {
    let place = tempfile::tempdir().unwrap();
    let public = place.path().join("public");
    fs::create_dir_all(public.join("css")).unwrap();
    fs::write(public.join("index.html"), "mine").unwrap();
    fs::write(public.join("css/a.css"), "a{}").unwrap();
    fs::write(place.path().join("secret.txt"), SECRET).unwrap();
    // Beside it, with a name that begins alike.
    fs::create_dir(place.path().join("public-not")).unwrap();
    fs::write(place.path().join("public-not/secret.txt"), SECRET).unwrap();
    symlink(place.path().join("secret.txt"), public.join("out.txt")).unwrap();
    symlink(place.path(), public.join("way")).unwrap();
    symlink("css/a.css", public.join("in.css")).unwrap();
    for hidden in [".env", ".git/config", "css/.hidden"] {
        fs::create_dir_all(public.join(hidden).parent().unwrap()).unwrap();
        fs::write(public.join(hidden), SECRET).unwrap();
    }
    let fifo = std::process::Command::new("mkfifo").arg(public.join("fifo")).status().unwrap();
    assert!(fifo.success());

    let project = Project::new();
    let server = Server::start_with(project.root(), &["--public", public.to_str().unwrap()]);
    assert_eq!(server.get("/").text(), "mine");
    assert_eq!(server.get("/css/a.css").text(), "a{}");
    assert_eq!(server.get("/in.css").text(), "a{}");
    for path in [
        "/css",
        "/css/",
        "/css/.hidden",
        "/fifo",
        "/..%2fpublic-not/secret.txt",
        "/way/public/index.html/x",
    ] {
        let response = server.get(path);
        assert!((400..500).contains(&response.status), "{path}: {}", response.status);
        assert!(!response.text().contains(SECRET), "{path}");
    }
    let tell = place.path().to_str().unwrap().to_owned();
    refused(server.port(), &["/", "/css/", "/way/"], &tell);
    assert_eq!(server.get("/css/a.css").status, 200);
}
