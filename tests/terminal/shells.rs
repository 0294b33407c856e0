//! Completions and the manual: understood by the programs that they are for.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::support::process::output_of;
use crate::support::server::binary;

fn printed(arguments: &[&str]) -> Vec<u8> {
    let output = binary().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    assert!(output.stderr.is_empty());
    output.stdout
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    found.status.success()
}

/// What a program says to a text on its standard input.
fn fed(program: &str, arguments: &[&str], text: &[u8]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    output_of(child)
}

#[test]
fn each_shell_understands_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        let text = String::from_utf8(script.clone()).unwrap();
        for word in ["events", "follow", "doctor", "status-file"] {
            assert!(text.contains(word), "{shell} knows nothing of {word}");
        }
        assert!(!text.contains("scripted-agent"), "{shell} offers what is for nobody");
        if matches!(shell, "bash" | "zsh" | "fish") && is_there(shell) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&script).unwrap();
            let checked = Command::new(shell).arg("-n").arg(file.path()).output().unwrap();
            let said = String::from_utf8_lossy(&checked.stderr).into_owned();
            assert!(checked.status.success() && said.is_empty(), "{shell}: {said}");
        }
    }
    let wrong = binary().args(["completions", "tcsh"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn bash_completes_commands_and_flags_with_them() {
    let mut script = printed(&["completions", "bash"]);
    script.extend(
        b"\ncomplete_for() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n\
          _sprint__runner sprint-runner \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"\n\
          echo \"${COMPREPLY[@]}\"; }\n\
          complete_for sprint-runner do\ncomplete_for sprint-runner events --fo\n",
    );
    let output = fed("bash", &["--norc"], &script);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), ["doctor", "--follow"], "{said}");
}

#[test]
fn every_page_of_the_manual_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("deep/man1");
    let told = printed(&["man", "--out", place.to_str().unwrap()]);
    let mut names: Vec<String> = std::fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(String::from_utf8(told).unwrap().lines().count(), names.len());
    for name in ["sprint-runner.1", "sprint-runner-events.1", "sprint-runner-doctor.1"] {
        assert!(names.iter().any(|known| known == name), "{name} is missing: {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("scripted-agent")), "{names:?}");
    for name in &names {
        let page = std::fs::read(place.join(name)).unwrap();
        let text = String::from_utf8(page.clone()).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{name}");
        if is_there("groff") {
            let output = fed("groff", &["-man", "-Tutf8", "-ww", "-z"], &page);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        }
        if is_there("mandoc") {
            let output = fed("mandoc", &["-T", "lint", "-W", "error"], &page);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        }
    }
    assert_eq!(printed(&["man"]), std::fs::read(place.join("sprint-runner.1")).unwrap());
}

#[test]
fn a_page_replaces_a_link_and_does_not_follow_it() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs");
    std::fs::write(&theirs, "precious").unwrap();
    std::os::unix::fs::symlink(&theirs, folder.path().join("sprint-runner.1")).unwrap();
    printed(&["man", "--out", folder.path().to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "precious");
    assert!(folder.path().join("sprint-runner.1").symlink_metadata().unwrap().is_file());
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    for arguments in [&["completions", "zsh"][..], &["man"]] {
        let mut child =
            binary().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = output_of(child);
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}
