//! The activity: the newest line last, followed until somebody scrolls up.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Brush, Pane, View, draw_line, title};
use crate::cli::event_line;
use crate::cli::terminal::Tone;
use crate::cli::watch::model::Model;
use crate::cli::watch::words::cut;

pub(super) fn draw(model: &Model, view: &mut View, brush: Brush, area: Rect, to: &mut Buffer) {
    let mut head = vec![brush.span(Tone::Strong, "Activity")];
    if view.last_line.is_none() {
        view.seen = model.end();
        head.push(brush.span(Tone::Faint, if model.is_live() { " following" } else { "" }));
    } else {
        let new = model.end().saturating_sub(view.seen);
        head.push(brush.span(Tone::Warn, &format!(" paused, {new} new (space follows)")));
    }
    let area = title(head, Pane::Log, view, brush, area, to);
    let wanted = view.filter.to_lowercase();
    let last = view.last_line.unwrap_or(u64::MAX);
    let newest_first = model.lines.iter().rev().skip_while(|entry| entry.number > last);
    let shown: Vec<_> = newest_first
        .map(|entry| &entry.line)
        .filter(|line| wanted.is_empty() || holds(line, &wanted))
        .take(usize::from(area.height))
        .collect();
    if shown.is_empty() {
        let text =
            if wanted.is_empty() { "  nothing has happened yet" } else { "  no line holds that" };
        draw_line(&Line::from(brush.span(Tone::Faint, text)), area, to);
    }
    for (line, y) in shown.into_iter().rev().zip(area.y..) {
        draw_line(&shown_line(line, brush, area.width), Rect { y, height: 1, ..area }, to);
    }
}

/// Whether any of its words holds the text, which is in lower case.
fn holds(line: &event_line::Line, wanted: &str) -> bool {
    [&line.kind, &line.subject, &line.summary]
        .into_iter()
        .any(|text| text.to_lowercase().contains(wanted))
}

fn shown_line(line: &event_line::Line, brush: Brush, width: u16) -> Line<'static> {
    let mut parts = vec![brush.span(Tone::Faint, &format!(" {} ", clock(line.at, brush.now_ms)))];
    if width >= 60 {
        parts.push(brush.span(line.tone, &format!("{:<16} ", line.kind)));
    }
    let subject = if line.subject == "-" { "" } else { line.subject.as_str() };
    if width >= 100 {
        let mut subject = subject.to_owned();
        cut(&mut subject, 23);
        parts.push(brush.span(Tone::Strong, &format!("{subject:<24} ")));
    } else if !subject.is_empty() {
        parts.push(brush.span(Tone::Strong, &format!("{subject} ")));
    }
    let tone = if width >= 60 { Tone::Plain } else { line.tone };
    parts.push(brush.span(tone, &line.summary));
    Line::from(parts)
}

/// The time of the day; with the date where it was another day.
fn clock(ms: i64, now_ms: i64) -> String {
    let zone = TimeZone::system();
    let zoned = |ms| Timestamp::from_millisecond(ms).map(|at| at.to_zoned(zone.clone()));
    match (zoned(ms), zoned(now_ms)) {
        (Ok(at), Ok(now)) if at.date() == now.date() => at.strftime("%H:%M:%S").to_string(),
        (Ok(at), _) => at.strftime("%m-%d %H:%M").to_string(),
        (Err(_), _) => "?".to_owned(),
    }
}
