//! The rows of the table: one function each.

mod fanout;
mod latency;
mod managed;
mod memory;
mod reading;
mod size;
mod team;
mod web;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::feed::Feed;
use crate::http::address;
use crate::load::{Clients, Kind, Tally, now_ns};
use crate::ours::{Ours, Project};
use crate::peers::{self, Nginx};
use crate::table::Figure;

/// A row that can be asked for; it may make several figures.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) measure: fn(&mut Bench) -> Result<()>,
    /// Only where it is asked for: it needs what a machine seldom has.
    pub(crate) by_name: bool,
}

const fn row(
    name: &'static str,
    about: &'static str,
    measure: fn(&mut Bench) -> Result<()>,
) -> Row {
    Row { name, about, measure, by_name: false }
}

const fn team_row(
    name: &'static str,
    about: &'static str,
    measure: fn(&mut Bench) -> Result<()>,
) -> Row {
    Row { name, about, measure, by_name: true }
}

/// All of them, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("fanout", "a burst of events to 1,000 SSE and 1,000 WebSocket clients", fanout::measure),
    row("latency", "20 events a second to 1,000 SSE clients", latency::paced),
    row("append", "500 rows a second to 100 SSE clients, from append to byte", latency::append),
    row("memory", "what an idle client costs", memory::clients),
    row("managed", "an agent that prints 2 × 1000 rows, to 1,000 clients", managed::measure),
    row("read", "the first read of a log of 1,000,000 rows", reading::first_read),
    row("replay", "1,000,000 events to one client that has none", reading::replay),
    row("start", "from start to first answer with 1,000,000 events", reading::start),
    row("web", "API and page under wrk", web::measure),
    row("idle", "memory at rest, size of the binary", memory::idle),
    row("size", "latency and memory at many sizes", size::measure),
    team_row("team-rate", "events that come at once, to a client of a hub", team::rate),
    team_row("team-fanout", "a burst to 1,000 SSE clients of a hub", team::fanout),
    team_row("team-latency", "50 events a second to 10 SSE clients of a hub", team::latency),
    team_row("team-rebuild", "1,000,000 events to a hub without its cache", team::rebuild),
    team_row("team-memory", "a hub of 50 and 500 projects", team::projects),
];

/// What all rows share.
pub(crate) struct Bench {
    pub(crate) scratch: PathBuf,
    pub(crate) quick: bool,
    pub(crate) huge: bool,
    pub(crate) rounds: usize,
    pub(crate) figures: Vec<Figure>,
    pub(crate) left_out: Vec<String>,
    /// A project whose log has been read, by the number of its rows.
    stored: Vec<(u64, Project)>,
}

impl Bench {
    pub(crate) fn new(scratch: PathBuf, quick: bool, huge: bool, rounds: usize) -> Self {
        let (figures, left_out, stored) = (Vec::new(), Vec::new(), Vec::new());
        Self { scratch, quick, huge, rounds, figures, left_out, stored }
    }

    /// The full size, or what a quick run has in its place.
    fn sized<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    fn tell(&mut self, figure: Figure) {
        eprintln!("  {}", figure.brief());
        self.figures.push(figure);
    }

    /// Says so once, however many rows miss it.
    fn leave_out(&mut self, what: &str) {
        if !self.left_out.iter().any(|known| known == what) {
            self.left_out.push(what.to_owned());
        }
    }

    /// nginx with nchan, where both are installed.
    fn nchan(&mut self) -> Result<Option<Nginx>> {
        if peers::nchan().is_some() {
            return Ok(Some(Nginx::start(&self.scratch, true)?));
        }
        self.leave_out("nchan as a peer: nginx or its module is not installed");
        Ok(None)
    }

    fn ours(&self, project: &Project) -> Result<Ours> {
        Ours::start(&self.scratch, project)
    }

    fn project(&self, name: &str, stories: usize) -> Result<Project> {
        Project::new(&self.scratch, name, stories)
    }

    /// The project of so many stored events, made when it is first asked for.
    fn stored(&mut self, events: u64) -> Result<Project> {
        let known = self.stored.iter().find(|(count, _)| *count == events);
        if let Some((_, project)) = known {
            return Ok(Project { root: project.root.clone() });
        }
        let project = self.project(&format!("stored-{events}"), STORIES)?;
        project.write_log(events)?;
        let ours = self.ours(&project)?;
        ours.until_head(events)?;
        ours.until_quiet()?;
        drop(ours);
        let root = project.root.clone();
        self.stored.push((events, project));
        Ok(Project { root })
    }
}

/// As many stories as a usual sprint has.
const STORIES: usize = 10;

/// One of those whose clients are measured.
struct Side {
    port: u16,
    /// Whose processor time and memory counts.
    pid: u32,
    feed: Feed,
    /// What its addresses begin with.
    base: String,
}

impl Side {
    fn ours(ours: &Ours, project: &Project) -> Result<Self> {
        Ok(Self {
            port: ours.port,
            pid: ours.pid(),
            feed: Feed::log(&project.log())?,
            base: String::new(),
        })
    }

    fn nchan(nginx: &Nginx) -> Result<Self> {
        Ok(Self {
            port: nginx.port,
            pid: nginx.worker,
            feed: Feed::post(nginx.port)?,
            base: String::new(),
        })
    }

    fn connect(&self, kind: Kind, count: usize) -> Result<Clients> {
        let path = format!("{}{}", self.base, if kind == Kind::Sse { "/sse" } else { "/ws" });
        let mut clients = Clients::connect(address(self.port), kind, &path, count)?;
        clients.settle(Duration::from_millis(500))?;
        Ok(clients)
    }

    /// Feeds beside the clients that receive; each of them must get `count` events.
    fn run(
        &mut self,
        clients: &mut Clients,
        wanted: u64,
        feed: impl FnOnce(&mut Feed) -> Result<()> + Send,
    ) -> Result<Tally> {
        let since_ns = now_ns();
        let source = &mut self.feed;
        std::thread::scope(|scope| {
            let feeding = scope.spawn(move || feed(source));
            let tally = clients.receive(wanted, since_ns);
            feeding.join().map_err(|_| anyhow::anyhow!("the feed has panicked"))??;
            tally
        })
    }
}
