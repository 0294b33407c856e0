/** The demo's recording as the events that a server would make of it, for tests without one. */
import { readFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`../../fixtures/demo/${name}`, import.meta.url), "utf8");
const CLASSES = ["backlog", "ready-for-dev", "in-progress", "review", "done", "optional"];
const TYPES = { start: "command:start", progress: "command:progress" };

/** @param {number} [begin] ms */
export function demoEvents(begin = 1_767_225_600_000) {
  const keys = [...read("sprint-status.yaml").matchAll(/^ {2}([^#\s:]+): (\S+)/gm)].map(([, key, status]) => ({ key, status }));
  const stories = keys.filter(({ key }) => !key.startsWith("epic-"));
  const longKey = (id) => stories.find(({ key }) => key.startsWith(`${id}-`))?.key ?? id;
  const known = new Map();
  const events = [];
  const say = (type, at, payload, batch_id = null, source = "csv") => events.push({ id: events.length + 1, type, timestamp: begin + at, batch_id, source, payload });
  const status = (key, word, at, batch) => {
    const epic = /^epic-([^-]+)$/.exec(key);
    const class_ = CLASSES.includes(word) ? word : "other";
    if (epic) say("epic:status", at, { epic_id: epic[1], epic_key: key, old_status: known.get(key) ?? null, new_status: word, status_class: class_ }, batch, "yaml");
    else if (!key.startsWith("epic-")) {
      const [a, b] = key.split("-");
      say("story:status", at, { story_key: key, story_id: `${a}-${b}`, epic_id: a, old_status: known.get(key) ?? null, new_status: word, status_class: class_ }, batch, "yaml");
    }
    known.set(key, word);
  };
  for (const { key, status: word } of keys) status(key, word, 0, null);
  const steps = read("recording.jsonl").trim().split("\n").map((line) => JSON.parse(line));
  const rows = steps.filter((step) => step.do === "row");
  let open = false;
  for (const step of steps) {
    if (step.do === "status") status(step.key, step.status, step.at_ms, open ? 1 : null);
    if (step.do !== "row") continue;
    if (!open) say("batch:start", step.at_ms, { batch_id: 1, max_cycles: null, batch_mode: "observed", origin: "observed", started_at: begin + step.at_ms }, 1, "server");
    open = true;
    say(TYPES[step.status] ?? "command:end", step.at_ms, { story_key: longKey(step.story), story_id: step.story, epic_id: step.epic, command: step.command, task_id: step.task, status: step.status, message: step.message }, 1);
  }
  const last = rows.at(-1).at_ms;
  say("batch:end", last, { batch_id: 1, cycles_completed: 0, status: "completed", reason: "idle", duration_ms: last - rows[0].at_ms }, 1, "server");
  return events;
}
