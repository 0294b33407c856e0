//! What stands in files drives no terminal, forges no line of a log, and runs in no spreadsheet.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Serving;
use crate::support::bench::{Bench, STORIES};
use crate::support::project::now_s;
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

/// Clears the screen, sets the title, colours by a C1 byte, turns the reading direction, deletes.
const NASTY: &str = "\x1b[2J\x1b]0;pwned\x07\u{9b}31m\u{202e}gpj.\u{2066}\u{200f}\x08\x7f\u{2028}";

/// Nothing in it that a terminal would obey, but line ends and, where asked for, colours.
fn assert_tame(what: &str, text: &str, coloured: bool) {
    let mut text = text.replace("\r\n", "\n");
    if coloured {
        for code in 0..128 {
            text = text.replace(&format!("\x1b[{code}m"), "");
        }
        text = text.replace("\x1b[38;5;", "").replace("\x1b[K", "");
    }
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    if let Some(at) = text.find(bad) {
        let shown: String = text[at..].chars().take(60).collect();
        panic!("{what} lets through {shown:?} of {text:?}");
    }
}

/// A project in which every name and every text is hostile.
fn nasty() -> Project {
    let project = Project::empty();
    let key = NASTY.escape_unicode().to_string().replace("\\u{", "\\U").replace('}', "");
    // YAML knows eight digits.
    let key: String = key.split("\\U").skip(1).map(|hex| format!("\\U{hex:0>8}")).collect();
    let status = format!(
        "project: \"a{key}\"\ndevelopment_status:\n  epic-1: \"b{key}\"\n  \"1-1-c{key}\": backlog\n  \
         \"1-2-d{key}\": \"on hold{key}\"\n  1-3-x: [\"{key}\n"
    );
    project.write("sprint-status.yaml", status.replace("  1-3-x: [\"", "  # ").as_bytes());
    let now = now_s();
    for (story, message) in
        [("1-1", NASTY), ("1-2", "=cmd|'/c calc'!A1"), ("1-2", "a\nforged line")]
    {
        let row = format!("{now},1,{story},dev-{NASTY},t{NASTY},start,\"{message}\"\n");
        project.append(row.as_bytes());
    }
    project.append(format!("not a row {NASTY}\n").as_bytes());
    let md = format!(
        "## Story: 1-1-c{NASTY}\n\nnote {NASTY}\n=== BATCH {NASTY} ===\n| 1 | {NASTY} | done |\n"
    );
    project.write("orchestrator.md", md.as_bytes());
    fs::write(project.path(&format!("1-1-c{NASTY}.md")), NASTY).unwrap();
    project
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = binary();
    command.args(arguments).arg("-C").arg(root);
    command
}

/// What it prints in a pipe, both streams.
fn piped(root: &Path, arguments: &[&str]) -> String {
    let output = command(root, arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// What it prints on a terminal.
fn on_a_terminal(root: &Path, arguments: &[&str]) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    let mut command = command(root, arguments);
    command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal);
    let mut child = command.spawn().unwrap();
    // With the command's own ends of it the last ones, its end is the terminal's end.
    drop(command);
    let mut bytes = Vec::new();
    // At the end a terminal answers with an error.
    let _ = File::from(master).read_to_end(&mut bytes);
    child.wait().unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_text_of_a_file_drives_the_terminal() {
    let project = nasty();
    let root = project.root();
    let row = format!(
        "{{\"epic_id\":\"1\",\"story_id\":\"1-1\",\"command\":\"c\",\"task_id\":\"t\",\"status\":\"start\",\
         \"message\":{}}}",
        serde_json::to_string(NASTY).unwrap()
    );
    let quiet = ["status", "check", "events", "events --since 0", "log"];
    let both = |when: &str| {
        for name in quiet {
            let mut arguments: Vec<&str> = name.split(' ').collect();
            if name == "log" {
                arguments.push(&row);
                assert_tame(name, &on_a_terminal(root, &arguments), true);
                continue;
            }
            assert_tame(&format!("{name} {when}"), &piped(root, &arguments), false);
            let shown = on_a_terminal(root, &arguments);
            assert_tame(&format!("{name} {when} on a terminal"), &shown, true);
            arguments.push("--json");
            let json = on_a_terminal(root, &arguments);
            assert_tame(&format!("{name} {when} as JSON on a terminal"), &json, true);
        }
        for format in ["ndjson", "csv"] {
            let shown = on_a_terminal(root, &["export", "--format", format]);
            assert_tame(&format!("export {format} {when}"), &shown, true);
        }
    };
    both("without a server");
    let server = Server::start(&project);
    eventually("the rows", || {
        let rows = server.json("/api/events?type=command:*");
        (rows["events"].as_array().unwrap().len() >= 3).then_some(())
    });
    both("with a server");
    assert!(piped(root, &["events"]).contains("\\x1b[2J"), "it is there, and shown as it is");
    assert!(piped(root, &["status"]).contains("\\x1b[2J"));
    assert!(piped(root, &["check"]).contains("\\u{1b}[2J"));
}

#[test]
fn no_words_of_an_agent_drive_the_terminal() {
    let bench = Bench::new(STORIES);
    let say = bench.program(
        "say",
        &format!(
            "#!/bin/sh\ncat >/dev/null\nprintf '%s\\n' '{{\"type\":\"assistant\",\"message\":{{\"content\":\
             [{{\"type\":\"text\",\"text\":{0}}}]}}}}' '{NASTY}' '{{\"type\":\"result\",\"subtype\":\"error\",\
             \"is_error\":true,\"result\":{0}}}'\nprintf '%s' '{NASTY}' >&2\nexit 1\n",
            serde_json::to_string(NASTY).unwrap()
        ),
    );
    bench.config(&format!(
        "[agents.claude]\nprogram = \"{}\"\n[workflow]\nretry_seconds = 0.05\n",
        say.display()
    ));
    let text = piped(bench.project.root(), &["run", "1"]);
    assert_tame("run", &text, false);
    assert!(text.contains("\\u{202e}gpj"), "{text}");
    assert_tame("events", &piped(bench.project.root(), &["events", "--since", "0"]), false);
}

#[test]
fn no_text_of_a_file_forges_a_line_of_the_log() {
    let place = tempfile::tempdir().unwrap();
    let root = place
        .path()
        .join(format!("a\n2026-01-01T00:00:00Z ERROR forged {}", NASTY.replace('/', "")));
    let artifacts = root.join("_bmad-output/implementation-artifacts");
    fs::create_dir_all(&artifacts).unwrap();
    fs::write(artifacts.join("sprint-status.yaml"), format!("a: {NASTY}\n{NASTY}: [")).unwrap();
    fs::create_dir(artifacts.join("sprint-runner.csv")).unwrap();
    fs::create_dir_all(root.join(".sprint-runner")).unwrap();
    fs::write(root.join(".sprint-runner/settings.json"), format!("{{\"{NASTY}\": 1,")).unwrap();
    let mut server = Serving::start(&root, &["--port", "0", "--log-level", "trace"]);
    crate::support::http::get(server.port(), "/api/snapshot");
    server.terminate();
    let log = server.log();
    assert_tame("the log", &log, false);
    for line in log.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z ERROR forged"), "{log}");
    }
    assert!(!log.is_empty());
    // What a command says when it cannot go on.
    let output = binary().args(["events", "-C"]).arg(root.join("missing")).output().unwrap();
    assert_tame("an error", &String::from_utf8(output.stderr).unwrap(), false);
}

#[test]
fn no_cell_of_an_exported_table_is_a_formula() {
    let project = Project::new();
    let now = now_s();
    let messages = [
        "=HYPERLINK(\"\"http://evil.example\"\")",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "plain, with a comma",
        "1-2 is no formula",
        "\"\"=quoted\"\"",
        "x;=1+1;@a",
        "x; \"\"=1+1;\"\"",
        "日本 🎉",
    ];
    for message in messages {
        project.append(format!("{now},1,1-2,=cmd,@task,start,\"{message}\"\n").as_bytes());
    }
    let server = Server::start(&project);
    eventually("the rows", || {
        let rows = server.json("/api/events?type=command:*");
        (rows["events"].as_array().unwrap().len() == messages.len()).then_some(())
    });
    let answer = server.get("/api/export?format=csv");
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert!(answer.header("content-disposition").unwrap().ends_with("-sprint.csv\""));
    let ours = binary()
        .args(["export", "--format", "csv", "--type", "command:*", "-C"])
        .arg(project.root())
        .output()
        .unwrap();
    let events = server.log_after(0);
    for (whole, bytes) in [(true, &answer.body), (false, &ours.stdout)] {
        for delimiter in *b";\t" {
            // As a spreadsheet takes it that expects another character there.
            let mut options = csv::ReaderBuilder::new();
            options.has_headers(false).flexible(true).delimiter(delimiter);
            let records = options.from_reader(&bytes[..]).into_records().map(Result::unwrap);
            for cell in records.flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>()) {
                let begins = cell.trim_start();
                assert!(!begins.starts_with(['=', '+', '-', '@']), "{cell:?}");
            }
        }
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let at = |name: &str| head.iter().position(|known| known == name).unwrap();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        for cell in rows.iter().flat_map(csv::StringRecord::iter) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
        let of_rows = rows.iter().filter(|row| &row[at("type")] == "command:start");
        let said: Vec<&str> = of_rows.map(|row| &row[at("message")]).collect();
        assert_eq!(said.len(), messages.len());
        assert!(said[0].starts_with("'=HYPERLINK"), "{}", said[0]);
        assert_eq!(&said[5..7], ["plain, with a comma", "1-2 is no formula"]);
        // Beside the words made harmless the event stands whole.
        for row in &rows {
            let payload: serde_json::Value = serde_json::from_str(&row[at("payload")]).unwrap();
            let id: u64 = row[at("id")].parse().unwrap();
            let event = events.iter().find(|event| event["id"] == id).unwrap();
            assert_eq!(payload, event["payload"]);
            assert_eq!(row[at("timestamp")], event["timestamp"].to_string());
        }
        if whole {
            assert_eq!(rows.len(), events.len());
        } else {
            assert_eq!(rows.len(), messages.len());
        }
    }
}
