/** What the page finds among the events it holds, held to the server's index by the same cases. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { matcher } from "../../public/js/log-filter.js";

const cases = JSON.parse(readFileSync(new URL("../../fixtures/search/cases.json", import.meta.url), "utf8"));
const finds = (text, q) => matcher({ types: "", story: "", q })({ id: 1, type: "command:end", timestamp: 0, batch_id: null, source: "csv", payload: { message: text } });

test("the page finds what the server finds", () => {
  for (const [text, query] of cases.found) assert.ok(finds(text, query), `${query} in ${text}`);
});

test("and nothing else", () => {
  for (const [text, query] of cases.not_found) assert.ok(!finds(text, query), `${query} in ${text}`);
  assert.ok(finds("anything", "  "), "blanks alone are no search");
});
