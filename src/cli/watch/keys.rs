//! What the keys do to the view.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::Model;
use super::view::rows::rows;
use super::view::{Over, Pane, View};

/// What is asked for beyond the view itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing but to be drawn.
    Draw,
    /// The end.
    Leave,
    /// To the shell, until it sends us back.
    Suspend,
    /// Drawn from nothing: something else wrote on the terminal.
    Redraw,
}

/// The longest filter.
const MAX_FILTER: usize = 100;

const PANES: [Pane; 4] = [Pane::Stories, Pane::Agents, Pane::Log, Pane::Issues];

/// The part that Tab leads to.
pub(super) fn after(pane: Pane, model: &Model) -> Pane {
    step(pane, model, 1)
}

fn step(pane: Pane, model: &Model, by: usize) -> Pane {
    let is_there = |pane| match pane {
        Pane::Agents => !model.state.agents.is_empty(),
        Pane::Issues => !model.issues().is_empty(),
        Pane::Stories | Pane::Log => true,
    };
    let mut at = PANES.iter().position(|known| *known == pane).unwrap_or(0);
    loop {
        at = (at + by) % PANES.len();
        // The stories are always there, so this ends.
        if is_there(PANES[at]) {
            return PANES[at];
        }
    }
}

/// Takes a key.
pub(super) fn press(key: KeyEvent, model: &Model, view: &mut View) -> Wish {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        match key.code {
            KeyCode::Char('c' | 'd' | 'q') => return Wish::Leave,
            KeyCode::Char('z') => return Wish::Suspend,
            KeyCode::Char('l') => return Wish::Redraw,
            KeyCode::Char('u') if view.is_typing => view.filter.clear(),
            _ => {}
        }
        return Wish::Draw;
    }
    if view.is_typing {
        typed(key.code, view);
        return Wish::Draw;
    }
    match (key.code, &view.over) {
        (KeyCode::Char('q'), _) => return Wish::Leave,
        (KeyCode::Esc | KeyCode::Char('?'), Some(Over::Help))
        | (KeyCode::Esc | KeyCode::Enter, Some(Over::Details(..))) => view.over = None,
        (KeyCode::Char('?'), _) => view.over = Some(Over::Help),
        (_, Some(Over::Help)) => {}
        (KeyCode::Esc, None) => view.filter.clear(),
        (KeyCode::Char('/'), None) => view.is_typing = true,
        (KeyCode::Tab, None) => view.focus = after(view.focus, model),
        (KeyCode::BackTab, None) => view.focus = step(view.focus, model, PANES.len() - 1),
        (KeyCode::Char(' ' | 'f'), None) => {
            view.last_line = match view.last_line {
                Some(_) => None,
                None => Some(model.end().saturating_sub(1)),
            };
        }
        (KeyCode::Enter, None) => open(model, view),
        (code, _) => moved(code, model, view),
    }
    Wish::Draw
}

fn typed(code: KeyCode, view: &mut View) {
    match code {
        KeyCode::Enter => view.is_typing = false,
        KeyCode::Esc => {
            view.is_typing = false;
            view.filter.clear();
        }
        KeyCode::Backspace => {
            view.filter.pop();
        }
        KeyCode::Char(c) if !c.is_control() && view.filter.chars().count() < MAX_FILTER => {
            view.filter.push(c);
        }
        _ => {}
    }
}

fn open(model: &Model, view: &mut View) {
    let rows = rows(model, &view.filter);
    let chosen = view.story.as_deref();
    let row = rows.iter().find(|row| Some(row.key) == chosen).or(rows.first());
    if let Some(row) = row {
        view.story = Some(row.key.to_owned());
        view.over = Some(Over::Details(row.key.to_owned(), 0));
    }
}

/// How far a key moves, in rows.
fn distance(code: KeyCode, page: usize) -> Option<isize> {
    let page = page.saturating_sub(1).max(1).cast_signed();
    Some(match code {
        KeyCode::Down | KeyCode::Char('j') => 1,
        KeyCode::Up | KeyCode::Char('k') => -1,
        KeyCode::PageDown => page,
        KeyCode::PageUp => -page,
        KeyCode::Home | KeyCode::Char('g') => isize::MIN,
        KeyCode::End | KeyCode::Char('G') => isize::MAX,
        _ => return None,
    })
}

fn moved(code: KeyCode, model: &Model, view: &mut View) {
    let page = *view.pages.of(view.focus);
    let Some(by) = distance(code, page) else { return };
    if let Some(Over::Details(_, from)) = &mut view.over {
        *from = from.saturating_add_signed(by);
        return;
    }
    match view.focus {
        Pane::Stories => {
            let rows = rows(model, &view.filter);
            let chosen = view.story.as_deref();
            let at = rows.iter().position(|row| Some(row.key) == chosen).unwrap_or(0);
            let to = at.saturating_add_signed(by).min(rows.len().saturating_sub(1));
            view.story = rows.get(to).map(|row| row.key.to_owned());
        }
        Pane::Agents => view.first_agent = view.first_agent.saturating_add_signed(by),
        Pane::Issues => view.first_issue = view.first_issue.saturating_add_signed(by),
        Pane::Log => scroll(by, page, model, view),
    }
}

/// Up pauses; down to the newest line follows again.
fn scroll(by: isize, page: usize, model: &Model, view: &mut View) {
    let end = model.end();
    let first = model.lines.front().map_or(0, |entry| entry.number);
    let newest = end.saturating_sub(1);
    let least = (first + page as u64).saturating_sub(1).min(newest);
    let shown = view.last_line.unwrap_or(newest);
    let to = shown.saturating_add_signed(by as i64).max(least);
    view.last_line = (to < newest).then_some(to);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::watch::model::{Told, line};

    fn press_all(keys: &str, model: &Model, view: &mut View) {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\x1b' => KeyCode::Esc,
                '\x08' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            };
            assert_eq!(press(KeyEvent::from(code), model, view), Wish::Draw);
        }
    }

    #[test]
    fn keys_of_the_filter_move_nothing() {
        let (model, mut view) = (Model::new("p".to_owned(), 0), View::default());
        press_all("/quiet?\x08\n", &model, &mut view);
        assert_eq!((view.filter.as_str(), view.is_typing), ("quiet", false));
        press_all("\x1b", &model, &mut view);
        assert_eq!(view.filter, "");
        press_all(&format!("/{}", "x".repeat(500)), &model, &mut view);
        assert_eq!(view.filter.len(), MAX_FILTER);
    }

    #[test]
    fn tab_leads_only_to_what_is_there() {
        let (model, mut view) = (Model::new("p".to_owned(), 0), View::default());
        press_all("\t", &model, &mut view);
        assert_eq!(view.focus, Pane::Log);
        press_all("\t", &model, &mut view);
        assert_eq!(view.focus, Pane::Stories);
    }

    #[test]
    fn scrolling_up_pauses_and_down_to_the_end_follows() {
        let (mut model, mut view) = (Model::new("p".to_owned(), 0), View::default());
        let json = r#"{"id":1,"type":"error","timestamp":5,"payload":{}}"#;
        let lines = vec![line(json).unwrap(); 20];
        model.take(Told::Opened(Box::default(), lines), 0);
        view.focus = Pane::Log;
        view.pages.log = 5;
        press_all("kk", &model, &mut view);
        assert_eq!(view.last_line, Some(17));
        press_all("g", &model, &mut view);
        assert_eq!(view.last_line, Some(4));
        press_all("jG", &model, &mut view);
        assert_eq!(view.last_line, None);
        press_all(" ", &model, &mut view);
        assert_eq!(view.last_line, Some(19));
        press_all(" ", &model, &mut view);
        assert_eq!(view.last_line, None);
    }

    #[test]
    fn control_keys_ask_for_the_end_the_shell_and_a_new_picture() {
        let (model, mut view) = (Model::new("p".to_owned(), 0), View::default());
        view.is_typing = true;
        for (c, wish) in [('c', Wish::Leave), ('z', Wish::Suspend), ('l', Wish::Redraw)] {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
            assert_eq!(press(key, &model, &mut view), wish);
        }
    }
}
