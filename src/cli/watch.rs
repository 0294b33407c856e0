//! `watch`: the sprint on the whole screen of a terminal, live, on the stream that the page has too.
//!
//! ```text
//!  server ─ stream ─► feed ─ bounded ─► model (the domain's own fold) ─► view ─► cells ─► terminal
//!                                          ▲ keys, sizes, the clock
//! ```
//!
//! It shows and changes nothing. Drawn is at most twenty times a second, and only what has changed.

mod feed;
mod input;
mod keys;
mod model;
mod opening;
mod screen;
mod view;
mod words;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep_until, timeout};

use crate::app::signals::Signals;
use crate::config::Layer;

use super::client::Server;
use super::clock::now_ms;
use super::place::Place;
use super::terminal::colours_wanted;

use feed::{Feed, WAITING, Whom};
use input::Input;
use keys::Wish;
use model::{Model, Told};
use screen::Screen;
use view::{Brush, View};
use words::Palette;

/// The shortest time between two pictures.
const FRAME: Duration = Duration::from_millis(50);
/// Between two pictures while timers run on the screen…
const TICK: Duration = Duration::from_secs(1);
/// …and while nothing moves but the ages of things.
const SLOW_TICK: Duration = Duration::from_secs(10);
/// Messages taken in at a time, before keys are looked at again.
const AT_ONCE: usize = 256;
/// How long a stop may take to come that we asked for.
const STOP: Duration = Duration::from_millis(300);

/// The flags of `watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show the server at this address, as `serve` prints it, instead of the project's own; its
    /// token, where it wants one, is taken from `SPRINT_RUNNER_TOKEN`
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        bail!(
            "watch draws on a terminal and reads its keys, and this is none; for a pipe or a file use: \
             sprint-runner events --follow, or sprint-runner status"
        );
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        bail!("this terminal cannot be drawn on (TERM=dumb); use: sprint-runner events --follow");
    }
    let (whom, name) = whom(place, args)?;
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let woken = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let at_work = Arc::new(AtomicBool::new(false));
    let (to, told) = channel(WAITING);
    tokio::spawn(Feed::new(whom, to, Arc::clone(&at_work)).run());
    let screen = Screen::take().context("cannot take over the terminal")?;
    let shown = Shown {
        screen,
        model: Model::new(name, now_ms()),
        view: View::default(),
        palette: Palette { colours: colours_wanted() },
        at_work,
        woken,
    };
    tokio::select! {
        ended = shown.run(told, input::listen()) => ended?,
        () = signals.recv() => {}
    }
    Ok(0)
}

/// Whose stream to show, and what to call it until it says so itself.
fn whom(place: &Place, args: &Args) -> anyhow::Result<(Whom, String)> {
    if let Some(address) = &args.server {
        let token = std::env::var("SPRINT_RUNNER_TOKEN").ok().filter(|token| !token.is_empty());
        let server = Server::at(address, token)?;
        let name = server.url.clone();
        return Ok((Whom::Server(server), name));
    }
    let found = place.find(Layer::default())?;
    let name = found.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((Whom::Project(Box::new(found)), name))
}

/// The view on its screen.
struct Shown {
    screen: Screen,
    model: Model,
    view: View,
    palette: Palette,
    at_work: Arc<AtomicBool>,
    woken: Signal,
}

impl Shown {
    /// Until the user leaves or the terminal has gone.
    async fn run(
        mut self,
        mut told: Receiver<Told>,
        mut inputs: Receiver<Input>,
    ) -> anyhow::Result<()> {
        let mut news = Vec::with_capacity(AT_ONCE);
        let (mut drawn, mut is_stale) = (Instant::now(), false);
        self.draw()?;
        loop {
            let next = if is_stale {
                FRAME
            } else if self.model.is_busy() {
                TICK
            } else {
                SLOW_TICK
            };
            tokio::select! {
                biased;
                () = sleep_until(drawn + next) => {
                    self.draw()?;
                    (drawn, is_stale) = (Instant::now(), false);
                }
                input = inputs.recv() => {
                    match input.unwrap_or(Input::Gone) {
                        Input::Gone => return Ok(()),
                        Input::Resized => {}
                        Input::Key(key) => match keys::press(key, &self.model, &mut self.view) {
                            Wish::Draw => {}
                            Wish::Leave => return Ok(()),
                            Wish::Suspend => self.suspend().await?,
                            Wish::Redraw => self.screen.terminal.clear()?,
                        }
                    }
                    is_stale = true;
                }
                _ = self.woken.recv() => {
                    // Somebody else stopped us, and may have left the terminal in any state.
                    self.screen.take_again()?;
                    is_stale = true;
                }
                count = told.recv_many(&mut news, AT_ONCE) => {
                    if count == 0 {
                        bail!("the stream is no longer followed");
                    }
                    let now_ms = now_ms();
                    news.drain(..).for_each(|told| self.model.take(told, now_ms));
                    self.at_work.store(!self.model.state.agents.is_empty(), Ordering::Relaxed);
                    is_stale = true;
                }
            }
        }
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let brush = Brush { now_ms: now_ms(), palette: self.palette };
        let (model, view) = (&self.model, &mut self.view);
        self.screen.terminal.draw(|frame| {
            let area = frame.area();
            view::draw(model, view, brush, area, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// Gives the terminal to the shell and stops, as Ctrl-Z does; where there is no shell that could
    /// wake us the system does not stop us, and the view goes on.
    async fn suspend(&mut self) -> anyhow::Result<()> {
        screen::give_back();
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        // The stop may come a moment later, on any thread.
        let _ = timeout(STOP, self.woken.recv()).await;
        self.screen.take_again()?;
        Ok(())
    }
}
