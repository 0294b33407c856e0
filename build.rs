//! The commit that a release is built from, for `--version`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=SPRINT_RUNNER_COMMIT");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    // A debug build is compiled after every commit anyway only where its sources changed; naming
    // the commit in it would compile it again at each.
    let released = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = match env::var("SPRINT_RUNNER_COMMIT") {
        Ok(named) if !named.is_empty() => Some(named),
        _ if released => commit(),
        _ => {
            println!("cargo::rerun-if-changed=build.rs");
            None
        }
    };
    let version = match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=SPRINT_RUNNER_VERSION={version}");
}

/// The commit of this folder's own repository, `-dirty` behind it where files differ from it.
fn commit() -> Option<String> {
    // A folder inside somebody else's repository (vendored, unpacked) is not of that commit.
    let own = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    if !own {
        return None;
    }
    for name in ["HEAD", "logs/HEAD", "index"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    for path in ["src", "public", "fixtures", "Cargo.toml", "Cargo.lock", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// What git says, if it is there and has something to say.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
