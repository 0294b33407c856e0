//! What the projects of one server are called in its addresses: `/p/<name>/`.
//!
//! A name comes from the folder's own name, so that it is the same at every start. Where several
//! folders are called the same, each takes the name of the folder above it along, and the one above
//! that, until they differ. All of it is decided by the paths alone: nothing is read.

use std::collections::BTreeMap;
use std::path::Path;

/// Names that mean something else in addresses, or may come to.
const RESERVED: &[&str] = &["api", "healthz", "metrics", "p", "sse", "ws"];

/// A longer name is no name.
const LONGEST: usize = 64;

/// Above this many folders no further one is taken along.
const DEEPEST: usize = 8;

/// Whether somebody may choose this name; the error is the sentence that says why not.
pub fn check(name: &str) -> Result<(), String> {
    let plain =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !begins || !name.chars().all(plain) || name.len() > LONGEST {
        return Err(format!(
            "{name:?} cannot be a project's name: at most {LONGEST} of a-z, 0-9, -, _ and ., and \
             first a letter or a digit"
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!(
            "{name:?} cannot be a project's name: the server has other uses for it"
        ));
    }
    Ok(())
}

/// A name for each folder: the one that was chosen, else one made of its path. Two that are chosen
/// alike are an error; what is made gives way to what is chosen.
pub fn assign(folders: &[(Option<String>, &Path)]) -> Result<Vec<String>, String> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for (at, (chosen, _)) in folders.iter().enumerate() {
        let Some(name) = chosen else { continue };
        check(name)?;
        if taken.insert(name.clone(), at).is_some() {
            return Err(format!("two projects are named {name:?}"));
        }
    }
    let mut names: Vec<Option<String>> = folders.iter().map(|(chosen, _)| chosen.clone()).collect();
    // All that are called alike go one deeper together: none of them is the first.
    for depth in 1..=DEEPEST {
        let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, (_, folder)) in folders.iter().enumerate() {
            if names[at].is_none() {
                alike.entry(made(folder, depth)).or_default().push(at);
            }
        }
        for (name, places) in alike {
            if let [one] = places[..]
                && !taken.contains_key(&name)
            {
                taken.insert(name.clone(), one);
                names[one] = Some(name);
            }
        }
    }
    // Their paths differ only in what an address cannot hold: they are counted, in their order.
    for (at, (_, folder)) in folders.iter().enumerate() {
        if names[at].is_none() {
            let base = made(folder, 1);
            let free = (2_usize..).map(|n| format!("{base}-{n}"));
            let name = [base.clone()].into_iter().chain(free).find(|it| !taken.contains_key(it));
            let name = name.unwrap_or(base);
            taken.insert(name.clone(), at);
            names[at] = Some(name);
        }
    }
    Ok(names.into_iter().flatten().collect())
}

/// The last `depth` parts of a path as one name.
fn made(folder: &Path, depth: usize) -> String {
    let parts: Vec<_> = folder.iter().filter(|part| *part != "/").collect();
    let from = parts.len().saturating_sub(depth);
    let text: Vec<String> =
        parts[from..].iter().map(|part| part.to_string_lossy().to_lowercase()).collect();
    let name = slug(&text.join("-"));
    if RESERVED.contains(&name.as_str()) { format!("{name}-project") } else { name }
}

/// Letters and digits as they are, one dash for everything else.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_lowercase()
            || c.is_ascii_digit()
            || (matches!(c, '_' | '.') && !out.is_empty())
        {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() == LONGEST {
            break;
        }
    }
    let out = out.trim_end_matches(['-', '.', '_']);
    let out = out.trim_start_matches(['.', '_', '-']);
    if out.is_empty() { "project".to_owned() } else { out.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(folders: &[&str]) -> Vec<String> {
        let folders: Vec<_> = folders.iter().map(|folder| (None, Path::new(*folder))).collect();
        assign(&folders).unwrap()
    }

    #[test]
    fn a_folder_gives_its_name() {
        for (folder, name) in [
            ("/srv/lantern", "lantern"),
            ("/srv/My Project", "my-project"),
            ("/srv/.hidden", "hidden"),
            ("/srv/lantern@2.0", "lantern-2.0"),
            ("/srv/größe", "gr-e"),
            ("/srv/灯", "project"),
            ("/srv/..x", "x"),
            ("/srv/a%2fb", "a-2fb"),
            ("/srv/api", "api-project"),
            ("/", "project"),
        ] {
            assert_eq!(named(&[folder]), [name], "{folder}");
        }
    }

    #[test]
    fn worktrees_side_by_side_keep_their_folders_names() {
        assert_eq!(named(&["/w/lantern", "/w/lantern-search"]), ["lantern", "lantern-search"]);
    }

    #[test]
    fn folders_called_alike_take_the_one_above_along() {
        assert_eq!(named(&["/one/app", "/two/app"]), ["one-app", "two-app"]);
        assert_eq!(named(&["/a/x/app", "/b/x/app", "/b/y"]), ["a-x-app", "b-x-app", "y"]);
        // In another order each has the same name: an address that was kept leads to the same.
        assert_eq!(named(&["/two/app", "/one/app"]), ["two-app", "one-app"]);
    }

    #[test]
    fn what_an_address_cannot_tell_apart_is_counted() {
        assert_eq!(named(&["/w/a b", "/w/a+b", "/w/A-b"]), ["a-b", "a-b-2", "a-b-3"]);
    }

    #[test]
    fn chosen_names_come_first() {
        let two = [(None, Path::new("/one/app")), (Some("app".to_owned()), Path::new("/two/x"))];
        assert_eq!(assign(&two).unwrap(), ["one-app", "app"]);
        let twice = [two[1].clone(), (Some("app".to_owned()), Path::new("/three"))];
        assert!(assign(&twice).unwrap_err().contains("two projects are named \"app\""));
        for wrong in ["", "A", "a/b", "..", ".a", "-a", "a b", "api", "p", "ü", "a%2f"] {
            let folder = [(Some(wrong.to_owned()), Path::new("/x"))];
            assert!(assign(&folder).is_err(), "{wrong:?}");
        }
        assert!(check(&"a".repeat(64)).is_ok() && check(&"a".repeat(65)).is_err());
    }

    proptest! {
        #[test]
        fn names_are_plain_and_differ(folders in proptest::collection::vec("(/[a-cA. %ü-]{0,3}){1,4}", 1..12)) {
            let given: Vec<_> = folders.iter().map(|folder| (None, Path::new(folder))).collect();
            let names = assign(&given).unwrap();
            prop_assert_eq!(names.len(), folders.len());
            for (at, name) in names.iter().enumerate() {
                prop_assert!(check(name).is_ok(), "{}", name);
                prop_assert!(!names[..at].contains(name), "{} twice", name);
            }
        }
    }
}
