/** The settings as a form: laws of what is typed, saved, and changed by others meanwhile. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { changes, elsewhere, faults, faultsOf, FIELDS, GROUPS, hint, numberIn, settle, shownIn, sourceWords, told, type } from "../../public/js/settings-form.js";

const fact = (key, value, min, max, more = {}) => ({ key, value, default: value, min, max, source: "default", in_force: value, ...more });
const facts = () => [fact("default_max_cycles", 2, 1, 10_000), fact("injection_warning_kb", 100, 1, 100_000), fact("injection_error_kb", 150, 1, 100_000), fact("server_port", 8080, 1, 65_535)];
const draftOf = (typed, known = facts()) => Object.entries(typed).reduce((draft, [key, one]) => type(draft, known.find((f) => f.key === key), one), {});

test("the form has the nine settings, each once and with its sentence", () => {
  assert.equal(FIELDS.size, 9);
  assert.equal(GROUPS.flatMap(({ fields }) => fields).length, 9);
  for (const { label, says } of FIELDS.values()) assert.ok(label && /^[A-Z].*\.$/.test(says), says);
});

describe("only whole numbers are numbers", () => {
  for (const [typed, number] of [["5", 5], [" 5 ", 5], ["0", 0], ["007", 7], ["", null], ["-1", null], ["+1", null], ["1.5", null], ["1e3", null], ["true", null], ["0x10", null], ["1 000", null], ["9".repeat(16), null]]) {
    test(JSON.stringify(typed), () => assert.equal(numberIn(typed), number));
  }
});

test("only what differs is sent", () => {
  assert.deepEqual(changes(facts(), {}), {});
  assert.deepEqual(changes(facts(), draftOf({ default_max_cycles: "5" })), { default_max_cycles: 5 });
  assert.deepEqual(draftOf({ default_max_cycles: "2" }), {}, "as it was is no change");
  assert.deepEqual(draftOf({ default_max_cycles: " 02 " }), {}, "nor is the same number written otherwise");
  assert.deepEqual(changes(facts(), draftOf({ server_port: "x" })), {}, "what is no number is never sent");
});

describe("ranges", () => {
  for (const [key, typed, wrong] of [
    ["server_port", "1", null], ["server_port", "80", null], ["server_port", "65535", null], ["server_port", "0", /from 1 to 65535\./], ["server_port", "65536", /from 1 to 65535\./], ["server_port", "", /whole number/],
    ["default_max_cycles", "10000", null], ["default_max_cycles", "10001", /from 1 to 10,000\./], ["default_max_cycles", "2.5", /whole number/],
  ]) {
    test(`${key} = ${JSON.stringify(typed)}`, () => {
      const found = faults(facts(), draftOf({ [key]: typed }));
      if (wrong) assert.match(found[key], wrong);
      else assert.deepEqual(found, {});
    });
  }
});

test("the warning above the error is told at both", () => {
  for (const typed of [{ injection_warning_kb: "151" }, { injection_error_kb: "99" }, { injection_warning_kb: "300", injection_error_kb: "200" }]) {
    assert.deepEqual(Object.keys(faults(facts(), draftOf(typed))).sort(), ["injection_error_kb", "injection_warning_kb"]);
  }
  assert.deepEqual(faults(facts(), draftOf({ injection_warning_kb: "150" })), {}, "equal is allowed");
  assert.deepEqual(Object.keys(faults(facts(), draftOf({ injection_warning_kb: "x", injection_error_kb: "1" }))), ["injection_warning_kb"], "what is no number is not compared");
});

test("the server's sentence finds its field", () => {
  assert.deepEqual(Object.keys(faultsOf('"server_port" must be a whole number from 1 to 65535')), ["server_port"]);
  assert.match(faultsOf('"server_port" must be a whole number').server_port, /^“Port” must be a whole number\.$/);
  assert.deepEqual(Object.keys(faultsOf('"injection_warning_kb" may not be greater than "injection_error_kb"')).sort(), ["injection_error_kb", "injection_warning_kb"]);
  assert.deepEqual(faultsOf("the disk is full"), { "": "The disk is full." });
});

test("a change by somebody else comes in, and never over what is typed", () => {
  const typed = draftOf({ default_max_cycles: "7" });
  const now = told(facts(), { default_max_cycles: [2, 5], server_port: [8080, 9000] });
  assert.deepEqual(now.filter(({ key, value }) => value !== facts().find((f) => f.key === key).value).map(({ key, value }) => [key, value]), [["default_max_cycles", 5], ["server_port", 9000]]);
  assert.equal(shownIn(now[0], settle(now, typed)), "7");
  assert.ok(elsewhere(now[0], typed));
  assert.equal(shownIn(now[3], typed), "9000", "an untouched field follows");
  assert.ok(!elsewhere(now[3], typed));
  assert.ok(elsewhere(now[0], type(typed, now[0], "71")), "typing on does not forget it");
  assert.deepEqual(settle(told(facts(), { default_max_cycles: [2, 7] }), typed), {}, "the same number is no change any more");
  assert.equal(now[0].source, "saved");
  assert.equal(told(now, { default_max_cycles: [5, 2] })[0].source, "default");
  assert.deepEqual(told(facts(), { colour: [1, 2], default_max_cycles: null, server_port: ["8", "9"] }), facts(), "what is not understood changes nothing");
});

test("where a value comes from", () => {
  assert.deepEqual(sourceWords(facts()[0]), { word: "default", note: "" });
  assert.equal(sourceWords(fact("default_max_cycles", 5, 1, 10, { source: "saved" })).word, "saved here");
  for (const [source, name] of [["flag", /--port/], ["environment", /SPRINT_RUNNER_PORT/], ["file", /sprint-runner\.toml/]]) {
    const { word, note } = sourceWords(fact("server_port", 8080, 1, 65_535, { source, in_force: 4000 }));
    assert.equal(word, "overridden");
    assert.match(note, name);
    assert.match(note, /4000/);
  }
  assert.match(sourceWords(fact("server_port", 80, 1, 65_535, { source: "saved", in_force: 8080 })).note, /after a restart/);
  assert.match(sourceWords(fact("websocket_heartbeat_seconds", 30, 1, 3600, { in_force: 15 })).note, /^15 in force/);
});

test("a low port is accepted, with its hint", () => {
  assert.match(hint("server_port", 80, 8080), /below 1024 need root.*restart/);
  assert.match(hint("server_port", 1023, 1023), /root/);
  assert.doesNotMatch(hint("server_port", 1024, 8080), /root/);
  assert.equal(hint("server_port", 8080, 8080), "");
  assert.equal(hint("default_max_cycles", 80, 2), "");
});
