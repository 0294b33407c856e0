/** The page's reducer and the server's fold over the demo's recording: the same state after every event. Needs no browser. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { apply, fromSnapshot, toSnapshot } from "../../public/js/model.js";
import { PATIENCE_MS, project, serve } from "./support.mjs";

const demo = new URL("../../fixtures/demo/", import.meta.url);
const steps = readFileSync(new URL("recording.jsonl", demo), "utf8").trim().split("\n").map((line) => JSON.parse(line));
/** The story that is done last. */
const LAST = "3-2-peer-discovery";

/** What the server tells, one event after the other, from `init` on. @param {string} url */
async function* told(url) {
  const answer = await fetch(`${url}sse`, { signal: AbortSignal.timeout(3 * PATIENCE_MS) });
  let rest = "";
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
  }
}

/** Plays the recording at once, its rows at the times they have in it. @param {ReturnType<typeof project>} place @param {string} status */
function play(place, status) {
  const begin = Date.now() - steps.at(-1).at_ms;
  let rows = "";
  for (const { at_ms, ...step } of steps) {
    const quoted = (field) => `"${String(field ?? "").replaceAll('"', '""')}"`;
    if (step.do === "row") rows += `${Math.floor((begin + at_ms) / 1000)},${[step.epic, step.story, step.command, step.task, step.status, step.message].map(quoted).join(",")}\n`;
    else if (step.do === "markdown") appendFileSync(join(place.artifacts, "orchestrator.md"), `${step.line}\n`);
    else status = status.replace(new RegExp(`^(  ${step.key}:).*$`, "m"), `$1 ${step.status}`);
  }
  appendFileSync(join(place.artifacts, "sprint-runner.csv"), rows);
  place.status(status);
}

test("every moment of the demo is the same on both sides", async () => {
  const status = readFileSync(new URL("sprint-status.yaml", demo), "utf8");
  const place = project(status);
  const server = await serve(place.dir);
  try {
    let state;
    let rows = 0;
    let playing = false;
    for await (const event of told(server.url)) {
      if (event.type === "init") state = fromSnapshot(event.payload.snapshot);
      else if (typeof event.id === "number") apply(state, event);
      if (!playing && state.byKey.has(LAST)) {
        playing = true;
        play(place, status);
      }
      rows += event.type.startsWith("command:") ? 1 : 0;
      const all = rows === steps.filter((step) => step.do === "row").length;
      if (playing && all && state.byKey.get(LAST)?.status === "done" && state.work.get(LAST)?.note) break;
    }
    const ask = async (path) => (await fetch(`${server.url}api/${path}`)).json();
    const { events, next } = await ask("events?after=0&limit=1000");
    assert.equal(next, null);
    const { epoch } = await ask("snapshot");
    assert.deepEqual(await ask(`snapshot?at=${state.last_event_id}`), toSnapshot(state), "what was followed live");
    const model = fromSnapshot(await ask("snapshot?at=0"));
    for (const event of events) {
      apply(model, event);
      assert.deepEqual(await ask(`snapshot?at=${event.id}`), toSnapshot(model), `after event ${event.id} ${event.type}`);
    }
    assert.equal(model.epoch, epoch);

    const busy = [...model.work.values()].reduce((sum, work) => sum + work.busy_ms, 0);
    assert.equal(model.effort.reduce((sum, effort) => sum + effort.busy_ms, 0), busy);
    assert.ok(busy > 100_000 && [...model.work.values()].every((work) => work.open === 0), "all commands of the recording have ended");
    assert.ok([...model.work.values()].some((work) => work.done_at !== null && work.reviews > 1 && work.note !== null));
  } finally {
    await server.end();
    place.remove();
  }
});
