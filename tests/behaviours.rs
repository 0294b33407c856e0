//! Every behaviour that must hold has a number, 1 to 45, and a test whose name begins with it:
//! `b07_…` here, `b07 …` or `behaviour 7` among those in the browser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, end: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the tree").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("node_modules") {
            files(&path, end, into);
        } else if path.to_string_lossy().ends_with(end) {
            into.push(path);
        }
    }
}

/// The numbers that names like `fn b07_` and `test("b07 ` carry.
fn numbers(text: &str) -> impl Iterator<Item = u8> + '_ {
    ["fn b", "test(\"b"].into_iter().flat_map(move |start| {
        text.split(start).skip(1).filter_map(|rest| {
            let (digits, after) = rest.split_at_checked(2)?;
            after.starts_with(['_', ' ']).then(|| digits.parse().ok()).flatten()
        })
    })
}

#[test]
fn each_behaviour_has_a_test_of_its_number() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("tests"), ".rs", &mut all);
    files(&root.join("src"), ".rs", &mut all);
    files(&root.join("tests/browser"), ".test.mjs", &mut all);
    let found: BTreeSet<u8> = all
        .iter()
        .flat_map(|path| numbers(&fs::read_to_string(path).expect("text")).collect::<Vec<_>>())
        .collect();
    let missing: Vec<u8> = (1..=45).filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "no test carries the number of {missing:?}");
}
