//! Behaviour 12: nginx in front, its buffering as it comes.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{epoch_of, id, number, rows, whole_log};
use crate::support::heavy::{Need, heavy};
use crate::support::project::now_s;
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Project, Server, eventually, http};

/// An nginx of our own; ended when dropped.
struct Nginx {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Nginx {
    /// In front of that server, on this port. Nothing is said about buffering, HTTP/1.1 towards
    /// the server or time-outs but what a WebSocket needs.
    fn start(port: u16, behind: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("  {kind}_temp_path {home}/{kind};\n"))
            .collect();
        let conf = format!(
            "daemon off;\nmaster_process off;\nuser root;\npid {home}/pid;\n\
             error_log {home}/error.log;\nevents {{}}\nhttp {{\n{temporary}  access_log off;\n\
             map $http_upgrade $connection_wish {{ default upgrade; '' close; }}\n\
             server {{\n listen 127.0.0.1:{port};\n server_name sprint.example;\n\
             location / {{ proxy_pass http://127.0.0.1:{behind};\n\
             proxy_set_header Host $http_host;\n }}\n\
             location /ws {{ proxy_pass http://127.0.0.1:{behind};\n\
             proxy_set_header Host $http_host;\n proxy_http_version 1.1;\n\
             proxy_set_header Upgrade $http_upgrade;\n\
             proxy_set_header Connection $connection_wish;\n }}\n }}\n}}\n"
        );
        let path = folder.path().join("nginx.conf");
        fs::write(&path, conf).unwrap();
        let program = if std::path::Path::new("/usr/sbin/nginx").exists() {
            "/usr/sbin/nginx"
        } else {
            "nginx"
        };
        let child = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&path)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self { child, port, _folder: folder };
        eventually("nginx", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        nginx
    }

    fn connect(&self) -> std::net::TcpStream {
        http::connect(self.port)
    }

    fn host(&self) -> String {
        format!("sprint.example:{}", self.port)
    }

    fn sse(&self, last_event_id: Option<&str>) -> Sse {
        Sse::over(self.connect(), &self.host(), "", last_event_id).expect("a stream")
    }

    fn ws(&self, query: &str) -> Ws {
        Ws::over(self.connect(), &self.host(), query).expect("a socket")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn b12_behind_nginx_as_it_comes_events_are_not_held_back() {
    const NAME: &str = "b12_behind_nginx_as_it_comes_events_are_not_held_back";
    if !heavy(NAME, &[Need::Root, Need::Program("nginx")]) {
        return;
    }
    let project = Project::new();
    // nginx has the name; the server is told it, with the port that browsers name.
    let port = free_port();
    let allowed = format!("sprint.example:{port}");
    let server = Server::start_with(project.root(), &["--allow-host", &allowed]);
    let nginx = Nginx::start(port, server.port());

    // One event at a time: nginx has 4 KiB to fill before it hands on what it buffers.
    let mut sse = nginx.sse(None);
    let mut ws = nginx.ws("");
    assert_eq!(sse.next().expect("an init").json["type"], "init");
    assert_eq!(ws.next().expect("an init")["type"], "init");
    let mut direct = server.sse("");
    assert_eq!(direct.next().unwrap().json["type"], "init");
    let mut slowest = Duration::ZERO;
    for n in 0..100 {
        let row = format!("{},1,1-2,dev-story,t,progress,\"row {n}\"\n", now_s());
        let then = std::time::Instant::now();
        project.append(row.as_bytes());
        for kind in ["sse", "ws"] {
            loop {
                let event = match kind {
                    "sse" => sse.next().expect("at once").json,
                    _ => ws.next().expect("at once"),
                };
                if number(&event) == Some(n) {
                    break;
                }
            }
            if kind == "sse" {
                slowest = slowest.max(then.elapsed());
            }
        }
    }
    println!("through nginx: the slowest of 100 events took {slowest:?} from its append");

    // Resume through it, by header and query, with a large page of history.
    project.append(&rows(5_000));
    let log = whole_log(&server, 0, 5_100);
    let epoch = epoch_of(&server);
    let mut again = nginx.sse(Some(&format!("{epoch}:1")));
    let mut over_ws = nginx.ws(&format!("?last_event_id={epoch}:1"));
    for expected in &log[1..] {
        assert_eq!(id(&again.next().expect("history").json), *expected);
        assert_eq!(id(&over_ws.next().expect("history")), *expected);
    }
    // The server's end comes through, as 1001, and so does who comes back.
    drop(direct);
    let behind = server.port();
    let mut server = server;
    let mut ws = nginx.ws(&format!("?last_event_id={}", log.last().unwrap()));
    project.append(&rows(1));
    ws.next().expect("live");
    assert!(server.terminate().success());
    assert_eq!(ws.close_code(), Some(1001));
    while again.next().is_some() {}
    let mut command = crate::support::server::binary();
    command.arg("serve").arg("-C").arg(project.root());
    command.args(["--port", &behind.to_string(), "--allow-host", &allowed]);
    let _server = Server::spawn(command);
    let mut again = nginx.sse(Some(&format!("{epoch}:{}", log.last().unwrap())));
    assert!(id(&again.next().expect("what was missed").json) > *log.last().unwrap());
}
