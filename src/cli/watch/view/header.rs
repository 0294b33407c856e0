//! The head: which project, how it is known, what goes on, how far it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Brush, draw_line};
use crate::cli::clock::local;
use crate::cli::terminal::Tone;
use crate::cli::watch::model::{Link, Model};
use crate::cli::watch::words::{count, plural, short};

pub(super) fn draw(model: &Model, brush: Brush, area: Rect, to: &mut Buffer) {
    let mut lines = [first(model, brush), second(model, brush), third(model, brush)];
    if area.height == 1 {
        // What goes on matters more than where it is told.
        let [first, second, _] = &mut lines;
        first.spans.truncate(1);
        first.spans.append(&mut second.spans);
    }
    for (line, y) in lines.iter().zip(area.y..area.y + area.height) {
        draw_line(line, Rect { y, height: 1, ..area }, to);
    }
}

/// The connection in one word, and how it is to be taken.
pub(super) fn word(link: &Link) -> (Tone, &'static str) {
    match link {
        Link::Connecting => (Tone::Warn, "connecting"),
        Link::Live => (Tone::Good, "live"),
        Link::Silent => (Tone::Bad, "not answering"),
        Link::Lost(_) => (Tone::Bad, "disconnected"),
        Link::Absent(_) => (Tone::Bad, "no server"),
    }
}

fn first(model: &Model, brush: Brush) -> Line<'static> {
    let unheard = model.unheard().filter(|_| model.link == Link::Live);
    let (tone, word) = unheard.map_or_else(|| word(&model.link), |_| (Tone::Bad, "unreachable"));
    let mut parts = vec![
        Span::styled(format!(" {word} "), brush.palette.badge(tone)),
        Span::raw(" "),
        brush.span(Tone::Strong, model.project()),
        Span::raw("  "),
    ];
    let age = |at: i64| short(brush.now_ms - at);
    let text = match (&model.link, unheard) {
        (_, Some((host, since))) => format!("since {}: {host} is not heard", local(since)),
        (Link::Live, _) => {
            let place = model.place.as_deref().unwrap_or_default();
            match model.last_event_at {
                Some(at) => format!("{place}  last event {} ago", age(at)),
                None => format!("{place}  no event yet"),
            }
        }
        (Link::Connecting, _) => String::new(),
        (Link::Silent, _) => format!("for {}, trying again", age(model.link_since)),
        (Link::Lost(why), _) => format!("for {}, trying again: {why}", age(model.link_since)),
        (Link::Absent(why), _) => why.clone(),
    };
    parts.push(brush.span(Tone::Faint, &text));
    Line::from(parts)
}

/// What goes on; and while nobody can tell, what was seen last, as just that.
fn second(model: &Model, brush: Brush) -> Line<'static> {
    let state = &model.state;
    let mut parts = vec![Span::raw(" ")];
    let mut say = |tone, text: &str| parts.push(brush.span(tone, text));
    if !model.is_live() {
        match (&state.batch, model.is_known) {
            (_, false) => say(Tone::Faint, "nothing is known yet"),
            (None, true) => say(Tone::Warn, "not known what goes on; no batch when last seen"),
            (Some(batch), true) => {
                let text = format!(
                    "not known what goes on; batch {} was under way when last seen, {}",
                    batch.id,
                    local(batch.last_activity_at)
                );
                say(Tone::Warn, &text);
            }
        }
        return Line::from(parts);
    }
    let Some(batch) = &state.batch else {
        say(Tone::Plain, "idle");
        say(Tone::Faint, " · no batch is running");
        return Line::from(parts);
    };
    let run = state.run.as_ref();
    match run.map(|run| (run.status.as_str(), run.parked_until)) {
        Some(("waiting", Some(until))) => {
            say(Tone::Warn, &format!("waiting until {}", local(until)));
        }
        Some(("waiting", None)) => say(Tone::Warn, "waiting"),
        Some(("stopping", _)) => say(Tone::Warn, "stopping"),
        _ => say(Tone::Live, "running"),
    }
    let mut facts = vec![
        format!("batch {} {}", batch.id, batch.origin),
        short(brush.now_ms - batch.started_at),
    ];
    if let Some(run) = run {
        let most = batch.max_cycles.map_or(String::new(), |most| format!(" of {most}"));
        facts.push(format!("cycle {}{most}", run.cycle_number));
    }
    let at_work = state.agents.len();
    if at_work > 0 {
        facts.push(plural(at_work, "agent", "agents").into_owned());
    }
    for fact in facts {
        say(Tone::Faint, " · ");
        say(Tone::Plain, &fact);
    }
    Line::from(parts)
}

/// How far the sprint is, by status, and what it took.
fn third(model: &Model, brush: Brush) -> Line<'static> {
    let state = &model.state;
    let mut parts = vec![Span::raw(" ")];
    let mut say = |tone, text: &str| parts.push(brush.span(tone, text));
    match state.sprint.state.as_deref() {
        Some("ok") | None => {}
        Some(found) => say(Tone::Bad, &format!("sprint-status.yaml {found}  ")),
    }
    let mut by_class = [0_usize; CLASSES.len()];
    for story in state.sprint.stories.values() {
        let class = CLASSES.iter().position(|class| *class == story.status_class);
        by_class[class.unwrap_or(CLASSES.len() - 1)] += 1;
    }
    let all = state.sprint.stories.len();
    if !model.is_known {
        return Line::from(parts);
    }
    let whole = (by_class[0] * BAR).checked_div(all).unwrap_or(0);
    say(Tone::Good, &"━".repeat(whole));
    say(Tone::Faint, &"─".repeat(BAR - whole));
    say(Tone::Strong, &format!(" {}/{all} done", by_class[0]));
    for (class, number) in CLASSES.iter().zip(by_class).skip(1).filter(|(_, number)| *number > 0) {
        say(Tone::Faint, " · ");
        say(Tone::of_class(class), &format!("{number} {class}"));
    }
    let sum =
        |of: fn(&crate::domain::state::Effort) -> f64| state.effort.iter().map(of).sum::<f64>();
    let tokens = sum(|effort| effort.input_tokens + effort.output_tokens);
    let cost = sum(|effort| effort.cost_usd);
    if tokens > 0.0 {
        say(Tone::Faint, &format!("   {} tokens", count(tokens)));
    }
    if cost > 0.0 {
        say(Tone::Faint, &format!("   ${cost:.2}"));
    }
    Line::from(parts)
}

/// Columns of the bar of what is done.
const BAR: usize = 16;

const CLASSES: [&str; 7] =
    ["done", "in-progress", "review", "ready-for-dev", "backlog", "optional", "other"];
