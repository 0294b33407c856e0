//! What a reader sees: lines, the exit, the end.

use std::time::Duration;

use super::super::*;
use super::stage::*;

/// Far longer than anybody takes who hears that he is to end.
const LONG: Duration = Duration::from_secs(300);

fn texts(lines: &[Line], stream: Stream) -> Vec<String> {
    let of_it = lines.iter().filter(|line| line.stream == stream);
    of_it.map(|line| String::from_utf8_lossy(&line.bytes).into_owned()).collect()
}

#[tokio::test]
async fn lines_of_both_streams_come_whole_and_in_order() {
    let stage = Stage::new();
    let mut process =
        stage.spawn("for i in 1 2 3; do echo out $i; echo err $i >&2; done; printf '\\nlast'");
    let (lines, exit) = rest(&mut process).await;
    assert_eq!(texts(&lines, Stream::Stdout), ["out 1", "out 2", "out 3", "", "last"]);
    assert_eq!(texts(&lines, Stream::Stderr), ["err 1", "err 2", "err 3"]);
    assert_eq!(exit, Exit { code: Some(0), signal: None });
}

#[tokio::test]
async fn bytes_that_are_no_text_come_as_they_are() {
    let stage = Stage::new();
    let mut process = stage.spawn("printf 'a\\377\\000b\\033[1m\\r\\n'");
    let (lines, _) = rest(&mut process).await;
    assert_eq!(lines[0].bytes, b"a\xff\0b\x1b[1m\r");
    assert_eq!((lines.len(), lines[0].full_len), (1, 9));
}

#[tokio::test]
async fn b30_a_line_without_end_costs_no_memory() {
    let stage = Stage::new();
    let mut process =
        stage.spawn("head -c 16000000 /dev/zero; echo; echo next; head -c 3000000 /dev/zero >&2");
    let mut lines = Vec::new();
    soon(async {
        while let Output::Line(line) = process.next().await {
            assert!(process.load().0 < 5 * MAX_LINE, "{}", process.load().0);
            lines.push(line);
        }
    })
    .await;
    let of = |stream| {
        let of_it = lines.iter().filter(move |line| line.stream == stream);
        of_it.map(|line| (line.bytes.len(), line.full_len)).collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stdout), [(MAX_LINE, 16_000_000), (4, 4)]);
    assert_eq!(of(Stream::Stderr), [(MAX_LINE, 3_000_000)]);
}

#[tokio::test]
async fn b30_a_flood_on_one_stream_does_not_starve_the_other() {
    let stage = Stage::new();
    for (flood, other) in [("", ">&2"), (">&2", "")] {
        let script = format!(
            "yes {flood} & head -c 300000 /dev/zero | tr '\\0' x {other}; echo {other}; wait"
        );
        let mut process = stage.spawn(&script);
        let long = soon(async {
            loop {
                match process.next().await {
                    Output::Line(line) if line.bytes != b"y" => break line.full_len,
                    Output::Line(_) => {}
                    other => panic!("the flood ended: {other:?}"),
                }
            }
        })
        .await;
        assert_eq!(long, 300_000);
        soon(process.group().stop(Duration::ZERO)).await;
    }
}

#[tokio::test]
async fn while_nobody_reads_the_agent_is_held_up() {
    let stage = Stage::new();
    let mut process = stage.spawn("head -c 1000000 /dev/zero; : > written");
    // Its pipe holds no more, so it cannot have written all.
    until("the pipe is full", || process.load().1 >= 65_536).await;
    assert!(!stage.folder().join("written").exists());
    let (lines, exit) = rest(&mut process).await;
    assert_eq!((lines[0].full_len, exit.code), (1_000_000, Some(0)));
    assert!(stage.folder().join("written").exists());
}

#[tokio::test]
async fn asking_and_giving_up_loses_nothing() {
    let stage = Stage::new();
    let mut process = stage.spawn("seq 1 3000; seq 1 3000 >&2; exit 5");
    let (mut out, mut err) = (0, 0);
    let exit = soon(async {
        loop {
            let Ok(output) = tokio::time::timeout(Duration::from_micros(50), process.next()).await
            else {
                continue;
            };
            match output {
                Output::Line(line) => {
                    let count = if line.stream == Stream::Stdout { &mut out } else { &mut err };
                    *count += 1;
                    assert_eq!(line.bytes, count.to_string().as_bytes());
                }
                Output::Exited(exit) => break exit,
                Output::Closed => panic!("closed without an exit"),
            }
        }
    })
    .await;
    assert_eq!((out, err, exit.code), (3000, 3000, Some(5)));
}

#[tokio::test]
async fn the_exit_tells_the_code_or_the_signal() {
    let stage = Stage::new();
    let coded = |code| Exit { code: Some(code), signal: None };
    let signalled = |signal| Exit { code: None, signal: Some(signal) };
    for (script, expected) in [
        ("exit 0", coded(0)),
        ("exit 7", coded(7)),
        ("exit 255", coded(255)),
        ("kill -9 $$", signalled(9)),
        ("kill -15 $$", signalled(15)),
        ("exec >&- 2>&- <&-; exit 4", coded(4)),
    ] {
        let mut process = stage.spawn(script);
        assert_eq!(rest(&mut process).await, (vec![], expected), "{script}");
    }
}

#[tokio::test]
async fn b29_a_grandchild_that_holds_the_output_does_not_delay_the_exit() {
    let stage = Stage::new();
    let mut process = stage.spawn("sleep 1000 & echo $!; printf half; exit 3");
    let grandchild = pid(&mut process).await;
    let (lines, exit) = rest(&mut process).await;
    assert_eq!(texts(&lines, Stream::Stdout), ["half"]);
    assert_eq!(exit.code, Some(3));
    assert!(alive(grandchild), "a normal exit ends nobody");
    assert_eq!(process.group().leftovers().await, [grandchild]);

    let receipt = soon(process.group().stop(LONG)).await;
    assert_eq!(receipt, Receipt { processes: 1, ..Receipt::default() });
    assert!(no_trace(grandchild));
}

#[tokio::test]
async fn b29_a_grandchild_that_writes_for_ever_does_not_delay_the_exit() {
    let stage = Stage::new();
    let mut process = stage.spawn("yes & exec 1>&2; exit 6");
    let (_, exit) = rest(&mut process).await;
    assert_eq!(exit.code, Some(6));
    soon(process.group().stop(LONG)).await;
}

#[tokio::test]
async fn the_last_words_come_before_the_exit() {
    let stage = Stage::new();
    for _ in 0..50 {
        let mut process = stage.spawn("echo one; echo two >&2; exit 1");
        let (lines, _) = rest(&mut process).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
    }
}
