/** The demo's recording is consistent with itself. Needs no browser. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (name) => readFileSync(new URL(`../../fixtures/demo/${name}`, import.meta.url), "utf8");
const steps = read("recording.jsonl").trim().split("\n").map((line) => JSON.parse(line));
const keys = [...read("sprint-status.yaml").matchAll(/^ {2}([^#\s:]+): (\S+)/gm)].map(([, key]) => key);

test("time never goes back and something is new every two seconds", () => {
  for (let i = 1; i < steps.length; i += 1) {
    const pause = steps[i].at_ms - steps[i - 1].at_ms;
    assert.ok(pause >= 0 && pause <= 2000, `step ${i}: ${pause} ms`);
  }
});

test("statuses name keys of the file, rows name stories of it", () => {
  for (const step of steps) {
    if (step.do === "status") assert.ok(keys.includes(step.key), step.key);
    if (step.do === "row") assert.ok(keys.some((key) => key.startsWith(`${step.story}-`)), step.story);
  }
});

test("no command stays open, and every story with a commit ends done", () => {
  const open = new Set();
  const status = new Map();
  const committed = new Set();
  for (const step of steps) {
    if (step.do === "status") status.set(step.key, step.status);
    if (step.do !== "row") continue;
    const id = `${step.story} ${step.command} ${step.task}`;
    if (step.status === "start") open.add(id);
    else if (step.status !== "progress") open.delete(id);
    if (step.command === "commit" && step.status === "end") committed.add(step.story);
  }
  assert.deepEqual([...open], []);
  assert.equal(committed.size, 8);
  for (const story of committed) {
    const key = keys.find((one) => one.startsWith(`${story}-`));
    assert.equal(status.get(key), "done", key);
  }
});
