//! The nine settings, kept in `settings.json` of the state folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::domain::settings::{Settings, SettingsError};

/// Shared by everybody who asks or changes them.
#[derive(Debug)]
pub struct SettingsStore {
    path: PathBuf,
    settings: RwLock<Settings>,
    /// One change at a time; who only reads never waits for the disk.
    changing: Mutex<()>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The change itself is wrong; the message names the key.
    #[error(transparent)]
    Wrong(#[from] SettingsError),
    /// It could not be saved.
    #[error("settings.json cannot be written: {0}")]
    Save(#[from] std::io::Error),
}

impl SettingsStore {
    /// Reads the saved settings. A file that cannot be read is kept aside, the defaults hold, and
    /// the second part says so.
    pub fn open(state_dir: &Path) -> (Self, Option<String>) {
        let path = state_dir.join("settings.json");
        let (settings, trouble) = load(&path);
        let settings = RwLock::new(settings);
        (Self { path, settings, changing: Mutex::new(()) }, trouble)
    }

    /// The saved settings as [`Self::open`] would find them; changes nothing. The second part says
    /// what is the matter with the file.
    pub fn peek(state_dir: &Path) -> (Settings, Option<String>) {
        match read(&state_dir.join("settings.json")) {
            Ok(settings) => (settings, None),
            Err(unread) => {
                let told = format!("settings.json cannot be used ({unread}); the defaults hold");
                (Settings::default(), Some(told))
            }
        }
    }

    /// The settings in force.
    pub fn get(&self) -> Settings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a change over, all of it or nothing; it is saved when this returns. Returns the
    /// settings and `{key: [old, new]}` of what differs. Blocks while it writes.
    pub fn change(&self, change: &Value) -> Result<(Settings, Map<String, Value>), ChangeError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.get();
        let settings = held.with(change)?;
        let changed = settings.changes_since(&held);
        if !changed.is_empty() {
            save(&self.path, &serde_json::to_string_pretty(&settings).unwrap_or_default())?;
            *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings.clone();
        }
        Ok((settings, changed))
    }
}

/// Why the saved settings do not hold.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("it is broken: {0}")]
    Broken(String),
}

/// The saved settings; the defaults where none were saved.
fn read(path: &Path) -> Result<Settings, Unusable> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(error) => return Err(Unusable::Unreadable(error)),
    };
    serde_json::from_slice(&text)
        .map_err(|error| error.to_string())
        .and_then(|saved: Value| {
            Settings::default().with(&saved).map_err(|error| error.to_string())
        })
        .map_err(Unusable::Broken)
}

/// The saved settings; a file that cannot be read is kept aside and told.
fn load(path: &Path) -> (Settings, Option<String>) {
    let defaults = Settings::default();
    match read(path) {
        Ok(settings) => (settings, None),
        Err(Unusable::Unreadable(error)) => {
            let message = format!("settings.json cannot be read ({error}); the defaults hold");
            (defaults, Some(message))
        }
        Err(Unusable::Broken(cause)) => {
            let aside = (1..).map(|n| path.with_file_name(format!("settings.json.corrupt-{n}")));
            let aside = aside.into_iter().find(|aside| !aside.exists());
            let kept = aside.and_then(|aside| fs::rename(path, &aside).ok().map(|()| aside));
            let name = kept.as_ref().and_then(|kept| kept.file_name()).map_or_else(
                || "it was left where it is".to_owned(),
                |name| format!("it is kept as {}", name.to_string_lossy()),
            );
            (
                defaults,
                Some(format!("settings.json is broken ({cause}); {name}, the defaults hold")),
            )
        }
    }
}

/// By a temporary file and a rename, synced: a power cut leaves the old or the new one.
fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_and_broken_ones_are_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.json");
        assert_eq!(load(&path), (Settings::default(), None));
        let changed = Settings { server_port: 81, ..Settings::default() };
        save(&path, &serde_json::to_string(&changed).unwrap()).unwrap();
        assert_eq!(load(&path), (changed, None));
        fs::write(&path, "{\"server_port\": \"x").unwrap();
        let (settings, trouble) = load(&path);
        assert_eq!(settings, Settings::default());
        assert!(trouble.unwrap().contains("settings.json.corrupt-1"));
        assert!(dir.path().join("settings.json.corrupt-1").exists() && !path.exists());
    }
}
