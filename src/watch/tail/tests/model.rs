//! Ten thousand random steps on real files, each scan compared with a model of the rule.
//!
//! The model knows contents and which scans took place; it has no offsets, digests or stamps.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{FakeSink, Plain, told};
use crate::domain::event::Source;
use crate::watch::tail::{LINGER_MS, Now, Tail};

type Id = (u64, u64);

/// The files, as the file system has them.
struct World {
    root: tempfile::TempDir,
    /// Somebody's open descriptors, by which files that have no name are written to.
    writers: Vec<File>,
    next: u64,
}

fn id_of(metadata: &fs::Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

fn whole_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    lines.pop();
    lines
}

impl World {
    fn dir(&self) -> PathBuf {
        self.root.path().join("d")
    }

    fn log(&self) -> PathBuf {
        self.dir().join("log")
    }

    fn rows(&mut self, rng: &mut StdRng, most: u64) -> String {
        let count = rng.random_range(0..=most);
        (0..count)
            .map(|_| {
                self.next += 1;
                // Sometimes as long as another one, sometimes equal to an earlier one.
                match rng.random_range(0..5) {
                    0 => format!("{:04}\n", self.next % 50),
                    1 => String::from("same\n"),
                    _ => format!("row {}\n", self.next),
                }
            })
            .collect()
    }

    fn append(&mut self, path: &Path, text: &str, rng: &mut StdRng) {
        let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path) else { return };
        file.write_all(text.as_bytes()).unwrap();
        if rng.random_bool(0.4) {
            self.writers.push(file);
            if self.writers.len() > 4 {
                self.writers.remove(0);
            }
        }
    }

    /// One random step of somebody outside.
    fn step(&mut self, rng: &mut StdRng) -> &'static str {
        let (dir, log) = (self.dir(), self.log());
        let old = fs::read(&log).unwrap_or_default();
        let old = String::from_utf8_lossy(&old).into_owned();
        let ends: Vec<usize> = old.match_indices('\n').map(|(at, _)| at + 1).collect();
        match rng.random_range(0..100) {
            0..30 => {
                let text = self.rows(rng, 4);
                self.append(&log, &text, rng);
                "append"
            }
            30..40 => {
                self.next += 1;
                let text = format!("part{}", self.next);
                self.append(&log, &text, rng);
                "part of a row"
            }
            40..47 => {
                self.append(&log, "\n", rng);
                "rest of a row"
            }
            47..55 => {
                let to = dir.join(format!("log.{}", rng.random_range(0..3)));
                let _ = fs::rename(&log, to);
                "rename away"
            }
            55..58 => {
                let from = dir.join(format!("log.{}", rng.random_range(0..3)));
                let _ = fs::rename(from, &log);
                "rename back"
            }
            58..68 => {
                let text = self.rows(rng, 2);
                if !self.writers.is_empty() {
                    let index = rng.random_range(0..self.writers.len());
                    self.writers[index].write_all(text.as_bytes()).unwrap();
                }
                "late rows"
            }
            68..72 => {
                if let Ok(file) = OpenOptions::new().write(true).open(&log) {
                    let len = match rng.random_range(0..3) {
                        0 => 0,
                        1 => ends.get(rng.random_range(0..=ends.len())).copied().unwrap_or(0),
                        _ => rng.random_range(0..=old.len()),
                    };
                    file.set_len(len as u64).unwrap();
                }
                "truncate"
            }
            72..77 => {
                // In place: a part of the old content, then something else.
                let keep = ends.get(rng.random_range(0..=ends.len())).copied().unwrap_or(0);
                let text = format!("{}{}", &old[..keep], self.rows(rng, 9));
                if dir.exists() {
                    fs::write(&log, text).unwrap();
                }
                "rewrite in place"
            }
            77..80 => {
                // As long as before, another byte.
                if let Some(at) = old.rfind(|char: char| char.is_ascii_digit()) {
                    let mut bytes = old.clone().into_bytes();
                    bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
                    bytes.extend(self.rows(rng, 1).into_bytes());
                    fs::write(&log, bytes).unwrap();
                }
                "change a byte"
            }
            80..86 => {
                let keep = ends.get(rng.random_range(0..=ends.len())).copied().unwrap_or(old.len());
                let text = format!("{}{}", &old[..keep], self.rows(rng, 3));
                if dir.exists() {
                    fs::write(dir.join("tmp"), text).unwrap();
                    fs::rename(dir.join("tmp"), &log).unwrap();
                }
                "replace by rename"
            }
            86..90 => {
                let _ = fs::remove_file(&log);
                if rng.random_bool(0.7) && dir.exists() {
                    let text = self.rows(rng, 3);
                    let again = if rng.random_bool(0.5) { old.as_str() } else { "" };
                    fs::write(&log, format!("{again}{text}")).unwrap();
                }
                "delete, create"
            }
            90..93 => {
                let away = self.root.path().join(format!("away{}", rng.random_range(0..2)));
                let _ = fs::remove_dir_all(&away);
                let _ = fs::rename(&dir, &away);
                if rng.random_bool(0.7) {
                    fs::create_dir_all(&dir).unwrap();
                    if rng.random_bool(0.5) {
                        fs::write(&log, &old).unwrap();
                    }
                }
                "move the folder away"
            }
            93..95 => {
                let away = self.root.path().join(format!("away{}", rng.random_range(0..2)));
                if !dir.exists() {
                    let _ = fs::rename(away, &dir);
                }
                "move the folder back"
            }
            95..97 => {
                let _ = fs::remove_dir_all(&dir);
                "remove the folder"
            }
            _ => {
                fs::create_dir_all(&dir).unwrap();
                "make the folder"
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Followed {
    id: Id,
    folder: Id,
    /// What was read of it: it must still stand there.
    read: Vec<String>,
    len: u64,
    until: u64,
}

/// The rule, by contents.
#[derive(Default)]
struct Model {
    memory: Vec<String>,
    matched: usize,
    /// The file at the path, held open, and until when it is read without the path.
    held: Option<Followed>,
    lost: bool,
    rotated: Vec<Followed>,
    /// What is kept over a restart.
    kept: Option<Followed>,
    kept_rotated: Vec<Followed>,
    told: Vec<String>,
}

impl Model {
    /// `contents`: of all the tail can reach, by name or because it is held open.
    fn scan(&mut self, world: &World, contents: &HashMap<Id, Vec<u8>>, mono_ms: u64) {
        let path = fs::metadata(world.log()).ok().filter(fs::Metadata::is_file).as_ref().map(id_of);
        let folder = fs::metadata(world.dir()).ok().as_ref().map_or((0, 0), id_of);
        if let Some(held) = self.held.clone()
            && path != Some(held.id)
        {
            if held.folder != folder {
                self.held = None;
            } else {
                let len = contents[&held.id].len() as u64;
                let until = if self.lost { held.until } else { mono_ms + LINGER_MS };
                self.lost = true;
                self.read(&contents[&held.id]);
                let held = self.held.as_mut().unwrap();
                held.until = until;
                if held.len != len {
                    held.len = len;
                    held.until = mono_ms + LINGER_MS;
                } else if mono_ms >= until {
                    self.held = None;
                    self.kept = None;
                }
            }
        }
        if let Some(path) = path {
            self.lost = false;
            if self.held.as_ref().is_none_or(|held| held.id != path) {
                if let Some(old) = self.held.take() {
                    let until = mono_ms + LINGER_MS;
                    let len = old.read.iter().map(|line| line.len() as u64 + 1).sum();
                    self.rotated.push(Followed { until, len, ..old });
                }
                self.rotated.retain(|rotated| rotated.id != path);
                let read = Vec::new();
                self.held = Some(Followed { id: path, folder, read, len: 0, until: 0 });
            }
            let held = self.held.as_mut().unwrap();
            held.folder = folder;
            held.len = contents[&path].len() as u64;
            self.read(&contents[&path]);
        }
        let surplus = self.rotated.len().saturating_sub(8);
        let mut index = 0;
        self.rotated.retain_mut(|rotated| {
            index += 1;
            let mut read = || {
                if rotated.folder != folder {
                    return false;
                }
                let bytes = &contents[&rotated.id];
                let lines = whole_lines(bytes);
                if !lines.starts_with(&rotated.read) {
                    return false;
                }
                for (number, line) in lines.iter().enumerate().skip(rotated.read.len()) {
                    self.told.push(format!("row {} {line}", number + 1));
                }
                rotated.read = lines;
                if rotated.len != bytes.len() as u64 {
                    rotated.len = bytes.len() as u64;
                    rotated.until = mono_ms + LINGER_MS;
                }
                mono_ms < rotated.until
            };
            read() && index > surplus
        });
        self.kept_rotated.clone_from(&self.rotated);
    }

    fn read(&mut self, bytes: &[u8]) {
        let lines = whole_lines(bytes);
        let equal = lines.iter().zip(&self.memory).take_while(|(a, b)| a == b).count();
        if equal < self.matched {
            self.told.push("reset".to_owned());
        }
        if equal < lines.len() {
            for (number, line) in lines.iter().enumerate().skip(equal) {
                self.told.push(format!("row {} {line}", number + 1));
            }
            self.memory.clone_from(&lines);
        }
        self.matched = lines.len();
        let held = self.held.as_mut().unwrap();
        held.read = lines;
        if !self.memory.is_empty() {
            self.kept = Some(held.clone());
        }
    }

    /// Killed and started again: what was kept is found by its number in the same folder.
    fn restart(&mut self, world: &World, mono_ms: u64) {
        let path = fs::metadata(world.log()).ok().filter(fs::Metadata::is_file).as_ref().map(id_of);
        let folder = fs::metadata(world.dir()).ok().as_ref().map_or((0, 0), id_of);
        let find = |followed: &Followed| {
            let named = fs::read_dir(world.dir()).ok()?.flatten().find(|entry| {
                entry.metadata().is_ok_and(|it| it.is_file() && id_of(&it) == followed.id)
            })?;
            let read: String = followed.read.iter().map(|line| format!("{line}\n")).collect();
            let stands = fs::read(named.path()).unwrap().starts_with(read.as_bytes());
            let len = read.len() as u64;
            let until = mono_ms + LINGER_MS;
            (stands && len > 0 && followed.folder == folder).then(|| Followed {
                len,
                until,
                ..followed.clone()
            })
        };
        self.lost = true;
        let in_step = self.matched == self.memory.len();
        self.held = self
            .kept
            .as_ref()
            .filter(|kept| path != Some(kept.id) && in_step)
            .and_then(find)
            // Nothing is known of its length: the first look counts as growth.
            .map(|held| Followed { len: u64::MAX, ..held });
        let kept_id = self.kept.as_ref().map(|kept| kept.id);
        self.rotated = self
            .kept_rotated
            .iter()
            .filter(|it| Some(it.id) != kept_id && Some(it.id) != path)
            .filter_map(find)
            .collect();
        // In the order of their keys.
        self.rotated.sort_by_key(|it| format!("{}-{}", it.id.0, it.id.1));
    }
}

/// Contents by identity, of all files below the root and of all open descriptors.
fn contents(world: &World, held: &[File]) -> HashMap<Id, Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let mut all = HashMap::new();
    let mut add = |file: &File| {
        let metadata = file.metadata().unwrap();
        let mut bytes = vec![0; metadata.len() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        all.insert(id_of(&metadata), bytes);
    };
    for folder in fs::read_dir(world.root.path()).unwrap().flatten() {
        for entry in fs::read_dir(folder.path()).unwrap().flatten() {
            add(&File::open(entry.path()).unwrap());
        }
    }
    held.iter().for_each(&mut add);
    all
}

/// The model's own descriptors: what the tail holds open it can read, name or not.
fn hold(world: &World, model: &Model, open: &mut Vec<File>) {
    for entry in fs::read_dir(world.dir()).into_iter().flatten().flatten() {
        let id = id_of(&entry.metadata().unwrap());
        let wanted = model.held.iter().chain(&model.rotated).any(|followed| followed.id == id);
        let known = open.iter().any(|file| id_of(&file.metadata().unwrap()) == id);
        if wanted && !known {
            open.push(File::open(entry.path()).unwrap());
        }
    }
}

fn run(seed: u64, steps: u32) {
    let mut rng = StdRng::seed_from_u64(seed);
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("d")).unwrap();
    let mut world = World { root, writers: Vec::new(), next: 0 };
    let sink = FakeSink::default();
    let new_tail = |world: &World| Tail::new(world.log(), "log".to_owned(), Source::Md, Plain);
    let mut tail = new_tail(&world);
    let mut model = Model::default();
    let mut history = Vec::new();
    let mut seen = 0;
    let mut mono_ms = 0;
    let mut open: Vec<File> = Vec::new();
    for step in 0..steps {
        history.push(world.step(&mut rng));
        if rng.random_bool(0.3) {
            continue;
        }
        mono_ms += rng.random_range(1..4_000);
        if rng.random_bool(0.08) {
            history.push("kill");
            tail = new_tail(&world);
            open.clear();
            model.restart(&world, mono_ms);
        }
        let now = Now { wall_ms: jiff::Timestamp::now().as_millisecond(), mono_ms };
        if rng.random_bool(0.05) {
            // A full disk for a moment: the scan right after it must make up for everything.
            sink.left.set(Some(rng.random_range(0..2)));
            let _ = tail.scan(&sink, &|_| true, true, now);
            sink.left.set(None);
            history.push("scan on a full disk");
        }
        tail.scan(&sink, &|_| true, true, now).unwrap();
        let all = contents(&world, &open);
        model.scan(&world, &all, mono_ms);
        open.retain(|file| {
            let id = id_of(&file.metadata().unwrap());
            model.held.iter().chain(&model.rotated).any(|followed| followed.id == id)
        });
        hold(&world, &model, &mut open);
        history.push("scan");
        let events = sink.events.borrow();
        let mut got = told(&events[seen..]);
        seen = events.len();
        got.retain(|it| it.starts_with("row") || it == "reset");
        let expected = std::mem::take(&mut model.told);
        let from = history.len().saturating_sub(30);
        let ours: Vec<_> = tail.rotated_ids();
        let theirs: Vec<Id> = model.rotated.iter().map(|it| it.id).collect();
        assert_eq!(
            ours,
            theirs,
            "rotated, seed {seed}, step {step}, {:?} {:?}",
            &history[history.len().saturating_sub(12)..],
            model.rotated
        );
        assert_eq!(got, expected, "seed {seed}, step {step}, after {:?}", &history[from..]);
    }
}

#[test]
fn ten_thousand_random_steps_agree_with_the_model() {
    let seed = std::env::var("TAIL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> =
        seed.map_or_else(|| (1..=8).chain([rand::rng().random()]).collect(), |seed| vec![seed]);
    for seed in seeds {
        println!("seed {seed}");
        run(seed, 1_500);
    }
}
