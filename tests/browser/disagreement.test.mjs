/** Where the three files say different things, and where they only seem to. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { disagreementLine, disagreements } from "../../public/js/disagreement.js";
import { fromSnapshot } from "../../public/js/model.js";

const NOW = Date.UTC(2026, 0, 10, 6, 0);
const MIN = 60_000;
const H = 60 * MIN;

const BLANK = { first_at: null, last_at: null, busy_ms: 0, busy_since: null, runs: 0, reviews: 0, failures: 0, last: null, done_at: null, note: null };
const KNOWN = ["backlog", "ready-for-dev", "in-progress", "review", "done", "optional"];
const last = (command, at, { failed = false, type = "end", status = failed ? "failed" : "end", message = null } = {}) => ({ last_at: at, last: { type, command, task_id: "workflow", status: type === "end" ? status : null, failed, message, at } });
const op = (story_key, command, started_at) => ({ story_key, story_id: "1-1", epic_id: "1", command, task_id: "workflow", started_at, attempt: 1, source: "csv", message: null });

/** One story `1-1-a`: its word, since when, what the log and the notes say. */
function model(word, changed, work = {}, { active = [], agents = [], batch = null, extra = {}, state = "ok" } = {}) {
  const stories = word === null ? [] : [{ story_key: "1-1-a", story_id: "1-1", epic_id: "1", title: null, status: word, status_class: KNOWN.includes(word) ? word : "other", updated_at: changed }];
  const made = fromSnapshot({ sprint: { stories, state }, active, agents, batch });
  made.work = new Map(Object.entries({ "1-1-a": work, ...extra }).map(([key, one]) => [key, { ...BLANK, ...one }]));
  return made;
}
const kinds = (made) => disagreements(made, { now: NOW }).kinds.map(({ kind }) => kind);

/** @type {[string, ReturnType<typeof model>, string|null][]} */
const CASES = [
  ["done, the last command failed", model("done", NOW - 3 * H, last("code-review-2", NOW - 2 * H, { failed: true, message: "2 HIGH" })), "done-failed"],
  ["done, it failed a minute ago", model("done", NOW - 3 * H, last("code-review-2", NOW - MIN, { failed: true })), null],
  ["done, and it ended well", model("done", NOW - 3 * H, last("commit", NOW - 3 * H)), null],
  ["done, a review began before and is still open", model("done", NOW - H, last("code-review-1", NOW - 2 * H, { type: "start" }), { active: [op("1-1-a", "code-review-1", NOW - 2 * H)] }), "done-open"],
  ["done a minute ago, the review's end is not yet written", model("done", NOW - MIN, last("code-review-1", NOW - H, { type: "start" }), { active: [op("1-1-a", "code-review-1", NOW - H)] }), null],
  ["done, and being committed", model("done", NOW - H, last("commit", NOW - 10 * MIN, { type: "start" }), { active: [op("1-1-a", "commit", NOW - 2 * H)] }), null],
  ["done, and looked at once more", model("done", NOW - H, last("code-review-3", NOW - MIN, { type: "start" }), { active: [op("1-1-a", "code-review-3", NOW - MIN)] }), null],
  ["committed, still in review", model("review", NOW - 3 * H, last("commit", NOW - H)), "committed"],
  ["committed five minutes ago", model("review", NOW - 3 * H, last("commit", NOW - 5 * MIN)), null],
  ["committed, and put back on purpose", model("in-progress", NOW - 20 * MIN, last("commit", NOW - H)), null],
  ["committed without success", model("review", NOW - 3 * H, last("commit", NOW - H, { failed: true })), null],
  ["committed, says the prefix", model("review", NOW - 3 * H, last("sprint-commit", NOW - H)), "committed"],
  ["noted as completed, status backlog", model("backlog", NOW - 3 * H, { note: { word: "completed", at: NOW - H } }), "noted"],
  ["one step was noted as done", model("in-progress", NOW - 20 * MIN, { note: { word: "7 files, 21 tests pass", at: NOW - H } }), null],
  ["noted as completed, then begun anew", model("in-progress", NOW - 20 * MIN, { note: { word: "completed", at: NOW - H } }), null],
  ["done, noted as failed", model("done", NOW - 3 * H, { note: { word: "FAILED: tests red", at: NOW - H } }), "noted-failed"],
  ["done, noted as failed before", model("done", NOW - 30 * MIN, { note: { word: "failed", at: NOW - H } }), null],
  ["developed, still in the backlog", model("backlog", NOW - 3 * H, last("dev-story", NOW - H)), "behind"],
  ["created, still in the backlog", model("backlog", NOW - 3 * H, last("create-story", NOW - H)), null],
  ["in progress, never logged, nothing runs", model("in-progress", NOW - 3 * H, {}), "stale"],
  ["in progress for five minutes", model("in-progress", NOW - 5 * MIN, {}), null],
  ["in progress while a batch is at another", model("in-progress", NOW - 3 * H, {}, { active: [op("9-9-z", "dev-story", NOW - MIN)] }), null],
  ["in progress, failed: that is told elsewhere", model("in-progress", NOW - 3 * H, last("dev-story", NOW - 2 * H, { failed: true })), null],
  ["a running story is between two states", model("backlog", NOW - 3 * H, last("dev-story", NOW - H), { active: [op("1-1-a", "code-review-1", NOW - MIN)] }), null],
  ["a story of an agent likewise", model("in-progress", NOW - 3 * H, {}, { agents: [{ agent_id: "1", story_keys: ["1-1-a"], command: "dev-story", started_at: NOW }] }), null],
  ["a story of its own word", model("on hold", NOW - 3 * H, last("dev-story", NOW - H)), null],
  ["in the log only", model(null, null, last("dev-story", NOW - H)), "unknown"],
  ["in the log only, just now", model(null, null, last("dev-story", NOW - MIN)), null],
  ["in the log only, while the status file is broken", model(null, null, last("dev-story", NOW - H), { state: "invalid" }), null],
  ["a short id that stands for a story", model("done", NOW - H, {}, { extra: { "1-1": last("dev-story", NOW - H) } }), null],
  ["the project context is no story", model("done", NOW - H, {}, { extra: { context: last("generate-project-context", NOW - H), "-": last("x", NOW - H) } }), null],
  ["a key of which only the cost is known", model(null, null, { cost_usd: 1 }), null],
];

group("disagreement", () => {
  for (const [name, made, kind] of CASES) test(`${name}: ${kind ?? "none"}`, () => assert.deepEqual(kinds(made), kind ? [kind] : []));
});

test("both sides are told in words, with the likelier one", () => {
  const [{ items: [one] }] = disagreements(model("done", NOW - 3 * H, last("sprint-code-review-2", NOW - 2 * H, { failed: true, message: "2 HIGH\\nleft" })), { now: NOW }).kinds;
  assert.deepEqual(one.sides, [{ file: "sprint-status.yaml", says: "done, 3 h ago" }, { file: "sprint-runner.csv", says: "code-review-2 failed 2 h ago: 2 HIGH left" }]);
  assert.equal(one.trust, "sprint-runner.csv is the likelier one");
  const [{ items: [other] }] = disagreements(model("done", NOW - H, last("code-review-2", NOW - 2 * H, { failed: true })), { now: NOW }).kinds;
  assert.equal(other.trust, "sprint-status.yaml is the likelier one", "somebody said done after it had failed");
});

test("equal kinds are one group, bounded, with its count; one line for all", () => {
  const extra = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`8-${i}-x`, last("dev-story", NOW - H)]));
  const found = disagreements(model("in-progress", NOW - 3 * H, {}, { extra }), { now: NOW, most: 20 });
  assert.deepEqual(found.kinds.map(({ kind, count, items }) => [kind, count, items.length]), [["stale", 1, 1], ["unknown", 5000, 20]]);
  assert.equal(found.count, 5001);
  assert.deepEqual(disagreementLine(found), { tone: "warn", text: "the files disagree about 5,001 stories", detail: "1 in progress, but nobody is at it; 5,000 in the log, but not in the status file", href: "#issues" });
  assert.equal(disagreementLine(disagreements(model("done", NOW, {}), { now: NOW })), null);
  assert.match(disagreementLine(disagreements(model("in-progress", NOW - 3 * H, {}), { now: NOW })).text, /about 1-1$/);
});

test("an empty sprint agrees with itself", () => {
  assert.deepEqual(disagreements(fromSnapshot(), { now: NOW }), { count: 0, kinds: [] });
});
