//! What the terminal sends: keys and sizes, read by a thread of its own.

use crossterm::event::{Event, KeyEvent, KeyEventKind};
use tokio::sync::mpsc::{Receiver, channel};

/// More than anybody types before the screen is drawn; a paste waits.
const WAITING: usize = 256;

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// The window has another size.
    Resized,
    /// The terminal has gone.
    Gone,
}

/// Begins to read. The thread ends with the program: a read from a terminal cannot be called back.
pub(super) fn listen() -> Receiver<Input> {
    let (to, inputs) = channel(WAITING);
    std::thread::spawn(move || {
        loop {
            let input = match crossterm::event::read() {
                // Some terminals tell releases as well.
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Input::Key(key),
                Ok(Event::Resize(..)) => Input::Resized,
                Ok(_) => continue,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => Input::Gone,
            };
            if to.blocking_send(input).is_err() || input == Input::Gone {
                return;
            }
        }
    });
    inputs
}
