//! What is wrong, in the files and with the server.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Brush, Pane, View, draw_line, title};
use crate::cli::terminal::Tone;

pub(super) fn draw(
    issues: &[(Tone, String)],
    view: &mut View,
    brush: Brush,
    area: Rect,
    to: &mut Buffer,
) {
    let mut head = vec![brush.span(Tone::Strong, "Issues")];
    head.push(brush.span(Tone::Faint, &format!(" {}", issues.len())));
    let area = title(head, Pane::Issues, view, brush, area, to);
    let page = usize::from(area.height);
    view.first_issue = view.first_issue.min(issues.len().saturating_sub(page));
    for ((tone, text), y) in issues.iter().skip(view.first_issue).take(page).zip(area.y..) {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let parts = vec![
            Span::raw(" "),
            brush.span(*tone, word),
            Span::raw(" "),
            brush.span(Tone::Plain, rest),
        ];
        draw_line(&Line::from(parts), Rect { y, height: 1, ..area }, to);
    }
}
