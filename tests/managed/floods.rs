//! Behaviour 30: agents that print without end or measure. The server's memory stays what it was, and
//! other events go on meanwhile.

use crate::support::Server;
use crate::support::bench::{Bench, Follower, PATIENCE, STORIES, start, told};
use crate::support::eventually_in;
use crate::support::heavy::heavy;
use crate::support::process::{forget_peak, peak_mib};
use crate::support::project::now_s;

/// What a batch may cost at most, whatever its agents print.
const MIB: u64 = 48;

/// Rows of somebody else, one after the other, each of them seen before the next is written.
fn others_go_on(bench: &Bench, follower: &mut Follower, count: usize) {
    for n in 0..count {
        let message = format!("meanwhile {n}");
        let row = format!("{},2,2-1,dev-story,setup,progress,\"{message}\"\n", now_s());
        bench.project.append(row.as_bytes());
        let event =
            follower.until("a row meanwhile", |event| event["payload"]["message"] == message);
        assert_eq!(event["payload"]["story_id"], "2-1");
    }
}

/// A batch with one story in review, and one who reads along.
struct Batch {
    bench: Bench,
    server: Server,
    follower: Follower,
    id: i64,
    /// What the server held before it, in MiB.
    before: u64,
}

impl Batch {
    fn of(bench: Bench, agent: &str, exports: &str) -> Self {
        let status = b"development_status:\n  1-1-skeleton: review\n";
        bench.project.replace("sprint-status.yaml", status);
        bench.plan(agent, exports);
        let server = bench.serve();
        let mut follower = Follower::open(&server);
        forget_peak(server.pid());
        let before = peak_mib(server.pid());
        let id = start(&server, "1");
        follower.agent("code-review-1");
        Self { bench, server, follower, id, before }
    }

    fn others_go_on(&mut self, count: usize) {
        others_go_on(&self.bench, &mut self.follower, count);
    }

    /// It ends well, and has not cost much.
    fn ends(mut self, what: &str) {
        let end = self.follower.end_of(self.id);
        assert_eq!(end["status"], "completed", "{}", told(&self.follower.seen));
        assert_eq!(self.bench.word("1-1-skeleton"), "done");
        let (before, after) = (self.before, peak_mib(self.server.pid()));
        println!("{what}: {before} MiB before, {after} MiB at most");
        assert!(after < before + MIB, "{what}: {before} MiB became {after} MiB");
        self.bench.nothing_alive();
    }
}

/// A line of so many bytes from each agent of a story in review.
fn a_long_line(bytes: u64) {
    let exports = format!("export AGENT_BYTES={bytes}");
    let mut batch = Batch::of(Bench::new(STORIES), "long-line", &exports);
    batch.others_go_on(10);
    batch.ends(&format!("lines of {bytes} bytes"));
}

#[test]
fn b30_a_line_of_64_mib_without_newline_costs_no_memory() {
    a_long_line(64 << 20);
}

#[test]
fn b30_a_line_of_1_gib_without_newline_costs_no_memory() {
    if heavy("b30_a_line_of_1_gib_without_newline_costs_no_memory", &[]) {
        a_long_line(1 << 30);
    }
}

#[test]
fn b30_floods_of_lines_and_of_standard_error_hold_up_nobody() {
    const LINES: usize = 300_000;
    let bench = Bench::new(STORIES);
    let (gate, state) = (bench.path("gate"), bench.path("printed"));
    std::fs::write(&gate, "").unwrap();
    let exports =
        format!("export AGENT_GATE='{}'\nexport AGENT_STATE='{}'", gate.display(), state.display());
    let mut batch = Batch::of(bench, "flood", &exports);
    let printed = || {
        let text = std::fs::read_to_string(&state).unwrap_or_default();
        text.lines().map(|line| line.parse::<usize>().unwrap_or(0)).sum::<usize>()
    };
    // The agent prints all the time: what is seen now is seen beside the flood.
    batch.others_go_on(20);
    eventually_in(PATIENCE, "lines by the hundred thousand", || (printed() >= LINES).then_some(()));
    batch.others_go_on(20);
    let seen = &batch.follower.seen;
    assert!(seen.iter().all(|event| event["type"] != "agent:end"), "it has not ended");
    std::fs::remove_file(&gate).unwrap();
    batch.ends("a flood of lines");
}
