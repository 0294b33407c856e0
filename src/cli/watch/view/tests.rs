//! Pictures of the view, and what must hold in every size.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::cli::watch::model::{Link, Told, line};
use crate::cli::watch::opening::{self, Init, Owner};

/// One minute after the newest event of the example.
const NOW: i64 = 1_767_225_609_000 + 60_000;

fn brush(colours: bool) -> Brush {
    Brush { now_ms: NOW, palette: Palette { colours } }
}

/// The wire's own example of a first message, live.
fn model() -> Model {
    let json = include_str!("../../../../fixtures/wire/init.json");
    let (state, events) = serde_json::from_str::<Init>(json).unwrap().open();
    let lines = events.iter().filter_map(|json| line(json)).collect();
    let mut model = Model::new("folder".to_owned(), NOW);
    model.take(Told::Place("http://127.0.0.1:8080/".to_owned()), NOW);
    model.take(Told::Link(Link::Live), NOW);
    model.take(Told::Opened(Box::new(state), lines), NOW);
    model
}

/// With two agents of a managed batch at work.
fn managed() -> Model {
    let mut model = model();
    let at = NOW - 50_000;
    for (id, kind, payload) in [
        (
            30,
            "batch:end",
            r#"{"batch_id":1,"cycles_completed":0,"status":"completed","reason":"x","duration_ms":1}"#,
        ),
        (
            31,
            "batch:start",
            r#"{"batch_id":2,"max_cycles":5,"batch_mode":"fixed","origin":"managed","started_at":1767225619000}"#,
        ),
        (32, "cycle:start", r#"{"cycle_number":2,"story_keys":["1-2-database"]}"#),
        (
            33,
            "agent:start",
            r#"{"agent_id":"2-1","pid":4711,"command":"dev-story","story_keys":["1-2-database"],"model":"opus","attempt":3}"#,
        ),
        (
            34,
            "agent:start",
            r#"{"agent_id":"2-2","pid":4712,"command":"code-review","story_keys":["1-1-skeleton"],"model":"haiku"}"#,
        ),
        (
            35,
            "command:start",
            r#"{"story_key":"1-2-database","story_id":"1-2","epic_id":"1","command":"dev-story","task_id":"tests","message":"Running all tests"}"#,
        ),
    ] {
        let json = format!(
            r#"{{"id":{id},"type":"{kind}","timestamp":{at},"batch_id":2,"source":"orchestrator","payload":{payload}}}"#
        );
        tell(&mut model, &json);
    }
    model.take(
        Told::Signs([("2-1".to_owned(), NOW - 3000), ("2-2".to_owned(), NOW - 300_000)].into()),
        NOW,
    );
    model
}

fn tell(model: &mut Model, json: &str) {
    let event = opening::event(json).unwrap();
    model.take(Told::Event(Box::new(event), line(json)), NOW);
}

fn drawn(
    model: &Model,
    view: &mut View,
    width: u16,
    height: u16,
    colours: bool,
) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let show = |frame: &mut ratatui::Frame<'_>| {
        let area = frame.area();
        draw(model, view, brush(colours), area, frame.buffer_mut());
    };
    terminal.draw(show).unwrap();
    terminal
}

/// The picture as text, times of the day made equal: they depend on where the test runs.
fn picture(model: &Model, view: &mut View, width: u16, height: u16) -> String {
    let terminal = drawn(model, view, width, height, true);
    let buffer = terminal.backend().buffer();
    let mut out = String::new();
    for y in 0..height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                row.push_str(symbol);
                skip = Span::raw(symbol).width().max(1);
            }
            skip -= 1;
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    timeless(&out)
}

/// `01-02 03:04` and `2026-01-02 03:04:05` as fixed words of the same length.
fn timeless(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let shapes = ["dddd-dd-dd dd:dd:dd", "dd-dd dd:dd", "dd:dd:dd"];
    'next: while at < chars.len() {
        for shape in shapes {
            let length = shape.chars().count();
            let fits = |(c, like): (&char, char)| {
                if like == 'd' { c.is_ascii_digit() } else { *c == like }
            };
            if chars.len() >= at + length
                && chars[at..at + length].iter().zip(shape.chars()).all(fits)
            {
                out.push_str(shape);
                at += length;
                continue 'next;
            }
        }
        out.push(chars[at]);
        at += 1;
    }
    out
}

#[test]
fn a_live_observed_batch() {
    insta::assert_snapshot!(picture(&model(), &mut View::default(), 100, 24));
}

#[test]
fn a_managed_batch_with_agents() {
    insta::assert_snapshot!(picture(&managed(), &mut View::default(), 120, 30));
}

#[test]
fn a_wide_window_has_two_columns() {
    insta::assert_snapshot!(picture(&managed(), &mut View::default(), 170, 20));
}

#[test]
fn a_tiny_window_shows_what_matters() {
    insta::assert_snapshot!(picture(&managed(), &mut View::default(), 20, 5));
}

#[test]
fn a_lost_server_is_not_said_to_run_anything() {
    let mut model = managed();
    model.take(Told::Link(Link::Lost("connection refused".to_owned())), NOW - 5000);
    let text = picture(&model, &mut View::default(), 110, 24);
    assert!(text.contains("disconnected"), "{text}");
    assert!(!text.contains("running"), "{text}");
    assert!(!text.contains(" live "), "{text}");
    insta::assert_snapshot!(text);
}

fn away(since: i64) -> Owner {
    Owner { host: Some("ada".to_owned()), unreachable_since: Some(since) }
}

#[test]
fn one_that_a_hub_does_not_hear_is_unreachable() {
    let mut model = managed();
    model.take(Told::Owner(Some(Owner { unreachable_since: None, ..away(0) })), NOW);
    assert!(picture(&model, &mut View::default(), 110, 24).contains("running ·"));
    model.take(Told::Owner(Some(away(NOW - 60_000))), NOW);
    let text = picture(&model, &mut View::default(), 110, 24);
    assert!(text.contains("unreachable") && text.contains("ada is not heard"), "{text}");
    assert!(!text.contains("running") && !text.contains(" live "), "{text}");
    assert!(text.contains("batch 2 was under way when last seen"), "{text}");
    assert!(!model.is_busy(), "no timer runs");
}

#[test]
fn b45_whatever_the_connection_but_live_nothing_is_said_to_run() {
    let links = [Link::Connecting, Link::Silent, Link::Lost("x".into()), Link::Absent("y".into())];
    for link in links.into_iter().chain([Link::Live]) {
        // Live is the line to a hub that does not hear the project's own server.
        let owner = (link == Link::Live).then(|| away(NOW));
        for over in [None, Some(Over::Details("1-2-database".to_owned(), 0))] {
            let mut model = managed();
            model.take(Told::Link(link.clone()), NOW);
            model.take(Told::Owner(owner.clone()), NOW);
            for (width, height) in [(20, 5), (60, 12), (100, 30), (180, 40)] {
                let mut view = View { over: over.clone(), ..View::default() };
                let terminal = drawn(&model, &mut view, width, height, true);
                let text = picture(&model, &mut view, width, height).to_lowercase();
                assert!(!text.contains("running ·") && !text.contains("now  "), "{link:?}: {text}");
                // All of the body is pale.
                let cell = &terminal.backend().buffer()[(0, height / 2)];
                assert!(cell.modifier.contains(Modifier::DIM), "{link:?} {width}×{height}");
            }
        }
    }
}

#[test]
fn details_help_and_a_filter() {
    let model = managed();
    let mut view =
        View { over: Some(Over::Details("1-2-database".to_owned(), 0)), ..View::default() };
    insta::assert_snapshot!("details", picture(&model, &mut view, 90, 20));
    view.over = Some(Over::Help);
    insta::assert_snapshot!("help", picture(&model, &mut view, 70, 22));
    view.over = None;
    view.filter = "backup".to_owned();
    view.is_typing = true;
    insta::assert_snapshot!("filter", picture(&model, &mut view, 80, 18));
}

#[test]
fn nothing_known_and_nobody_there() {
    let mut model = Model::new("my-project".to_owned(), NOW);
    let why = "no server is running: start one with  sprint-runner serve";
    model.take(Told::Link(Link::Absent(why.to_owned())), NOW);
    insta::assert_snapshot!(picture(&model, &mut View::default(), 90, 15));
}

#[test]
fn without_colours_no_cell_has_one() {
    let mut view = View::default();
    let plain = drawn(&managed(), &mut view, 120, 30, false);
    for cell in plain.backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
    }
    let coloured = drawn(&managed(), &mut view, 120, 30, true);
    assert!(coloured.backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset));
}

/// Clears the screen, sets the title, turns the reading direction; wide, joined and stacked letters.
const NASTY: &str = "\x1b[2J\x1b]0;pwned\x07\u{9b}31m\u{202e}gpj\u{2066}\u{8}\u{7f}日本語👩\u{200d}💻🇩🇪e\u{301}\u{301}";

#[test]
fn no_text_and_no_size_break_the_picture() {
    let mut model = managed();
    let key = format!("1-9-{NASTY}");
    let bodies = [
        (
            "story:status",
            serde_json::json!({"story_key": key, "story_id": "1-9", "epic_id": "1",
            "old_status": null, "new_status": NASTY, "status_class": "other", "title": NASTY}),
        ),
        (
            "command:start",
            serde_json::json!({"story_key": key, "story_id": "1-9", "epic_id": "1",
            "command": NASTY, "task_id": NASTY, "message": NASTY.repeat(50)}),
        ),
        (
            "agent:start",
            serde_json::json!({"agent_id": NASTY, "pid": 1, "command": NASTY,
            "story_keys": [key, NASTY], "model": NASTY}),
        ),
        ("error", serde_json::json!({"type": NASTY, "message": NASTY.repeat(50), "context": null})),
        (
            "source:state",
            serde_json::json!({"file": NASTY, "state": "invalid", "line": 1,
            "column": 1, "message": NASTY, "project": NASTY, "sprint_state": NASTY,
            "issues": [{"severity": "error", "code": "x", "line": 1, "column": null,
                        "message": NASTY, "hint": NASTY}]}),
        ),
        (NASTY, serde_json::json!({"a": NASTY})),
    ];
    for (id, (kind, payload)) in bodies.into_iter().enumerate() {
        let json = serde_json::json!({"id": 100 + id, "type": kind, "timestamp": i64::MAX,
            "batch_id": 2, "source": "csv", "payload": payload});
        tell(&mut model, &json.to_string());
    }
    model.take(Told::Health(vec![NASTY.to_owned()]), NOW);
    model.take(Told::Remark(NASTY.to_owned()), NOW);
    model.take(Told::Place(NASTY.to_owned()), NOW);
    let overs = [None, Some(Over::Help), Some(Over::Details(key, 3))];
    let links = [Link::Live, Link::Lost(NASTY.to_owned()), Link::Absent(NASTY.to_owned())];
    for link in links {
        model.take(Told::Link(link), NOW);
        for (width, height) in [
            (1, 1),
            (2, 2),
            (3, 4),
            (20, 5),
            (39, 9),
            (40, 14),
            (61, 15),
            (80, 24),
            (151, 15),
            (300, 80),
        ] {
            for over in overs.clone() {
                for focus in [Pane::Stories, Pane::Agents, Pane::Log, Pane::Issues] {
                    let mut view = View {
                        over: over.clone(),
                        focus,
                        filter: String::new(),
                        ..View::default()
                    };
                    let terminal = drawn(&model, &mut view, width, height, true);
                    let symbols = terminal
                        .backend()
                        .buffer()
                        .content()
                        .iter()
                        .map(ratatui::buffer::Cell::symbol);
                    for symbol in symbols {
                        let bad = |c: char| {
                            c.is_control()
                                || matches!(c, '\u{200d}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                        };
                        assert!(!symbol.contains(bad), "{symbol:?}");
                        assert!(Span::raw(symbol).width() <= 2, "{symbol:?}");
                    }
                }
            }
        }
    }
    let mut buffer = ratatui::buffer::Buffer::empty(Rect::new(0, 0, 0, 0));
    draw(&model, &mut View::default(), brush(true), Rect::new(0, 0, 0, 0), &mut buffer);
}

#[test]
fn the_chosen_story_stays_chosen_and_in_sight_wherever_it_moves() {
    let mut model = model();
    for number in 0..200 {
        let json = format!(
            r#"{{"id":{},"type":"story:status","timestamp":{NOW},"batch_id":null,"source":"yaml","payload":{{"story_key":"9-{number}-x","story_id":"9-{number}","epic_id":"9","old_status":null,"new_status":"backlog","status_class":"backlog"}}}}"#,
            100 + number
        );
        tell(&mut model, &json);
    }
    let mut view = View { story: Some("9-150-x".to_owned()), ..View::default() };
    assert!(picture(&model, &mut view, 80, 24).contains("9-150-x"));
    let json = format!(
        r#"{{"id":999,"type":"story:status","timestamp":{NOW},"batch_id":null,"source":"yaml","payload":{{"story_key":"9-150-x","story_id":"9-150","epic_id":"9","old_status":"backlog","new_status":"in-progress","status_class":"in-progress"}}}}"#
    );
    tell(&mut model, &json);
    let text = picture(&model, &mut view, 80, 24);
    assert!(text.contains("9-150-x") && view.first_story < 3, "{} {text}", view.first_story);
}
