/** What batches came to: outcomes, covered time, sums, comparisons, the bars. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byFamily, compare, covered, cycles, length, outcome, spark, storySums } from "../../public/js/batch-facts.js";

const row = (more = {}) => ({ id: 1, started_at: 1000, ended_at: 61_000, max_cycles: null, cycles_completed: 0, status: "completed", story_count: 1, duration_seconds: 60, origin: "observed", ...more });
const command = (name, task_id, started_at, ended_at, status = "completed") => ({ command: name, task_id, status, started_at, ended_at });

test("overlapping stretches count once, whatever their order", () => {
  for (const [stretches, sum] of [[[], 0], [[[0, 10]], 10], [[[0, 10], [5, 15]], 15], [[[5, 15], [0, 10]], 15], [[[0, 10], [2, 4]], 10], [[[0, 1], [3, 4]], 2], [[[4, 4]], 0]]) {
    assert.equal(covered(stretches), sum, JSON.stringify(stretches));
  }
});

test("a command's phases lie within it; what is lost took no time, what runs takes it until now", () => {
  const stories = [{ story_key: "1-1-a", epic_id: "1", status: "done", commands: [
    command("dev-story", "workflow", 0, 100), command("dev-story", "setup", 0, 20), command("dev-story", "tests", 90, 100),
    command("code-review-1", "workflow", 100, 130), command("code-review-2", "workflow", 130, 150, "failed"),
    command("create-story", "workflow", 5, null, "lost"), command("commit", "workflow", 200, null, "running"),
  ] }];
  assert.deepEqual([...byFamily(stories, 240)], [["dev", 100], ["code-review", 50], ["commit", 40]].sort((a, b) => ["create", "dev", "code-review", "commit"].indexOf(a[0]) - ["create", "dev", "code-review", "commit"].indexOf(b[0])));
});

test("outcomes and cycles in words", () => {
  assert.deepEqual(["running", "completed", "stopped", "error", "lost", "strange"].map((status) => outcome({ status }).tone), ["live", "good", "plain", "bad", "warn", "plain"]);
  assert.deepEqual(outcome({ status: "running", now: { kind: "waiting", word: "waiting" } }), { tone: "plain", word: "waiting" });
  assert.deepEqual(outcome({ status: "completed", now: { kind: "running", word: "running" } }), { tone: "good", word: "completed" });
  assert.equal(cycles(row()), "");
  assert.equal(cycles(row({ origin: "managed", max_cycles: 2, cycles_completed: 1 })), "1 of 2 cycles");
  assert.equal(cycles(row({ origin: "managed", cycles_completed: 3 })), "3 cycles (unlimited)");
});

test("a batch that runs has lasted until now, and never less than nothing", () => {
  assert.equal(length(row(), 9e9), 60_000);
  assert.equal(length(row({ ended_at: null }), 31_000), 30_000);
  assert.equal(length(row({ ended_at: null }), 0), 0);
});

test("stories are summed by what became of them", () => {
  const of = (status) => ({ story_key: status, epic_id: "1", status, commands: [] });
  assert.deepEqual(storySums(["done", "failed", "blocked", "review", "in-progress", "backlog"].map(of)), { done: 1, failed: 2, open: 3 });
});

test("the bars are the last thirty, oldest first, none too low to be hit", () => {
  const rows = Array.from({ length: 40 }, (_, i) => row({ id: 40 - i, started_at: 0, ended_at: i * i * 1000 }));
  const bars = spark(rows, 0);
  assert.equal(bars.length, 30);
  assert.deepEqual([bars[0].row.id, bars.at(-1).row.id], [11, 40]);
  assert.ok(bars.every(({ height }) => height >= 0.14 && height <= 1));
  assert.deepEqual(spark([], 0), []);
});

test("two batches side by side name every kind of command either had", () => {
  const detail = (commands, more) => ({ batch: row(more), stories: [{ story_key: "1-1-a", epic_id: "1", status: "done", commands }], stats: {} });
  const rows = compare(detail([command("dev-story", "workflow", 0, 60_000)]), detail([command("commit", "workflow", 0, 2000)], { id: 2, status: "error" }), 0);
  assert.deepEqual(rows.find(({ label }) => label === "outcome"), { label: "outcome", left: "completed", right: "error" });
  assert.deepEqual(rows.filter(({ family }) => family).map(({ label, left, right }) => [label, left, right]), [["dev", "1:00", "–"], ["commit", "–", "2 s"]]);
});
