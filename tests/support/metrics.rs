//! A strict reader of the Prometheus text format 0.0.4: what it lets through, others read.

// Figures that count are whole numbers: floats hold them exactly.
#![allow(clippy::float_cmp)]

use std::collections::{BTreeMap, BTreeSet};

use super::Server;

/// All families of an answer, by name.
pub(crate) struct Metrics(BTreeMap<String, Family>);

pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    /// Labels as they are written, and the figure. Of histograms with their suffixes.
    samples: Vec<(String, Labels, f64)>,
}

type Labels = BTreeMap<String, String>;

/// Bounds with their counts; sum and count.
type Series = (Vec<(f64, f64)>, Vec<f64>);

impl Metrics {
    /// What a server shows just now.
    pub(crate) fn of(server: &Server) -> Self {
        let answer = server.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        Self::read(std::str::from_utf8(&answer.body).unwrap())
    }

    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains('\r'), "{text:?}");
        let mut families = BTreeMap::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let help = line.strip_prefix("# HELP ").unwrap_or_else(|| panic!("no HELP: {line}"));
            let (name, help) = help.split_once(' ').expect("a help text");
            assert!(is_name(name) && name.starts_with("sprint_runner_"), "{name}");
            let line = lines.next().unwrap_or_default();
            let kind = line.strip_prefix(&format!("# TYPE {name} ")).expect("its TYPE").to_owned();
            let mut samples = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                samples.push(sample(line));
            }
            let family = Family { kind, help: help.to_owned(), samples };
            family.check(name);
            assert!(families.insert(name.to_owned(), family).is_none(), "{name} stands twice");
        }
        Self(families)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub(crate) fn family(&self, name: &str) -> &Family {
        self.0.get(&format!("sprint_runner_{name}")).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The figure of a family that has one series.
    pub(crate) fn one(&self, name: &str) -> f64 {
        let [(_, labels, value)] = &self.family(name).samples[..] else { panic!("{name}") };
        assert!(labels.is_empty(), "{name}");
        *value
    }

    /// The figure of the series with this value of its label, whichever label that is.
    pub(crate) fn at(&self, name: &str, word: &str) -> f64 {
        let series = self.by_label(name);
        *series.get(word).unwrap_or_else(|| panic!("no {word} in {series:?}"))
    }

    /// All series of a family by the values of their labels, parted by blanks.
    pub(crate) fn by_label(&self, name: &str) -> BTreeMap<String, f64> {
        let words = |labels: &Labels| labels.values().cloned().collect::<Vec<_>>().join(" ");
        let samples = self.family(name).samples.iter();
        samples.map(|(_, labels, value)| (words(labels), *value)).collect()
    }

    /// Of a histogram: how many were taken down, with these words as labels.
    pub(crate) fn count(&self, name: &str, words: &[&str]) -> f64 {
        let count = format!("sprint_runner_{name}_count");
        let is_it = |labels: &Labels| labels.values().eq(words);
        let mut samples = self.family(name).samples.iter();
        samples.find(|(name, labels, _)| *name == count && is_it(labels)).unwrap().2
    }

    /// Every series there is: its name with its labels.
    pub(crate) fn series(&self) -> BTreeSet<String> {
        let samples = self.0.values().flat_map(|family| &family.samples);
        samples.map(|(name, labels, _)| format!("{name}{labels:?}")).collect()
    }

    /// The values that a label has anywhere, of families whose name this is, `_bucket` and such
    /// cut off.
    pub(crate) fn values(&self, name: &str, label: &str) -> Option<BTreeSet<&str>> {
        let cut = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let is_there = |name: &&str| self.0.contains_key(*name);
        let name = [Some(name), cut].into_iter().flatten().find(is_there)?;
        let samples = self.0[name].samples.iter();
        Some(samples.filter_map(|(_, labels, _)| labels.get(label)).map(String::as_str).collect())
    }
}

impl Family {
    fn check(&self, name: &str) {
        assert!(!self.samples.is_empty(), "{name} has no series");
        assert!(self.help.ends_with('.') && self.help.len() > 15, "{name}: {}", self.help);
        let mut seen = BTreeSet::new();
        for (_, labels, value) in &self.samples {
            assert!(value.is_finite() && *value >= 0.0, "{name}{labels:?}: {value}");
        }
        for (sample, labels, _) in &self.samples {
            assert!(seen.insert((sample, labels)), "{sample}{labels:?} stands twice");
        }
        match self.kind.as_str() {
            "counter" | "gauge" => {
                assert_eq!(name.ends_with("_total"), self.kind == "counter", "{name}");
                assert!(self.samples.iter().all(|(sample, ..)| sample == name), "{name}");
                let keys = |labels: &Labels| labels.keys().cloned().collect::<Vec<_>>();
                let mut shapes = self.samples.iter().map(|(_, labels, _)| keys(labels));
                let first = shapes.next();
                assert!(shapes.all(|shape| Some(shape) == first), "{name}: labels differ");
            }
            "histogram" => self.check_histogram(name),
            other => panic!("{name} is a {other}"),
        }
    }

    fn check_histogram(&self, name: &str) {
        assert!(name.ends_with("_seconds") || name.ends_with("_bytes"), "{name}");
        // The bounds and counts of each series, then its sum and its count.
        let mut all: BTreeMap<Labels, Series> = BTreeMap::new();
        for (sample, labels, value) in &self.samples {
            let mut labels = labels.clone();
            let bound = labels.remove("le");
            let (buckets, ends) = all.entry(labels).or_default();
            match (sample.strip_prefix(name).unwrap(), bound) {
                ("_bucket", Some(bound)) if ends.is_empty() => {
                    let bound =
                        if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                    buckets.push((bound, *value));
                }
                ("_sum", None) if ends.is_empty() => ends.push(*value),
                ("_count", None) if ends.len() == 1 => ends.push(*value),
                (other, bound) => panic!("{name}{other} {bound:?}"),
            }
        }
        for (labels, (buckets, ends)) in all {
            assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}{labels:?}");
            let last = buckets.last().unwrap();
            assert!(last.0.is_infinite() && last.1 == ends[1], "{name}{labels:?}: {buckets:?}");
            assert!(ends[1] > 0.0 || ends[0] == 0.0, "{name}{labels:?}: a sum of nothing");
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains("__")
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(is_name(label), "{line}");
            let mut value = String::new();
            let mut characters = after.char_indices();
            let end = loop {
                match characters.next().unwrap_or_else(|| panic!("{line}")) {
                    (at, '"') => break at,
                    (_, '\\') => match characters.next() {
                        Some((_, 'n')) => value.push('\n'),
                        Some((_, c @ ('\\' | '"'))) => value.push(c),
                        other => panic!("{other:?}: {line}"),
                    },
                    (_, c) => value.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("{line}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    // One figure and no time behind it.
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("{line}")))
}
