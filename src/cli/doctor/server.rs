//! A server on this project: whether one runs, answers, and is of our version; and the port.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::app::instance_lock::{self, Holder};
use crate::app::listen;
use crate::cli::client::Server;

use super::Here;
use super::check::Check;

/// A server that does not answer by then is told as one that does not.
const ANSWER: Duration = Duration::from_secs(4);

/// The part of `/healthz` that matters here.
#[derive(Deserialize)]
struct Health {
    version: String,
    #[serde(default)]
    reasons: Vec<String>,
}

pub(super) fn checks(here: &Here) -> Vec<Check> {
    let folders = here.state_folders();
    let holder = instance_lock::find_holder(&folders);
    let mut checks = Vec::new();
    if here.found.is_some() {
        checks.push(match &holder {
            None => Check::ok("server", "none is running on this project"),
            Some(Holder { terminal: true, pid, .. }) => Check::ok(
                "server",
                &format!("none, but a batch runs in a terminal (process {pid})"),
            ),
            Some(Holder { url: None, pid, .. }) => {
                Check::ok("server", &format!("one is just starting (process {pid})"))
            }
            Some(Holder { url: Some(url), pid, .. }) => alive(url, *pid, Server::find(&folders)),
        });
    }
    checks.push(port(here, holder.and_then(|holder| holder.url).as_deref()));
    checks
}

fn alive(url: &str, pid: u32, server: Option<Server>) -> Check {
    // It may have ended between the two looks.
    let Some(server) = server else { return Check::ok("server", "one has just ended") };
    let asked = async { timeout(ANSWER, server.get_within("/healthz", ANSWER)).await };
    let silent = |fault: &str| {
        let advice = format!("end it (kill {pid}, then kill -9 {pid}) and start it anew");
        Check::fail("server", &format!("process {pid} at {url} does not answer: {fault}"), &advice)
    };
    let body = match Handle::current().block_on(asked) {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return silent(&format!("{error:#}")),
        Err(_) => return silent(&format!("nothing within {} s", ANSWER.as_secs())),
    };
    let Ok(health) = serde_json::from_slice::<Health>(&body) else {
        return silent("what it says is not understood");
    };
    let ours = env!("CARGO_PKG_VERSION");
    if health.version != ours {
        let found = format!("version {} runs at {url}, and this is {ours}", health.version);
        return Check::warn("server", &found, "stop it and start this version");
    }
    match health.reasons.first() {
        Some(reason) => Check::warn(
            "server",
            &format!("running at {url}, degraded: {reason}"),
            "mend that first",
        ),
        None => Check::ok("server", &format!("running at {url}, version {ours} (process {pid})")),
    }
}

/// Whether `serve` could listen. What is taken for the trial is given back at once.
fn port(here: &Here, running: Option<&str>) -> Check {
    if let Some(path) = &here.config.unix {
        return match listen::check_unix(path) {
            Err(error) => {
                Check::fail("port", &error.to_string(), "name another socket with --unix")
            }
            Ok(()) if running == Some(&*format!("unix:{}", path.display())) => {
                Check::ok("port", "our own server listens on its socket")
            }
            Ok(()) if path.parent().is_some_and(|folder| !folder.is_dir()) => {
                let found = format!("the folder of {} does not exist", path.display());
                Check::fail("port", &found, "make it first")
            }
            Ok(()) => Check::ok("port", &format!("a socket is used instead: {}", path.display())),
        };
    }
    let folders = here.state_folders();
    let port = match folders.first() {
        Some(folder) => listen::port(&here.config, folder),
        None => here.config.port.unwrap_or(listen::DEFAULT_PORT),
    };
    let address = SocketAddr::new(here.config.host, port);
    if port == 0 {
        return Check::ok("port", "any free one is taken (0)");
    }
    if running == Some(&*listen::url(address)) {
        return Check::ok("port", &format!("{port} is taken by our own server"));
    }
    match TcpListener::bind(address) {
        Ok(_) => Check::ok("port", &format!("{port} on {} is free", address.ip())),
        // Ours runs elsewhere, so nobody needs this one now.
        Err(error) if running.is_some() => {
            let found = format!("our server runs elsewhere; {port} is not free ({error})");
            Check::ok("port", &found)
        }
        Err(error) => {
            let text = listen::refusal(address, &error).to_string();
            let (found, advice) =
                text.split_once(": ").unwrap_or((&text, "choose another with --port N"));
            Check::fail("port", found, advice)
        }
    }
}
