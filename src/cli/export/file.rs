//! A file that is there whole or not at all, also when the writing is interrupted.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

use crate::app::signals::Signals;

/// The exit code after Ctrl-C, as shells say it.
const INTERRUPTED: i32 = 130;

/// Makes the file beside its place and then puts it there: nobody sees half of it.
pub(super) fn write(
    path: &Path,
    replace: bool,
    content: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let exists = || format!("{} is there already; --force replaces it", path.display());
    if path.is_dir() {
        bail!("{} is a folder", path.display());
    }
    if !replace && path.symlink_metadata().is_ok() {
        bail!(exists());
    }
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sprint-runner-export-");
    // What is made to be handed on is as readable as any file of this user.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let unfinished = Unfinished::watch()?;
    let make = || builder.tempfile_in(folder.unwrap_or(Path::new(".")));
    let mut file = unfinished.make(make).with_context(failed)?;
    let mut out = BufWriter::with_capacity(64 * 1024, file.as_file_mut());
    content(&mut out).with_context(failed)?;
    out.flush().with_context(failed)?;
    drop(out);
    file.as_file().sync_all().with_context(failed)?;
    if replace {
        file.persist(path).with_context(failed)?;
    } else {
        // Somebody may have made it meanwhile.
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => anyhow::anyhow!(exists()),
            _ => anyhow::Error::from(error).context(failed()),
        })?;
    }
    Ok(())
}

/// Removes the temporary file when the program is told to end before it is done.
struct Unfinished {
    path: Arc<Mutex<Option<PathBuf>>>,
}

impl Unfinished {
    fn watch() -> anyhow::Result<Self> {
        let path = Arc::new(Mutex::new(None));
        let watched = Arc::clone(&path);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::listen().context("cannot listen for signals")?
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(signals.recv());
            // Held to the end: no file is made behind our back.
            let path = watched.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(path) = &*path {
                // What was put into its place meanwhile is not there any more, and is to stay.
                let _ = std::fs::remove_file(path);
            }
            std::process::exit(INTERRUPTED);
        })?;
        Ok(Self { path })
    }

    /// No signal comes between the making of the file and its being known.
    fn make(
        &self,
        make: impl FnOnce() -> std::io::Result<NamedTempFile>,
    ) -> std::io::Result<NamedTempFile> {
        let mut path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let file = make()?;
        *path = Some(file.path().to_owned());
        Ok(file)
    }
}
