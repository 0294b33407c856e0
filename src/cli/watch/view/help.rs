//! The keys: all of them on a page, the most needed at the foot.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Brush, Over, Pane, View, draw_line};
use crate::cli::terminal::Tone;
use crate::cli::watch::model::Model;

const KEYS: &[(&str, &str)] = &[
    ("q  Ctrl-C", "leave"),
    ("Tab  Shift-Tab", "the next part, the one before"),
    ("↑ ↓  j k", "move; in the activity this pauses it"),
    ("PgUp PgDn", "a page"),
    ("Home End  g G", "the first, the last"),
    ("/", "show only stories and lines that hold a text"),
    ("Esc", "back; show all again"),
    ("Enter", "all that is known of the chosen story"),
    ("Space  f", "pause the activity, follow it"),
    ("Ctrl-L", "draw anew"),
    ("Ctrl-Z", "to the shell; fg comes back"),
    ("?", "this page"),
];

pub(super) fn draw(brush: Brush, area: Rect, to: &mut Buffer) {
    let mut lines = vec![Line::from(brush.span(Tone::Strong, " Keys"))];
    for (key, what) in KEYS {
        lines.push(Line::from(vec![
            brush.span(Tone::Live, &format!("   {key:<16} ")),
            brush.span(Tone::Plain, what),
        ]));
    }
    lines.push(Line::default());
    for text in [
        " This view changes nothing: a batch is started with  sprint-runner run",
        " or on the page, and is stopped there.",
    ] {
        lines.push(Line::from(brush.span(Tone::Faint, text)));
    }
    for (line, y) in lines.iter().zip(area.y..area.y + area.height) {
        draw_line(line, Rect { y, height: 1, ..area }, to);
    }
}

pub(super) fn foot(model: &Model, view: &View, brush: Brush, area: Rect, to: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if view.is_typing {
        let parts = vec![
            brush.span(Tone::Live, " filter: "),
            brush.span(Tone::Plain, &view.filter),
            Span::styled("▏", brush.palette.style(Tone::Live)),
            brush.span(Tone::Faint, "  Enter keeps it, Esc shows all"),
        ];
        draw_line(&Line::from(parts), area, to);
        return;
    }
    let space = if view.last_line.is_some() { ("Space", "follow") } else { ("Space", "pause") };
    let keys: Vec<(&str, &str)> = match &view.over {
        Some(Over::Help) => vec![("Esc", "back"), ("q", "quit")],
        Some(Over::Details(..)) => vec![("Esc", "back"), ("↑↓", "scroll"), ("q", "quit")],
        None => vec![
            ("q", "quit"),
            ("?", "help"),
            ("Tab", next_pane(view, model)),
            ("/", "filter"),
            ("Enter", "details"),
            space,
        ],
    };
    let mut parts = vec![Span::raw(" ")];
    for (key, what) in keys {
        let more = [brush.span(Tone::Strong, key), brush.span(Tone::Faint, &format!(" {what}  "))];
        let wide: usize = parts.iter().chain(&more).map(Span::width).sum();
        if wide > usize::from(area.width) {
            break;
        }
        parts.extend(more);
    }
    draw_line(&Line::from(parts), area, to);
}

fn next_pane(view: &View, model: &Model) -> &'static str {
    match super::super::keys::after(view.focus, model) {
        Pane::Stories => "stories",
        Pane::Agents => "agents",
        Pane::Log => "activity",
        Pane::Issues => "issues",
    }
}
