/** The words of a managed run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endWords, logLine, plainLine, progress, receiptWords, size } from "../../public/js/run-words.js";

test("progress with and without a limit", () => {
  const run = { cycle_number: 2, cycles_completed: 1, max_cycles: 5, current_stories: ["a"] };
  assert.deepEqual(progress(run), { words: "cycle 2 of 5", share: 0.2 });
  assert.deepEqual(progress({ ...run, max_cycles: null }), { words: "2 cycles (unlimited)", share: null });
  assert.equal(progress({ ...run, cycle_number: 1, cycles_completed: 0, max_cycles: null }).words, "1 cycle (unlimited)");
  assert.equal(progress({ ...run, cycle_number: 0, cycles_completed: 0, current_stories: [] }).words, "preparing, 5 cycles to come");
  assert.deepEqual(progress({ ...run, cycle_number: 5, cycles_completed: 5, current_stories: [] }), { words: "cycle 5 of 5", share: 1 });
});

test("receipts", () => {
  assert.equal(receiptWords({ processes: 3, killed: 1, left: 0 }), "3 processes ended, 1 had to be killed, none left.");
  assert.equal(receiptWords({ processes: 1, killed: 0, left: 0 }), "1 process ended, none left.");
  assert.equal(receiptWords({ processes: 0, killed: 0, left: 0 }), "Nothing was running any more.");
  assert.match(receiptWords({ processes: 3, killed: 3, left: 1, escaped: 1 }), /2 processes ended.*1 had left its group and was found, 1 could not be ended/);
});

test("how an agent ended", () => {
  const agent = { ended_at: 5, exit_code: 0, signal: null };
  assert.equal(endWords(agent).word, "ended well");
  assert.equal(endWords({ ...agent, exit_code: 2 }).tone, "bad");
  assert.equal(endWords({ ...agent, exit_code: null, signal: 9 }).word, "ended by signal 9");
  assert.equal(endWords({ ...agent, ended_at: null }).word, "running");
});

test("log lines for people", () => {
  assert.deepEqual(logLine(`{"type":"assistant","message":{"content":[{"type":"text","text":"Hello\\nyou"},{"type":"tool_use","name":"Bash","input":{"command":"ls"}}]}}`), [
    { kind: "text", text: "Hello\nyou" }, { kind: "tool", text: "Bash ls" }]);
  assert.deepEqual(logLine("[stderr] oh"), [{ kind: "error", text: "[stderr] oh" }]);
  assert.deepEqual(logLine("{half"), [{ kind: "plain", text: "{half" }]);
  assert.deepEqual(logLine(""), []);
  assert.equal(logLine(`{"type":"mystery","a":1}`)[0].kind, "system");
  assert.equal(plainLine("\u001b[31mred\u001b[0m\u0007"), "red");
  assert.equal(logLine(`{"type":"user","message":{"content":[{"type":"tool_result","content":[{"type":"text","text":"out"}]}]}}`)[0].text, "out");
});

test("sizes", () => {
  assert.deepEqual([0, 1023, 1024, 5 * 1024 * 1024, null].map(size), ["0 B", "1023 B", "1.0 kB", "5.0 MB", ""]);
});
