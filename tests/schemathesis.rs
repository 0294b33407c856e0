//! Schemathesis, a client nobody here wrote: reads the `OpenAPI` document and asks what it allows
//! and what it does not, of a server that runs real batches. Behind the heavy switch.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Server;
use crate::support::bench::{Bench, STORIES};
use crate::support::heavy::{Need, heavy};

const NAME: &str = "schemathesis_finds_nothing_to_object_to";

/// The program from Python's own package index, in a place of its own below the build's folder;
/// kept for the next run as long as the same versions are asked for.
fn program(clients: &Path) -> Result<PathBuf, String> {
    let list = clients.join("requirements-schemathesis.txt");
    let wanted = std::fs::read_to_string(&list).unwrap();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let (python, program) = (place.join("bin/python"), place.join("bin/schemathesis"));
    let mark = place.join("installed.txt");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(program);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(python).args(pip).arg(&list))?;
    std::fs::write(mark, wanted).unwrap();
    Ok(program)
}

fn run(command: &mut Command) -> Result<(), String> {
    let out = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&out.stderr);
    out.status.success().then_some(()).ok_or_else(|| {
        let last = told.lines().last().unwrap_or("no word").replace(':', ";");
        format!("cannot be installed here ({last})")
    })
}

#[test]
fn schemathesis_finds_nothing_to_object_to() {
    if !heavy(NAME, &[Need::Program("python3")]) {
        return;
    }
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let program = match program(&clients) {
        Ok(program) => program,
        Err(why) => {
            println!("left out: {NAME}: {why}");
            return;
        }
    };
    // Whatever it starts ends quickly, so that starts and stops meet every state.
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    bench.project.write("1-1-skeleton.md", b"# 1-1\n\n## Story\n\nAs a writer, I want a page.\n");
    bench.project.write("orchestrator.md", b"# Log\n\n## Story: 1-1-skeleton\n\nA note.\n");
    let server = Server::start_with(bench.project.root(), &[]);
    let out = Command::new(program)
        .arg("--config-file")
        .arg(clients.join("schemathesis/schemathesis.toml"))
        .arg("run")
        .arg(format!("http://127.0.0.1:{}/api/openapi.json", server.port()))
        // The streams never end.
        .args(["--exclude-path", "/sse", "--exclude-path", "/ws", "--checks", "all", "--no-color"])
        .current_dir(bench.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{told}\n{}", String::from_utf8_lossy(&out.stderr));
    println!("{told}");
    // Still alive, and it has done what was asked of it.
    assert_eq!(server.json("/healthz")["status"], "ok");
    assert_ne!(server.json("/api/batches")["total"], 0);
}
