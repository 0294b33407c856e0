/** The page's reducer against the fold cases it shares with the server. Needs no browser. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { commandBase } from "../../public/js/model-work.js";
import { apply, fromSnapshot, toSnapshot } from "../../public/js/model.js";

const folder = new URL("../../fixtures/fold/", import.meta.url);
const cases = readdirSync(folder).filter((name) => name.endsWith(".json"));

test("there are fold cases", () => assert.ok(cases.length >= 10));

for (const name of cases) {
  const { name: title, start, events, end } = JSON.parse(readFileSync(new URL(name, folder), "utf8"));

  test(`${name}: ${title}`, () => {
    const state = events.reduce(apply, fromSnapshot(start));
    assert.deepEqual(toSnapshot(state), end);
  });

  test(`${name}: a snapshot taken anywhere continues alike`, () => {
    for (let cut = 0; cut <= events.length; cut += 1) {
      const before = toSnapshot(events.slice(0, cut).reduce(apply, fromSnapshot(start)));
      const after = events.slice(cut).reduce(apply, fromSnapshot(JSON.parse(JSON.stringify(before))));
      assert.deepEqual(toSnapshot(after), end, `cut at ${cut}`);
    }
  });
}

test("the start is never changed", () => {
  const { start, events } = JSON.parse(readFileSync(new URL("03-story-places.json", folder), "utf8"));
  const copy = structuredClone(start);
  events.reduce(apply, fromSnapshot(start));
  assert.deepEqual(start, copy);
});

test("the reducer agrees with the server's fold event by event", () => {
  const { events } = JSON.parse(readFileSync(new URL("steps/random.json", folder), "utf8"));
  assert.ok(events.length >= 300);
  const state = fromSnapshot();
  for (const { digest: expected, ...event } of events) {
    apply(state, event);
    assert.equal(digest({ ...toSnapshot(state), epoch: "" }), expected, `behind event ${event.id} ${event.type}`);
  }
});

test("a log that names ever new stories and commands does not grow the state", () => {
  const state = fromSnapshot();
  for (let id = 1; id <= 20_005; id += 1) {
    apply(state, { id, type: "command:end", timestamp: 0, payload: { story_key: `story ${id}`, command: `command ${id}x`, task_id: "", status: "failed" } });
    assert.deepEqual([state.work.size, state.effort.length], [Math.min(id, 20_000), Math.min(id, 64)]);
  }
});

test("commands carry their attempt, as on the server", () => {
  for (const [command, base, attempt] of /** @type {const} */ ([
    ["code-review-2", "code-review", 2],
    ["sprint-code-review-12", "code-review", 12],
    ["code-review #3", "code-review", 3],
    ["code-review  #3", "code-review", 3],
    ["dev-story", "dev-story", null],
    [" sprint-commit\u0085", "commit", null],
    ["7", "7", null],
    ["-7", "-7", null],
    ["sprint-", "", null],
    ["dev-4294967295", "dev", 4294967295],
    ["dev-4294967296", "dev-4294967296", null],
    ["dev-##1", "dev-##1", null],
    ["dev-１", "dev-１", null],
  ])) assert.deepEqual(commandBase(command), { base, attempt }, command);
});

/** FNV-1a over a text of the snapshot that both sides write alike. @param {any} snapshot */
function digest(snapshot) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(canonical(snapshot))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

/** Keys in order, whole numbers in digits, others by the bits that hold them. @param {any} value @returns {string} */
function canonical(value) {
  if (Array.isArray(value)) return `${value.map(canonical).join("")}]`;
  if (value !== null && typeof value === "object") return `${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join("")}}`;
  if (typeof value === "number" && !Number.isInteger(value)) {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, value);
    return `${bits.getBigUint64(0).toString(16).padStart(16, "0")},`;
  }
  return `${JSON.stringify(value)},`;
}
