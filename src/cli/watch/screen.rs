//! The terminal: taken over for as long as the view is shown, and given back as it was, whatever
//! ends the view.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Whether the terminal is ours just now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The screen, ours until it is dropped.
pub(super) struct Screen {
    pub(super) terminal: Terminal<Steady>,
}

impl Screen {
    /// Takes the terminal over; a panic of any thread gives it back before it is told.
    pub(super) fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        enter()?;
        let inner = CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, io::stdout()));
        let terminal = Terminal::new(Steady { inner }).inspect_err(|_| give_back())?;
        Ok(Self { terminal })
    }

    /// Takes it over once more, after it was given to somebody else, and forgets what was drawn.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        enter()?;
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    // Without wrapping no line, however wide a terminal takes its letters to be, reaches the next.
    execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, Hide).inspect_err(|_| give_back())
}

/// Gives the terminal back, once. Whoever is at its other end may have gone.
pub(super) fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = queue!(out, EnableLineWrap, LeaveAlternateScreen, Show);
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

/// Draws through crossterm, and says anew where the cursor is behind each letter that terminals may
/// take for wider or narrower than we do.
pub(super) struct Steady {
    inner: CrosstermBackend<BufWriter<Stdout>>,
}

/// Letters that every terminal gives one column.
fn is_certain(cell: &Cell) -> bool {
    let mut chars = cell.symbol().chars();
    let Some(c) = chars.next() else { return false };
    chars.next().is_none()
        && (c.is_ascii() || matches!(c, '\u{a1}'..='\u{17f}' | '\u{2500}'..='\u{257f}'))
}

impl Backend for Steady {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut run = Vec::new();
        for part in content {
            run.push(part);
            if !is_certain(part.2) {
                self.inner.draw(run.drain(..))?;
            }
        }
        self.inner.draw(run.into_iter())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Never asked of the terminal: its answer would come between the keys.
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.inner.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        // Both have a `flush`; this one empties the buffer.
        Backend::flush(&mut self.inner)
    }
}
