//! Appends a line to a log that many write at once.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

/// A file replaced more often than this while we wait for its lock is not worth waiting for.
const TRIES: u32 = 100;

/// Appends `line` (without its newline) as one whole line. Under a lock on the file, with one write
/// at its end: rows of others, locking or not, are neither cut nor overwritten. A last line that
/// lacks its newline gets it first. Makes the file, and its folder, where there is none.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    for _ in 0..TRIES {
        let mut file = open(path)?;
        file.lock()?;
        // Rotated or replaced while we waited: the row belongs in the new file.
        if is_still(&file, path)? {
            return append(&mut file, line);
        }
    }
    Err(Error::other("the file is being replaced all the time"))
}

fn open(path: &Path) -> Result<File> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

fn append(file: &mut File, text: &str) -> Result<()> {
    let length = file.metadata()?.len();
    let mut line = String::with_capacity(text.len() + 2);
    if !ends_with_newline(file, length)? {
        line.push('\n');
    }
    line.push_str(text);
    line.push('\n');
    let written = file.write(line.as_bytes())?;
    if written == line.len() {
        return Ok(());
    }
    // The disk is full: take our part back, unless somebody wrote behind it.
    if file.metadata()?.len() == length + written as u64 {
        file.set_len(length)?;
    }
    Err(Error::new(ErrorKind::StorageFull, "only a part of the row could be written"))
}

#[cfg(unix)]
fn ends_with_newline(file: &File, length: u64) -> Result<bool> {
    let Some(last) = length.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    std::os::unix::fs::FileExt::read_exact_at(file, &mut byte, last)?;
    Ok(byte == *b"\n")
}

#[cfg(not(unix))]
fn ends_with_newline(mut file: &File, length: u64) -> Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    let Some(last) = length.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(now) => Ok((now.dev(), now.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_newline_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/log.csv");
        append_line(&path, "a").unwrap();
        std::fs::write(&path, "a\nhalf").unwrap();
        append_line(&path, "b").unwrap();
        append_line(&path, "c").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nhalf\nb\nc\n");
    }

    #[test]
    fn many_writers_leave_whole_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::thread::scope(|scope| {
            for writer in 0..20 {
                let path = &path;
                scope.spawn(move || {
                    for row in 0..20 {
                        append_line(path, &format!("{writer},{row},{}", "x".repeat(300))).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        let mut rows: Vec<&str> = text.lines().collect();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 400);
        assert!(rows.iter().all(|row| row.ends_with(&"x".repeat(300))));
    }

    #[test]
    fn only_regular_files_are_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(append_line(folder.path(), "x").is_err());
    }
}
