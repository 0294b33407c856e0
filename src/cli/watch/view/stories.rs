//! The table of the stories.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::rows::{Row, rows};
use super::{Brush, Pane, View, draw_line, scrolled, title};
use crate::cli::terminal::Tone;
use crate::cli::watch::model::Model;
use crate::cli::watch::words::short;

/// How wide the columns are; 0 = left out. What is left goes to the message.
struct Columns {
    key: u16,
    status: u16,
    command: u16,
    since: u16,
    tries: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let (command, since, tries) = match width {
            0..40 => (0, 0, 0),
            40..60 => (0, 8, 0),
            60..80 => (18, 8, 0),
            80..110 => (24, 8, 4),
            _ => (30, 8, 4),
        };
        let status = if width < 40 { 12 } else { 14 };
        let key = width.saturating_sub(status + 2).min(match width {
            0..80 => 24,
            80..110 => 30,
            _ => 36,
        });
        Self { key, status, command, since, tries }
    }
}

pub(super) fn draw(model: &Model, view: &mut View, brush: Brush, area: Rect, to: &mut Buffer) {
    let rows = rows(model, &view.filter);
    let all = model.state.sprint.stories.len();
    let mut head = vec![brush.span(Tone::Strong, "Stories")];
    let number = if view.filter.is_empty() {
        format!(" {all}")
    } else {
        format!(" {} of {all} with \"{}\"", rows.len(), view.filter)
    };
    head.push(brush.span(Tone::Faint, &number));
    let area = title(head, Pane::Stories, view, brush, area, to);
    if rows.is_empty() {
        let text = match (all, model.is_known) {
            (0, false) => "",
            (0, true) => "  no story yet: the status file lists none",
            _ => "  no story holds that; Esc shows all",
        };
        draw_line(&Line::from(brush.span(Tone::Faint, text)), area, to);
        return;
    }
    let columns = Columns::of(area.width);
    let (names, area) = if area.height > 3 && area.width >= 40 {
        (Some(area), Rect { y: area.y + 1, height: area.height - 1, ..area })
    } else {
        (None, area)
    };
    if let Some(names) = names {
        let now = if model.is_live() { "NOW" } else { "WHEN LAST SEEN" };
        let cells = ["STORY", "STATUS", now, "SINCE", "TRY", "LAST MESSAGE"];
        let faint = |text: &str| (Tone::Faint, text.to_owned());
        draw_row(&columns, cells.map(faint), brush, Rect { height: 1, ..names }, to);
    }
    let page = usize::from(area.height);
    view.pages.stories = page;
    let chosen = view.story.as_deref();
    let at = rows.iter().position(|row| Some(row.key) == chosen).unwrap_or(0);
    view.first_story = scrolled(view.first_story, at, page, rows.len());
    let shown = rows.iter().enumerate().skip(view.first_story).take(page);
    for ((index, row), y) in shown.zip(area.y..) {
        let place = Rect { y, height: 1, ..area };
        draw_row(&columns, cells(row, model, brush), brush, place, to);
        if index == at && view.focus == Pane::Stories {
            // One look for all of it: colours of their own would each get a ground.
            let shown = Style::reset().add_modifier(Modifier::REVERSED);
            to.set_style(place, shown);
        }
    }
}

fn cells(row: &Row<'_>, model: &Model, brush: Brush) -> [(Tone, String); 6] {
    let since = row.since().map_or(String::new(), |at| short(brush.now_ms - at));
    let (tone, message) = row.message();
    let now = match row.active {
        Some(active) => format!("{}/{}", active.command, active.task_id),
        None => String::new(),
    };
    // What was under way when the connection was lost is not said to be.
    let now_tone = if model.is_live() { Tone::Live } else { Tone::Faint };
    let tries = match row.tries() {
        0 => String::new(),
        tries => tries.to_string(),
    };
    [
        (Tone::Plain, row.key.to_owned()),
        (Tone::of_class(&row.story.status_class), row.story.status.clone()),
        (now_tone, if model.is_live() || now.is_empty() { now } else { format!("? {now}") }),
        (Tone::Faint, since),
        (if row.tries() > 1 { Tone::Warn } else { Tone::Faint }, tries),
        (tone, message),
    ]
}

fn draw_row(
    columns: &Columns,
    cells: [(Tone, String); 6],
    brush: Brush,
    area: Rect,
    to: &mut Buffer,
) {
    let rest = if area.width < 40 { 0 } else { u16::MAX };
    let widths = [columns.key, columns.status, columns.command, columns.since, columns.tries, rest];
    let end = area.x + area.width;
    let mut x = area.x + u16::from(area.width > 30);
    for ((tone, text), width) in cells.into_iter().zip(widths) {
        if width == 0 || x >= end {
            continue;
        }
        let place = Rect { x, width: width.min(end - x), ..area };
        // A column's last cell stays free.
        let inner = Rect {
            width: if width == u16::MAX { place.width } else { place.width.saturating_sub(1) },
            ..place
        };
        draw_line(&Line::from(brush.span(tone, &text)), inner, to);
        x = x.saturating_add(place.width);
    }
}
