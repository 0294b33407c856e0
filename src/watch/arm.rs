//! File events as wake-ups: the folders of the sources, watched for as long as they are what they
//! were.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::file::FileId;

type Names = Arc<RwLock<HashSet<OsString>>>;

/// The watched folders. Without file events (limits, network mounts) the poll alone goes on.
pub(crate) struct Armed {
    watcher: Option<RecommendedWatcher>,
    /// Each folder with its identity when it was armed.
    folders: HashMap<PathBuf, Option<FileId>>,
    /// Events for other names than those on the way to a source wake nobody.
    names: Names,
    told: bool,
}

impl Armed {
    /// Arms nothing yet. Wake-ups are a flag: a full channel means that one is waiting already.
    pub(crate) fn new(wake: SyncSender<()>) -> Self {
        let names = Names::default();
        let heard = Arc::clone(&names);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let matters = match &event {
                Ok(event) => matters(event, &heard),
                // Something was lost: look at everything.
                Err(_) => true,
            };
            if matters {
                let _ = wake.try_send(());
            }
        });
        let mut armed = Self { watcher: None, folders: HashMap::new(), names, told: false };
        match watcher {
            Ok(watcher) => armed.watcher = Some(watcher),
            Err(error) => armed.tell(&error),
        }
        armed
    }

    /// Watches the folder of each source and that folder's parent, or the nearest that exist; arms
    /// anew what is no longer the folder it was.
    pub(crate) fn arm(&mut self, sources: &[PathBuf]) {
        if self.watcher.is_none() {
            return;
        }
        let mut wanted = BTreeSet::new();
        let mut names = HashSet::new();
        for source in sources {
            names.extend(source.iter().map(OsString::from));
            let folders = source.ancestors().skip(1).skip_while(|folder| !folder.is_dir());
            wanted.extend(folders.take(2).map(Path::to_owned));
        }
        if *self.names.read().unwrap_or_else(PoisonError::into_inner) != names {
            *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        }
        let gone: Vec<PathBuf> =
            self.folders.keys().filter(|folder| !wanted.contains(*folder)).cloned().collect();
        for folder in gone {
            self.disarm(&folder);
        }
        for folder in wanted {
            let id = FileId::at(&folder);
            if self.folders.get(&folder) == Some(&id) {
                continue;
            }
            self.disarm(&folder);
            let Some(watcher) = &mut self.watcher else { return };
            let armed = watcher.watch(&folder, RecursiveMode::NonRecursive);
            // Remembered also when it failed: tried again when the folder is another one.
            self.folders.insert(folder, id);
            if let Err(error) = armed {
                self.tell(&error);
            }
        }
    }

    fn disarm(&mut self, folder: &Path) {
        if self.folders.remove(folder).is_some()
            && let Some(watcher) = &mut self.watcher
        {
            // A folder that is gone has taken its watch with it.
            let _ = watcher.unwatch(folder);
        }
    }

    fn tell(&mut self, error: &notify::Error) {
        if !self.told {
            self.told = true;
            tracing::warn!(%error, "file events are not available; the poll goes on alone");
        }
    }
}

impl std::fmt::Debug for Armed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Armed").field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// Reading makes events as well; only those of others count.
fn matters(event: &Event, names: &Names) -> bool {
    if event.need_rescan() {
        return true;
    }
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    let names = names.read().unwrap_or_else(PoisonError::into_inner);
    event.paths.is_empty()
        || event.paths.iter().any(|path| path.file_name().is_some_and(|name| names.contains(name)))
}
