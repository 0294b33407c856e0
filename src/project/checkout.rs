//! Which branch of its repository a folder has checked out: what tells worktrees apart.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What git writes here is far shorter.
const LONGEST: u64 = 4096;

/// The branch, or the beginning of the commit where none is checked out; `None` outside a
/// repository. Reads two small files at most, never runs a program.
pub fn branch(root: &Path) -> Option<String> {
    let git = root.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let head = small(&folder_of(&git)?.join("HEAD"))?;
    let head = head.trim();
    let name = match head.strip_prefix("ref: refs/heads/") {
        Some(branch) => branch,
        None if head.bytes().all(|byte| byte.is_ascii_hexdigit()) => head.get(..8)?,
        None => return None,
    };
    let plain = !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control);
    plain.then(|| name.to_owned())
}

/// In a worktree `.git` is a file that says where its own part of the repository lies.
fn folder_of(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let place = small(git)?;
    let place = place.trim().strip_prefix("gitdir: ")?;
    // An absolute place stays as it is.
    Some(git.parent()?.join(place))
}

/// A small plain file: a pipe in its place is not waited for.
fn small(path: &Path) -> Option<String> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn branch_of_a_repository_a_worktree_and_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        fs::create_dir_all(main.join(".git/worktrees/side")).unwrap();
        fs::write(main.join(".git/HEAD"), "ref: refs/heads/trunk\n").unwrap();
        fs::create_dir_all(main.join("deep/inside")).unwrap();
        assert_eq!(branch(&main).as_deref(), Some("trunk"));
        assert_eq!(branch(&main.join("deep/inside")).as_deref(), Some("trunk"));
        let side = dir.path().join("side");
        fs::create_dir(&side).unwrap();
        fs::write(side.join(".git"), "gitdir: ../main/.git/worktrees/side\n").unwrap();
        assert_eq!(branch(&side), None);
        let head = main.join(".git/worktrees/side/HEAD");
        fs::write(&head, "ref: refs/heads/feature/search\n").unwrap();
        assert_eq!(branch(&side).as_deref(), Some("feature/search"));
        fs::write(&head, "0123456789abcdef0123456789abcdef01234567\n").unwrap();
        assert_eq!(branch(&side).as_deref(), Some("01234567"));
        fs::write(&head, "something else\n").unwrap();
        assert_eq!(branch(&side), None);
    }
}
