/** Looking at the past with a server made of a recording: what is asked, what is shown, what is dropped. Needs no browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromSnapshot, toSnapshot, apply } from "../../public/js/model.js";
import { demoEvents } from "./recorded.mjs";

// api.js makes its addresses from the document's; nothing here asks for one.
globalThis.document ??= /** @type {any} */ ({ baseURI: "http://127.0.0.1/" });
const { openArchive } = await import("../../public/js/archive.js");
const { createPast } = await import("../../public/js/past.js");
const { MOST } = await import("../../public/js/past-window.js");

const demo = demoEvents();
const row = { id: 1, started_at: demo[0].timestamp, ended_at: 5, status: "completed", origin: "observed", cycles_completed: 0, max_cycles: null, story_count: 8, duration_seconds: 240 };
const recorded = (events, rows = [row]) => openArchive(JSON.stringify({ format: 1, exported_at: 9, version: "0", epoch: "e1", first: 1, last: events.length, base: { ...toSnapshot(fromSnapshot()), epoch: "e1" }, events, answers: { "api/batches": { batches: rows, total: rows.length } } }));
const turns = async (n = 60) => { for (let i = 0; i < n; i += 1) await new Promise((go) => setImmediate(go)); };
const foldedTo = (events, id) => toSnapshot(events.filter((one) => one.id <= id).reduce(apply, fromSnapshot(toSnapshot({ ...fromSnapshot(), epoch: "e1" }))));

/** @param {any[]} events @param {{rows?: any[], spoil?: (path: string, query: any) => any}} [more] */
function stage(events, { rows, spoil } = {}) {
  const archive = recorded(events, rows);
  const asked = [];
  const visits = [];
  let wish = { batch: null, at: null };
  const get = async (path, query = {}) => {
    asked.push({ path, query });
    const spoiled = await spoil?.(path, query);
    return spoiled ?? structuredClone(archive.answer(path, query));
  };
  const past = createPast({ get, changed: () => {}, visit: (to, how) => { visits.push({ to, how }); if (to) wish = to; } });
  const live = { model: fromSnapshot(archive.init.payload.snapshot), now: 99 };
  return { past, asked, visits, live, wish: (to) => { wish = { batch: null, at: null, ...to }; return past.look(wish, live); }, look: () => past.look(wish, live) };
}

test("a moment of the whole log is the fold up to it, and the log ends there", async () => {
  const { wish, look, past } = stage(demo);
  assert.equal(wish({ at: 40 }).past.ready, false);
  await turns();
  const seen = look();
  assert.deepEqual(toSnapshot(seen.model), foldedTo(demo, 40));
  assert.deepEqual([seen.past.at, seen.past.first, seen.past.last, seen.past.place, seen.past.total], [40, 1, demo.length, 40, demo.length]);
  assert.deepEqual([seen.log.events.length, seen.log.events.at(-1).id, past.log], [40, 40, seen.log]);
  assert.equal(seen.past.moment, demo[39].timestamp);
  assert.deepEqual(seen.log.select({ types: "", story: "", q: "" }).map((one) => one.id).slice(0, 3), [40, 39, 38]);
});

test("a batch opens at its end, with its row and the way it ended; its window is its first to its last event", async () => {
  const { wish, look } = stage(demo);
  wish({ batch: 1 });
  await turns();
  const { past, model, ended } = look();
  const of = demo.filter((one) => one.batch_id === 1);
  assert.deepEqual([past.batch, past.row.id, past.first, past.last, past.at], [1, 1, of[0].id, of.at(-1).id, of.at(-1).id]);
  assert.deepEqual([model.batch, ended.batch_id, ended.status, ended.ended_at], [null, 1, "completed", of.at(-1).timestamp]);
  past.steer.to(3);
  const early = look();
  assert.deepEqual([early.model.batch?.id, early.ended, early.past.place, early.past.at], [1, null, 3, of[0].id + 2]);
  assert.deepEqual(toSnapshot(early.model), foldedTo(demo, of[0].id + 2));
});

test("moving asks the server for nothing more, and the address follows later, once", async (t) => {
  const { wish, look, asked, visits } = stage(demo);
  wish({ at: 100 });
  await turns();
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const before = asked.length;
  const { steer } = look().past;
  for (let i = 0; i < 30; i += 1) { steer.step(-1); look(); }
  assert.equal(look().past.at, 70);
  assert.deepEqual(visits, []);
  t.mock.timers.tick(500);
  assert.deepEqual(visits, [{ to: { batch: null, at: 70 }, how: { replace: true } }]);
  assert.equal(look().past.at, 70);
  assert.equal(asked.length, before);
});

test("steps stay within the ends", async () => {
  const { wish, look } = stage(demo);
  wish({ at: 1 });
  await turns();
  const { steer } = look().past;
  steer.step(-1);
  assert.deepEqual([look().past.at, look().past.place, look().past.event], [0, 0, null]);
  steer.step(-1);
  assert.equal(look().past.at, 0);
  steer.to(demo.length);
  assert.equal(look().past.at, demo.length);
  steer.step(1);
  await turns();
  assert.equal(look().past.at, demo.length);
});

test("failures are jumped to, one after the other, and none more is said", async () => {
  const events = structuredClone(demo);
  const spots = [60, 90, 300];
  for (const id of spots) Object.assign(events[id - 1], { type: "command:end", payload: { story_key: "x", command: "dev-story", task_id: "t", status: "failed" } });
  const { wish, look } = stage(events);
  wish({ at: 10 });
  await turns();
  const { steer } = look().past;
  const known = events.filter((one) => one.type === "command:end" && ["failed", "error", "blocked"].includes(one.payload.status)).map((one) => one.id);
  for (const id of known) { steer.failure(1); assert.equal(look().past.at, id); }
  steer.failure(1);
  assert.deepEqual([look().past.at, look().past.note], [known.at(-1), "No later failure"]);
  for (const id of known.slice(0, -1).reverse()) { steer.failure(-1); assert.equal(look().past.at, id); }
  steer.failure(-1);
  assert.equal(look().past.note, "No earlier failure");
});

test("a late answer of an older wish is dropped", async () => {
  let hold = null;
  const { wish, look } = stage(demo, { spoil: async (path, query) => { if (path === "api/batches/1" && hold === null) await new Promise((go) => (hold = go)); } });
  wish({ batch: 1 });
  await turns();
  wish({ at: 20 });
  await turns();
  assert.equal(look().past.at, 20);
  hold();
  await turns();
  assert.deepEqual([look().past.at, look().past.batch], [20, null]);
});

test("a load that fails says so and can be tried again; what is not there is said", async () => {
  let broken = true;
  const { wish, look } = stage(demo, { spoil: (path) => { if (broken && path === "api/snapshot") throw new Error("api/snapshot answered 500"); } });
  wish({ at: 20 });
  await turns();
  assert.deepEqual([look().past.ready, look().past.failed], [false, "This part of the log could not be loaded."]);
  broken = false;
  look().past.steer.retry();
  await turns();
  assert.deepEqual([look().past.ready, look().past.failed, look().past.at], [true, null, 20]);
  const missing = stage(demo, { spoil: (path) => { if (path.startsWith("api/batches/")) throw new Error("api/batches/9 answered 404"); } });
  missing.wish({ batch: 9 });
  await turns();
  assert.equal(missing.look().past.failed, "There is no batch 9.");
  const silent = stage(demo, { rows: [row, { ...row, id: 2 }] });
  silent.wish({ batch: 2 });
  await turns();
  assert.equal(silent.look().past.failed, "Batch 2 has left no events.");
});

test("a running batch without a moment is what is now", async () => {
  const { wish, visits } = stage(demo, { spoil: (path) => (path === "api/batches/1" ? { batch: { ...row, status: "running", ended_at: null } } : null) });
  wish({ batch: 1 });
  await turns();
  assert.deepEqual(visits, [{ to: null, how: { replace: true } }]);
});

test("of a long log a bounded stretch is held, whatever is looked at", async () => {
  const n = 25_000;
  const events = Array.from({ length: n }, (_, i) => ({ id: i + 1, type: i === 20_000 ? "error" : "note", timestamp: 1000 * i, batch_id: null, source: "server", payload: {} }));
  const { wish, look, asked } = stage(events);
  wish({ at: 12_000 });
  await turns();
  let { past, log } = look();
  assert.deepEqual([past.at, past.place, past.total, log.events.at(-1).id], [12_000, 12_000, n, 12_000]);
  assert.ok(past.trace.of.length <= MOST);
  assert.deepEqual(asked.filter((one) => one.path === "api/snapshot").map((one) => one.query.at), [7000]);
  past.steer.to(24_000);
  assert.equal(look().past.at, 12_000, "what is shown stays until the other is there");
  assert.equal(look().past.loading, true);
  await turns();
  ({ past, log } = look());
  assert.deepEqual([past.at, past.loading, log.events.at(-1).id], [24_000, false, 24_000]);
  assert.ok(past.trace.of.length <= MOST);
  past.steer.to(1);
  await turns();
  look().past.steer.failure(1);
  await turns();
  assert.equal(look().past.at, 20_001);
  const edge = look().past.trace.of.at(-1).id;
  for (const way of [1, -1]) {
    look().past.steer.to(edge - 1);
    await turns();
    for (let i = 0; i < 4; i += 1) { look().past.steer.step(way); await turns(); }
    assert.equal(look().past.at, Math.min(n, edge - 1 + 4 * way));
  }
});

test("where the log has grown, going beyond the end looks again", async () => {
  let grown = false;
  const more = { id: demo.length + 1, type: "note", timestamp: 1, payload: {} };
  const all = [...demo, more];
  const late = recorded(all);
  const { wish, look, live } = stage(demo, { spoil: (path, query) => (grown ? structuredClone(late.answer(path, query)) : null) });
  wish({ at: demo.length });
  await turns();
  assert.equal(look().past.at, demo.length);
  grown = true;
  live.model.last_event_id = all.length;
  look().past.steer.step(1);
  await turns();
  assert.deepEqual([look().past.at, look().past.last], [all.length, all.length]);
});

test("playing moves on by itself, stops at the end, and leaving stops it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { wish, look, past } = stage(demo);
  wish({ at: demo.length - 5 });
  await turns();
  look().past.steer.play(600);
  assert.equal(look().past.playing, 600);
  for (let i = 0; i < 400; i += 1) { t.mock.timers.tick(60); look(); }
  assert.deepEqual([look().past.at, look().past.playing], [demo.length, null]);
  look().past.steer.play(1);
  assert.equal(look().past.at, 0, "from the beginning, where nothing is left");
  past.leave();
  t.mock.timers.tick(10_000);
  assert.equal(past.log, null);
});

test("what went on when a recording was taken goes on no more", () => {
  const begun = demo.findIndex((one) => one.type === "command:start") + 1;
  const archive = recorded(demo.slice(0, begun), [{ ...row, status: "running", ended_at: null }]);
  const { snapshot, batch } = archive.init.payload;
  assert.deepEqual([batch, snapshot.batch, snapshot.active, snapshot.agents, snapshot.orchestrator.status], [null, null, [], [], "idle"]);
  assert.equal(archive.answer("api/snapshot", {}).active.length, 1, "at the moment itself it did");
  assert.deepEqual([archive.answer("api/batches", {}).batches[0].status, archive.answer("api/batches/1", {}).batch.status], ["unfinished", "unfinished"]);
});

test("a recording answers as its server would, and refuses the rest", () => {
  const archive = recorded(demo);
  assert.deepEqual(toSnapshot(fromSnapshot(archive.answer("api/snapshot", {}))), foldedTo(demo, demo.length));
  assert.deepEqual(toSnapshot(fromSnapshot(archive.answer("api/snapshot", { at: 30 }))), foldedTo(demo, 30));
  const ids = (query) => archive.answer("api/events", query).events.map((one) => one.id);
  assert.deepEqual(ids({ after: 3, limit: 2 }), [4, 5]);
  assert.deepEqual(ids({ before: 4, limit: 2 }), [2, 3]);
  assert.deepEqual(ids({ limit: 1 }), [demo.length]);
  assert.deepEqual(ids({ after: 0, type: "batch:*" }), demo.filter((one) => one.type.startsWith("batch:")).map((one) => one.id));
  assert.deepEqual(ids({ after: 0, limit: 3, batch_id: "7,1" }), demo.filter((one) => one.batch_id === 1).slice(0, 3).map((one) => one.id));
  assert.ok(ids({ q: "photo commit", after: 0, limit: 1000 }).length > 0);
  assert.ok(archive.answer("api/batches/1", {}).stats.command_count > 10);
  assert.throws(() => archive.answer("api/agents", {}), /This is a recording: there is no server behind it\./);
  assert.throws(() => archive.answer("api/batches/7", {}), /does not hold that/);
  assert.throws(() => openArchive("{"), /broken/);
  assert.throws(() => openArchive('{"format":2,"events":[]}'), /does not know/);
});
