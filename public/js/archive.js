/**
 * A recording: the page in one file, with a part of the log in it. What the page asks of its server is
 * answered from that part; nothing is sent anywhere.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{format: number, exported_at: number, version: string, epoch: string|null, first: number, last: number, base: any, events: WireEvent[],
 *   answers: Record<string, any>, left_out?: number}} Recorded
 * @typedef {{exported_at: number, left_out: number, at: number, init: any, answer: (path: string, query?: Record<string, any>) => any}} Archive at: how late it was at its end
 */
import { Refusal } from "./api.js";
import { matcher } from "./log-filter.js";
import { toSnapshot } from "./model.js";
import { idle } from "./model-run.js";
import { isFailure } from "./past-window.js";
import { createReplay } from "./replay.js";

const FORMAT = 1;
const NO_SERVER = "This is a recording: there is no server behind it.";
const NOT_TAKEN = "This recording does not hold that.";

/** @param {string} json @returns {Archive} */
export function openArchive(json) {
  /** @type {Recorded} */
  let recorded;
  try {
    recorded = JSON.parse(json);
  } catch {
    throw new Error("The recording in this file is broken.");
  }
  if (recorded?.format !== FORMAT || !Array.isArray(recorded.events)) throw new Error("The recording in this file has a form that this page does not know.");
  const { base, events, answers = {} } = recorded;
  // What went on when it was taken goes on no more, as far as anybody can tell from here.
  const rows = (answers["api/batches"]?.batches ?? []).map((/** @type {any} */ row) => (row.status === "running" ? { ...row, status: "unfinished" } : row));
  const head = Number(events.at(-1)?.id ?? base?.last_event_id ?? 0);
  const replay = createReplay({ base, events });

  /** @param {number|null} at */
  function snapshot(at) {
    return { ...toSnapshot(replay.at(at === null ? events.length : replay.indexOf(at)).model), epoch: base?.epoch ?? recorded.epoch ?? null };
  }

  /** @type {Record<string, (query: Record<string, any>) => any>} */
  const routes = {
    "api/events": (query) => page(events, head, query),
    "api/snapshot": ({ at }) => snapshot(at === undefined || at === null ? null : Number(at)),
    "api/batches": ({ limit = 20, offset = 0 }) => ({ batches: rows.slice(Number(offset), Number(offset) + Number(limit)), total: rows.length }),
    "api/timeline": ({ batch_id }) => {
      const found = answers["api/timeline"];
      if (!found) throw new Refusal(0, "archive", NOT_TAKEN);
      // As on a server: without a wish the newest batch.
      const id = Number(batch_id || (found.batch?.id ?? answers["api/batches"]?.batches?.[0]?.id));
      if (batch_id === "all" || Number.isNaN(id) || found.batch?.id === id) return found;
      const segments = found.segments.filter((/** @type {any} */ one) => one.batch_id === id);
      if (!segments.length) throw new Refusal(0, "archive", NOT_TAKEN);
      return { ...found, batch: rowOf(id), segments };
    },
  };
  const rowOf = (/** @type {number} */ id) => rows.find((/** @type {any} */ one) => one.id === id) ?? null;

  const end = snapshot(null);
  const init = { type: "init", epoch: end.epoch, last_event_id: head, payload: { batch: null, snapshot: { ...end, batch: null, active: [], agents: [], orchestrator: idle() }, events: events.slice(-50).reverse() } };

  return {
    exported_at: recorded.exported_at,
    left_out: recorded.left_out ?? 0,
    at: replay.at(events.length).moment ?? recorded.exported_at,
    init,
    // Without a query it was no question but an order, or asked for a text's part: there is nobody to hear it.
    answer(path, query) {
      if (!query) throw new Refusal(0, "archive", NO_SERVER);
      if (Object.hasOwn(routes, path)) return routes[path](query);
      if (Object.hasOwn(answers, path)) return answers[path];
      const batch = /^api\/batches\/(\d+)$/.exec(path)?.[1];
      const row = batch ? rowOf(Number(batch)) : null;
      if (row) return { batch: row, ...storiesOf(events, row) };
      throw new Refusal(0, "archive", /^api\/batches\//.test(path) ? NOT_TAKEN : NO_SERVER);
    },
  };
}

/** As `/api/events` answers. @param {WireEvent[]} events @param {number} head @param {Record<string, any>} query */
function page(events, head, { after, before, limit = 100, type, story, q, batch_id }) {
  const given = (/** @type {any} */ value) => value !== undefined && value !== null && value !== "";
  const fits = matcher({ types: String(type ?? ""), story: String(story ?? ""), q: String(q ?? ""), batch: "" });
  const batches = given(batch_id) ? String(batch_id).split(",").map(Number) : null;
  const found = events.filter((event) => (!batches || batches.includes(Number(event.batch_id ?? NaN))) && (!given(after) || Number(event.id) > after) && (!given(before) || Number(event.id) < before) && fits(event));
  const shown = given(after) ? found.slice(0, limit) : found.slice(-limit);
  return { events: shown, next: given(after) && found.length > shown.length ? shown.at(-1)?.id : null, head };
}

/** What became of the stories of a batch, as far as its events in here tell. @param {WireEvent[]} events @param {any} row */
function storiesOf(events, row) {
  /** @type {Map<string, any>} */
  const stories = new Map();
  let commands = 0;
  for (const event of events) {
    const { type, timestamp, payload: p = {} } = event;
    if (event.batch_id !== row.id || !/^(command|story):/.test(type) || !p.story_key) continue;
    const story = stories.get(p.story_key) ?? { id: stories.size + 1, story_key: p.story_key, epic_id: p.epic_id ?? null, status: "in-progress", started_at: timestamp, ended_at: null, duration_seconds: null, command_count: 0, commands: [] };
    stories.set(p.story_key, story);
    const open = story.commands.find((/** @type {any} */ one) => one.command === p.command && one.task_id === p.task_id && one.status === "running");
    if (type === "story:status") story.status = p.status_class === "done" ? "done" : p.new_status ?? story.status;
    if (type === "command:start") {
      if (open) open.status = "lost";
      story.commands.push({ id: (commands += 1), command: p.command, task_id: p.task_id, status: "running", started_at: timestamp, ended_at: null });
      story.command_count += 1;
    }
    if (type === "command:end" && open) Object.assign(open, { status: isFailure(event) ? "failed" : "completed", ended_at: timestamp });
    if (type === "command:end") Object.assign(story, { ended_at: timestamp, duration_seconds: (timestamp - story.started_at) / 1000 });
  }
  const list = [...stories.values()];
  const having = (/** @type {string[]} */ ...words) => list.filter((one) => words.includes(one.status)).length;
  return { stories: list, stats: { story_count: list.length, command_count: commands, cycles_completed: row.cycles_completed, max_cycles: row.max_cycles, duration_seconds: row.duration_seconds,
    stories_done: having("done"), stories_failed: having("failed", "blocked"), stories_in_progress: having("in-progress", "review") } };
}
