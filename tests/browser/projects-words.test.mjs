/** What is said of many projects: neither browser nor server is needed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf } from "../../public/js/place.js";
import { batchOf, costOf, filtered, needsOf, ordered, sinceOf, stateOf, sumOf, totalsOf, whereOf, workOf } from "../../public/js/projects-words.js";

const one = (change = {}) => ({
  name: "lantern", path: "p/lantern/", folder: "~/lantern", branch: null, state: "idle", since: null, server: null, silent: 0, reviews_waiting: 0, last_known: null, reasons: [], project: null, batch: null, active: [], active_count: 0, agents: 0,
  stories: { total: 0, done: 0, blocked: 0, stuck: 0 }, issues: { errors: 0, warnings: 0 }, last_activity_at: null, cost_usd: null, input_tokens: null, output_tokens: null, ...change,
});

test("nothing is said to run while nobody knows", () => {
  for (const state of ["running", "stopping", "parked", "waiting", "finished", "idle", "empty", "down"]) {
    const said = stateOf(one({ state }), false, 0);
    assert.deepEqual([said.kind, said.word], ["offline", "unknown"]);
    assert.ok(!/running/.test(sumOf([one({ state })], false).title + sumOf([one({ state })], false).words));
  }
  for (const state of ["stopping", "parked", "waiting", "finished", "idle", "empty", "down"]) assert.notEqual(stateOf(one({ state }), true, 0).kind, "running");
  assert.equal(stateOf(one({ state: "running", active_count: 1 }), true, 0).detail, "1 command");
});

test("what wants a person stands first, and a remark is none", () => {
  const all = needsOf(one({ reasons: ["its folder is gone"], stories: { total: 3, done: 0, blocked: 1, stuck: 2 }, issues: { errors: 1, warnings: 2 } }));
  assert.deepEqual(all.map(({ text }) => text), ["Its folder is gone.", "1 blocked", "2 stuck after a failure", "1 error in files", "2 remarks on files"]);
  assert.equal(sumOf([one({ issues: { errors: 0, warnings: 1 } })], true).kind, "idle");
  assert.deepEqual(sumOf([one({ state: "running" }), one({ stories: { total: 1, done: 0, blocked: 1, stuck: 0 } })], true), { title: "1 running · 1 needs you – Sprint Runner", words: "2 projects · 1 running · 1 needs you", kind: "attention" });
});

test("costs and batches as far as they are known", () => {
  assert.equal(costOf(one()), "");
  assert.equal(costOf(one({ cost_usd: 12.4, input_tokens: 3_000_000, output_tokens: 200_000 })), "$12.40 · 3.2 M tokens");
  assert.equal(batchOf(one({ batch: { id: 7, origin: "managed", started_at: 0, cycles_completed: 1, max_cycles: 5, parked_until: null } })), "batch 7, 1 of 5 cycles done");
  assert.equal(batchOf(one({ batch: { id: 7, origin: "managed", started_at: 0, cycles_completed: 1, max_cycles: null, parked_until: null } })), "batch 7, 1 cycle done (unlimited)");
});

test("the address alone tells which project a page is", () => {
  for (const [href, root, name] of [
    ["http://x/", "http://x/", null], ["http://x/p/lantern/", "http://x/", "lantern"], ["https://x/tools/sprint/p/a-b.c/", "https://x/tools/sprint/", "a-b.c"],
    ["http://x/p/", "http://x/p/", null], ["http://x/p/A/", "http://x/p/A/", null], ["http://x/p/a/b/", "http://x/p/a/b/", null], ["", "", null],
  ]) assert.deepEqual(placeOf(href), { root, name }, href);
});

const away = (change = {}) => one({ state: "unreachable", since: 0, server: { host: "ada", unreachable_since: 0, control: false }, ...change });

test("one that is not heard is unreachable: it neither runs nor has anybody at work", () => {
  const batch = { id: 7, origin: "managed", started_at: 0, cycles_completed: 1, max_cycles: 5, parked_until: null };
  const lost = away({ last_known: { state: "running", batch, agents: 2, active_count: 3 } });
  const { kind, word, detail } = stateOf(lost, true, 60_000);
  assert.deepEqual([kind, word], ["unreachable", "unreachable"]);
  assert.match(detail, /^since \d\d:\d\d$/);
  assert.deepEqual(workOf(lost, true), { first: "batch 7 · 1 of 5 cycles", second: "last known: 2 agents, 3 commands", old: true });
  const { title, words, kind: lamp } = sumOf([lost], true);
  assert.deepEqual([title, words, lamp], ["none running · 1 unreachable – Sprint Runner", "1 project · none running · 1 unreachable", "attention"]);
  assert.deepEqual(Object.fromEntries(totalsOf([lost, one({ state: "running", agents: 2 })], true)), { Projects: "2", Running: "1", "Need you": "0", Unreachable: "1", Agents: "2" });
  assert.deepEqual(totalsOf([one({ state: "running", agents: 2 })], false), [["Projects", "1"]], "nothing goes on while nobody knows");
  assert.equal(whereOf(away({ server: { host: null, unreachable_since: 0, control: false } })), "not heard yet");
  assert.equal(whereOf(one()), "~/lantern");
});

test("what waits for somebody stands first, then what is not heard, then what runs", () => {
  const all = [one({ name: "calm" }), one({ name: "busy", state: "running" }), away({ name: "gone" }), one({ name: "p10" }), one({ name: "p9" }), one({ name: "done", state: "finished" }),
    one({ name: "stuck", stories: { total: 1, done: 0, blocked: 1, stuck: 0 } }), one({ name: "quiet", state: "running", silent: 1 }), one({ name: "held", reviews_waiting: 2 }), one({ name: "parked", state: "parked" })];
  assert.deepEqual(ordered(all).map(({ name }) => name), ["held", "quiet", "stuck", "gone", "busy", "parked", "calm", "p9", "p10", "done"]);
  assert.deepEqual(needsOf(all[7]).map(({ text }) => text), ["1 command silent"]);
  assert.deepEqual(needsOf(all[8]).map(({ text }) => text), ["2 reviews waiting for a day"]);
  assert.deepEqual(filtered(all, " ADA  unreach").map(({ name }) => name), ["gone"]);
  assert.deepEqual(filtered(all, "needs").map(({ name }) => name), ["stuck", "quiet", "held"]);
  assert.equal(filtered(all, "  ").length, all.length);
  assert.equal(sinceOf(one({ since: null }), 0), "");
  assert.match(sinceOf(one({ state: "running", since: 0 }), 0), /^since /);
  assert.match(sinceOf(one({ state: "idle", since: 0 }), 0), /^last sign /);
});
