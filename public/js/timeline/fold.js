/**
 * The rows of the timeline, kept up by events: the twin of the server's table of commands.
 *
 * `fold(rows, event)` changes the rows it is given and returns them: callers own one private copy. Folding
 * the events of a batch gives the segments that `/api/timeline` would answer for it.
 *
 * @typedef {{story_key: string, story_id?: string|null, epic_id: string, command: string, task_id: string, attempt: number,
 *   start: number, end: number|null, status: "running"|"completed"|"failed"|"lost", message?: string|null, source?: string|null,
 *   batch_id?: number|null, sign?: number, said?: string|null}} Row
 * @typedef {{scope: "newest"|"all"|number, batch: any, current: number|null, rows: Row[], left_out: number, upTo: number, open: Map<string, Row>, revision: number, touched: Map<string, number>}} Rows
 */

/** A segment's message is cut here, as on the server. */
const SUMMARY_CHARS = 200;
/** Epic and story in the rows of whoever makes the project context: work for no story. */
const CONTEXT = "context";
const FAILED = ["failed", "error", "blocked"];

/** A command's name and the attempt its suffix tells. @param {string} command @returns {[string, number]} */
export function commandBase(command) {
  const name = String(command ?? "").trim().replace(/^sprint-/, "");
  const [, base, digits] = /^(.+)[ -]#?(\d{1,9})$/s.exec(name) ?? [];
  return base?.trim() ? [base.trimEnd(), Number(digits)] : [name, 1];
}

const slotOf = (/** @type {Row} */ { story_key, command, attempt, task_id }) => JSON.stringify([story_key, command, attempt, task_id]);

/** @param {"newest"|"all"|number} scope which batch the rows are of @param {any} [answer] what the server said @returns {Rows} */
export function fromAnswer(scope, answer) {
  const batch = answer?.batch ? { ...answer.batch } : null;
  const rows = (answer?.segments ?? []).map((/** @type {Row} */ row) => ({ ...row, batch_id: row.batch_id ?? batch?.id ?? null }));
  const open = new Map(rows.filter((/** @type {Row} */ row) => row.status === "running").map((/** @type {Row} */ row) => [slotOf(row), row]));
  const current = batch?.status === "running" ? batch.id : rows.findLast((/** @type {Row} */ row) => row.status === "running")?.batch_id ?? null;
  const left = answer?.left_out ?? 0;
  return { scope, batch, current, rows, left_out: typeof left === "number" ? left : 0, upTo: answer?.last_event_id ?? 0, open, revision: 0, touched: new Map() };
}

/**
 * What the answer holds already is passed over: it was asked for while that event was on its way.
 * @param {Rows} kept @param {import("../model.js").WireEvent} event
 */
export function fold(kept, event) {
  const payload = event.payload ?? {};
  if (payload.imported === true || (event.id ?? Infinity) <= kept.upTo) return kept;
  FOLDS.get(event.type)?.(kept, payload, event);
  return kept;
}

/** @param {Rows} kept @param {any} payload @param {import("../model.js").WireEvent} event */
function concerns(kept, payload, { batch_id = null }) {
  if (batch_id === null || (payload.story_key === CONTEXT && payload.epic_id === CONTEXT)) return false;
  return kept.scope === "all" || batch_id === (kept.batch?.id ?? null);
}

/** @param {Rows} kept @param {Row} row */
function touch(kept, { story_key }) {
  kept.revision += 1;
  kept.touched.set(story_key, kept.revision);
}

/** @type {Map<string, (kept: Rows, payload: any, event: import("../model.js").WireEvent) => void>} */
const FOLDS = new Map(Object.entries({
  "batch:start": (kept, payload, event) => {
    const id = payload.batch_id ?? event.batch_id;
    kept.current = id;
    if (typeof kept.scope === "number" ? id !== kept.scope : kept.batch?.id === id) return;
    kept.revision += 1;
    if (kept.scope !== "newest" && kept.batch?.id !== id && kept.scope !== id) return;
    kept.batch = { id, started_at: payload.started_at ?? event.timestamp, ended_at: null, status: "running", origin: payload.origin ?? null };
    kept.rows = [];
    kept.open.clear();
    kept.touched.clear();
  },
  "batch:end": (kept, payload, event) => {
    const id = payload.batch_id ?? event.batch_id;
    if (kept.current === id) kept.current = null;
    if (kept.batch?.id !== id) return;
    kept.revision += 1;
    Object.assign(kept.batch, { ended_at: event.timestamp, status: payload.status ?? "completed" });
    kept.open.clear();
  },
  "command:start": (kept, payload, event) => {
    if (!concerns(kept, payload, event)) return;
    const row = rowOf(kept, payload, event);
    touch(kept, row);
    // A row of a batch that is over comes too late to be seen ending.
    if (event.batch_id !== kept.current) {
      row.status = "lost";
    } else {
      const slot = slotOf(row);
      const first = kept.open.get(slot);
      if (first) first.status = "lost";
      kept.open.set(slot, row);
    }
    kept.rows.push(row);
  },
  "command:progress": (kept, payload, event) => {
    if (!concerns(kept, payload, event)) return;
    const row = kept.open.get(slotOf(rowOf(kept, payload, event)));
    if (!row) return;
    touch(kept, row);
    row.sign = event.timestamp;
    row.said = payload.message ?? row.said ?? null;
  },
  "command:end": (kept, payload, event) => {
    if (!concerns(kept, payload, event)) return;
    const ended = rowOf(kept, payload, event);
    const slot = slotOf(ended);
    const late = event.batch_id !== kept.current;
    touch(kept, ended);
    const open = late ? kept.rows.findLast((row) => row.status === "lost" && row.end === null && slotOf(row) === slot && row.batch_id === ended.batch_id) : kept.open.get(slot);
    const status = payload.status === "left-open" ? "lost" : FAILED.includes(payload.status) ? "failed" : "completed";
    const message = typeof payload.message === "string" ? [...payload.message].slice(0, SUMMARY_CHARS).join("") : null;
    if (!late) kept.open.delete(slot);
    // Nobody saw a command that was left open end.
    if (open) Object.assign(open, { end: status === "lost" ? null : event.timestamp, status, message });
    else kept.rows.push({ ...ended, end: event.timestamp, status, message });
  },
}));

/** @param {Rows} kept @param {any} payload @param {import("../model.js").WireEvent} event @returns {Row} */
function rowOf(kept, payload, event) {
  const [command, attempt] = commandBase(payload.command);
  return {
    story_key: payload.story_key, story_id: payload.story_id ?? null, epic_id: payload.epic_id ?? "", command,
    task_id: payload.task_id ?? "", attempt, start: event.timestamp, end: null, status: "running",
    message: null, said: payload.message || null, source: event.source ?? null, batch_id: event.batch_id ?? null, sign: event.timestamp,
  };
}

/** The rows as they were at a moment: what began later is not there yet, what ended later is still open. @param {Row[]} rows @param {number} at @returns {Row[]} */
export function asOf(rows, at) {
  return rows.filter((row) => row.start <= at).map((row) => (row.end !== null && row.end > at ? { ...row, end: null, status: "running", message: null } : row));
}
