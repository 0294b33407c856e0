//! `git status`, asked right before the commit.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of it is read.
const MOST: u64 = 256 * 1024;

/// What `git status` prints in the project, or why there is nothing.
pub(in crate::orchestrator) async fn status(root: &Path) -> Result<String, String> {
    let mut command = Command::new("git");
    command
        // No daemon of its own is left behind, nor a hook of the project run.
        .args([
            "--no-optional-locks",
            "-c",
            "core.fsmonitor=false",
            "status",
            "--porcelain=v1",
            "--branch",
        ])
        .current_dir(root)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("git cannot be started: {error}"))?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let run = async {
        let (mut told, mut complaint) = (Vec::new(), Vec::new());
        let out = async {
            match stdout {
                // Closed after the cap: git then ends by itself.
                Some(stdout) => stdout.take(MOST).read_to_end(&mut told).await.map(|_| ()),
                None => Ok(()),
            }
        };
        let err = async {
            match stderr {
                Some(stderr) => stderr.take(4096).read_to_end(&mut complaint).await.map(|_| ()),
                None => Ok(()),
            }
        };
        let (out, err) = tokio::join!(out, err);
        out.and(err)?;
        Ok::<_, std::io::Error>((child.wait().await?, told, complaint))
    };
    match timeout(LIMIT, run).await {
        Err(_) => Err(format!("git status took longer than {} s", LIMIT.as_secs())),
        Ok(Err(error)) => Err(format!("git status failed: {error}")),
        Ok(Ok((status, told, complaint))) if !status.success() && told.is_empty() => {
            let complaint = String::from_utf8_lossy(&complaint);
            Err(format!("git status failed: {}", complaint.lines().next().unwrap_or("no word")))
        }
        Ok(Ok((_, told, _))) => Ok(String::from_utf8_lossy(&told).into_owned()),
    }
}
