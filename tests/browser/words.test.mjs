/** What the page says: the state word, what needs a person, events in words. Needs no browser. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as group, test } from "node:test";
import { ago, epicTitle, fileName, span, storyTitle, timer, took } from "../../public/js/format.js";
import { apply, fromSnapshot } from "../../public/js/model.js";
import { concerns, verdict } from "../../public/js/verdict.js";
import { describe, family, metricsOf } from "../../public/js/words.js";

const NOW = 1_767_225_600_000;
const live = { live: true, ever: true, offline: false };
const event = (type, payload, timestamp = NOW) => ({ id: 1, type, timestamp, batch_id: 1, source: "csv", payload });
const fold = (...events) => events.reduce(apply, fromSnapshot());
const started = event("command:start", { story_key: "1-1-a", story_id: "1-1", command: "dev-story", task_id: "workflow" });
const batch = event("batch:start", { batch_id: 1, origin: "observed", started_at: NOW });
const story = (word, status_class = "other") => event("story:status", { story_key: "1-1-a", story_id: "1-1", epic_id: "1", old_status: null, new_status: word, status_class, title: "A", after: null });

group("the state word", () => {
  const cases = [
    ["nothing known yet", null, { live: false, ever: false, offline: false }, "loading"],
    ["never reached", null, { live: false, ever: false, offline: true }, "offline"],
    ["lost with a command open", fold(batch, started), { live: false, ever: true, offline: false }, "offline"],
    ["a command open", fold(batch, started), live, "running"],
    ["a command open without a batch", fold(started), live, "running"],
    ["an open batch, quiet", fold(event("batch:start", { batch_id: 1, origin: "observed" }, NOW - 60_000)), live, "waiting"],
    ["an ended batch", fold(story("backlog", "backlog"), batch, started, event("batch:end", { batch_id: 1, status: "lost" })), live, "idle"],
    ["no batch", fold(story("backlog", "backlog")), live, "idle"],
    ["all done", fold(story("done", "done")), live, "finished"],
    ["an empty project", fold(), live, "empty"],
    ["history of an older server", fold(story("backlog", "backlog"), { ...started, payload: { ...started.payload, imported: true } }), live, "idle"],
  ];
  for (const [name, model, line, kind] of cases) {
    test(`${name}: ${kind}`, () => {
      const { word } = verdict(model, line, NOW);
      assert.equal(verdict(model, line, NOW).kind, kind);
      assert.equal(word === "running", kind === "running");
    });
  }
});

group("what needs a person", () => {
  const failed = event("command:end", { story_key: "1-1-a", story_id: "1-1", command: "code-review-1", task_id: "workflow", status: "failed", message: "2 CRITICAL" });
  const of = (model, failures = [], lastOf = new Map()) => concerns(model, lastOf, failures, NOW).map((one) => `${one.tone} ${one.text}`);
  test("nothing on a good day", () => assert.deepEqual(of(fold(story("review", "review"), batch, started)), []));
  test("a blocked story", () => assert.deepEqual(of(fold(story("blocked by legal"))), ["bad 1-1 is blocked by legal"]));
  test("a failure nobody took up", () => assert.deepEqual(of(fold(story("review", "review")), [failed]), ["bad 1-1: code-review-1 failed"]));
  test("a failure that is being mended, or was", () => {
    assert.deepEqual(of(fold(story("review", "review"), started), [failed]), []);
    assert.deepEqual(of(fold(story("done", "done")), [failed]), []);
  });
  test("what is about a story leads to its panel", () => {
    const hrefs = (model, failures = []) => concerns(model, new Map(), failures, NOW).map((one) => one.href);
    assert.deepEqual(hrefs(fold(story("blocked"))), ["#overview?detail=1-1-a"]);
    assert.deepEqual(hrefs(fold(story("review", "review")), [failed]), ["#overview?detail=1-1-a"]);
    assert.deepEqual(hrefs(fold({ ...started, timestamp: NOW - 15 * 60_000 })), ["#overview?detail=1-1-a"]);
  });
  test("a silent agent", () => assert.deepEqual(of(fold({ ...started, timestamp: NOW - 15 * 60_000 })), ["warn 1-1: dev-story is silent"]));
  test("a broken status file is told once", () => {
    const broken = event("source:state", { file: "sprint-status.yaml", state: "invalid", sprint_state: "invalid", issues: [{ severity: "error", code: "yaml", line: 3, message: "x" }] });
    assert.deepEqual(of(fold(story("done", "done"), broken)), ["bad sprint-status.yaml cannot be read"]);
  });
});

test("events in words", () => {
  const says = (type, payload) => describe(event(type, payload)).text;
  assert.equal(says("command:end", { story_key: "a", command: "x", status: "failed", message: "2 left (files:1)" }), "failed – 2 left");
  assert.equal(says("command:end", { story_key: "a", command: "x", status: "end" }), "done");
  assert.equal(says("command:end", { story_key: "a", command: "x", status: "left-open" }), "left open");
  assert.equal(says("story:status", { story_key: "a", old_status: "review", new_status: "done" }), "review → done");
  assert.equal(says("story:status", { story_key: "a", old_status: "review", new_status: null }), "gone (was review)");
  assert.equal(says("command:progress", { story_key: "a", command: "x", message: "one\\ntwo\nthree" }), "one two three");
  assert.match(says("weather:report", { sky: "<b>" }), /^weather:report sky: <b>$/);
  for (const type of ["batch:end", "source:state", "agent:end", "activity:entry", "error", "cycle:end", "settings:changed", "batch:warning"]) assert.equal(typeof says(type, {}), "string", type);
  assert.equal(typeof describe({ id: 1, type: "x", timestamp: 0, payload: undefined }).text, "string");
});

test("titles and files", () => {
  const called = (story_key, story_id, title = null) => storyTitle({ story_key, story_id, title });
  assert.equal(called("2a-1-session-list", "2a-1"), "Session list");
  assert.equal(called("2a-1-session-list", "2a-1", "Sessions"), "Sessions");
  assert.equal(called("2-7-笔记-編集器", "2-7"), "笔记 編集器");
  for (const key of ['test"story<img>', "loose-end", "2-8-rock & roll", "__proto__", ""]) assert.equal(called(key, null), key);
  assert.equal(called("2-8-rock & roll", "2-8"), "rock & roll");
  assert.equal(called("2-8", "2-8"), "2-8");
  assert.equal(epicTitle({ epic_id: "2a", epic_key: "epic-2a", title: null }), "Epic 2a");
  assert.equal(fileName("_bmad-output/implementation-artifacts/sprint-status.yaml"), "sprint-status.yaml");
});

test("metrics, families, times", () => {
  assert.deepEqual(metricsOf("done (files:2, lines:85)"), { text: "done", metrics: [["files", "2"], ["lines", "85"]] });
  assert.deepEqual(metricsOf("call f(x)"), { text: "call f(x)", metrics: [] });
  assert.deepEqual(["create-story", "sprint-dev-story", "tech-spec-review-2", "create-tech-spec", "tech-spec-discovery", "code-review-10", "commit", "dance"].map(family), ["create", "dev", "tech-spec-review", "tech-spec", "tech-spec", "code-review", "commit", "other"]);
  assert.deepEqual([timer(7000), timer(750_000), timer(3_765_000), timer(-5)], ["0:07", "12:30", "1:02:45", "0:00"]);
  assert.deepEqual([span(45_000), span(12 * 60_000), span(7_500_000), span(273_600_000)], ["45 s", "12 min", "2 h 5 min", "3 d 4 h"]);
  assert.deepEqual([took(400), took(12_000), took(187_000), ago(NOW - 500, NOW)], ["0.4 s", "12 s", "3:07", "just now"]);
});

test("every type of event has words of its own", () => {
  const source = readFileSync(new URL("../../src/domain/payload.rs", import.meta.url), "utf8");
  const types = [...source.matchAll(/^ {4}\w+\(\w+\) = "([\w:]+)"/gm)].map(([, type]) => type);
  assert.ok(types.length > 25, `${types.length} types found`);
  for (const type of types) {
    const { text } = describe(event(type, { command: "dev-story", message: "m", line: "l" }));
    assert.ok(!text.startsWith(type), `${type}: ${text}`);
  }
});
