/** The words of a run, its receipts, its agents' logs. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { merged } from "../../public/js/agent-list.js";
import { sentence, size } from "../../public/js/format.js";
import { LONGEST, partsOf, plain } from "../../public/js/log-lines.js";
import { apply, fromSnapshot } from "../../public/js/model.js";
import { batchSize, endWords, exitWords, hindrance, progressWords, receiptWords, runOf, shortCommand, stopWords, warningNotice } from "../../public/js/run.js";
import { concerns, verdict } from "../../public/js/verdict.js";

const NOW = 1_767_225_600_000;
const live = { live: true, ever: true, offline: false };
const event = (type, payload, timestamp = NOW) => ({ id: 1, type, timestamp, batch_id: 7, source: "orchestrator", payload });
const fold = (...events) => events.reduce(apply, fromSnapshot());
const begun = (more = {}) => event("batch:start", { batch_id: 7, origin: "managed", batch_mode: "fixed", max_cycles: 5, started_at: NOW, ...more });
const cycle = (n) => event("cycle:start", { cycle_number: n, story_keys: ["1-1-a", "1-2-b"] });
const cycleEnd = (n) => event("cycle:end", { cycle_number: n, completed_stories: [] });
const agent = event("agent:start", { agent_id: "7-1", pid: 12, command: "sprint-dev-story", story_keys: ["1-1-a"], model: null });
const turned = (state, parked_until = null) => event("batch:warning", { batch_id: 7, message: "m", warning_type: "t", state, parked_until });

group("what a batch is up to", () => {
  const cases = [
    ["nothing", [], "none", "idle"],
    ["managed", [begun()], "managed", "running"],
    ["parked", [begun(), turned("waiting", NOW + 60_000)], "managed", "parked"],
    ["going on", [begun(), turned("waiting", 1), turned("running")], "managed", "running"],
    ["stopping", [begun(), turned("stopping")], "managed", "stopping"],
    ["ended", [begun(), event("batch:end", { batch_id: 7, status: "stopped" })], "none", "idle"],
    ["observed", [event("batch:start", { batch_id: 7, origin: "observed", started_at: NOW })], "observed", "running"],
  ];
  for (const [name, events, kind, phase] of cases) test(name, () => {
    const run = runOf(fold(...events));
    assert.deepEqual([run.kind, run.phase], [kind, phase]);
  });
  test("a state of an older server, without orchestrator and agents", () => {
    const model = fromSnapshot({});
    delete model.orchestrator;
    delete model.agents;
    assert.equal(runOf(model).kind, "none");
    assert.equal(verdict(model, live, NOW).kind, "empty");
  });
  test("the stories of the cycle", () => assert.deepEqual(runOf(fold(begun(), cycle(1))).stories, ["1-1-a", "1-2-b"]));
});

test("how far it is", () => {
  const words = (...events) => Object.values(progressWords(runOf(fold(...events))));
  assert.deepEqual(words(begun()), ["Getting ready", "0 of 5 cycles done"]);
  assert.deepEqual(words(begun(), cycle(1)), ["Cycle 1 of 5", "0 of 5 done"]);
  assert.deepEqual(words(begun(), cycle(1), cycleEnd(1), cycle(2)), ["Cycle 2 of 5", "1 of 5 done"]);
  const all = begun({ max_cycles: null, batch_mode: "all" });
  assert.deepEqual(words(all, cycle(1), cycleEnd(1), cycle(2), cycleEnd(2), cycle(3), cycleEnd(3), cycle(4)), ["Cycle 4", "3 cycles (unlimited)"]);
  assert.deepEqual(words(event("batch:start", { batch_id: 7, origin: "observed" })), ["", ""]);
});

test("receipts", () => {
  const says = (receipt) => receiptWords(receipt).text;
  assert.equal(says({ processes: 3, killed: 1, left: 0 }), "3 processes ended, 1 had to be killed, none left.");
  assert.equal(says({ processes: 1, killed: 0, left: 0 }), "1 process ended, none left.");
  assert.equal(says({ processes: 0, killed: 0, left: 0 }), "No process was running any more.");
  assert.equal(says({ processes: 3, killed: 2, left: 1 }), "2 processes ended, 2 had to be killed, 1 is still there.");
  assert.equal(receiptWords({ processes: 3, killed: 2, left: 1 }).tone, "bad");
  assert.equal(says({ processes: 3, killed: 0, left: 0, escaped: 1 }), "3 processes ended, 1 had left the group and was found all the same, none left.");
  assert.equal(stopWords({ status: "stopping" }), null);
  assert.equal(stopWords({ status: "stopped", processes: 2, killed: 0, left: 0 }).text, "2 processes ended, none left.");
  assert.match(stopWords({ status: "cleaned", batch_id: 4 }).text, /^Batch 4 /);
});

test("ends", () => {
  const says = (end) => `${endWords(end).tone} ${endWords(end).title}: ${endWords(end).text}`;
  assert.equal(says({ status: "completed", reason: "all_done" }), "good Completed: No open story is left.");
  assert.equal(says({ status: "stopped", reason: "stop_now" }), "plain Stopped: Stopped at once.");
  assert.equal(says({ status: "error", reason: "agent: exit code 1: not logged in" }), "bad Ended with an error: Exit code 1: not logged in.");
  assert.equal(says({ status: "lost" }), "warn Lost: Nothing was heard of it any more.");
  assert.equal(says({ status: "stopped", reason: "some_new_word" }), "plain Stopped: Some new word.");
  assert.equal(says({ status: "__proto__", reason: "constructor" }), "plain __proto__: Constructor.");
  assert.deepEqual([{ exit_code: 0 }, { exit_code: 3 }, { exit_code: null, signal: 15 }, { signal: 42 }, { signal: "SIGKILL" }, {}].map((one) => exitWords(one).text), ["done", "exit code 3", "ended by SIGTERM", "ended by signal 42", "ended by SIGKILL", "ended"]);
  assert.equal(shortCommand("sprint-dev-story"), "dev-story");
});

test("what stands in the way of a start", () => {
  const why = (more) => hindrance({ loaded: true, line: live, run: runOf(fold()), busy: false, readOnly: null, ...more });
  assert.equal(why({}), null);
  assert.match(why({ line: { live: false, ever: true } }), /not reached/);
  assert.match(why({ loaded: false, line: { live: false, ever: false } }), /Not connected/);
  assert.equal(why({ readOnly: "This server is read-only." }), "This server is read-only.");
  assert.match(why({ run: runOf(fold(begun())) }), /running already/);
  const foreign = runOf(fold(event("batch:start", { batch_id: 7, origin: "observed" })));
  assert.match(why({ run: foreign, busy: true }), /someone else/);
  assert.equal(why({ run: foreign }), null);
});

test("sizes of batches", () => {
  for (const [typed, wanted] of [["1", 1], [" 12 ", 12], ["2147483647", 2147483647], ["0", undefined], ["", undefined], ["-1", undefined], ["1.5", undefined], ["1e3", undefined], ["2147483648", undefined]]) assert.equal(batchSize(typed).size, wanted, typed);
});

group("the state word of a managed batch", () => {
  const word = (...events) => verdict(fold(...events), live, NOW + 60_000);
  test("an agent at work is running", () => assert.equal(word(begun(), agent).kind, "running"));
  test("nothing at work is not running", () => assert.notEqual(word(begun()).kind, "running"));
  test("parked", () => assert.equal(word(begun(), turned("waiting", NOW + 9e6)).word, "parked"));
  test("stopping", () => assert.equal(word(begun(), agent, turned("stopping")).word, "stopping"));
  test("offline is never running", () => assert.equal(verdict(fold(begun(), agent), { live: false, ever: true }, NOW).kind, "offline"));
  test("a failed night needs somebody", () => {
    const found = concerns(fold(), new Map(), [], NOW, { batch_id: 7, status: "error", reason: "agent: not logged in" });
    assert.deepEqual(found.map((one) => `${one.tone} ${one.text}: ${one.detail}`), ["bad batch 7 ended with an error: Not logged in."]);
    assert.deepEqual(concerns(fold(begun()), new Map(), [], NOW, { batch_id: 6, status: "error" }), []);
  });
});

test("warnings as notices", () => {
  assert.equal(warningNotice({ warning_type: "from_afar", message: "asked" }).tone, "info");
  assert.deepEqual(warningNotice({ warning_type: "context_unavailable", message: "no context" }), { tone: "info", title: "Context unavailable", text: "No context." });
  assert.deepEqual(warningNotice({ warning: "older key" }), { tone: "warn", title: "General", text: "Older key." });
  assert.equal(warningNotice({}).text, "");
});

test("the list of agents follows the events", () => {
  const row = (agent_id, started_at, ended_at = null, batch_id = 7) => ({ agent_id, batch_id, started_at, ended_at });
  const ids = (list) => list.map((one) => one.agent_id + (one.ended_at !== null || one.gone ? "†" : ""));
  assert.deepEqual(ids(merged([row("7-1", 1, 2), row("7-2", 3)], [{ agent_id: "7-2" }, { agent_id: "7-3", background_task: "x" }], 7)), ["7-2", "7-3", "7-1†"]);
  assert.deepEqual(ids(merged([row("7-2", 3), row("7-1", 1, 2)], [], 7)), ["7-2†", "7-1†"]);
  assert.deepEqual(ids(merged([row("6-1", 1, 2, 6)], [{ agent_id: "7-1" }], 7)), ["7-1"]);
  assert.deepEqual(ids(merged([row("7-1", 1)], undefined, 7)), ["7-1"]);
});

group("lines of a log", () => {
  const says = (line, raw) => partsOf(line, raw).map((part) => `${part.kind} ${part.text}`);
  test("escapes are taken off", () => {
    assert.equal(plain("\u001b[1;31mred\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u001b\\ \u001b(Bend\u0000\u0007"), "red link end");
    assert.equal(plain("10 %\r50 %\r100 %\r"), "100 %");
    for (const odd of ["\u001b", "\u001b[", "\u001b]", "\u001b[38;5", "\u009b", ""]) assert.equal(plain(odd), "", JSON.stringify(odd));
    assert.equal(plain("a\tb"), "a\tb");
  });
  test("marks", () => {
    assert.deepEqual(says("[stderr] \u001b[31moops"), ["stderr oops"]);
    assert.deepEqual(says("[note] 3 lines left out"), ["note 3 lines left out"]);
    assert.deepEqual(says("[not json] {half"), ["bad [not json] {half"]);
    assert.deepEqual(says("[cut, had 9 bytes] {\"a\""), ["bad [cut, had 9 bytes] {\"a\""]);
    assert.deepEqual(says("[other] x"), ["raw [other] x"]);
  });
  test("the agent's JSON in words", () => {
    const json = (value) => says(JSON.stringify(value));
    assert.deepEqual(json({ type: "system", subtype: "init", model: "m-1" }), ["note session begins · m-1"]);
    assert.deepEqual(json({ type: "assistant", message: { content: [{ type: "text", text: "one\ntwo" }, { type: "tool_use", name: "Bash", input: { command: "ls" } }] } }), ["text one\ntwo", "tool Bash ls"]);
    assert.deepEqual(json({ type: "user", message: { content: [{ type: "tool_result", content: [{ type: "text", text: "a" }] }] } }), ["result a"]);
    assert.deepEqual(json({ type: "tool_result", content: "flat" }), ["result flat"]);
    assert.deepEqual(json({ type: "result", subtype: "success", duration_ms: 12_000, total_cost_usd: 0.5, num_turns: 3 }), ["end finished · 12 s · 3 turns · $0.50"]);
    assert.deepEqual(json({ type: "result", subtype: "error_max_turns", is_error: true }), ["stderr failed: error max turns"]);
    assert.deepEqual(says('{"type":"assistant","message":{"content":[{"type":"text","text":"x"}]}}', true), ['raw {"type":"assistant","message":{"content":[{"type":"text","text":"x"}]}}']);
  });
  test("nothing breaks it, and nothing is long", () => {
    for (const odd of ["", "{", "{}", "null", "[]", '{"type":"assistant"}', '{"type":"user","message":{"content":[null,7,{"type":"tool_use"}]}}', '{"type":"assistant","message":{"content":{}}}', '{"type":"tool_result"}', '{"type":"result"}', "{".repeat(50_000)]) {
      for (const raw of [true, false]) assert.ok(partsOf(odd, raw).every((part) => typeof part.text === "string" && part.text.length < LONGEST + 60), odd.slice(0, 60));
    }
    assert.ok(partsOf("x".repeat(1_000_000))[0].text.length < LONGEST + 60);
    assert.ok(partsOf(JSON.stringify({ type: "assistant", message: { content: Array.from({ length: 500 }, () => ({ type: "text", text: "x" })) } })).length <= 20);
  });
});

test("sizes and sentences", () => {
  assert.deepEqual([0, 512, 999, 1500, 117_000_000, 1_400_000_000].map(size), ["0 B", "512 B", "999 B", "1.5 kB", "117 MB", "1.4 GB"]);
  assert.deepEqual(["a batch runs", "done.", "", "really?"].map(sentence), ["A batch runs.", "Done.", "", "Really?"]);
});
