//! Every reader of foreign bytes, held against its law: over all fixtures, whole and damaged, and
//! over drawn inputs. `tests/fuzz.sh` goes on from here.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::laws::{self, Law};

/// Of a fixture so much is read; damage shows in less than the whole of the longest.
const MOST: usize = 8 * 1024;

#[test]
fn b44_agents_output() {
    hold("agent");
}

#[test]
fn b44_chunks_of_lines() {
    hold("chunks");
}

#[test]
fn b44_configuration() {
    hold("config");
}

#[test]
fn b44_csv() {
    hold("csv");
}

#[test]
fn b44_filters_of_streams() {
    hold("filter");
}

#[test]
fn b44_floods() {
    hold("flood");
}

#[test]
fn b44_hosts_origins_and_paths() {
    hold("guard");
}

#[test]
fn b44_rows_from_json() {
    hold("log_row");
}

#[test]
fn b44_markdown() {
    hold("markdown");
}

#[test]
fn b44_resume_ids() {
    hold("resume");
}

#[test]
fn b44_settings() {
    hold("settings");
}

#[test]
fn b44_start_bodies() {
    hold("start");
}

#[test]
fn b44_story_files() {
    hold("story");
}

#[test]
fn b44_yaml() {
    hold("yaml");
}

#[test]
fn every_law_has_its_target_and_its_test() {
    let here = fs::read_to_string(root().join("tests/parsers.rs")).unwrap();
    let targets = fs::read_to_string(root().join("tests/fuzz/Cargo.toml")).unwrap();
    for (name, _) in laws::ALL {
        assert!(here.contains(&format!("hold(\"{name}\")")), "no test holds {name}");
        assert!(targets.contains(&format!("name = \"{name}\"")), "no target fuzzes {name}");
        let target = root().join(format!("tests/fuzz/fuzz_targets/{name}.rs"));
        assert!(
            fs::read_to_string(target).unwrap().contains(&format!("hold(\"{name}\"")),
            "{name}"
        );
        assert!(root().join(format!("tests/fuzz/dictionaries/{name}.dict")).exists(), "{name}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn hold(name: &str) {
    let law = laws::named(name);
    over_the_fixtures(name, law);
    over_drawn_inputs(name, law);
}

/// Each fixture as it is, cut short, and with bytes struck, doubled and exchanged.
fn over_the_fixtures(name: &str, law: Law) {
    let own = format!("fuzz/{name}");
    for path in files(&root().join("fixtures")) {
        let bytes = fs::read(&path).unwrap();
        let bytes = &bytes[..bytes.len().min(MOST)];
        told(&path, bytes, law);
        // The law's own inputs are taken apart most; a flood costs too much for that.
        let tries = match (path.to_string_lossy().contains(&own), name) {
            (_, "flood") => 1,
            (true, _) => 200,
            _ => 4,
        };
        let mut random = StdRng::seed_from_u64(44 + bytes.len() as u64);
        for _ in 0..tries {
            told(&path, &damaged(bytes, &mut random), law);
        }
    }
}

fn damaged(bytes: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let to = random.random_range(at..bytes.len().min(at + 40));
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => bytes[at] = random.random(),
            3 => bytes[at] ^= 1 << random.random_range(0..8),
            4 => bytes.insert(at, *b"\n\r\0,\"'#:-{[&*|\x1b\xff".get(at % 17).unwrap_or(&b' ')),
            _ => {
                let part = bytes[at..to].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

/// A broken law names the file and shows the input.
fn told(path: &Path, bytes: &[u8], law: Law) {
    let held = std::panic::catch_unwind(|| law(bytes));
    assert!(held.is_ok(), "{} broke it as\n{}", path.display(), bytes.escape_ascii());
}

/// Any bytes, and words of the format with a little of anything between.
fn over_drawn_inputs(name: &str, law: Law) {
    let word = prop_oneof![
        4 => proptest::sample::select(words(name)),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => prop::collection::vec(proptest::sample::select(b" \t\n\r,:\"'-#0123aZ".to_vec()), 0..6),
    ];
    let likely = prop::collection::vec(word, 0..20).prop_map(|words| words.concat());
    let input = prop_oneof![3 => likely, 1 => prop::collection::vec(any::<u8>(), 0..200)];
    let cases = if name == "flood" { 8 } else { 600 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let held = TestRunner::new(config).run(&input, |bytes| {
        std::panic::catch_unwind(|| law(&bytes))
            .map_err(|_| TestCaseError::fail(bytes.escape_ascii().to_string()))
    });
    held.unwrap();
}

/// The fuzzer's dictionary of that law: one `"word"` a line, with `\xNN`, `\\` and `\"`.
fn words(name: &str) -> Vec<Vec<u8>> {
    let path = root().join(format!("tests/fuzz/dictionaries/{name}.dict"));
    let text = fs::read_to_string(path).unwrap();
    let inner = |line: &str| line.strip_prefix('"')?.strip_suffix('"').map(unescaped);
    let words: Vec<_> = text.lines().filter_map(inner).collect();
    assert!(!words.is_empty(), "{name} has no words");
    words
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        (out, rest) = match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
                (out, after)
            }
            (b'\\', [sign, after @ ..]) => {
                out.push(*sign);
                (out, after)
            }
            _ => {
                out.push(*first);
                (out, after)
            }
        };
    }
    out
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
