/** What to do now: a table of situations, and what must never be said. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { fromSnapshot } from "../../public/js/model.js";
import { cure, nextAction, SILENT_MS } from "../../public/js/next-action.js";
import { runOf } from "../../public/js/run.js";

const NOW = Date.UTC(2026, 0, 10, 6, 0);
const MIN = 60_000;
const live = { live: true, ever: true, offline: false };
const YAML = "a/sprint-status.yaml";

/** @param {Record<string, any>} with_ `stories` as {key: word}, `work` as {key: part of a Work} */
function model({ stories = {}, work = {}, epics = [], state = "ok", batch = null, active = [], orchestrator, agents = [], effort = [], sources = [{ file: YAML, state: "ok" }], issues = [], since = null } = {}) {
  const known = ["backlog", "ready-for-dev", "in-progress", "review", "done", "optional"];
  const rows = Object.entries(stories).map(([story_key, status]) => ({ story_key, story_id: /^\d+-\d+/.exec(story_key)?.[0] ?? story_key, epic_id: "1", title: null, status, status_class: known.includes(status) ? status : "other", updated_at: NOW - 60 * MIN }));
  const made = fromSnapshot({ sprint: { stories: rows, epics, state, sources, issues, since }, batch, active, orchestrator, agents });
  const blank = { first_at: null, last_at: null, busy_ms: 0, busy_since: null, runs: 0, reviews: 0, failures: 0, last: null, done_at: null, note: null };
  made.work = new Map(Object.entries(work).map(([key, one]) => [key, { ...blank, ...one }]));
  made.effort = effort;
  return made;
}
const last = (command, { failed = false, type = "end", at = NOW - 60 * MIN, message = null } = {}) => ({ type, command, task_id: "workflow", status: failed ? "failed" : "end", failed, message, at });
const say = (made, more = {}) => nextAction({ model: made, concerns: [], run: runOf(made), ended: null, now: NOW, line: live, ...more });
const op = (story_key, started_at, command = "dev-story") => ({ story_key, story_id: /^\d+-\d+/.exec(story_key)?.[0] ?? null, epic_id: "1", command, task_id: "workflow", started_at, attempt: 1, source: "csv", message: null });
const batch = (more = {}) => ({ id: 7, started_at: NOW - 60 * MIN, ended_at: null, max_cycles: null, cycles_completed: 0, status: "running", origin: "observed", size: null, last_activity_at: NOW - MIN, ...more });
const managed = { status: "running", batch_id: 7, cycles_completed: 0, max_cycles: null, current_stories: ["1-1-a"], batch_mode: "all", cycle_number: 1, parked_until: null };
const OPEN = { "1-1-a": "in-progress", "1-2-b": "ready-for-dev", "1-3-c": "backlog", "1-4-d": "done" };
const DONE = { "1-1-a": "done", "1-2-b": "done" };
const ended = (status, reason) => ({ batch_id: 7, status, reason, ended_at: NOW - 5 * 60 * MIN });

/** @type {[string, () => any, string, string, RegExp?][]} name, answer, tone, kind, words */
const CASES = [
  ["nothing known yet", () => nextAction({ model: null, concerns: [], run: runOf(model()), now: NOW, line: { live: false, ever: false } }), "plain", "loading"],
  ["offline", () => say(model({ stories: OPEN }), { line: { live: false, ever: true, lostAt: NOW - 30 * MIN } }), "bad", "offline", /30 min.*last known/],
  ["never reached", () => nextAction({ model: null, concerns: [], run: runOf(model()), now: NOW, line: { live: false, ever: false, offline: true } }), "bad", "offline", /nothing is known/],
  ["a broken status file", () => say(model({ stories: OPEN, state: "invalid", since: NOW - 60 * MIN, sources: [{ file: YAML, state: "invalid", line: 12, message: "mapping values are not allowed here" }] })), "bad", "status-file", /Mend sprint-status\.yaml, line 12.*mapping.*1 h old/],
  ["a broken one goes before a running batch", () => say(model({ stories: OPEN, state: "recovered", batch: batch(), active: [op("1-1-a", NOW - MIN)] })), "bad", "status-file"],
  ["another schema", () => say(model({ state: "other-schema" })), "bad", "status-file", /Put a BMAD status file in place/],
  ["the status file went", () => say(model({ stories: OPEN, state: "missing" })), "bad", "status-file", /Put back/],
  ["no file, no sprint", () => say(model({ state: "missing", sources: [{ file: YAML, state: "missing" }] })), "plain", "begin", /Plan a sprint/],
  ["an empty file", () => say(model({ state: "invalid", sources: [{ file: YAML, state: "invalid", line: 1, message: "the file is empty" }] })), "plain", "begin", /Plan a sprint/],
  ["a map without stories", () => say(model({ state: "invalid", sources: [{ file: YAML, state: "invalid", line: 1, message: "development_status has nothing below it" }] })), "plain", "begin", /^Plan a sprint sprint-status.yaml has no stories yet/],
  ["a file without stories", () => say(model()), "plain", "begin", /Add stories/],
  ["stopping", () => say(model({ stories: OPEN, batch: batch({ origin: "managed" }), orchestrator: { ...managed, status: "stopping" }, agents: [{ agent_id: "1", story_keys: ["1-1-a"], command: "dev-story", started_at: NOW }] })), "plain", "stopping", /1 agent still at work/],
  ["an agent silent for 25 min", () => say(model({ stories: OPEN, batch: batch({ origin: "managed" }), orchestrator: managed, active: [op("1-1-a", NOW - 40 * MIN)], work: { "1-1-a": { last_at: NOW - 25 * MIN } } })), "warn", "silent", /log of 1-1: dev-story.*25 min.*stop it/],
  ["somebody else's silent agent", () => say(model({ stories: OPEN, batch: batch(), active: [op("1-1-a", NOW - 26 * MIN)] })), "warn", "silent", /somebody else started it/],
  ["24 min are no silence", () => say(model({ stories: OPEN, batch: batch(), active: [op("1-1-a", NOW - 24 * MIN)] })), "live", "running"],
  ["a good run", () => say(model({ stories: OPEN, batch: batch(), active: [op("1-1-a", NOW - MIN)] })), "live", "running", /^Nothing to do 1-1 is under way: dev-story/],
  ["a good run with a forecast", () => say(model({ stories: OPEN, batch: batch(), active: [op("1-1-a", NOW - MIN)] }), { comeBack: NOW + 98 * MIN }), "live", "running", /come back around \d\d:[0-5][05]/],
  ["two stories at once", () => say(model({ stories: OPEN, batch: batch(), active: [op("1-1-a", NOW - MIN), op("1-2-b", NOW - MIN)] })), "live", "running", /1-1 and 1-2 are under way/],
  ["between two commands", () => say(model({ stories: OPEN, batch: batch({ last_activity_at: NOW - 5000 }) })), "live", "running", /between two commands/],
  ["between two commands for a while", () => say(model({ stories: OPEN, batch: batch() }), { comeBack: NOW + 60 * MIN }), "plain", "between", /^Nothing to do No command has been under way for 1 min; batch 7 is still open/],
  ["a blocked story while the batch goes on", () => say(model({ stories: { ...OPEN, "1-9-x": "blocked" }, batch: batch(), active: [op("1-1-a", NOW - MIN)] })), "bad", "stuck", /Look at 1-9.*goes on with the others/],
  ["an observed batch that says nothing", () => say(model({ stories: OPEN, batch: batch({ last_activity_at: NOW - 20 * MIN }) })), "warn", "quiet", /whether batch 7 still goes on.*20 min/],
  ["a managed batch that says nothing", () => say(model({ stories: OPEN, batch: batch({ origin: "managed", last_activity_at: NOW - 20 * MIN }), orchestrator: managed })), "warn", "quiet", /waits for/],
  ["parked", () => say(model({ stories: OPEN, batch: batch({ origin: "managed" }), orchestrator: { ...managed, status: "waiting", parked_until: NOW + 90 * MIN } })), "plain", "parked", /Nothing to do until.*goes on by itself/],
  ["parked, and its time is over", () => say(model({ stories: OPEN, batch: batch({ origin: "managed" }), orchestrator: { ...managed, status: "waiting", parked_until: NOW - 9 * MIN } })), "warn", "parked"],
  ["not logged in", () => say(model({ stories: OPEN }), { ended: ended("error", "agent: create-story failed: Invalid API key · Please run /login") }), "bad", "error", /Log the agent in, then start again.*batch 7 ended with an error at/],
  ["no program", () => say(model({ stories: OPEN }), { ended: ended("error", 'agent: the agent "claude" cannot be started: "claude" is no program that this user can execute') }), "bad", "error", /See that the agent's program is there/],
  ["denied", () => say(model({ stories: OPEN }), { ended: ended("error", "agent: create-story failed: permissions denied: Bash(npm test)") }), "bad", "error", /Allow what the agent asked for/],
  ["an error of another kind", () => say(model({ stories: OPEN }), { ended: ended("error", "status_file: it is gone") }), "bad", "error", /See why batch 7 ended/],
  ["an error, but all is done since", () => say(model({ stories: DONE }), { ended: ended("error", "x") }), "good", "finished"],
  ["a lost batch", () => say(model({ stories: OPEN }), { ended: ended("lost", "server_lost") }), "warn", "lost", /then start again/],
  ["a blocked story", () => say(model({ stories: { "1-1-a": "blocked", "1-2-b": "blocked by legal" } })), "bad", "stuck", /Look at 1-1.*it is blocked; 1 other story is stuck too/],
  ["blocked, with what the log says", () => say(model({ stories: { "1-1-a": "blocked" }, work: { "1-1-a": { failures: 3, last: last("code-review-3", { failed: true, message: "3 CRITICAL" }) } } })), "bad", "stuck", /3 CRITICAL/],
  ["failing three times", () => say(model({ stories: OPEN, work: { "1-2-b": { failures: 3, last: last("dev-story", { failed: true }) } } })), "bad", "stuck", /1-2.*failed 3 times/],
  ["failing twice", () => say(model({ stories: OPEN, work: { "1-2-b": { failures: 2, last: last("dev-story", { failed: true }) } } })), "warn", "start", /1-2 failed last and would be tried again/],
  ["a log that cannot be read", () => say(model({ stories: OPEN, sources: [{ file: YAML, state: "ok" }, { file: "a/sprint-runner.csv", state: "unreadable", message: "permission denied" }] })), "bad", "file", /Make sprint-runner\.csv readable/],
  ["open stories", () => say(model({ stories: OPEN })), "plain", "start", /Start a batch: 3 stories are open.*nothing runs; 1 in progress, 1 ready, 1 in the backlog/],
  ["one open story", () => say(model({ stories: { "1-1-a": "review" } })), "plain", "start", /1 story is open/],
  ["open stories, read-only", () => say(model({ stories: OPEN }), { readOnly: "this server is read-only" }), "plain", "start", /from another place.*may only look/],
  ["only words of their own", () => say(model({ stories: { ...DONE, "1-3-c": "on hold" } })), "plain", "undecided", /Decide.*“on hold”/],
  ["dropped stories are no question", () => say(model({ stories: { ...DONE, "1-3-c": "cancelled" } })), "good", "finished"],
  ["a commit that failed", () => say(model({ stories: DONE, work: { "1-1-a": { last: last("commit", { failed: true }) } } })), "warn", "commit", /Commit 1-1.*a commit failed/],
  ["no commit in the log", () => say(model({ stories: DONE, effort: [{ command: "commit", runs: 3 }], work: { "1-1-a": { last: last("code-review-1") }, "1-2-b": { last: last("commit") } } })), "warn", "commit", /no commit of 1-1/],
  ["a sprint without commits at all", () => say(model({ stories: DONE, work: { "1-1-a": { last: last("code-review-1") } } })), "good", "finished"],
  ["an open retrospective", () => say(model({ stories: DONE, epics: [{ epic_id: "1", epic_key: "epic-1", title: null, status: "done", status_class: "done", retrospective: "optional" }] })), "good", "retrospective", /epic-1/],
  ["an epic that still says in-progress", () => say(model({ stories: DONE, epics: [{ epic_id: "1", epic_key: "epic-1", title: null, status: "in-progress", status_class: "in-progress", retrospective: null }] })), "good", "epic", /Set epic-1 to done/],
  ["everything done", () => say(model({ stories: DONE })), "good", "finished", /Nothing is left to do/],
];

group("the next action", () => {
  for (const [name, answer, tone, kind, words] of CASES) {
    test(name, () => {
      const one = answer();
      assert.deepEqual([one.tone, one.kind], [tone, kind], JSON.stringify(one));
      if (words) assert.match(`${one.text} ${one.reason}`, new RegExp(words, words.source.startsWith("^") ? "" : "i"));
      assert.ok(one.text && one.text.length < 120 && !/[.\n]$/.test(one.text), one.text);
      assert.ok(one.reason === "" || /[.!?…]$/.test(one.reason), one.reason);
    });
  }
});

test("it never says that something runs when nothing does, and never sends away who is needed", () => {
  for (const state of ["ok", "invalid", null]) {
    for (const stories of [{}, OPEN, DONE, { "1-1-a": "blocked" }]) {
      for (const end of [null, ended("error", "x"), ended("lost", null), ended("completed", "all_done"), ended("stopped", "stop")]) {
        const one = say(model({ stories, state }), { ended: end, comeBack: NOW + 60 * MIN });
        assert.doesNotMatch(`${one.text} ${one.reason}`, /come back|under way|running/i);
        assert.notEqual(one.tone, "live");
      }
    }
  }
});

test("nothing can be started from the past, and nothing where nothing is reached", () => {
  assert.equal(say(model({ stories: OPEN }), { past: true }).action, null);
  assert.equal(say(model({ stories: OPEN }), { past: true, line: { live: false, ever: true } }).kind, "start", "the past is known all the same");
  assert.equal(say(model({ stories: OPEN }), { line: { live: false, ever: true } }).action, "retry");
  assert.equal(say(model({ stories: OPEN })).action, "start");
});

test("nasty keys go through as they are", () => {
  for (const key of ['test"story<img>', "__proto__", "2-8-rock & roll", "a b?c=d"]) {
    const one = say(model({ stories: { [key]: "blocked" } }));
    assert.equal(new URLSearchParams(one.href.split("?").slice(1).join("?")).get("detail"), key);
  }
});

test("silence begins with the minute that is told", () => {
  const at = (ms) => say(model({ stories: OPEN, batch: batch(), active: [op("1-1-a", NOW - ms)] })).kind;
  assert.equal(at(SILENT_MS - 1), "running");
  assert.equal(at(SILENT_MS), "silent");
});

test("what helps after an error", () => {
  assert.equal(cure("weather"), null);
  assert.match(cure("Not logged in · Please run /login") ?? "", /Log the agent in/);
  assert.match(cure("unknown flag --x") ?? "", /arguments/);
});

test("5,000 stories", () => {
  const stories = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${1 + Math.floor(i / 50)}-${i % 50}-s${i}`, i % 5 ? "backlog" : "done"]));
  assert.match(say(model({ stories })).text, /4,000 stories are open/);
});
