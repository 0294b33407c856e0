//! `backup`: a whole copy of the database, also while a server writes it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use crate::app::state_dir::StateDir;
use crate::config::Layer;
use crate::store;

use super::clock::now_ms;
use super::place::{Found, Place};
use super::terminal::line;

/// The flags of `backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the copy here; never over a file [default: backups/sprint-runner-TIME.db in the
    /// state folder]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs the command; prints where the copy lies.
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let Some((folder, database)) = database(&found) else {
        bail!("nothing was recorded yet, so there is nothing to back up");
    };
    let target = match &args.file {
        Some(file) => file.clone(),
        None => in_state_folder(&folder)?,
    };
    if target.is_dir() {
        bail!("{} is a folder: name a file in it", target.display());
    }
    if target.symlink_metadata().is_ok() {
        bail!("{} is there already; name another file", target.display());
    }
    store::backup(&database, &target)
        .with_context(|| format!("cannot back {} up", database.display()))?;
    line(&format!("{}", target.display()))?;
    Ok(0)
}

/// The state folder that holds a database, and the database.
fn database(found: &Found) -> Option<(PathBuf, PathBuf)> {
    found.state_folders().into_iter().find_map(|folder| {
        let path = StateDir::database(&folder, &found.config);
        path.is_file().then_some((folder, path))
    })
}

fn in_state_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let folder = folder.join("backups");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.join(format!("sprint-runner-{}.db", stamp(now_ms()))))
}

/// UTC, to the millisecond: two in one second are two files.
fn stamp(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{}-{:03}Z", at.strftime("%Y%m%dT%H%M%S"), ms.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::stamp;

    #[test]
    fn the_name_tells_the_time_and_sorts_by_it() {
        assert_eq!(stamp(0), "19700101T000000-000Z");
        assert_eq!(stamp(1_700_000_000_042), "20231114T221320-042Z");
    }
}
