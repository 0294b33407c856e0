//! Finding the program to start, and saying what is wrong with it in words for people.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::SpawnError;

/// Where the program lies, without starting it: a bare name is looked up in our `PATH`, a path
/// with a slash counts from `folder`.
pub fn find_program(program: &OsStr, folder: &Path) -> Result<PathBuf, SpawnError> {
    find_in(program, folder, std::env::var_os("PATH").as_deref())
}

fn find_in(program: &OsStr, folder: &Path, path: Option<&OsStr>) -> Result<PathBuf, SpawnError> {
    let name = program.to_string_lossy();
    if program.is_empty() {
        return Err(SpawnError::Missing(
            "no program is named: give the name or the path of the agent's program".to_owned(),
        ));
    }
    if program.as_encoded_bytes().contains(&b'/') {
        // Absolute, since the child's folder is another than ours.
        let whole = std::path::absolute(folder.join(program))?;
        return match fault(&whole) {
            None => Ok(whole),
            Some(Fault::Missing) => Err(SpawnError::Missing(format!(
                "there is no program at {}: install it there, or correct the path",
                whole.display()
            ))),
            Some(fault) => Err(not_executable(&whole, &fault)),
        };
    }
    let mut first_fault = None;
    let mut folders = 0;
    for place in path.map(std::env::split_paths).into_iter().flatten() {
        // An empty entry means the current folder to a shell, which is nobody's wish here.
        if place.as_os_str().is_empty() {
            continue;
        }
        folders += 1;
        let whole = std::path::absolute(place.join(program))?;
        match fault(&whole) {
            None => return Ok(whole),
            Some(Fault::Missing) => {}
            Some(fault) => {
                first_fault.get_or_insert((whole, fault));
            }
        }
    }
    Err(match first_fault {
        Some((whole, fault)) => not_executable(&whole, &fault),
        None => SpawnError::Missing(format!(
            "the program `{name}` is in none of the {folders} folders of PATH: install it, add its \
             folder to PATH, or give its full path"
        )),
    })
}

enum Fault {
    Missing,
    Folder,
    NoFile,
    Forbidden,
}

fn fault(path: &Path) -> Option<Fault> {
    let Ok(metadata) = path.metadata() else { return Some(Fault::Missing) };
    if metadata.is_dir() {
        return Some(Fault::Folder);
    }
    if !metadata.is_file() {
        return Some(Fault::NoFile);
    }
    access(path, Access::EXEC_OK).is_err().then_some(Fault::Forbidden)
}

fn not_executable(path: &Path, fault: &Fault) -> SpawnError {
    let path = path.display();
    SpawnError::NotExecutable(match fault {
        Fault::Folder => format!("{path} is a folder: name the program inside it"),
        Fault::Missing | Fault::NoFile => format!("{path} is no program: name another"),
        Fault::Forbidden => {
            format!("{path} may not be executed: allow it with `chmod +x`, or name another program")
        }
    })
}

/// What a failed start of a program that was found means.
pub(super) fn explain(error: &io::Error, program: &Path, folder: &Path) -> SpawnError {
    let path = program.display();
    if !folder.is_dir() {
        let text = format!("the folder {} to run {path} in is not there", folder.display());
        return SpawnError::Other(io::Error::new(error.kind(), text));
    }
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) => SpawnError::NotExecutable(format!(
            "{path} cannot be run: the interpreter that its first line names, or its loader, is not \
             there; install it, or correct the line"
        )),
        Some(rustix::io::Errno::NOEXEC) => SpawnError::NotExecutable(format!(
            "{path} is nothing the system can run: a script needs a first line such as `#!/bin/sh`"
        )),
        Some(rustix::io::Errno::ACCESS) => SpawnError::NotExecutable(format!(
            "{path} may not be executed: look at its permissions, those of {}, and whether its file \
             system is mounted `noexec`",
            folder.display()
        )),
        _ => SpawnError::Other(io::Error::new(
            error.kind(),
            format!("{path} could not be started: {error}"),
        )),
    }
}
