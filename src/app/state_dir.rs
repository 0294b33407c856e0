//! The state folder: database, settings, lock; in the project, or where the user may write.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::config::Config;

/// The state folder's name in a project.
pub const NAME: &str = ".sprint-runner";

/// The state folder, existing and writable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    /// Where it is.
    pub path: PathBuf,
    /// True when the project could not be written and the user's own state folder is used.
    pub elsewhere: bool,
}

impl StateDir {
    /// Makes the folder (0700, with a `.gitignore` that hides it) or takes the one that is there.
    pub fn prepare(root: &Path, config: &Config) -> anyhow::Result<Self> {
        if let Some(path) = &config.state {
            make(path)
                .with_context(|| format!("cannot use the state folder {}", path.display()))?;
            return Ok(Self { path: path.clone(), elsewhere: false });
        }
        let inside = root.join(NAME);
        match make(&inside) {
            Ok(()) => Ok(Self { path: inside, elsewhere: false }),
            Err(error) if is_denied(&error) => {
                let Some(path) = fallback(root) else {
                    bail!(
                        "the project cannot be written ({error}), and neither XDG_STATE_HOME nor \
                         HOME says where else to keep the database; use --state DIR"
                    );
                };
                make(&path).with_context(|| {
                    format!(
                        "cannot use {}: the project cannot be written, nor can {}",
                        inside.display(),
                        path.display()
                    )
                })?;
                Ok(Self { path, elsewhere: true })
            }
            Err(error) => Err(error).with_context(|| format!("cannot make {}", inside.display())),
        }
    }

    /// Where a server of this project may keep its state, likeliest first. Touches nothing.
    pub fn candidates(root: &Path, config: &Config) -> Vec<PathBuf> {
        match &config.state {
            Some(path) => vec![path.clone()],
            None => [Some(root.join(NAME)), fallback(root)].into_iter().flatten().collect(),
        }
    }

    /// The database: in the folder, unless the user named another file.
    pub fn database(folder: &Path, config: &Config) -> PathBuf {
        config.db.clone().unwrap_or_else(|| folder.join("sprint-runner.db"))
    }
}

/// `$XDG_STATE_HOME/sprint-runner/<hash of the project's path>/`
fn fallback(root: &Path) -> Option<PathBuf> {
    let home = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        // The specification has relative paths ignored.
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))?;
    let hash = xxhash_rust::xxh3::xxh3_64(root.as_os_str().as_encoded_bytes());
    Some(home.join("sprint-runner").join(format!("{hash:016x}")))
}

/// Makes the folder and proves by writing that it can be written.
fn make(path: &Path) -> std::io::Result<()> {
    if !path.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n")?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    tempfile::tempfile_in(path).map(drop)
}

fn is_denied(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layer;

    #[test]
    fn a_new_folder_is_private_and_hidden_from_git() {
        let project = tempfile::tempdir().unwrap();
        let config = Config::from(Layer::default());
        let state = StateDir::prepare(project.path(), &config).unwrap();
        assert_eq!(state.path, project.path().join(NAME));
        assert!(!state.elsewhere);
        assert_eq!(std::fs::read_to_string(state.path.join(".gitignore")).unwrap(), "*\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&state.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        assert_eq!(StateDir::prepare(project.path(), &config).unwrap(), state);
    }

    #[test]
    fn a_named_folder_is_used_and_the_only_candidate() {
        let place = tempfile::tempdir().unwrap();
        let state = place.path().join("deep/state");
        let config = Config::from(Layer { state: Some(state.clone()), ..Layer::default() });
        assert_eq!(StateDir::prepare(place.path(), &config).unwrap().path, state);
        assert_eq!(StateDir::candidates(place.path(), &config), [state]);
    }

    #[test]
    fn the_database_can_lie_elsewhere() {
        let config = Config::from(Layer::default());
        assert_eq!(StateDir::database(Path::new("/s"), &config), Path::new("/s/sprint-runner.db"));
        let config = Config::from(Layer { db: Some("/x/y.db".into()), ..Layer::default() });
        assert_eq!(StateDir::database(Path::new("/s"), &config), Path::new("/x/y.db"));
    }
}
