//! The table of figures: as Markdown for people, as JSON lines for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::machine::median;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// So many times the peer's, or more.
    Times(f64),
    /// Less than the peer's in the same run.
    BelowPeer,
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// At most so many times the peer's, which is our own at a smaller size.
    Flat(f64),
    /// There is none: it is told for its own sake.
    None,
}

/// Who was measured beside us.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) runs: Vec<f64>,
}

impl Peer {
    pub(crate) fn new(name: &'static str, runs: Vec<f64>) -> Self {
        Self { name, runs }
    }

    /// The older Python server, which is not measured here: its number as it was written down.
    pub(crate) fn recorded(value: f64) -> Self {
        Self { name: "older Python server, recorded elsewhere", runs: vec![value] }
    }
}

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) row: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: Vec<f64>,
    pub(crate) peer: Option<Peer>,
    pub(crate) aim: Aim,
    pub(crate) note: String,
}

impl Figure {
    pub(crate) fn new(row: &'static str, what: &str, unit: &'static str, ours: Vec<f64>) -> Self {
        Self { row, what: what.into(), unit, ours, peer: None, aim: Aim::None, note: String::new() }
    }

    pub(crate) fn beside(mut self, peer: Option<Peer>) -> Self {
        self.peer = peer;
        self
    }

    pub(crate) fn aim(mut self, aim: Aim) -> Self {
        self.aim = aim;
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn ratio(&self) -> Option<f64> {
        let peer = median(&self.peer.as_ref()?.runs);
        (peer > 0.0).then(|| median(&self.ours) / peer)
    }

    /// Whether the aim is reached; `None` where there is none, or no peer to say it.
    fn reached(&self) -> Option<bool> {
        let ours = median(&self.ours);
        match self.aim {
            Aim::Times(times) => Some(self.ratio()? >= times),
            Aim::BelowPeer => Some(self.ratio()? < 1.0),
            Aim::Flat(times) => Some(self.ratio()? <= times),
            Aim::AtMost(most) => Some(ours <= most),
            Aim::AtLeast(least) => Some(ours >= least),
            Aim::None => None,
        }
    }

    fn aim_words(&self) -> String {
        match self.aim {
            Aim::Times(times) => format!("≥ {times} × peer"),
            Aim::BelowPeer => "< peer".to_owned(),
            Aim::Flat(times) => format!("flat (≤ {times} ×)"),
            Aim::AtMost(most) => format!("≤ {}", short(most)),
            Aim::AtLeast(least) => format!("≥ {}", short(least)),
            Aim::None => String::new(),
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.reached(), self.aim) {
            (Some(true), _) => "yes",
            (Some(false), _) => "**no**",
            (None, Aim::None) => "",
            (None, _) => "no peer",
        }
    }

    fn markdown(&self) -> String {
        let peer = self.peer.as_ref().map_or_else(String::new, |peer| {
            format!("{} ({})", short(median(&peer.runs)), peer.name)
        });
        let ratio = self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        format!(
            "| {} | {} | {} | {} | {peer} | {ratio} | {} | {} | {} |",
            self.row,
            self.what,
            self.unit,
            short(median(&self.ours)),
            self.aim_words(),
            self.verdict(),
            self.note
        )
    }

    /// While the others are still measured.
    pub(crate) fn brief(&self) -> String {
        let runs = |runs: &[f64]| runs.iter().map(|run| short(*run)).collect::<Vec<_>>().join(" ");
        let ours = format!("{}, {}: {}", self.what, self.unit, runs(&self.ours));
        match &self.peer {
            Some(peer) => format!("{ours}; {}: {}", peer.name, runs(&peer.runs)),
            None => ours,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "row": self.row, "what": self.what, "unit": self.unit,
            "ours": median(&self.ours), "ours_runs": self.ours,
            "peer": self.peer.as_ref().map(|peer| peer.name),
            "theirs": self.peer.as_ref().map(|peer| median(&peer.runs)),
            "their_runs": self.peer.as_ref().map(|peer| &peer.runs),
            "ratio": self.ratio(), "aim": self.aim_words(), "reached": self.reached(),
            "note": self.note,
        })
    }
}

/// All rows and what was left out.
pub(crate) fn markdown(figures: &[Figure], left_out: &[String]) -> String {
    let mut text = String::from(
        "| row | what | unit | ours | peer | ours / peer | aim | reached | note |\n\
         | --- | --- | --- | ---: | ---: | ---: | --- | --- | --- |\n",
    );
    for figure in figures {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "{}", figure.markdown());
    }
    let verdicts: Vec<bool> = figures.iter().filter_map(Figure::reached).collect();
    let reached = verdicts.iter().filter(|reached| **reached).count();
    let _ = writeln!(text, "\n{reached} of {} aims reached", verdicts.len());
    for what in left_out {
        let _ = writeln!(text, "left out: {what}");
    }
    text
}

/// Three digits that count, thousands apart.
pub(crate) fn short(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.0} k", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.1 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}
