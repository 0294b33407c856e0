/** Finding by a few letters: laws of what comes first. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { match, plain, rank } from "../../public/js/fuzzy.js";

const order = (query, items, weight) => rank(query, items, { texts: (one) => [one], weight }).map(({ item }) => item);

test("prefix before word start before inside before scattered", () => {
  assert.deepEqual(order("tide", ["the interesting daffodil, eh", "untidely", "the tide table", "tide table"]), ["tide table", "the tide table", "untidely", "the interesting daffodil, eh"].filter((one) => match("tide", one)));
  assert.deepEqual(order("ro", ["pier of", "Arrow", "cast rope", "rope"]), ["rope", "cast rope", "Arrow", "pier of"]);
  assert.deepEqual(order("gs", ["bags", "go to stories", "gs one"]), ["gs one", "bags", "go to stories"]);
});

describe("what is found", () => {
  for (const [query, text, yes] of [
    ["", "anything", true], ["  ", "anything", true], ["tide", "Tide table", true], ["TIDE", "tide table", true], ["1-3", "1-3-tide-table", true], ["table tide", "1-3-tide-table", true], ["tide boat", "tide table", false],
    ["tt", "tide table", true], ["xyz", "tide table", false], ["größe", "Grosse", false], ["grosse", "GRÖSSE", true], ["uber", "Übergang", true], ["écran", "ecran", true], ["<b>", 'test"story<img><b>', true], ["(", "a(b", true], ["\\", "a\\b", true], ["日本", "日本語", true], ["a".repeat(500), "a", false],
  ]) {
    test(`${JSON.stringify(query.slice(0, 20))} in ${JSON.stringify(text)}`, () => assert.equal(match(query, text) !== null, yes));
  }
});

test("places point into the original text", () => {
  for (const [query, text] of [["tide", "the Tide"], ["tt", "tide table"], ["uber", "Übergang"], ["table tide", "tide table"]]) {
    const { at } = match(query, text);
    assert.equal(new Set(at).size, at.length);
    assert.ok(at.every((place, i) => place >= 0 && place < text.length && (i === 0 || place > at[i - 1])));
    const letters = plain(query).replaceAll(" ", "");
    assert.equal([...at.map((place) => plain(text)[place])].sort().join(""), [...letters].sort().join(""));
  }
  for (const text of ["İstanbul", "ß ﬁ ǅ", "e\u0301", "😀 smile"]) assert.equal(plain(text).length, text.length, text);
});

test("what was used lately comes first among equals, and not before what fits better", () => {
  const recent = (one) => (one.endsWith("lately") ? 40 : 0);
  assert.deepEqual(order("go", ["go now", "go lately"], recent), ["go lately", "go now"]);
  assert.deepEqual(order("go", ["let go lately", "go now"], recent), ["go now", "let go lately"]);
});

test("without a question all are there, in their order, up to the limit", () => {
  const items = Array.from({ length: 100 }, (_, i) => `item ${i}`);
  assert.deepEqual(order("", items), items.slice(0, 50));
});

test("5,000 stories are searched, the exact key first", () => {
  const items = Array.from({ length: 5000 }, (_, i) => `${1 + Math.floor(i / 100)}-${i % 100}-story-number-${i}`);
  assert.equal(order("17-42", items)[0], "17-42-story-number-1642");
  assert.equal(order("number-4999", items)[0], "50-99-story-number-4999");
  assert.equal(order("zzzz", items).length, 0);
});
