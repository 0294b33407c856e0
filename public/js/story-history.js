/**
 * What happened to one story, told from its events: runs of commands with their tasks, changes of status, agents. Pure.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{task: string, started_at: number|null, ended_at: number|null, status: string, message: string, event: number}} Task
 * @typedef {{id: number, command: string, attempt: number, batch_id: number|null, started_at: number|null, ended_at: number|null,
 *   status: string, message: string, tasks: Task[]}} CommandRun
 * @typedef {{id: number, at: number, old_status: string|null, new_status: string|null, status_class: string|null, source: string|null}} Change
 * @typedef {{agent_id: string, command: string, model: string|null, attempt: number|null, background: boolean, batch_id: number|null, shared: number,
 *   started_at: number|null, ended_at: number|null, exit_code: number|null, signal: number|string|null,
 *   input_tokens: number|null, output_tokens: number|null, cost_usd: number|null}} AgentRun
 */
import { attemptOf } from "./model.js";
import { hasFailed } from "./words.js";

const OPEN = "running";

/**
 * The runs of commands, newest first. A run goes on while its tasks are new to it or one of them is open; the same task begun
 * once more, with nothing open, is another run.
 * @param {WireEvent[]} events one story's, ascending @returns {CommandRun[]}
 */
export function runsOf(events) {
  /** @type {CommandRun[]} */
  const runs = [];
  /** @type {Map<string, CommandRun>} the newest run of each command */
  const newest = new Map();
  for (const event of events) {
    const p = event.payload ?? {};
    const command = String(p.command ?? "");
    let run = newest.get(command);
    if (event.type === "command:start") {
      const task = String(p.task_id ?? "");
      const again = !!run && !run.tasks.some(isOpen) && run.tasks.some((one) => one.task === task);
      if (!run || again || run.batch_id !== (event.batch_id ?? null)) run = begin(event, command);
      const lost = run.tasks.find((one) => one.task === task && isOpen(one));
      if (lost) Object.assign(lost, { ended_at: event.timestamp, status: "left-open" });
      run.tasks.push({ task, started_at: event.timestamp, ended_at: null, status: OPEN, message: String(p.message ?? ""), event: Number(event.id) });
    } else if (event.type === "command:progress") {
      const open = run?.tasks.findLast((one) => one.task === String(p.task_id ?? "") && isOpen(one));
      if (open && p.message) open.message = String(p.message);
    } else if (event.type === "command:end") {
      const task = String(p.task_id ?? "");
      run ??= begin(event, command);
      let one = run.tasks.findLast((other) => other.task === task && isOpen(other));
      // An end whose start nobody wrote is shown without a duration.
      if (!one) run.tasks.push((one = { task, started_at: null, ended_at: null, status: OPEN, message: "", event: Number(event.id) }));
      one.ended_at = event.timestamp;
      one.status = String(p.status ?? "end");
      if (p.message) one.message = String(p.message);
    }
  }
  for (const run of runs) sum(run);
  return runs.reverse();

  /** @param {WireEvent} event @param {string} command */
  function begin(event, command) {
    /** @type {CommandRun} */
    const run = { id: Number(event.id), command, attempt: attemptOf(command), batch_id: event.batch_id ?? null, started_at: null, ended_at: null, status: OPEN, message: "", tasks: [] };
    runs.push(run);
    newest.set(command, run);
    return run;
  }
}

const isOpen = (/** @type {Task} */ task) => task.status === OPEN;

/** @param {CommandRun} run */
function sum(run) {
  const starts = run.tasks.flatMap((one) => one.started_at ?? []);
  const ends = run.tasks.flatMap((one) => one.ended_at ?? []);
  run.started_at = starts.length ? Math.min(...starts) : null;
  if (run.tasks.some(isOpen)) return;
  run.ended_at = ends.length ? Math.max(...ends) : null;
  const bad = run.tasks.findLast((one) => hasFailed(one)) ?? run.tasks.findLast((one) => one.status === "left-open");
  const last = run.tasks.reduce((a, b) => ((b.ended_at ?? 0) >= (a.ended_at ?? 0) ? b : a));
  // A task that failed and was done again in the same run is mended.
  const mended = bad && run.tasks.some((one) => one.task === bad.task && one.event > bad.event && !hasFailed(one) && one.status !== "left-open");
  const telling = bad && !mended ? bad : last;
  run.status = telling.status;
  run.message = telling.message;
}

/** Its words over time, newest first. @param {WireEvent[]} events @returns {Change[]} */
export const changesOf = (events) => events.filter(({ type }) => type === "story:status").map(({ id, timestamp, source, payload: p }) => (
  { id: Number(id), at: timestamp, old_status: p?.old_status ?? null, new_status: p?.new_status ?? null, status_class: p?.status_class ?? null, source: source ?? null })).reverse();

/** The agents that had this story, newest first. @param {WireEvent[]} events `agent:start` and `agent:end`, ascending @param {string} key @returns {AgentRun[]} */
export function agentsOf(events, key) {
  /** @type {Map<string, AgentRun>} */
  const found = new Map();
  for (const { type, timestamp, batch_id, payload: p = {} } of events) {
    if (type === "agent:start" && p.story_keys?.includes?.(key)) {
      found.set(p.agent_id, {
        agent_id: p.agent_id, command: p.command, model: p.model ?? null, attempt: p.attempt ?? null, background: !!p.background_task, batch_id: batch_id ?? null,
        shared: p.story_keys.length, started_at: timestamp, ended_at: null, exit_code: null, signal: null, input_tokens: null, output_tokens: null, cost_usd: null,
      });
    }
    const one = type === "agent:end" ? found.get(p.agent_id) : undefined;
    if (one) {
      one.ended_at = timestamp;
      for (const name of /** @type {const} */ (["exit_code", "signal", "input_tokens", "output_tokens", "cost_usd"])) /** @type {any} */ (one)[name] = p[name] ?? null;
    }
  }
  return [...found.values()].reverse();
}
