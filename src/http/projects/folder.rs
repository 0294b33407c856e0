//! A project's folder, as it was last seen.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::project::checkout;

/// The folder is looked at this often at most, and an answer waits this long for it: a network
/// mount that hangs must not hold up what is said of the others.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_WAIT: Duration = Duration::from_millis(250);

/// The folder, and what is known of it.
#[derive(Debug)]
pub(super) struct Folder {
    /// None where it is on another machine.
    path: Option<PathBuf>,
    /// None where nothing runs: then nothing can be gone.
    database: Option<PathBuf>,
    looked: Mutex<Looked>,
    looking: AtomicBool,
}

/// What was last seen of the folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked {
    at: Option<Instant>,
    /// What its repository has checked out.
    pub(super) branch: Option<String>,
    /// What is not there any more, in a sentence.
    pub(super) gone: Option<&'static str>,
}

impl Folder {
    /// Nothing is looked at yet.
    pub(super) fn new(path: &Path, database: Option<&Path>) -> Self {
        Self {
            path: Some(path.to_owned()),
            database: database.map(Path::to_owned),
            looked: Mutex::default(),
            looking: AtomicBool::new(false),
        }
    }

    /// On another machine: there is nothing to look at.
    pub(super) fn elsewhere() -> Self {
        Self {
            path: None,
            database: None,
            looked: Mutex::default(),
            looking: AtomicBool::new(false),
        }
    }

    /// What was last seen.
    pub(super) fn looked(&self) -> Looked {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at it, unless that was done just now or is being done.
    pub(super) async fn look(self: &Arc<Self>) {
        let Some(path) = self.path.clone() else { return };
        let is_fresh = self.looked().at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        if is_fresh || self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let folder = Arc::clone(self);
        let look = tokio::task::spawn_blocking(move || {
            let looked = Looked {
                at: Some(Instant::now()),
                branch: checkout::branch(&path),
                gone: folder.missing(&path),
            };
            *folder.looked.lock().unwrap_or_else(PoisonError::into_inner) = looked;
            folder.looking.store(false, Ordering::Release);
        });
        // One that takes longer is seen by whoever asks next.
        let _ = timeout(LOOK_WAIT, look).await;
    }

    fn missing(&self, path: &Path) -> Option<&'static str> {
        let database = self.database.as_ref()?;
        if !path.is_dir() {
            Some("its folder is gone: put it back, or start the server without it")
        } else if !database.is_file() {
            Some("its database was taken away: what happens now is lost with the server's end")
        } else {
            None
        }
    }

    /// As people know it: what lies at home begins with `~`; empty for what is on another machine.
    pub(super) fn shown(&self) -> String {
        let Some(path) = &self.path else { return String::new() };
        let home = std::env::home_dir().filter(|home| home.parent().is_some());
        match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
            Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }
}
