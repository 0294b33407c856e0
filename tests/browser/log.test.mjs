/** The log that the page holds: bounded, without holes, and filtered as the server filters. No browser. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

globalThis.document ??= /** @type {any} */ ({ baseURI: "http://127.0.0.1/" });
const { createLog, isEmpty, KEPT, signature } = await import("../../public/js/log.js");
const { matcher, tokens } = await import("../../public/js/log-filter.js");
const { indexAt, offsetOf } = await import("../../public/js/windowed.js");

const event = (id, more = {}) => ({ id, type: "command:progress", timestamp: 1000 * id, batch_id: 1, source: "csv", payload: { story_key: `1-${id % 7}-x`, story_id: `1-${id % 7}`, epic_id: "1", command: "dev-story", task_id: "tests", message: `line ${id}`, ...more } });
const NONE = { types: "", story: "", q: "", batch: "" };
const ids = (list) => list.map((one) => one.id);

describe("a filter", () => {
  const one = { id: 1, type: "command:end", timestamp: 0, batch_id: 42, payload: { story_key: "2-7-笔记,b", story_id: "2-7", epic_id: "2", command: "code-review-2", task_id: "tests", status: "failed", message: "Crème brûlée: 3 of 4 (50%)" } };
  for (const [filter, fits] of [
    [{}, true], [{ types: "command:*" }, true], [{ types: "command:start,command:end" }, true], [{ types: "story:*" }, false], [{ types: "command.end" }, false],
    [{ story: "2-7-笔记,b" }, true], [{ story: "2-7" }, true], [{ story: "1-1,2-7" }, true], [{ story: "2-7-笔记" }, false], [{ story: "2" }, false],
    [{ batch: "42" }, true], [{ batch: "4" }, false],
    [{ q: "creme BRUL" }, true], [{ q: "rulee" }, false], [{ q: "code-review" }, true], [{ q: "review-2" }, true], [{ q: "review-3" }, false], [{ q: "failed 笔记" }, true], [{ q: "50%" }, true], [{ q: "command:end" }, true], [{ q: "%%" }, false],
  ]) test(`${JSON.stringify(filter)} ${fits ? "lets it through" : "does not"}`, () => assert.equal(matcher({ ...NONE, ...filter })(one), fits));
  test("no payload is no trouble", () => assert.equal(matcher({ ...NONE, story: "x", q: "y" })({ id: 1, type: "future:thing", timestamp: 0, payload: null }), false));
  test("filters are told apart", () => {
    assert.notEqual(signature({ ...NONE, q: "a" }), signature({ ...NONE, story: "a" }));
    assert.ok(isEmpty(NONE) && !isEmpty({ ...NONE, batch: "1" }));
    assert.deepEqual(tokens("Ärger_mit-2a"), ["arger", "mit", "2a"]);
  });
});

describe("the log", () => {
  test("stays bounded and without holes, however much comes", () => {
    const log = createLog(() => {});
    for (let id = 1; id <= 60_000; id += 1) log.push(event(id));
    assert.ok(log.events.length <= KEPT * 1.2);
    assert.deepEqual(ids(log.events), Array.from({ length: log.events.length }, (_, i) => 60_000 - log.events.length + 1 + i));
  });
  test("filtered as it comes is as filtered at once", () => {
    const log = createLog(() => {});
    const filter = { ...NONE, story: "1-3-x" };
    for (let id = 1; id <= 9000; id += 1) {
      log.push(event(id));
      if (id % 13 === 0) log.select(filter, matcher);
    }
    assert.deepEqual(ids(log.select(filter, matcher)), ids(log.events.filter(matcher(filter)).reverse()));
    log.reset([event(3)]);
    assert.deepEqual(ids(log.select(filter, matcher)), [3]);
  });
  test("what came after an event is counted, and said when more may have come", () => {
    const log = createLog(() => {});
    for (let id = 1; id <= 100; id += 1) log.push(event(id));
    assert.deepEqual(log.newerThan(NONE, 88, matcher), { n: 12, more: false });
    assert.deepEqual(log.newerThan({ ...NONE, story: "1-3-x" }, 88, matcher), { n: 1, more: false });
    for (let id = 101; id <= 9000; id += 1) log.push(event(id));
    assert.equal(log.newerThan(NONE, 88, matcher).more, true);
  });
  test("an event is found by its id", () => {
    const log = createLog(() => {});
    for (const id of [3, 7, 8, 20]) log.push(event(id));
    for (const id of [3, 7, 8, 20]) assert.equal(log.find(id)?.id, id);
    for (const id of [0, 5, 21]) assert.equal(log.find(id), null);
  });
  test("last commands are remembered for a bounded number of stories", () => {
    const log = createLog(() => {});
    for (let id = 1; id <= 30_000; id += 1) log.push(event(id, { story_key: `s${id}` }));
    assert.ok(log.lastOf.size <= 20_000 && log.lastOf.has("s30000"));
  });
});

test("rows that are opened move what is below them", () => {
  const tall = [{ index: 2, more: 100 }, { index: 5, more: 50 }];
  for (const [index, y] of [[0, 0], [2, 20], [3, 130], [5, 150], [6, 210], [9, 240]]) assert.equal(offsetOf(index, 10, tall), y);
  for (const [y, index] of [[0, 0], [19, 1], [20, 2], [29, 2], [129, 2], [130, 3], [155, 5], [209, 5], [210, 6], [-5, -1]]) assert.equal(indexAt(y, 10, tall), index, `at ${y}`);
  for (let y = 0; y < 400; y += 1) {
    const index = indexAt(y, 10, tall);
    assert.ok(offsetOf(index, 10, tall) <= y && y < offsetOf(index + 1, 10, tall));
  }
});
