/**
 * The part of the fold that keeps what was done for each story and by each command: time, runs, failures, cost.
 *
 * A story's stretch opens with its first open command and closes with its last. Within it the time goes to the
 * command that was started last, so that all commands together have taken as long as all stories together. Rows
 * may come with times that go backwards: then no time has passed. Twin of the server's `work_fold.rs`.
 *
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{type: "start"|"progress"|"end", command: string, task_id: string, status: string|null, failed: boolean,
 *   message: string|null, at: number}} Last
 * @typedef {{first_at: number|null, last_at: number|null, busy_ms: number, busy_since: number|null, runs: number,
 *   reviews: number, failures: number, last: Last|null, done_at: number|null, note: {word: string, at: number}|null,
 *   input_tokens: number, output_tokens: number, cost_usd: number,
 *   command: string|null, command_since: number|null, open: number}} Work what was done for one story; `command` was
 *   started last, `command_since` is since when the open stretch's time is its, `open` how many commands are open
 * @typedef {{command: string, runs: number, failed: number, busy_ms: number,
 *   input_tokens: number, output_tokens: number, cost_usd: number}} Effort
 */

// As on the server.
const MAX_WORK = 20_000;
const MAX_EFFORT = 64;
const MAX_WORDS = 500;
const MAX_ATTEMPT = 4_294_967_295;

/** @param {string} text by scalar values: a half of an emoji is none */
const cut = (text) => (text.length <= MAX_WORDS ? text : [...text].slice(0, MAX_WORDS).join(""));

/** @param {any} word */
const trim = (word) => String(word ?? "").replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");

/** Whether the word of a command's end is a bad one. @param {any} status */
export const failing = (status) => /^(?:failed|error|blocked)$/i.test(trim(status));

/**
 * A command without its prefix `sprint-` and without its attempt, and the attempt: `code-review-2`,
 * `code-review #2` and `sprint-code-review-2` are the second `code-review`.
 * @param {any} command @returns {{base: string, attempt: number|null}}
 */
export function commandBase(command) {
  const name = trim(command).replace(/^sprint-/, "");
  const parts = /^([\s\S]*)[ -]#?([0-9]+)$/.exec(name);
  const base = parts ? parts[1].replace(/\p{White_Space}+$/u, "") : "";
  if (!parts || base === "" || Number(parts[2]) > MAX_ATTEMPT) return { base: name, attempt: null };
  return { base, attempt: Number(parts[2]) };
}

/** @returns {Work} */
const blank = () => ({
  first_at: null,
  last_at: null,
  busy_ms: 0,
  busy_since: null,
  runs: 0,
  reviews: 0,
  failures: 0,
  last: null,
  done_at: null,
  note: null,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
  command: null,
  command_since: null,
  open: 0,
});

/** A story's entry, made where there is none; none when too many are known. @param {State} state @param {string} key */
function workOf(state, key) {
  let work = state.work.get(key);
  if (!work && state.work.size < MAX_WORK) state.work.set(key, (work = blank()));
  return work;
}

/** A command's entry, likewise. @param {State} state @param {string} command its base name */
function effortOf(state, command) {
  let effort = state.effort.find((one) => one.command === command);
  if (!effort && state.effort.length < MAX_EFFORT) {
    effort = { command, runs: 0, failed: 0, busy_ms: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 };
    state.effort.push(effort);
  }
  return effort;
}

/** @param {Work} work @param {Last["type"]} type @param {any} payload @param {number} at @param {boolean} failed */
function said(work, type, payload, at, failed = false) {
  work.first_at = work.first_at === null ? at : Math.min(work.first_at, at);
  work.last_at = work.last_at === null ? at : Math.max(work.last_at, at);
  const message = failed && payload.message != null ? cut(payload.message) : null;
  const status = type === "end" ? (payload.status ?? null) : null;
  work.last = { type, command: payload.command, task_id: payload.task_id, status, failed, message, at };
}

/** The time so far goes to the command at work until now. Gives up to when. @param {State} state @param {Work} work @param {number} at */
function handOver(state, work, at) {
  const since = work.command_since ?? at;
  const until = Math.max(since, at);
  const effort = effortOf(state, commandBase(work.command).base);
  if (effort) effort.busy_ms += until - since;
  work.command_since = until;
  return until;
}

/** @param {State} state @param {Work} work @param {number} at */
function close(state, work, at) {
  const until = handOver(state, work, at);
  work.busy_ms += until - (work.busy_since ?? until);
  work.busy_since = null;
  work.command_since = null;
}

/** @param {State} state @param {any} payload @param {number} at @param {boolean} opened a new one among the open commands */
export function workStart(state, payload, at, opened) {
  const work = workOf(state, payload.story_key);
  if (!work) return;
  const same = work.command === payload.command;
  const retry = work.last?.failed === true;
  if (work.open > 0 && !same) handOver(state, work, at);
  if (opened) {
    work.open += 1;
    if (work.open === 1) work.busy_since = work.command_since = at;
  }
  const { base, attempt } = commandBase(payload.command);
  if (base === "code-review") work.reviews = Math.max(work.reviews, attempt ?? 1);
  work.command = payload.command;
  said(work, "start", payload, at);
  if (same && !retry) return;
  work.runs += 1;
  const effort = effortOf(state, base);
  if (effort) effort.runs += 1;
}

/** @param {State} state @param {any} payload @param {number} at */
export function workProgress(state, payload, at) {
  const work = workOf(state, payload.story_key);
  if (work) said(work, "progress", payload, at);
}

/** @param {State} state @param {any} payload @param {number} at @param {boolean} closed it was among the open commands */
export function workEnd(state, payload, at, closed) {
  const work = workOf(state, payload.story_key);
  if (!work) return;
  if (closed && work.open > 0) {
    work.open -= 1;
    if (work.open === 0) close(state, work, at);
  }
  const failed = failing(payload.status);
  if (failed) {
    work.failures += 1;
    const effort = effortOf(state, commandBase(payload.command).base);
    if (effort) effort.failed += 1;
  }
  said(work, "end", payload, at, failed);
}

/** Nothing is open any more. @param {State} state @param {number} at */
export function workCloses(state, at) {
  for (const work of state.work.values()) {
    if (work.open === 0) continue;
    work.open = 0;
    close(state, work, at);
  }
}

/** What an agent took goes to its command, and in equal shares to its stories. @param {State} state @param {import("./model.js").Agent} agent @param {any} payload */
export function workCosts(state, agent, payload) {
  const parts = /** @type {const} */ (["input_tokens", "output_tokens", "cost_usd"]);
  if (parts.every((part) => (payload[part] ?? 0) === 0)) return;
  const shares = agent.story_keys.length;
  const effort = effortOf(state, commandBase(agent.command).base);
  if (effort) for (const part of parts) effort[part] += payload[part] ?? 0;
  for (const key of agent.story_keys) {
    const work = workOf(state, key);
    if (work) for (const part of parts) work[part] += (payload[part] ?? 0) / shares;
  }
}

/** @param {State} state @param {any} payload @param {number} at */
export function workNote(state, { story_key, kind, result }, at) {
  if (story_key == null || result == null || (kind !== "story" && kind !== "step")) return;
  const work = workOf(state, story_key);
  if (work) work.note = { word: cut(result), at };
}

/** @param {State} state @param {any} payload @param {number} at @param {string|null} was the class it had until now; null = it was not known */
export function workDone(state, payload, at, was) {
  const key = payload.story_key;
  if (payload.new_status != null && payload.status_class === "done") {
    if (payload.old_status == null || was === null || was === "done") return;
    const work = workOf(state, key);
    if (work) work.done_at = at;
    return;
  }
  const work = state.work.get(key);
  if (!work || work.done_at === null) return;
  work.done_at = null;
  // A key of which nothing else is known goes.
  if (!work.last && !work.note && !work.input_tokens && !work.output_tokens && !work.cost_usd) state.work.delete(key);
}
