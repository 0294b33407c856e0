/** The page's reducer against the fold cases it shares with the server. Needs no browser. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
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
