//! The agents at work: what each does, for how long, and when it was last heard of.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Brush, Pane, View, draw_line, title};
use crate::cli::terminal::Tone;
use crate::cli::watch::model::Model;
use crate::cli::watch::words::short;

/// An agent that printed nothing for so long is worth a look.
const SILENT_MS: i64 = 120_000;

/// How many there are to show.
pub(super) fn rows(model: &Model) -> usize {
    model.state.agents.len()
}

pub(super) fn draw(model: &Model, view: &mut View, brush: Brush, area: Rect, to: &mut Buffer) {
    let count = rows(model);
    let mut head = vec![brush.span(Tone::Strong, "Agents")];
    head.push(brush.span(Tone::Faint, &format!(" {count}")));
    if !model.is_live() {
        head.push(brush.span(Tone::Warn, " when last seen"));
    }
    let area = title(head, Pane::Agents, view, brush, area, to);
    let page = usize::from(area.height);
    view.first_agent = view.first_agent.min(count.saturating_sub(page));
    let shown = model.state.agents.values().skip(view.first_agent).take(page);
    for (agent, y) in shown.zip(area.y..) {
        let mut parts = vec![Span::raw(" ")];
        let mut say = |tone, text: &str| parts.push(brush.span(tone, text));
        say(Tone::Strong, &format!("{:<6} ", agent.agent_id));
        say(Tone::Live, &agent.command);
        if let Some(attempt) = agent.attempt.filter(|attempt| *attempt > 1) {
            say(Tone::Warn, &format!(" try {attempt}"));
        }
        say(Tone::Plain, &format!("  {}", agent.story_keys.join(", ")));
        if model.is_live() {
            say(Tone::Faint, &format!("  {}", short(brush.now_ms - agent.started_at)));
            match model.signs.get(&agent.agent_id) {
                Some(at) => {
                    let silence = brush.now_ms - at;
                    let tone = if silence >= SILENT_MS { Tone::Warn } else { Tone::Faint };
                    say(tone, &format!("  last output {} ago", short(silence)));
                }
                None => say(Tone::Faint, "  no output yet"),
            }
        }
        if let Some(model) = &agent.model {
            say(Tone::Faint, &format!("  {model}"));
        }
        say(Tone::Faint, &format!("  pid {}", agent.pid));
        draw_line(&Line::from(parts), Rect { y, height: 1, ..area }, to);
    }
}
