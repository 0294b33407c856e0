/**
 * The list of agents: what was last asked for, and what the events told since. Pure.
 *
 * @typedef {{agent_id: string, batch_id: number|null, pid: number, command: string, story_keys: string[], model: string|null, attempt: number|null,
 *   background: boolean, started_at: number, ended_at: number|null, exit_code: number|null, signal: number|string|null, last_output_at: number|null,
 *   processes: number|null, cpu_ms: number|null, rss_bytes: number|null, log_bytes: number, gone?: boolean}} AgentView
 */

/** What is known of an agent that only its start told of. @param {any} agent @param {number|null} batch_id @returns {AgentView} */
const fresh = ({ background_task, ...agent }, batch_id) => ({ ...agent, batch_id, background: !!background_task, ended_at: null, exit_code: null, signal: null, last_output_at: null, processes: null, cpu_ms: null, rss_bytes: null, log_bytes: 0 });

/**
 * The list as it was last asked for, brought up to date by what the events told since.
 * @param {AgentView[]} asked @param {any[]|undefined} running the folded state's @param {number|null} batch_id @returns {AgentView[]} running ones first
 */
export function merged(asked, running, batch_id) {
  if (!running) return asked;
  const now = new Map(running.map((one) => [one.agent_id, one]));
  const listed = asked.map((one) => {
    const runs = now.has(one.agent_id);
    now.delete(one.agent_id);
    return one.ended_at === null && !runs ? { ...one, gone: true } : one;
  });
  // A new batch lists its own agents only.
  const mine = now.size ? listed.filter((one) => one.batch_id === null || one.batch_id === batch_id) : listed;
  const over = (/** @type {AgentView} */ one) => one.ended_at !== null || !!one.gone;
  return [...mine.filter((one) => !over(one)), ...[...now.values()].map((one) => fresh(one, batch_id)), ...mine.filter(over).sort((a, b) => b.started_at - a.started_at)];
}

/**
 * The agents that events tell of, the newest first: what a past moment knows.
 * @param {import("./model.js").WireEvent[]} events ascending @param {number|null} batch_id of this batch only @returns {AgentView[]}
 */
export function agentsOf(events, batch_id) {
  /** @type {Map<string, AgentView>} */
  const found = new Map();
  for (const { type, timestamp, payload: p, batch_id: batch } of events) {
    if (!p || (batch_id !== null && batch !== batch_id)) continue;
    if (type === "agent:start") found.set(p.agent_id, fresh({ agent_id: p.agent_id, pid: p.pid, command: p.command, story_keys: p.story_keys ?? [], model: p.model ?? null, attempt: p.attempt ?? null, background_task: p.background_task ?? null, started_at: timestamp }, batch ?? null));
    const known = type === "agent:end" ? found.get(p.agent_id) : undefined;
    if (known) Object.assign(known, { ended_at: timestamp, exit_code: p.exit_code ?? null, signal: p.signal ?? null });
  }
  const over = (/** @type {AgentView} */ one) => one.ended_at !== null;
  const all = [...found.values()].reverse();
  return [...all.filter((one) => !over(one)), ...all.filter(over)];
}
