/** Selecting and sorting stories, a story's history, the board, an event's facts: pure, no browser. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { columnOf, columnsOf, settle, sumOf } from "../../public/js/epic-board.js";
import { factsOf } from "../../public/js/event-facts.js";
import { busyOf, natural, NO_EPIC, select, SORTS, statuses, unlisted } from "../../public/js/stories-select.js";
import { agentsOf, changesOf, runsOf } from "../../public/js/story-history.js";
import { apply, fromSnapshot } from "../../public/js/model.js";
import { keyOf } from "../../public/js/story-detail.js";

const story = (story_key, epic_id, status, status_class = status, more = {}) => ({ story_key, story_id: null, epic_id, title: null, status, status_class, updated_at: null, ...more });
const work = (more) => ({ busy_ms: 0, busy_since: null, runs: 0, reviews: 0, failures: 0, last: null, ...more });
const keys = (list) => list.map((one) => one.story_key);

const STORIES = [
  story("1-10-tenth", "1", "done"),
  story("1-2-second", "1", "in-progress", "in-progress", { title: "Rope & fender" }),
  story("1-9-ninth", "1", "won't do", "other"),
  story("bare <slug>", null, "backlog", "backlog", { updated_at: 5 }),
  story("2-1-笔记", "2", "On Hold", "other", { updated_at: 9 }),
];
const WORK = new Map([
  ["1-10-tenth", work({ busy_ms: 5000, reviews: 1, failures: 2, last: { at: 10 } })],
  ["1-2-second", work({ busy_ms: 1000, busy_since: 100_000, reviews: 3, last: { at: 30 } })],
  ["2-1-笔记", work({ busy_ms: 7000, last: { at: 20 } })],
]);

describe("stories are selected", () => {
  for (const [name, choice, wanted] of [
    ["all, in the file's order", {}, ["1-10-tenth", "1-2-second", "1-9-ninth", "bare <slug>", "2-1-笔记"]],
    ["by epic", { epic: "1" }, ["1-10-tenth", "1-2-second", "1-9-ninth"]],
    ["without an epic", { epic: NO_EPIC }, ["bare <slug>"]],
    ["by the file's own word", { status: "won't do" }, ["1-9-ninth"]],
    ["a word is exact", { status: "on hold" }, []],
    ["by class", { class: "other" }, ["1-9-ninth", "2-1-笔记"]],
    ["by words of key, title and status, in any order", { q: "FENDER rope" }, ["1-2-second"]],
    ["marks are letters like others", { q: "<slug>" }, ["bare <slug>"]],
    ["other scripts", { q: "笔记" }, ["2-1-笔记"]],
    ["by description", { q: "lantern" }, ["1-9-ninth"]],
    ["all together", { q: "t", epic: "1", class: "other" }, ["1-9-ninth"]],
    ["by key, numbers as numbers", { sort: "story" }, ["1-2-second", "1-9-ninth", "1-10-tenth", "2-1-笔记", "bare <slug>"]],
    ["turned round", { sort: "-story" }, ["bare <slug>", "2-1-笔记", "1-10-tenth", "1-9-ninth", "1-2-second"]],
    ["by time of work, the open stretch counted", { sort: "duration" }, ["1-2-second", "2-1-笔记", "1-10-tenth", "1-9-ninth", "bare <slug>"]],
    ["by reviews", { sort: "attempts" }, ["1-2-second", "1-10-tenth", "1-9-ninth", "bare <slug>", "2-1-笔记"]],
    ["by failures", { sort: "failures" }, ["1-10-tenth", "1-2-second", "1-9-ninth", "bare <slug>", "2-1-笔记"]],
    ["by last command", { sort: "last" }, ["1-2-second", "2-1-笔记", "1-10-tenth", "1-9-ninth", "bare <slug>"]],
    ["by change", { sort: "updated" }, ["2-1-笔记", "bare <slug>", "1-10-tenth", "1-2-second", "1-9-ninth"]],
    ["by epic, those without one last", { sort: "epic" }, ["1-10-tenth", "1-2-second", "1-9-ninth", "2-1-笔记", "bare <slug>"]],
    ["what needs one first", { sort: "status" }, ["2-1-笔记", "1-9-ninth", "bare <slug>", "1-2-second", "1-10-tenth"]],
    ["an unknown order is none", { sort: "constructor" }, ["1-10-tenth", "1-2-second", "1-9-ninth", "bare <slug>", "2-1-笔记"]],
  ]) test(name, () => assert.deepEqual(keys(select(STORIES, choice, WORK, 110_000, { "1-9-ninth": "As a keeper of the Lantern" })), wanted));

  test("no order loses or doubles a story, nor changes what it is given", () => {
    const before = structuredClone(STORIES);
    for (const sort of SORTS.flatMap((one) => [one, `-${one}`])) assert.deepEqual(keys(select(STORIES, { sort }, WORK, 0)).sort(), keys(STORIES).sort(), sort);
    assert.deepEqual(STORIES, before);
  });
  test("a story that changes is found by its new word", () => {
    const one = story("9-9-x", "9", "backlog");
    assert.equal(select([one], { q: "done" }, undefined, 0).length, 0);
    one.status = "done";
    assert.equal(select([one], { q: "done" }, undefined, 0).length, 1);
  });
  test("the options are what occurs", () => assert.deepEqual(statuses(STORIES), { classes: ["done", "in-progress", "backlog", "other"], words: ["On Hold", "won't do"] }));
  test("a clock that goes back makes no negative time", () => assert.equal(busyOf(work({ busy_ms: 5, busy_since: 100 }), 50), 5));
  test("natural order", () => assert.ok(natural("2-9") < natural("2-10") && natural("2a-1") > natural("2-10")));
});

let id = 0;
const event = (type, at, payload, batch_id = 1) => ({ id: (id += 1), type, timestamp: at, batch_id, source: "csv", payload });
const start = (at, command, task_id, batch) => event("command:start", at, { story_key: "k", command, task_id, message: "" }, batch);
const end = (at, command, task_id, status = "end", message = "") => event("command:end", at, { story_key: "k", command, task_id, status, message });
const brief = (runs) => runs.map((run) => [run.command, run.status, run.started_at, run.ended_at, run.tasks.map((one) => `${one.task} ${one.status}`).join(", ")]);

describe("a story's commands as runs", () => {
  for (const [name, events, wanted] of [
    ["nothing", [], []],
    ["tasks of one command are one run", [start(1, "dev-story", "setup"), end(2, "dev-story", "setup"), start(3, "dev-story", "tests"), end(9, "dev-story", "tests", "end", "ok")],
      [["dev-story", "end", 1, 9, "setup end, tests end"]]],
    ["newest first", [start(1, "a", "t"), end(2, "a", "t"), start(3, "b", "t"), end(4, "b", "t")], [["b", "end", 3, 4, "t end"], ["a", "end", 1, 2, "t end"]]],
    ["the same task once more is another run", [start(1, "a", "t"), end(2, "a", "t"), start(3, "a", "t"), end(4, "a", "t")], [["a", "end", 3, 4, "t end"], ["a", "end", 1, 2, "t end"]]],
    ["unless another is open", [start(1, "a", "all"), start(2, "a", "t"), end(3, "a", "t"), start(4, "a", "t"), end(5, "a", "t"), end(6, "a", "all")], [["a", "end", 1, 6, "all end, t end, t end"]]],
    ["attempts are commands of their own", [start(1, "code-review-1", "t"), start(2, "code-review-2", "t")], [["code-review-2", "running", 2, null, "t running"], ["code-review-1", "running", 1, null, "t running"]]],
    ["an end without start has no beginning", [end(5, "a", "t", "failed", "why")], [["a", "failed", null, 5, "t failed"]]],
    ["a start over an open one leaves that open", [start(1, "a", "t"), start(4, "a", "t"), end(6, "a", "t")], [["a", "end", 1, 6, "t left-open, t end"]]],
    ["one failed task makes the run failed", [start(1, "a", "x"), start(1, "a", "t"), end(2, "a", "t", "failed"), end(9, "a", "x", "end")], [["a", "failed", 1, 9, "x end, t failed"]]],
    ["unless it was done again and went well", [start(1, "a", "x"), start(1, "a", "t"), end(2, "a", "t", "failed"), start(3, "a", "t"), end(4, "a", "t"), end(9, "a", "x")], [["a", "end", 1, 9, "x end, t failed, t end"]]],
    ["another batch is another run", [start(1, "a", "t", 1), start(5, "a", "u", 2)], [["a", "running", 5, null, "u running"], ["a", "running", 1, null, "t running"]]],
  ]) test(name, () => assert.deepEqual(brief(runsOf(events)), wanted));

  test("changes of status, newest first", () => assert.deepEqual(changesOf([event("story:status", 1, { old_status: null, new_status: "backlog", status_class: "backlog" }), event("story:status", 2, { old_status: "backlog", new_status: "won't do", status_class: "other" })])
    .map((one) => [one.at, one.old_status, one.new_status]), [[2, "backlog", "won't do"], [1, null, "backlog"]]));
  test("agents that had it, with what they used", () => {
    const found = agentsOf([
      event("agent:start", 1, { agent_id: "1-1", command: "sprint-dev-story", story_keys: ["k", "other"], model: "m" }), event("agent:start", 2, { agent_id: "1-2", command: "x", story_keys: ["other"] }),
      event("agent:end", 5, { agent_id: "1-1", exit_code: 0, cost_usd: 0.5 }), event("agent:end", 6, { agent_id: "1-2", exit_code: 1 }),
    ], "k");
    assert.deepEqual(found.map((one) => [one.agent_id, one.shared, one.started_at, one.ended_at, one.exit_code, one.cost_usd]), [["1-1", 2, 1, 5, 0, 0.5]]);
  });
  test("a short id means its story where it is the only one", () => {
    const model = { byKey: new Map([["1-1-a", 1], ["2-1", 1]]), stories: [{ story_key: "1-1-a", story_id: "1-1" }, { story_key: "3-1-a", story_id: "3-1" }, { story_key: "3-1-b", story_id: "3-1" }] };
    for (const [wanted, key] of [["1-1-a", "1-1-a"], ["1-1", "1-1-a"], ["3-1", "3-1"], ["7-7", "7-7"], [null, null]]) assert.equal(keyOf(wanted, model), key);
  });
});

const epic = (epic_key, status_class, status = status_class) => ({ epic_key, epic_id: epic_key.slice(5), title: null, status, status_class, retrospective: null });
const laid = (columns) => Object.fromEntries(columns.filter((one) => one.keys.length).map((one) => [one.id, one.keys.join(" ")]));

describe("the board", () => {
  const before = columnsOf([epic("epic-1", "done"), epic("epic-2", "in-progress"), epic("epic-5-sr", "backlog")]);
  const after = columnsOf([epic("epic-1", "done"), epic("epic-2", "done"), epic("epic-5-sr", "in-progress")]);

  test("three columns are always there, others with their first card", () => {
    assert.deepEqual(before.map((one) => one.id), ["backlog", "in-progress", "done"]);
    assert.deepEqual(columnsOf([epic("epic-1", "other", "parked"), epic("epic-2", null)]).map((one) => [one.id, one.keys.length]), [["none", 1], ["backlog", 0], ["in-progress", 0], ["other", 1], ["done", 0]]);
    assert.equal(columnOf({ status: "x", status_class: "constructor" }), "other");
  });
  test("free, every card goes where it belongs", () => assert.deepEqual(settle(before, after, false), { columns: after, moved: 0 }));
  test("held, no card moves, and it is said how many wait", () => {
    const { columns, moved } = settle(before, after, true);
    assert.deepEqual(laid(columns), laid(before));
    assert.equal(moved, 2);
    assert.deepEqual(settle(columns, after, false).columns, after);
  });
  test("held, new cards come last and gone ones leave", () => {
    const { columns, moved } = settle(before, columnsOf([epic("epic-0", "in-progress"), epic("epic-2", "in-progress"), epic("epic-5-sr", "backlog")]), true);
    assert.deepEqual(laid(columns), { backlog: "epic-5-sr", "in-progress": "epic-2 epic-0" });
    assert.ok(moved > 0, "its place is another");
  });
  test("held, a new column waits", () => {
    const { columns, moved } = settle(before, columnsOf([epic("epic-1", "done"), epic("epic-2", "review"), epic("epic-5-sr", "backlog"), epic("epic-9", "other", "lost")]), true);
    assert.deepEqual(columns.map((one) => one.id), ["backlog", "in-progress", "done"]);
    assert.deepEqual(laid(columns), { backlog: "epic-5-sr", "in-progress": "epic-2", done: "epic-1 epic-9" });
    assert.equal(moved, 2);
  });
  test("nothing to do while held is no message", () => assert.equal(settle(before, structuredClone(before), true).moved, 0));
  test("what stories add up to", () => assert.deepEqual(sumOf(STORIES, WORK, (one) => busyOf(one, 110_000)), { stories: 5, done: 1, busy_ms: 23_000, failures: 2, last_at: 30 }));
});

describe("an event's facts", () => {
  for (const [name, value, wanted] of [
    ["story_key", 'a"<b>', ["story key", 'a"<b>', "text"]],
    ["duration_ms", 61_000, ["duration", "1:01", "number"]],
    ["cost_usd", 0.125, ["cost", "$0.1250", "number"]],
    ["input_tokens", 12_000, ["input tokens", "12,000", "number"]],
    ["pid", 4711, ["pid", "4711", "number"]],
    ["ended_at", null, ["ended at", "–", "none"]],
    ["ended_at", 3, ["ended at", "3", "number"]],
    ["story_keys", ["a", "b"], ["story keys", "a\nb", "list"]],
    ["story_keys", [], ["story keys", "none", "none"]],
    ["changed", { port: [1, 2] }, ["changed", "port: [1,2]", "list"]],
    ["retrospective", true, ["retrospective", "true", "text"]],
  ]) test(`${name}: ${JSON.stringify(value)}`, () => { const [fact] = factsOf({ [name]: value }).facts; assert.deepEqual([fact.name, fact.value, fact.kind], wanted); });
  test("a time is told as one", () => assert.equal(factsOf({ started_at: 1_767_225_600_000 }).facts[0].kind, "time"));
  test("whatever it is, it is bounded", () => {
    for (const payload of [null, undefined, 7, "x", []]) assert.deepEqual(factsOf(payload).facts, []);
    const { facts, more } = factsOf(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, "x".repeat(9000)])));
    assert.equal(facts.length + more, 200);
    assert.ok(facts.every((one) => one.value.length < 4100));
  });
});

test("stories that only the log names are stories too, and only as long as the status file lacks them", () => {
  const model = fromSnapshot();
  const row = (story_key) => apply(model, { type: "command:start", timestamp: 5, batch_id: 1, payload: { story_key, command: "dev-story", task_id: "t" } });
  const line = (story_key, story_id) => apply(model, { type: "story:status", timestamp: 6, payload: { story_key, story_id, new_status: "review", status_class: "review" } });
  line("1-1-known", "1-1");
  for (const key of ["1-1-known", "1-1", "context", "--", "9-9", '<img src="x">']) row(key);
  assert.deepEqual(keys(unlisted(model)), ["9-9", '<img src="x">']);
  const [kept] = unlisted(model);
  assert.deepEqual([kept.status, kept.status_class, kept.epic_id], ["only in the log", "other", null]);
  row("8-8");
  assert.deepEqual(keys(unlisted(model)), ["9-9", '<img src="x">', "8-8"]);
  assert.equal(unlisted(model)[0], kept, "what is known of it stays");
  line("9-9-late", "9-9");
  assert.deepEqual(keys(unlisted(model)), ['<img src="x">', "8-8"]);
});
