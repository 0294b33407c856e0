//! How the batch is shown: bars for people, lines for pipes, JSON for programs.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::{LastOutput, Progress, Told};
use crate::cli::clock::{duration, local, now_ms};
use crate::cli::event_line;
use crate::cli::terminal::{Terminal, Tone, escape, line, note};

/// More agents than this are counted, not listed.
const MOST_BARS: usize = 16;
/// Silence that is worth a word, in milliseconds.
const SILENT: i64 = 20_000;

/// Where it goes.
pub(super) enum Shown {
    Bars(Bars),
    Lines(Lines),
}

/// One line an event.
pub(super) struct Lines {
    terminal: Terminal,
    json: bool,
    /// Nobody reads any more; the batch goes on.
    closed: bool,
}

/// Bars at the bottom of the window, lines above.
pub(super) struct Bars {
    terminal: Terminal,
    multi: MultiProgress,
    batch: ProgressBar,
    agents: Vec<ProgressBar>,
}

impl Shown {
    /// What suits standard output.
    pub(super) fn new(json: bool) -> Self {
        let terminal = Terminal::stdout();
        if json || !terminal.moves() {
            return Self::Lines(Lines { terminal, json, closed: false });
        }
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let batch = multi.add(ProgressBar::new(0));
        Self::Bars(Bars { terminal, multi, batch, agents: Vec::new() })
    }

    /// Lets others write to the terminal without tearing the bars.
    pub(super) fn multi(&self) -> Option<MultiProgress> {
        match self {
            Self::Bars(bars) => Some(bars.multi.clone()),
            Self::Lines(_) => None,
        }
    }

    /// An event, and what of it is worth telling.
    pub(super) fn event(&mut self, json: &str, told: Option<&Told>, progress: &Progress) {
        match self {
            Self::Lines(lines) => lines.event(json),
            Self::Bars(bars) => {
                if let Some(told) = told {
                    bars.above(&bars.line(told, progress));
                }
            }
        }
    }

    /// A word of ours.
    pub(super) fn remark(&self, text: &str) {
        match self {
            Self::Bars(bars) => bars.above(&bars.terminal.paint(Tone::Warn, text)),
            Self::Lines(_) => note(&escape(text)),
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, progress: &Progress, last_output: &LastOutput) {
        if let Self::Bars(bars) = self {
            bars.draw(progress, last_output);
        }
    }

    /// It is over.
    pub(super) fn end(self, progress: &Progress) {
        match self {
            Self::Bars(bars) => {
                // A window that has gone needs no clearing.
                let _ = bars.multi.clear();
                let _ = line(&summary(bars.terminal, progress));
            }
            Self::Lines(Lines { json: false, closed: false, terminal }) => {
                // Nobody may be reading any more.
                let _ = line(&summary(terminal, progress));
            }
            Self::Lines(_) => {}
        }
    }
}

impl Lines {
    fn event(&mut self, json: &str) {
        if self.closed {
            return;
        }
        let text = if self.json {
            self.terminal.json_line(json)
        } else {
            event_line::format(self.terminal, json)
        };
        if line(&text).is_err() {
            self.closed = true;
            note("sprint-runner: nobody reads what is printed; the batch goes on");
        }
    }
}

impl Bars {
    fn above(&self, text: &str) {
        // A window that has gone shows nothing; the batch does not depend on it.
        let _ = self.multi.println(text);
    }

    fn line(&self, told: &Told, progress: &Progress) -> String {
        let paint = |tone, text: &str| self.terminal.paint(tone, text);
        match told {
            Told::Cycle { number, stories } => {
                let of = progress.max_cycles.map_or(String::new(), |most| format!(" of {most}"));
                paint(Tone::Strong, &format!("cycle {number}{of}: {stories}"))
            }
            Told::Finished { well, command, subject, took_ms, why } => {
                let (mark, tone) = if *well { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
                let took = took_ms.map(duration).unwrap_or_default();
                let text = format!("{command:<22} {subject} ");
                [paint(tone, mark), paint(Tone::Plain, &text), paint(Tone::Faint, &took)]
                    .into_iter()
                    .chain((!why.is_empty()).then(|| paint(Tone::Bad, why)))
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Told::Story { key, from, to, class } => {
                let to = paint(Tone::of_class(class), to);
                format!("  {} {to}", paint(Tone::Faint, &format!("{key}: {from} →")))
            }
            Told::Warning(message) => paint(Tone::Warn, &format!("! {message}")),
            Told::Parked { until, message } => {
                paint(Tone::Warn, &format!("! {message}: going on at {}", local(*until)))
            }
            Told::Error(message) => paint(Tone::Bad, &format!("✗ {message}")),
        }
    }

    fn draw(&mut self, progress: &Progress, last_output: &LastOutput) {
        let now = now_ms();
        self.batch.set_style(batch_style(progress.max_cycles));
        self.batch.set_length(progress.max_cycles.unwrap_or_default().unsigned_abs());
        self.batch.set_position(progress.cycles_completed.unsigned_abs());
        self.batch.set_message(self.batch_words(progress, now));
        let shown = progress.agents.len().min(MOST_BARS);
        while self.agents.len() > shown {
            if let Some(bar) = self.agents.pop() {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
        }
        while self.agents.len() < shown {
            let bar = ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}"));
            self.agents.push(self.multi.add(bar));
        }
        for (bar, (id, agent)) in self.agents.iter().zip(&progress.agents) {
            let mut words = format!("{:<22} {}", agent.command, agent.story_keys.join(", "));
            if agent.background {
                words.push_str(" (background)");
            }
            let last = last_output.get(id).copied().unwrap_or(agent.started_at);
            let mut later = format!(" {}", duration(whole_seconds(now - agent.started_at)));
            if now - last >= SILENT {
                later.push_str(&format!(", silent for {}", duration(now - last)));
            }
            if let Some(said) = &agent.said {
                later.push_str(&format!("  {said}"));
            }
            let paint = |tone, text: &str| self.terminal.paint(tone, text);
            bar.set_message(paint(Tone::Live, &words) + &paint(Tone::Faint, &later));
            bar.tick();
        }
        self.batch.tick();
    }

    fn batch_words(&self, progress: &Progress, now: i64) -> String {
        let mut words = format!("batch {}", progress.batch_id);
        match (progress.cycle, progress.max_cycles) {
            (0, _) => words.push_str(", getting ready"),
            (cycle, Some(most)) => words.push_str(&format!(", cycle {cycle} of {most}")),
            (cycle, None) => words.push_str(&format!(", cycle {cycle}, unlimited")),
        }
        words.push_str(&format!(", {}", duration(whole_seconds(now - progress.started_at))));
        let rest = progress.agents.len().saturating_sub(MOST_BARS);
        if rest > 0 {
            words.push_str(&format!(", {rest} more agents"));
        }
        let state = match (progress.state.as_str(), progress.parked_until) {
            ("waiting", Some(until)) => format!(", waiting until {}", local(until)),
            ("running", _) => String::new(),
            (state, _) => format!(", {state}"),
        };
        self.terminal.paint(Tone::Strong, &words) + &self.terminal.paint(Tone::Warn, &state)
    }
}

/// Below a second everything is the same: numbers that race are hard to read.
const fn whole_seconds(ms: i64) -> i64 {
    if ms < 1000 { 1000 } else { ms }
}

fn batch_style(max_cycles: Option<i64>) -> ProgressStyle {
    style(if max_cycles.is_some() { "[{bar:20}] {wide_msg}" } else { "{spinner} {wide_msg}" })
}

fn style(template: &str) -> ProgressStyle {
    // Both templates are ours and right; with another indicatif the default bar does as well.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// The last line.
fn summary(terminal: Terminal, progress: &Progress) -> String {
    let Some(end) = &progress.end else { return "how the batch ended is not known".to_owned() };
    let (mark, tone) = match end.status.as_str() {
        "completed" => ("✓", Tone::Good),
        "stopped" => ("■", Tone::Warn),
        _ => ("✗", Tone::Bad),
    };
    let cycles = match progress.cycles_completed {
        1 => "1 cycle".to_owned(),
        count => format!("{count} cycles"),
    };
    let head = format!("{mark} batch {} {} ({})", progress.batch_id, end.status, end.reason);
    let rest =
        format!(" after {}: {cycles}, {}", duration(end.duration_ms), progress.totals.words());
    terminal.paint(tone, &head) + &terminal.paint(Tone::Plain, &rest)
}
