//! Those who are measured beside us, each from a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::http;
use crate::machine::children;
use crate::process::Running;

const MODULE: &str = "ngx_nchan_module.so";

/// nginx with one worker: a static site, and nchan as hub where its module is there.
pub(crate) struct Nginx {
    master: Running,
    pub(crate) worker: u32,
    pub(crate) port: u16,
    folder: PathBuf,
}

impl Nginx {
    pub(crate) fn start(scratch: &Path, with_nchan: bool) -> Result<Self> {
        let folder = scratch.join("nginx");
        fs::create_dir_all(folder.join("site"))?;
        let port = http::free_port()?;
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration(&folder, port, with_nchan))?;
        let mut command = Command::new(nginx().context("nginx is not installed")?);
        command.arg("-p").arg(&folder).arg("-c").arg(&path).arg("-e").arg(folder.join("error.log"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let master = Running::start(scratch, &mut command)?;
        let told = || fs::read_to_string(folder.join("error.log")).unwrap_or_default();
        http::until_listening(port).with_context(told)?;
        let mut worker = 0;
        http::until("nginx's worker", Duration::from_secs(5), || {
            worker = children(master.pid()).first().copied().unwrap_or(0);
            Ok((worker != 0).then_some(()))
        })?;
        Ok(Self { master, worker, port, folder })
    }

    pub(crate) fn master(&self) -> u32 {
        self.master.pid()
    }

    /// Puts a file on its site.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join("site").join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(fs::write(path, bytes)?)
    }
}

/// What is needed and nothing that would slow it down: no log, files by sendfile, one worker.
fn configuration(folder: &Path, port: u16, with_nchan: bool) -> String {
    let home = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {home}/{kind};\n"))
        .collect();
    let (load, hub) = match nchan().filter(|_| with_nchan) {
        Some(module) => (
            format!("load_module {};\n", module.display()),
            "    location = /publish { nchan_publisher; nchan_channel_id figures;\n\
             \x20     nchan_message_buffer_length 5000; nchan_message_timeout 2m; }\n\
             \x20   location = /sse { nchan_subscriber eventsource; nchan_channel_id figures;\n\
             \x20     nchan_subscriber_first_message newest; }\n\
             \x20   location = /ws { nchan_subscriber websocket; nchan_channel_id figures;\n\
             \x20     nchan_subscriber_first_message newest; }\n",
        ),
        None => (String::new(), ""),
    };
    // As root its worker would be somebody else, who may not enter our folder.
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    format!(
        "{load}{user}daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\n\
         pid {home}/pid;\nerror_log {home}/error.log;\n\
         events {{ worker_connections 12000; }}\nhttp {{\n{temporary}  access_log off;\n\
         \x20 sendfile on;\n  tcp_nopush on;\n  tcp_nodelay on;\n  keepalive_requests 100000000;\n\
         \x20 open_file_cache max=100;\n\
         \x20 types {{ text/html html; text/css css; text/javascript js; }}\n\
         \x20 server {{\n    listen 127.0.0.1:{port} backlog=4096;\n    root {home}/site;\n{hub}  }}\n}}\n"
    )
}

/// Where nginx lies; not every user has its folder in the path.
pub(crate) fn nginx() -> Option<PathBuf> {
    found("nginx")
}

/// Where nchan's module lies.
pub(crate) fn nchan() -> Option<PathBuf> {
    ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"]
        .iter()
        .map(|folder| Path::new(folder).join(MODULE))
        .find(|path| path.exists() && nginx().is_some())
}

/// A program of that name.
pub(crate) fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What wrk says of a server: answers, and answers a second.
pub(crate) fn wrk(port: u16, path: &str, seconds: u64) -> Result<(f64, f64)> {
    let program = found("wrk").context("wrk is not installed")?;
    let output = Command::new(program)
        .args(["-t", "1", "-c", "32", "-d"])
        .arg(format!("{seconds}s"))
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{path}: {text}");
    let number = |before: &str, after: &str| -> Option<f64> {
        let at = text.find(before)? + before.len();
        let rest = text[at..].split(after).next()?;
        rest.trim().parse().ok()
    };
    let all = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ")?.0.parse::<f64>().ok())
        .with_context(|| format!("wrk said: {text}"))?;
    let rate = number("Requests/sec:", "\n").with_context(|| format!("wrk said: {text}"))?;
    Ok((all, rate))
}
