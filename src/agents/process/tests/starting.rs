//! Starting: the program, the environment, standard input, the thread that starts.

use std::time::Duration;

use super::super::*;
use super::stage::*;

fn executable(stage: &Stage, name: &str, text: &str) {
    let path = stage.script(name, text).folder().join(name);
    // Written by another process: a child that another test starts just now may hold open for a
    // while what this one has written, and nobody can execute it until then.
    let mode = "cp \"$0\" \"$0.new\" && chmod 755 \"$0.new\" && mv \"$0.new\" \"$0\"";
    let done = std::process::Command::new("sh").args(["-c", mode]).arg(path).status();
    assert!(done.unwrap().success());
}

/// What a start is refused with.
fn refused(stage: &Stage, program: &str) -> SpawnError {
    let launch = Launch { program: program.into(), ..stage.launch("") };
    spawn(launch).expect_err("it cannot be started")
}

#[tokio::test]
async fn a_missing_program_is_named_with_what_to_do() {
    let stage = Stage::new();
    for program in ["no-such-agent", "./no-such-agent", "/no/such/agent", ""] {
        let error = refused(&stage, program);
        assert!(matches!(error, SpawnError::Missing(_)), "{error:?}");
        assert!(error.to_string().contains(program.trim_start_matches('.')), "{error}");
        let checked = find_program(program.as_ref(), stage.folder()).unwrap_err();
        assert_eq!(checked.to_string(), error.to_string());
    }
    let text = refused(&stage, "no-such-agent").to_string();
    assert!(text.contains("PATH") && text.contains("install it"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_executed_is_named_with_what_to_do() {
    let stage = Stage::new();
    stage.script("plain", "echo");
    executable(&stage, "headless", "echo\n");
    executable(&stage, "wrong-head", "#!/no/such/shell\n");
    std::fs::create_dir(stage.folder().join("folder")).unwrap();
    for (program, words) in [
        ("./plain", "chmod +x"),
        ("./folder", "is a folder"),
        ("./headless", "first line"),
        ("./wrong-head", "interpreter"),
        ("/dev/null", "no program"),
    ] {
        let error = refused(&stage, program);
        assert!(matches!(error, SpawnError::NotExecutable(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_missing_folder_and_an_impossible_argument_are_refused() {
    let stage = Stage::new();
    let gone = stage.folder().join("gone");
    let error = spawn(Launch { folder: gone.clone(), ..stage.launch("") }).unwrap_err();
    assert!(error.to_string().contains(&gone.display().to_string()), "{error}");
    for arg in ["nul\0", &"x".repeat(200_000)] {
        let error = spawn(Launch { args: vec![arg.into()], ..stage.launch("") }).unwrap_err();
        assert!(matches!(error, SpawnError::Other(_)), "{error:?}");
    }
}

#[test]
fn without_a_runtime_it_is_refused() {
    let stage = Stage::new();
    assert!(matches!(spawn(stage.launch("")), Err(SpawnError::Other(_))));
}

#[tokio::test]
async fn a_program_with_a_slash_counts_from_its_folder() {
    let stage = Stage::new();
    executable(&stage, "agent", "#!/bin/sh\npwd -P\necho \"$1\"\n");
    let args = vec!["a $HOME; 'b\"".into()];
    let mut process =
        spawn(Launch { program: "./agent".into(), args, ..stage.launch("") }).unwrap();
    let folder = stage.folder().canonicalize().unwrap();
    assert_eq!(line(&mut process).await, folder.to_str().unwrap());
    assert_eq!(line(&mut process).await, "a $HOME; 'b\"", "no shell reads the arguments");
}

#[tokio::test]
async fn the_environment_is_ours_less_and_plus_what_is_asked() {
    let stage = Stage::new();
    let mut process = spawn(Launch {
        env: vec![
            ("EXTRA".into(), "1=2".into()),
            (COOKIE_VARIABLE.into(), "forged".into()),
            ("CARGO_PKG_AUTHORS".into(), "set".into()),
        ],
        unset: vec!["CARGO_PKG_VERSION".into(), "CARGO_PKG_AUTHORS".into()],
        ..stage.launch("env")
    })
    .unwrap();
    let (lines, _) = rest(&mut process).await;
    let has = |text: &str| lines.iter().any(|line| line.bytes == text.as_bytes());
    let named = |name: &str| lines.iter().any(|line| line.bytes.starts_with(name.as_bytes()));
    assert!(has("EXTRA=1=2") && has("CARGO_PKG_AUTHORS=set"));
    assert!(has(&format!("CARGO_PKG_NAME={}", env!("CARGO_PKG_NAME"))), "inherited");
    assert!(!named("CARGO_PKG_VERSION="));
    assert!(has(&format!("{COOKIE_VARIABLE}={}:1:1", stage.project)));
}

#[tokio::test]
async fn standard_input_is_read_to_its_end() {
    let stage = Stage::new();
    let stdin = vec![b'x'; 4_000_000];
    let mut process = spawn(Launch { stdin, ..stage.launch("wc -c; exit 2") }).unwrap();
    assert_eq!(line(&mut process).await.trim(), "4000000");
    assert_eq!(rest(&mut process).await.1.code, Some(2));
}

#[tokio::test]
async fn an_agent_that_never_reads_its_input_hangs_nobody() {
    let stage = Stage::new();
    let stdin = vec![b'x'; 4_000_000];
    let mut process =
        spawn(Launch { stdin: stdin.clone(), ..stage.launch("echo up; exec sleep 1000") }).unwrap();
    assert_eq!(line(&mut process).await, "up");
    let receipt = soon(process.group().stop(Duration::from_secs(300))).await;
    assert_eq!(receipt, Receipt { processes: 1, ..Receipt::default() });
    assert_eq!(rest(&mut process).await.1.signal, Some(15));

    // Neither does one that ends without reading, or whose grandchild keeps the pipe open.
    for script in ["exit 3", "exec <&-; exit 3", "sleep 1000 & exit 3"] {
        let mut process = spawn(Launch { stdin: stdin.clone(), ..stage.launch(script) }).unwrap();
        assert_eq!(rest(&mut process).await.1.code, Some(3), "{script}");
        soon(process.group().stop(Duration::ZERO)).await;
    }
}

#[tokio::test]
async fn b28_the_end_of_the_thread_that_started_it_does_not_touch_it() {
    let stage = Stage::new();
    let launch = stage.launch("mkfifo go; echo up; cat go; exit 9");
    let runtime = tokio::runtime::Handle::current();
    let started = std::thread::spawn(move || {
        let _within = runtime.enter();
        spawn(launch).unwrap()
    });
    // Joined: the thread is gone, and with it whatever would be sent at its end.
    let mut process = tokio::task::spawn_blocking(|| started.join().unwrap()).await.unwrap();
    assert_eq!(line(&mut process).await, "up");
    tokio::fs::write(stage.folder().join("go"), "still here\n").await.unwrap();
    assert_eq!(line(&mut process).await, "still here");
    assert_eq!(rest(&mut process).await.1.code, Some(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_keep_their_exit_codes_and_so_do_other_children() {
    let stage = Stage::new();
    let agents: Vec<_> = (0..40)
        .map(|code| {
            // Each leaves an orphan that ends at once, for the collector to be busy with.
            let mut process = stage.spawn(&format!("setsid -f true; exit {code}"));
            tokio::spawn(async move { (code, rest(&mut process).await.1.code) })
        })
        .collect();
    let others: Vec<_> = (0..20)
        .map(|code| {
            let script = format!("exit {code}");
            (code, std::process::Command::new("sh").args(["-c", &script]).spawn().unwrap())
        })
        .collect();
    for agent in agents {
        let (code, found) = soon(agent).await.unwrap();
        assert_eq!(found, Some(code));
    }
    // Dead for long, collected by nobody but their owner.
    for (code, mut child) in others {
        until("it has ended", || table::row(child.id()).is_none_or(|row| row.dead)).await;
        reaper::sweep(&table::read());
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}
