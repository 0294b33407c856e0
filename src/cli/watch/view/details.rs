//! All that is known of one story.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Brush, draw_line};
use crate::cli::clock::{duration, local};
use crate::cli::terminal::Tone;
use crate::cli::watch::model::Model;
use crate::cli::watch::words::count;
use crate::domain::state::{Story, Work};

/// Draws it from line `from` on; gives the line it could begin at.
pub(super) fn draw(
    model: &Model,
    key: &str,
    from: usize,
    brush: Brush,
    area: Rect,
    to: &mut Buffer,
) -> usize {
    let lines = lines(model, key, brush);
    let from = from.min(lines.len().saturating_sub(usize::from(area.height)));
    for (line, y) in lines.iter().skip(from).zip(area.y..area.y + area.height) {
        draw_line(line, Rect { y, height: 1, ..area }, to);
    }
    from
}

fn lines(model: &Model, key: &str, brush: Brush) -> Vec<Line<'static>> {
    let state = &model.state;
    let mut out = vec![Line::from(vec![Span::raw(" "), brush.span(Tone::Strong, key)])];
    let Some(story) = state.sprint.stories.get(key) else {
        out.push(Line::from(brush.span(Tone::Warn, " no longer in the status file")));
        return out;
    };
    facts(story, brush, &mut out);
    if let Some(work) = state.work.get(key) {
        took(work, brush, &mut out);
    }
    out.push(Line::default());
    let live = model.is_live();
    let mut active: Vec<_> =
        state.active.values().filter(|active| active.story_key == key).collect();
    active.sort_by_key(|active| active.event_id);
    for active in active {
        let word = if live { "now" } else { "last seen" };
        let since = duration(brush.now_ms - active.started_at);
        let text = format!("{}/{} for {since}", active.command, active.task_id);
        fact(word, if live { Tone::Live } else { Tone::Faint }, &text, brush, &mut out);
        if let Some(message) = &active.message {
            fact("", Tone::Plain, message, brush, &mut out);
        }
    }
    for agent in state.agents.values().filter(|agent| agent.story_keys.iter().any(|it| it == key)) {
        let text = format!("{} {} (pid {})", agent.agent_id, agent.command, agent.pid);
        fact("agent", Tone::Plain, &text, brush, &mut out);
    }
    out.push(Line::default());
    let about = model.lines.iter().map(|entry| &entry.line).filter(|line| line.subject == key);
    for line in about {
        out.push(Line::from(vec![
            brush.span(Tone::Faint, &format!(" {} ", local(line.at))),
            brush.span(line.tone, &format!("{:<16} ", line.kind)),
            brush.span(Tone::Plain, &line.summary),
        ]));
    }
    out
}

fn facts(story: &Story, brush: Brush, out: &mut Vec<Line<'static>>) {
    if let Some(title) = &story.title {
        fact("title", Tone::Plain, title, brush, out);
    }
    fact("status", Tone::of_class(&story.status_class), &story.status, brush, out);
    if let Some(epic) = &story.epic_id {
        fact("epic", Tone::Plain, epic, brush, out);
    }
    if let Some(at) = story.updated_at {
        fact("changed", Tone::Plain, &local(at), brush, out);
    }
}

fn took(work: &Work, brush: Brush, out: &mut Vec<Line<'static>>) {
    let mut text = format!("{} in {} runs", duration(work.busy_ms), work.runs);
    if work.reviews > 0 {
        text += &format!(", reviewed {} times", work.reviews);
    }
    fact("work", Tone::Plain, &text, brush, out);
    if work.failures > 0 {
        fact("failures", Tone::Bad, &work.failures.to_string(), brush, out);
    }
    let tokens = work.input_tokens + work.output_tokens;
    if tokens > 0.0 {
        fact("tokens", Tone::Plain, &count(tokens), brush, out);
    }
    if work.cost_usd > 0.0 {
        fact("cost", Tone::Plain, &format!("${:.2}", work.cost_usd), brush, out);
    }
    if let Some(last) = &work.last {
        let status = last.status.as_deref().unwrap_or(&last.kind);
        let said = last.message.as_deref().unwrap_or_default();
        let text = format!("{}/{} {status} {said}", last.command, last.task_id);
        fact("last", if last.failed { Tone::Bad } else { Tone::Plain }, &text, brush, out);
    }
    if let Some(note) = &work.note {
        fact("note", Tone::Plain, &note.word, brush, out);
    }
}

fn fact(name: &str, tone: Tone, text: &str, brush: Brush, out: &mut Vec<Line<'static>>) {
    out.push(Line::from(vec![
        brush.span(Tone::Faint, &format!(" {name:<10}")),
        brush.span(tone, text),
    ]));
}
