//! `watch` on a terminal, through the real binary and a real server.

use std::process::Command;

use rustix::process::Signal;

use super::pty::Pty;
use crate::support::process::Stopped;
use crate::support::project::now_s;
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

fn row(command: &str, task: &str, status: &str, message: &str) -> Vec<u8> {
    format!("{},1,1-2,{command},{task},{status},\"{message}\"\n", now_s()).into_bytes()
}

#[test]
fn it_shows_follows_filters_resizes_and_gives_the_terminal_back() {
    let project = Project::new();
    let _server = Server::start(&project);
    let mut pty = Pty::watch(project.root(), 30, 110);
    pty.shows(" live ");
    pty.shows("1-2-database");
    pty.shows("idle");
    project.append(&row("dev-story", "implement", "start", "Reading the job"));
    pty.shows("dev-story/implement");
    pty.shows("running");
    pty.shows("Reading the job");
    project.append(&row("dev-story", "implement", "end", "All of it works"));
    pty.shows("All of it works");

    pty.press("/backup");
    pty.until("filter", |text| text.contains("1 of 5") && !text.contains("2a-1-editor"));
    pty.press("\x1b");
    pty.shows("2a-1-editor");
    // Down to another story, and into it.
    pty.press("j\r");
    pty.until("details", |text| text.contains("status ") && text.contains("changed "));
    pty.press("\x1b");
    pty.shows("Stories 5");
    pty.press("?");
    pty.shows("the next part, the one before");
    pty.press("?");

    pty.resize(8, 44);
    pty.until("small picture", |text| {
        text.contains("Stories 5") && text.lines().all(|line| line.chars().count() <= 44)
    });
    pty.resize(5, 20);
    pty.until("tiny picture", |text| text.lines().count() <= 5 && text.contains("live"));
    pty.resize(40, 160);
    pty.until("wide picture", |text| text.contains("Activity following"));

    pty.press("q");
    assert_eq!(pty.end().code(), Some(0));
    pty.assert_given_back();
}

#[test]
fn b45_a_killed_server_is_told_at_once_and_a_new_one_is_gone_on_with() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut pty = Pty::watch(project.root(), 30, 110);
    project.append(&row("dev-story", "implement", "start", "go"));
    pty.shows("running");
    server.kill();
    pty.until("word of it", |text| {
        (text.contains("disconnected") || text.contains("no server")) && !text.contains("running ·")
    });
    pty.shows("no server is running");
    pty.shows("was under way when last seen");
    let text = pty.text();
    assert!(!text.contains(" live "), "{text}");
    project.append(&row("dev-story", "tests", "start", "meanwhile"));
    let _next = Server::start(&project);
    pty.shows(" live ");
    pty.shows("meanwhile");
    pty.shows("running");
    pty.press("\x03");
    assert_eq!(pty.end().code(), Some(0));
    pty.assert_given_back();
}

#[test]
fn b45_a_server_that_stands_still_is_not_live() {
    let project = Project::new();
    let server = Server::start(&project);
    let pty = Pty::watch(project.root(), 30, 110);
    pty.shows(" live ");
    let stopped = Stopped::new(&server);
    pty.shows("not answering");
    assert!(!pty.text().contains(" live "));
    drop(stopped);
    pty.shows(" live ");
}

#[test]
fn without_a_server_it_shows_what_was_kept_and_says_what_to_do() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(&row("dev-story", "implement", "start", "kept for later"));
    eventually("the row", || {
        let rows = server.json("/api/events?type=command:*");
        (!rows["events"].as_array().unwrap().is_empty()).then_some(())
    });
    server.kill();
    let pty = Pty::watch(project.root(), 30, 120);
    pty.shows("start one with  sprint-runner serve");
    pty.shows("kept for later");
    pty.shows("1-2-database");
    let text = pty.text();
    assert!(!text.contains("running ·") && text.contains("not known what goes on"), "{text}");
    // Nothing was ever recorded of this one.
    let new = Project::new();
    let pty = Pty::watch(new.root(), 20, 100);
    pty.shows("nothing is known yet");
    assert!(!new.root().join(".sprint-runner").exists());
}

#[test]
fn each_signal_that_ends_it_gives_the_terminal_back() {
    let project = Project::new();
    let _server = Server::start(&project);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut pty = Pty::watch(project.root(), 20, 80);
        pty.shows(" live ");
        assert!(pty.is_taken());
        pty.signal(signal);
        assert_eq!(pty.end().code(), Some(0), "{signal:?}");
        pty.assert_given_back();
    }
}

#[test]
fn ctrl_z_leads_to_the_shell_and_fg_back() {
    let project = Project::new();
    let _server = Server::start(&project);
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let mut pty = Pty::run(&shell, 24, 100);
    let program = binary().get_program().to_owned().into_string().unwrap();
    pty.press(&format!("'{program}' watch -C '{}'\n", project.root().display()));
    pty.shows(" live ");
    pty.press("\x1a");
    eventually("the shell's screen", || (!pty.is_taken()).then_some(()));
    pty.shows("Stopped");
    pty.press("echo 'still a' 'terminal'\n");
    pty.shows("still a terminal");
    pty.press("fg\n");
    eventually("the view's screen", || pty.is_taken().then_some(()));
    pty.shows(" live ");
    pty.shows("1-2-database");
    pty.press("q");
    eventually("the shell's screen again", || (!pty.is_taken()).then_some(()));
    pty.press("echo code $?; exit 7\n");
    pty.shows("code 0");
    assert_eq!(pty.end().code(), Some(7));
}

#[test]
fn where_nobody_could_wake_it_ctrl_z_stops_nothing() {
    let project = Project::new();
    let _server = Server::start(&project);
    // The first process of its session: no shell is behind it.
    let mut pty = Pty::watch(project.root(), 20, 80);
    pty.shows(" live ");
    pty.press("\x1a");
    project.append(&row("dev-story", "implement", "start", "and on it goes"));
    pty.shows("and on it goes");
    assert!(pty.is_taken());
    pty.press("q");
    assert_eq!(pty.end().code(), Some(0));
    pty.assert_given_back();
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let project = Project::new();
    let output = binary().args(["watch", "-C"]).arg(project.root()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("events --follow") && output.stdout.is_empty(), "{text}");
    for address in ["https://127.0.0.1:1/", "nonsense"] {
        let mut program = binary();
        program.args(["watch", "--server", address]);
        let mut pty = Pty::run(&program, 10, 100);
        assert_eq!(pty.end().code(), Some(1));
        pty.shows("is no address");
        assert!(!pty.is_taken());
    }
}

#[test]
fn a_server_named_by_its_address_needs_no_project() {
    let project = Project::new();
    let server = Server::start_with(project.root(), &["--token", "a-token-of-mine-1234"]);
    let nowhere = tempfile::tempdir().unwrap();
    let mut program = Command::new("env");
    program.arg("-C").arg(nowhere.path()).arg(binary().get_program());
    program.args(["watch", "--server", &format!("http://127.0.0.1:{}/", server.port())]);
    let pty = Pty::run(&program, 20, 120);
    pty.shows("disconnected");
    pty.shows("refuses");
    drop(pty);
    let address = format!("http://127.0.0.1:{}/?token=a-token-of-mine-1234", server.port());
    let mut program = Command::new("env");
    program.arg("-C").arg(nowhere.path()).arg(binary().get_program());
    program.args(["watch", "--server", &address]);
    let pty = Pty::run(&program, 20, 120);
    pty.shows(" live ");
    pty.shows("lantern");
    assert!(!pty.text().contains("a-token-of-mine"), "{}", pty.text());
}

/// Clears the screen, sets the title, colours by a C1 byte, turns the reading direction.
const NASTY: &str = "\x1b[2J\x1b]0;pwned\x07\u{9b}31m\u{202e}gpj.\u{2066}\x08日本👩\u{200d}💻";

#[test]
fn no_text_of_a_file_drives_the_terminal() {
    let project = Project::new();
    let _server = Server::start(&project);
    let pty = Pty::watch(project.root(), 30, 120);
    pty.shows(" live ");
    project.append(&row(&format!("c{NASTY}"), &format!("t{NASTY}"), "start", NASTY));
    pty.shows("\\x1b]0;pwned\\x07");
    // It stands where it belongs, and the last line of the picture with it.
    pty.shows("q quit");
    let raw = pty.raw();
    for bad in ["\x1b]", "\u{9b}", "\u{202e}", "\u{2066}", "\u{200d}", "\x07", "\x08"] {
        assert!(!raw.contains(bad), "{bad:?} reaches the terminal");
    }
}
