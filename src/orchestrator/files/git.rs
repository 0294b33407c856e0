//! `git status`, asked right before the commit, running as little of the project as git allows.
//!
//! No hook, no file monitor, no transport and nothing of a submodule is run. What is left are the
//! `clean` filters of a file that looks changed: without them git could not tell whether it is.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::agents::process::descriptors;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of it is read.
const MOST: u64 = 256 * 1024;

/// What `git status` prints in the project, or why there is nothing.
pub(in crate::orchestrator) async fn status(root: &Path) -> Result<String, String> {
    let mut command = Command::new("git");
    command
        .args([
            "--no-optional-locks",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        // A submodule's files are not looked at: filters of its own would run.
        .args(["status", "--porcelain=v1", "--branch", "--ignore-submodules=dirty"])
        .current_dir(root)
        .env("GIT_TERMINAL_PROMPT", "0")
        // What a partial clone lacks stays away: fetching it would start a transport's programs.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = descriptors::start(|| command.spawn(), Child::id)
        .map_err(|error| format!("git cannot be started: {error}"))?;
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn git(root: &Path, words: &[&str]) {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(["-c", "protocol.file.allow=always", "-c", "core.fsmonitor=false"])
            .args(words)
            .current_dir(root)
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?} {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A program that leaves its name behind.
    fn program(folder: &Path, name: &str) -> String {
        let path = folder.join(name);
        let text = format!("#!/bin/sh\ntouch '{}'\n", folder.join(format!("{name}-ran")).display());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_state_is_told_and_nothing_of_the_project_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, root) = (folder.path().join("inner"), folder.path().join("outer"));
        for repository in [&inner, &root] {
            fs::create_dir(repository).unwrap();
            git(repository, &["init", "-q", "-b", "main"]);
            fs::write(repository.join("a"), "a").unwrap();
            git(repository, &["add", "a"]);
            git(repository, &["commit", "-q", "-m", "a"]);
        }
        git(&root, &["submodule", "--quiet", "add", inner.to_str().unwrap(), "below"]);
        git(&root, &["commit", "-q", "-m", "below"]);
        git(&root, &["config", "core.fsmonitor", &program(folder.path(), "monitor")]);
        let below = root.join("below");
        git(&below, &["config", "filter.below.clean", &program(folder.path(), "below")]);
        let attributes = root.join(".git/modules/below/info/attributes");
        fs::create_dir_all(attributes.parent().unwrap()).unwrap();
        fs::write(attributes, "* filter=below\n").unwrap();
        let hooks = folder.path().join("hooks");
        fs::create_dir(&hooks).unwrap();
        program(&hooks, "post-index-change");
        git(&root, &["config", "core.hooksPath", hooks.to_str().unwrap()]);
        // They look changed and are not: git would write what it found into its index.
        for looks_changed in [&root, &below] {
            let file = fs::File::options().write(true).open(looks_changed.join("a")).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
        fs::write(root.join("b"), "b").unwrap();
        assert_eq!(status(&root).await.unwrap(), "## main\n?? b\n");
        for (place, name) in
            [(folder.path(), "monitor"), (folder.path(), "below"), (&hooks, "post-index-change")]
        {
            assert!(!place.join(format!("{name}-ran")).exists(), "{name} ran");
        }
    }
}
