//! The cache folder: a database for each project, and how far the stream has been read. All of it can
//! be lost: then the stream is read again.
//!
//! ```text
//!  hub.json                 which stream, and how far it was read
//!  projects/<name>.<n>.db   a project's log; the highest number that fits counts
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::lineage::Lineage;
use super::rule::Place;
use crate::config::nats::parse_name;
use crate::store::{Log, Queries, StoreError};

const KEPT: &str = "hub.json";
const PROJECTS: &str = "projects";

/// Where a log keeps what it is.
const STORED: &str = "team/place";

/// How far the stream was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Which stream.
    pub(super) lineage: Lineage,
    /// How often all was thrown away: what is left of an earlier time does not count.
    pub(super) turn: u64,
    /// The beginning of the stream was not there any more when its reading began.
    pub(super) cut: bool,
    /// Up to this message all is committed.
    pub(super) sequence: u64,
    /// When the stream took that one, in nanoseconds since the epoch.
    pub(super) time: i64,
    /// How many projects there are: where fewer are found, the stream is read again.
    pub(super) projects: usize,
}

/// What a log says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    /// Which stream it is made of.
    pub(super) lineage: Lineage,
    /// When, counted in turns.
    pub(super) turn: u64,
    /// How far.
    pub(super) place: Place,
}

impl Stored {
    /// As it is kept beside the events.
    pub(super) fn keep(&self) -> Vec<(String, Option<Vec<u8>>)> {
        // Texts and numbers: encoding cannot fail.
        vec![(STORED.to_owned(), Some(serde_json::to_vec(self).unwrap_or_default()))]
    }

    /// What a log says of itself; none where it says nothing that is understood.
    pub(super) fn read(queries: &Queries) -> Result<Option<Self>, StoreError> {
        let kept = queries.kept(STORED)?;
        Ok(kept.first().and_then(|(_, text)| serde_json::from_slice(text).ok()))
    }
}

/// A project's log that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) log: Log,
    pub(super) queries: Queries,
    pub(super) stored: Stored,
}

/// The folder. All calls block.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    next: AtomicU64,
}

impl Cache {
    /// Makes the folder where there is none.
    pub(super) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        let projects = folder.join(PROJECTS);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&projects)
            .with_context(|| format!("cannot make the folder {}", projects.display()))?;
        Ok(Self { folder, next: AtomicU64::new(1) })
    }

    /// How far the stream was read; none where nothing says so.
    pub(super) fn kept(&self) -> Option<Kept> {
        let text = fs::read(self.folder.join(KEPT)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps how far the stream was read. Without it more is read again.
    pub(super) fn keep(&self, kept: &Kept) {
        let written = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer(&mut file, kept)?;
            file.persist(self.folder.join(KEPT))?;
            std::io::Result::Ok(())
        };
        if let Err(error) = written() {
            tracing::debug!(%error, "how far the stream was read cannot be kept");
        }
    }

    /// Opens what was found and fits to one another; what does not, and what cannot be opened, is
    /// removed.
    pub(super) fn found(&self, kept: Option<&Kept>) -> Vec<Found> {
        let mut all: BTreeMap<String, Vec<(u64, PathBuf)>> = BTreeMap::new();
        for path in self.databases() {
            let Some((name, number)) = meant(&path) else { continue };
            self.next.fetch_max(number + 1, Ordering::Relaxed);
            all.entry(name).or_default().push((number, path));
        }
        let mut found = Vec::new();
        for (name, mut paths) in all {
            paths.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
            let mut is_there = false;
            for (_, path) in paths {
                let opened = if is_there { None } else { opened(&name, &path) };
                match opened {
                    Some(one) => {
                        is_there = true;
                        found.push(one);
                    }
                    None => remove(&path),
                }
            }
        }
        // Where nothing says which stream it was, the latest of them counts.
        let latest = found.iter().max_by_key(|one| one.stored.turn);
        let meant = kept
            .map(|kept| (kept.lineage.clone(), kept.turn))
            .or_else(|| latest.map(|one| (one.stored.lineage.clone(), one.stored.turn)));
        let (fit, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| {
            meant.as_ref().is_some_and(|(lineage, turn)| {
                one.stored.lineage == *lineage && one.stored.turn == *turn
            })
        });
        for Found { path, log, queries, .. } in others {
            drop((log, queries));
            remove(&path);
        }
        fit
    }

    /// Makes an empty log of this name for a project.
    pub(super) fn begin(
        &self,
        name: &str,
        epoch: &str,
    ) -> Result<(PathBuf, Log, Queries), StoreError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(PROJECTS).join(format!("{name}.{number}.db"));
        remove(&path);
        let (mut log, queries) = Log::open(&path)?;
        log.name(epoch)?;
        Ok((path, log, queries))
    }

    fn databases(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join(PROJECTS)).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
    }
}

/// Removes a database and what SQLite puts beside it.
pub(super) fn remove(path: &Path) {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut path = path.as_os_str().to_owned();
        path.push(beside);
        // Most are not there.
        let _ = fs::remove_file(path);
    }
}

/// Whose log a file is, and which.
fn meant(path: &Path) -> Option<(String, u64)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".db")?;
    let (name, number) = stem.split_once('.')?;
    Some((parse_name(name).ok()?, number.parse().ok()?))
}

fn opened(name: &str, path: &Path) -> Option<Found> {
    let read = || -> Result<Option<Found>, StoreError> {
        let (log, queries) = Log::open(path)?;
        let Some(stored) = Stored::read(&queries)? else { return Ok(None) };
        let name = name.to_owned();
        Ok(Some(Found { name, path: path.to_owned(), log, queries, stored }))
    };
    read().unwrap_or_else(|error| {
        tracing::warn!(project = name, %error, "a log of the cache is damaged: it is read anew");
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(turn: u64) -> Stored {
        let lineage = Lineage { stream: "s".to_owned(), created: 7, generation: 0 };
        let place =
            Place { epoch: "0a1b2c3d".to_owned(), last: 1, at: 1, time: 1, superseded: Vec::new() };
        Stored { lineage, turn, place }
    }

    fn names(found: &[Found]) -> Vec<(&str, u64)> {
        found.iter().map(|one| (one.name.as_str(), one.stored.turn)).collect()
    }

    #[test]
    fn what_does_not_fit_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path().join("cache")).unwrap();
        let make = |name: &str, stored: Option<Stored>| {
            let (path, mut log, _) = cache.begin(name, "0a1b2c3d").unwrap();
            assert_eq!(log.epoch(), "0a1b2c3d");
            if let Some(stored) = stored {
                log.append(&[], &stored.keep()).unwrap();
            }
            path
        };
        make("lantern", Some(stored(2)));
        let newest = make("lantern", Some(stored(2)));
        make("lantern", None);
        make("harbour", Some(stored(1)));
        let damaged = make("damaged", Some(stored(2)));
        fs::write(&damaged, "no database").unwrap();
        let stranger = dir.path().join("cache/projects/notes.txt");
        fs::write(&stranger, "mine").unwrap();

        let found = cache.found(None);
        assert_eq!(names(&found), [("lantern", 2)]);
        assert_eq!(found[0].path, newest);
        drop(found);
        assert_eq!(cache.databases().iter().filter(|path| meant(path).is_some()).count(), 1);
        assert!(stranger.exists(), "what is not ours stays");

        let Stored { lineage, turn, .. } = stored(3);
        let kept = Kept { lineage, turn, cut: false, sequence: 9, time: 1, projects: 1 };
        cache.keep(&kept);
        assert_eq!(cache.kept(), Some(kept.clone()));
        assert!(cache.found(Some(&kept)).is_empty(), "of an earlier turn");
        fs::write(dir.path().join("cache/hub.json"), "{").unwrap();
        assert_eq!(cache.kept(), None);
    }
}
