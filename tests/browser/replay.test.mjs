/** Laws of replaying a stretch of the log, on the fold cases and the demo's recording. Needs no browser. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { apply, fromSnapshot, toSnapshot } from "../../public/js/model.js";
import { advance, SILENCE_MS, trace } from "../../public/js/playback.js";
import { createReplay, momentsOf } from "../../public/js/replay.js";
import { demoEvents } from "./recorded.mjs";

const folder = new URL("../../fixtures/fold/", import.meta.url);
const cases = readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => ({ ...JSON.parse(readFileSync(new URL(name, folder), "utf8")), name }));
const demo = demoEvents();

/** All states from the beginning on, each folded by itself. */
function folded(base, events) {
  const state = fromSnapshot(base);
  return [toSnapshot(state), ...events.map((event) => toSnapshot(apply(state, event)))];
}

/** The same order of looks in every run, back and forth. */
function looks(length, n) {
  const found = [];
  for (let i = 0, seed = 7; i < n; i += 1) {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    found.push(i % 3 ? seed % (length + 1) : Math.min(length, (found.at(-1) ?? 0) + 1));
  }
  return found;
}

for (const { name, start, events } of cases) {
  for (const every of [1, 3, 500]) {
    test(`${name}: every index is the fold from the beginning, in any order (a copy each ${every})`, () => {
      const wanted = folded(start, events);
      const replay = createReplay({ base: start, events, every });
      for (const i of [...wanted.keys(), ...[...wanted.keys()].reverse(), ...looks(events.length, 60)]) assert.deepEqual(toSnapshot(replay.at(i).model), wanted[i], `index ${i}`);
    });
  }
}

test("the demo's recording: every index is the fold from the beginning", () => {
  const wanted = folded(null, demo);
  const replay = createReplay({ base: null, events: demo, every: 20 });
  for (const i of looks(demo.length, 400)) {
    const seen = replay.at(i);
    assert.deepEqual(toSnapshot(seen.model), wanted[i], `index ${i}`);
    assert.equal(seen.index, i);
  }
});

test("the base and the events stay as they were", () => {
  const { start, events } = cases.find((one) => one.name.startsWith("18-"));
  const before = JSON.stringify([start, events]);
  const replay = createReplay({ base: start, events, every: 2 });
  for (const i of looks(events.length, 50)) replay.at(i);
  assert.equal(JSON.stringify([start, events]), before);
});

test("a step on costs one event, a jump at most the way from the copy before it", () => {
  const replay = createReplay({ base: null, events: demo, every: 25 });
  let before = 0;
  for (let i = 1; i <= demo.length; i += 1) {
    replay.at(i);
    assert.equal(replay.folded - before, 1);
    before = replay.folded;
  }
  for (const i of looks(demo.length, 300)) {
    replay.at(i);
    assert.ok(replay.folded - before <= 25, `to ${i}: ${replay.folded - before}`);
    before = replay.folded;
  }
});

test("two states that differ never count the same number of changes", () => {
  const replay = createReplay({ base: null, events: demo, every: 25 });
  /** @type {Map<number, string>} */
  const known = new Map();
  for (const i of looks(demo.length, 300)) {
    const { model } = replay.at(i);
    const rows = JSON.stringify([model.epics, model.stories, model.issues]);
    assert.equal(known.get(model.revision) ?? rows, rows);
    known.set(model.revision, rows);
  }
});

test("indexes beyond the ends are the ends; nothing at all can be looked at too", () => {
  const replay = createReplay({ base: null, events: demo });
  assert.equal(replay.at(-5).index, 0);
  assert.equal(replay.at(1e9).index, demo.length);
  assert.equal(replay.at(NaN).index, 0);
  assert.deepEqual([createReplay({ base: null, events: [] }).at(3).index, createReplay({ base: null, events: [] }).at(0).moment], [0, null]);
});

test("an id leads to the state right after its event, also where ids are missing", () => {
  const events = [3, 4, 9, 12].map((id) => ({ id, type: "note", timestamp: id, payload: {} }));
  const replay = createReplay({ base: null, events });
  assert.deepEqual([0, 2, 3, 8, 9, 11, 12, 99].map(replay.indexOf), [0, 0, 1, 2, 3, 3, 4, 4]);
});

test("the clock does not run back for a row's whole second, and does for an older log", () => {
  const at = (...times) => [...momentsOf(times.map((timestamp) => ({ type: "x", timestamp, payload: {} })))];
  assert.deepEqual(at(1000, 1600, 1000, 2000), [1000, 1600, 1600, 2000]);
  assert.deepEqual(at(9_000_000, 1000, 2000), [9_000_000, 1000, 2000]);
});

test("playing shortens the time between events, cuts silences, and ends at the end", () => {
  const moments = [0, 1000, 1500, 10_000_000, 10_000_100];
  assert.deepEqual(advance(moments, 1, 999, 1), { index: 1, owed: 999 });
  assert.deepEqual(advance(moments, 1, 1000, 1), { index: 2, owed: 0 });
  assert.deepEqual(advance(moments, 1, 150, 10), { index: 3, owed: 0 });
  assert.deepEqual(advance(moments, 3, SILENCE_MS - 1, 600), { index: 3, owed: SILENCE_MS - 1 });
  assert.deepEqual(advance(moments, 3, SILENCE_MS, 600), { index: 4, owed: 0 });
  assert.deepEqual(advance(moments, 0, 1e9, 1), { index: 5, owed: 0 });
  assert.deepEqual(advance(moments, 5, 50, 1), { index: 5, owed: 0 });
  assert.deepEqual(advance([5, 3], 1, 0, 1), { index: 2, owed: 0 }, "a clock that goes back does not hold it up");
});

test("the trace is as long as what it tells of, and marks failures and batches", () => {
  const { heights, failures, borders } = trace(demo, momentsOf(demo));
  assert.ok(heights.length <= 160 && heights.every((one) => one >= 0 && one <= 1));
  const ends = [{ type: "batch:start", timestamp: 1, payload: {} }, { type: "command:end", timestamp: 2, payload: { status: "failed" } }, { type: "batch:end", timestamp: 3, payload: { status: "completed" } }, { type: "error", timestamp: 4, payload: {} }];
  const small = trace(ends, momentsOf(ends));
  assert.deepEqual([small.failures, small.borders, failures.length + borders.length], [[0.5, 1], [{ at: 0.25, begins: true }, { at: 0.75, begins: false }], failures.length + borders.length]);
  assert.deepEqual(trace([], []), { heights: [], failures: [], borders: [] });
});
