/** Which events call a person, and which do not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createNotable, STALE_MS } from "../../public/js/notable.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const event = (type, payload, timestamp = NOW) => ({ id: 1, type, timestamp, payload });
const status = (new_status, more = {}) => event("story:status", { story_key: "1-2-rope", story_id: "1-2", old_status: "review", new_status, ...more });
const end = (word, story_key = "1-2-rope") => event("command:end", { story_key, story_id: story_key.slice(0, 3), command: "dev-story", status: word, message: "why" });

describe("one event", () => {
  for (const [name, one, title, needs] of [
    ["a story becomes blocked", status("blocked"), "1-2 is blocked", true],
    ["a story becomes failed, with a word more", status("Failed: no disk"), "1-2 is Failed: no disk", true],
    ["a story goes on", status("done"), null],
    ["a word that only begins alike", status("blockedish"), null],
    ["a story seen for the first time", status("blocked", { old_status: null }), null],
    ["a batch ends well", event("batch:end", { batch_id: 7, status: "completed", reason: "all_done" }), "Batch 7: completed", false],
    ["a batch ends with an error", event("batch:end", { batch_id: 7, status: "error", reason: "usage" }), "Batch 7: ended with an error", true],
    ["an imported batch ends", event("batch:end", { batch_id: 7, status: "error", imported: true }), null],
    ["a batch is parked", event("batch:warning", { batch_id: 7, warning_type: "usage_limit", state: "waiting", parked_until: NOW + 3_600_000, message: "limit" }), /^Batch 7 is parked until /, false],
    ["a batch goes on", event("batch:warning", { batch_id: 7, warning_type: "usage_limit_over", state: "running", message: "over" }), null],
    ["another warning", event("batch:warning", { batch_id: 7, warning_type: "general", message: "hm" }), null],
    ["one failure", end("failed"), null],
    ["no payload at all", { id: 1, type: "batch:end", timestamp: NOW, payload: null }, null],
    ["an unknown type", event("moon:rise", { message: "m" }), null],
  ]) {
    test(name, () => {
      const call = createNotable()(one, NOW);
      if (title === null) assert.equal(call, null);
      else {
        assert.match(call.title, title instanceof RegExp ? title : new RegExp(`^${title}$`));
        assert.equal(call.needs, needs);
        assert.match(call.href, /^#(run$|overview\?detail=)/);
      }
    });
  }
});

test("the third failure in a row calls, once; a good end begins anew; stories are counted apart", () => {
  const notable = createNotable();
  const calls = (...words) => words.map((word) => notable(end(word), NOW)?.title ?? null);
  assert.deepEqual(calls("failed", "error"), [null, null]);
  assert.equal(notable(end("failed", "1-3-tide"), NOW), null);
  assert.deepEqual(calls("blocked", "failed"), ["1-2 has failed three times", null]);
  assert.deepEqual(calls("done", "failed", "failed", "failed"), [null, null, null, "1-2 has failed three times"]);
});

test("what is long past calls nobody, but is counted", () => {
  const notable = createNotable();
  const old = { ...end("failed"), timestamp: NOW - STALE_MS - 1 };
  assert.equal(notable({ ...status("blocked"), timestamp: NOW - STALE_MS - 1 }, NOW), null);
  notable(old, NOW);
  notable(old, NOW);
  assert.ok(notable(end("failed"), NOW));
});

test("what files say is cut to a line", () => {
  const { body } = createNotable()(event("batch:end", { batch_id: 1, status: "error", reason: `it\\nbroke ${"x".repeat(9000)}` }), NOW);
  assert.ok(body.length <= 180 && !/\n/.test(body), body);
});
