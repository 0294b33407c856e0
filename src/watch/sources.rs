//! All sources of one project, scanned in their order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Options;
use super::csv_log::{CsvRows, Keys};
use super::file::FileId;
use super::md_log::MdRows;
use super::sink::Sink;
use super::status::StatusSource;
use super::tail::pump::Trouble;
use super::tail::{Now, Rows, Scanned, Tail};
use crate::domain::attribution;
use crate::domain::event::Source;
use crate::hub::{Publication, PublishError};
use crate::project::board::Board;
use crate::project::layout::Layout;

/// An observed batch is ended by silence only when no row has come for this long: rows that are
/// still being read may belong to it.
const QUIET: Duration = Duration::from_secs(2);

/// The sources and what they are shared with.
pub(crate) struct Sources<S> {
    sink: S,
    board: Arc<Board>,
    root: PathBuf,
    options: Options,
    begun: Instant,
    layout: Arc<Layout>,
    keys: Keys,
    status: StatusSource,
    csv: Vec<Tail<CsvRows>>,
    md: Vec<Tail<MdRows>>,
    last_row: Option<Instant>,
}

impl<S: Sink> Sources<S> {
    pub(crate) fn new(sink: S, board: Arc<Board>, root: PathBuf, options: Options) -> Self {
        let layout = Arc::new(Layout::discover(&root, &options.named));
        let keys = Keys::default();
        let name = layout.display_name(&layout.status_file);
        let status = StatusSource::new(layout.status_file.clone(), name, keys.clone());
        let mut sources = Self {
            sink,
            board,
            root,
            options,
            begun: Instant::now(),
            layout: Arc::clone(&layout),
            keys,
            status,
            csv: Vec::new(),
            md: Vec::new(),
            last_row: None,
        };
        sources.take(layout);
        sources
    }

    /// Every path that is read, or would be if it were there.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let mut paths = self.layout.status_candidates();
        paths.push(self.status.path().to_owned());
        paths.extend(self.layout.csv_logs.iter().cloned());
        paths.extend(self.layout.orchestrator_logs.iter().cloned());
        paths
    }

    /// Finds the files' places anew.
    pub(crate) fn find(&mut self) {
        let layout = Layout::discover(&self.root, &self.options.named);
        if layout == *self.layout {
            return;
        }
        // Some writers delete a file and make it anew: no reason to take an older one meanwhile.
        let old = &self.layout.status_file;
        if layout.status_file != *old && !old.exists() && !self.status.is_known_missing() {
            return;
        }
        self.take(Arc::new(layout));
    }

    fn take(&mut self, layout: Arc<Layout>) {
        if self.status.path() != layout.status_file {
            let name = layout.display_name(&layout.status_file);
            self.status.move_to(layout.status_file.clone(), name);
        }
        let keys = &self.keys;
        retake(&mut self.csv, &layout.csv_logs, &layout, Source::Csv, || {
            CsvRows::new(keys.clone())
        });
        retake(&mut self.md, &layout.orchestrator_logs, &layout, Source::Md, || {
            MdRows::new(keys.clone())
        });
        self.board.set_layout((*layout).clone());
        self.layout = layout;
    }

    fn now(&self) -> Now {
        Now {
            wall_ms: jiff::Timestamp::now().as_millisecond(),
            mono_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Looks at every file. Returns when to look again, where that is sooner than the poll.
    pub(crate) fn scan(&mut self) -> Result<Option<Duration>, PublishError> {
        let now = self.now();
        let layout = Arc::clone(&self.layout);
        let allowed = |path: &Path| layout.allows(path);
        let mut again = {
            let _gate = self.board.status_gate();
            self.status.scan(&self.sink, &self.board, &allowed, now)?
        };
        // Two names of one file are read once.
        let mut files = HashSet::new();
        let mut lines = 0;
        let mut each = |scanned: Scanned| {
            lines += scanned.lines;
            again = again.into_iter().chain(scanned.again_ms).min();
        };
        scan_each(&mut self.csv, &self.sink, &allowed, &mut files, now, &mut each)?;
        scan_each(&mut self.md, &self.sink, &allowed, &mut files, now, &mut each)?;
        if lines > 0 {
            self.last_row = Some(Instant::now());
        } else if self.last_row.is_none_or(|at| at.elapsed() > QUIET) {
            self.end_silent_batch(now.wall_ms)?;
        }
        Ok(again.map(Duration::from_millis))
    }

    fn end_silent_batch(&self, now_ms: i64) -> Result<(), PublishError> {
        let rules = self.options.rules;
        if attribution::due(&self.sink.state(), now_ms, rules).is_empty() {
            return Ok(());
        }
        self.sink
            .publish(Publication::from_state(move |state| attribution::due(state, now_ms, rules)))
    }
}

/// Keeps the tails whose paths remain, begins those that are new.
fn retake<R: Rows>(
    tails: &mut Vec<Tail<R>>,
    paths: &[PathBuf],
    layout: &Layout,
    source: Source,
    fresh: impl Fn() -> R,
) {
    let mut old = std::mem::take(tails);
    for path in paths {
        let tail = match old.iter().position(|tail| tail.path() == path) {
            Some(index) => old.swap_remove(index),
            None => Tail::new(path.clone(), layout.display_name(path), source, fresh()),
        };
        tails.push(tail);
    }
}

fn scan_each<R: Rows>(
    tails: &mut [Tail<R>],
    sink: &dyn Sink,
    allowed: &dyn Fn(&Path) -> bool,
    files: &mut HashSet<FileId>,
    now: Now,
    each: &mut dyn FnMut(Scanned),
) -> Result<(), PublishError> {
    // Where none is to be found, the first place is the one to tell about.
    let none = !tails.iter().any(|tail| tail.path().exists());
    for (index, tail) in tails.iter_mut().enumerate() {
        if let Some(id) = FileId::at(tail.path())
            && !files.insert(id)
        {
            continue;
        }
        match tail.scan(sink, allowed, none && index == 0, now) {
            Ok(scanned) => each(scanned),
            Err(Trouble::Publish(error)) => return Err(error),
            // A scan tells reading errors itself.
            Err(Trouble::Read(error)) => tracing::debug!(%error, "cannot read a log"),
        }
    }
    Ok(())
}
