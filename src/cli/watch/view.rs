//! How the model is shown: pure, from model and view to a buffer of cells.

mod agents;
mod details;
mod header;
mod help;
mod issues;
mod log;
pub(super) mod rows;
mod stories;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::cli::terminal::Tone;

use super::model::Model;
use super::words::{Palette, safe};

/// The parts of the screen that can be moved about in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pane {
    Stories,
    Agents,
    Log,
    Issues,
}

/// What covers the panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Over {
    /// The list of keys.
    Help,
    /// All that is known of one story, by its key, scrolled down by so many lines.
    Details(String, usize),
}

/// What the user has chosen.
#[derive(Debug)]
pub(super) struct View {
    pub(super) focus: Pane,
    pub(super) over: Option<Over>,
    /// Shown are only stories and lines that hold this.
    pub(super) filter: String,
    /// Whether keys go into the filter.
    pub(super) is_typing: bool,
    /// The chosen story; it stays chosen wherever it moves.
    pub(super) story: Option<String>,
    pub(super) first_story: usize,
    pub(super) first_agent: usize,
    pub(super) first_issue: usize,
    /// The number of the last line that is shown; `None` = follow the newest.
    pub(super) last_line: Option<u64>,
    /// What came up to then is not new.
    pub(super) seen: u64,
    /// How many rows each pane had when it was drawn last: a page of it.
    pub(super) pages: Pages,
}

/// Rows by pane; 0 = not shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pages {
    pub(super) stories: usize,
    pub(super) agents: usize,
    pub(super) log: usize,
    pub(super) issues: usize,
}

impl Pages {
    pub(super) fn of(&mut self, pane: Pane) -> &mut usize {
        match pane {
            Pane::Stories => &mut self.stories,
            Pane::Agents => &mut self.agents,
            Pane::Log => &mut self.log,
            Pane::Issues => &mut self.issues,
        }
    }
}

impl Default for View {
    fn default() -> Self {
        Self {
            focus: Pane::Stories,
            over: None,
            filter: String::new(),
            is_typing: false,
            story: None,
            first_story: 0,
            first_agent: 0,
            first_issue: 0,
            last_line: None,
            seen: 0,
            pages: Pages::default(),
        }
    }
}

/// What every part is drawn with.
#[derive(Clone, Copy)]
pub(super) struct Brush {
    pub(super) now_ms: i64,
    pub(super) palette: Palette,
}

impl Brush {
    /// Somebody's text in a tone.
    fn span(self, tone: Tone, text: &str) -> Span<'static> {
        Span::styled(safe(text), self.palette.style(tone))
    }
}

/// The smallest window in which several panes stand above one another.
const ROOM: u16 = 14;
/// From this width on they stand in two columns.
const WIDE: u16 = 150;

/// Draws all of it.
pub(super) fn draw(model: &Model, view: &mut View, brush: Brush, area: Rect, to: &mut Buffer) {
    view.pages = Pages::default();
    if area.is_empty() {
        return;
    }
    let heads = match area.height {
        0..=6 => 1,
        7..=9 => 2,
        _ => 3,
    };
    let feet = u16::from(area.height > 3);
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(heads),
        Constraint::Fill(1),
        Constraint::Length(feet),
    ])
    .areas(area);
    header::draw(model, brush, head, to);
    match view.over.clone() {
        Some(Over::Help) => help::draw(brush, body, to),
        Some(Over::Details(key, from)) => {
            let from = details::draw(model, &key, from, brush, body, to);
            view.over = Some(Over::Details(key, from));
        }
        None => panes(model, view, brush, body, to),
    }
    if !model.is_live() && model.is_known {
        // Seen before it is read: none of this is live.
        to.set_style(body, Style::new().add_modifier(Modifier::DIM));
    }
    help::foot(model, view, brush, foot, to);
}

fn panes(model: &Model, view: &mut View, brush: Brush, body: Rect, to: &mut Buffer) {
    let agents = agents::rows(model);
    let issues = model.issues();
    let is_there = |pane| match pane {
        Pane::Agents => agents > 0,
        Pane::Issues => !issues.is_empty(),
        Pane::Stories | Pane::Log => true,
    };
    if !is_there(view.focus) {
        view.focus = Pane::Stories;
    }
    let mut places: Vec<(Pane, Rect)> = Vec::new();
    if body.height < ROOM {
        places.push((view.focus, body));
    } else {
        let (left, right) = if body.width >= WIDE {
            let columns = [Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)];
            let [left, _, right] = Layout::horizontal(columns).areas(body);
            (left, Some(right))
        } else {
            (body, None)
        };
        // Room for what is there, up to a share of the whole; a title and an empty row for each.
        let some = |rows: usize, most: u16| match rows {
            0 => 0,
            rows => (rows as u16).saturating_add(1).min(most.max(2)),
        };
        let small = [some(agents, body.height / 4), some(issues.len(), body.height / 5)];
        match right {
            None => {
                let [stories, busy, log, wrong] = Layout::vertical([
                    Constraint::Fill(4),
                    Constraint::Length(small[0]),
                    Constraint::Fill(3),
                    Constraint::Length(small[1]),
                ])
                .areas(body);
                places.extend([
                    (Pane::Stories, stories),
                    (Pane::Agents, busy),
                    (Pane::Log, log),
                    (Pane::Issues, wrong),
                ]);
            }
            Some(right) => {
                let [stories, wrong] =
                    Layout::vertical([Constraint::Fill(1), Constraint::Length(small[1])])
                        .areas(left);
                let [busy, log] =
                    Layout::vertical([Constraint::Length(small[0]), Constraint::Fill(1)])
                        .areas(right);
                places.extend([
                    (Pane::Stories, stories),
                    (Pane::Agents, busy),
                    (Pane::Log, log),
                    (Pane::Issues, wrong),
                ]);
            }
        }
    }
    for (pane, area) in places.into_iter().filter(|(pane, area)| is_there(*pane) && area.height > 0)
    {
        match pane {
            Pane::Stories => stories::draw(model, view, brush, area, to),
            Pane::Agents => agents::draw(model, view, brush, area, to),
            Pane::Log => log::draw(model, view, brush, area, to),
            Pane::Issues => issues::draw(&issues, view, brush, area, to),
        }
    }
}

/// Draws a pane's title, a rule behind it, and gives what is left of the area.
fn title(
    parts: Vec<Span<'static>>,
    pane: Pane,
    view: &mut View,
    brush: Brush,
    area: Rect,
    to: &mut Buffer,
) -> Rect {
    let is_focus = view.focus == pane;
    let rule = brush.palette.style(if is_focus { Tone::Live } else { Tone::Faint });
    let top = Rect { height: 1, ..area };
    to.set_string(top.x, top.y, "─".repeat(usize::from(top.width)), rule);
    let mut line = vec![Span::raw(" ")];
    line.extend(parts);
    line.push(Span::raw(" "));
    if is_focus && let Some(name) = line.get_mut(1) {
        name.style = name.style.add_modifier(Modifier::BOLD).patch(rule);
    }
    let place = Rect { x: top.x.saturating_add(1), width: top.width.saturating_sub(1), ..top };
    draw_line(&Line::from(line), place, to);
    let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
    *view.pages.of(pane) = usize::from(rest.height);
    rest
}

/// Draws one line; what does not fit ends with `…`.
fn draw_line(line: &Line<'_>, area: Rect, to: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let one = Rect { height: 1, ..area };
    let fits = line.width() <= usize::from(area.width);
    line.render(one, to);
    if !fits {
        let last = one.x + one.width - 1;
        let style = to[(last, one.y)].style();
        // The left half of a letter of two columns must not stay alone.
        if one.width > 1 && Span::raw(to[(last - 1, one.y)].symbol()).width() > 1 {
            to[(last - 1, one.y)].set_symbol(" ");
        }
        to.set_string(last, one.y, "…", style);
    }
}

/// Keeps `at` within what `page` rows from `first` on show; gives the first row.
fn scrolled(first: usize, at: usize, page: usize, count: usize) -> usize {
    let page = page.max(1);
    let first = first.min(count.saturating_sub(page));
    if at < first {
        at
    } else if at >= first + page {
        at + 1 - page
    } else {
        first
    }
}
