/**
 * The part of the fold that follows a managed batch: what the orchestrator does, and the agents at work.
 *
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").Batch} Batch
 * @typedef {import("./model.js").Agent} Agent
 * @typedef {import("./model.js").Orchestrator} Orchestrator
 * @typedef {import("./model.js").WireEvent} WireEvent
 */
import { workCosts } from "./model-work.js";

/** No more agents than this are kept, as on the server. */
const MAX_AGENTS = 1000;
const STATUSES = ["running", "waiting", "stopping"];

/** The orchestrator while nothing managed runs. @returns {Orchestrator} */
export function idle() {
  return {
    status: "idle",
    batch_id: null,
    cycles_completed: 0,
    max_cycles: null,
    current_stories: [],
    batch_mode: null,
    cycle_number: 0,
    parked_until: null,
  };
}

/** The orchestrator at the start of a managed batch. @param {Batch} batch @param {string|null} batch_mode @returns {Orchestrator} */
export function beginRun(batch, batch_mode) {
  return { ...idle(), status: "running", batch_id: batch.id, max_cycles: batch.max_cycles, batch_mode };
}

/** Whether the event is one of the managed batch under way. @param {State} state @param {WireEvent} event */
const ofRun = ({ orchestrator }, event) => orchestrator.batch_id !== null && event.batch_id === orchestrator.batch_id;

/** @param {State} state @param {any} payload @param {WireEvent} event */
export function batchWarning(state, payload, event) {
  if (!ofRun(state, event) || !STATUSES.includes(payload.state)) return;
  state.orchestrator.status = payload.state;
  state.orchestrator.parked_until = payload.parked_until ?? null;
}

/** @param {State} state @param {any} payload @param {WireEvent} event */
export function cycleStart(state, payload, event) {
  if (!ofRun(state, event)) return;
  state.orchestrator.cycle_number = payload.cycle_number;
  state.orchestrator.current_stories = [...payload.story_keys];
}

/** @param {State} state @param {any} _payload @param {WireEvent} event */
export function cycleEnd(state, _payload, event) {
  if (!state.batch) return;
  state.batch.cycles_completed += 1;
  if (state.orchestrator.batch_id === state.batch.id) state.orchestrator.cycles_completed = state.batch.cycles_completed;
  if (ofRun(state, event)) state.orchestrator.current_stories = [];
}

/** @param {State} state @param {any} payload @param {WireEvent} event */
export function agentStart(state, payload, event) {
  const agent = {
    agent_id: payload.agent_id,
    pid: payload.pid,
    command: payload.command,
    story_keys: [...payload.story_keys],
    model: payload.model ?? null,
    attempt: payload.attempt ?? null,
    background_task: payload.background_task ?? null,
    started_at: event.timestamp,
  };
  const place = state.agents.findIndex((one) => one.agent_id === agent.agent_id);
  if (place >= 0) state.agents[place] = agent;
  else if (state.agents.length < MAX_AGENTS) state.agents.push(agent);
}

/** @param {State} state @param {any} payload */
export function agentEnd(state, payload) {
  const agent = state.agents.find((one) => one.agent_id === payload.agent_id);
  if (!agent) return;
  workCosts(state, agent, payload);
  state.agents = state.agents.filter((one) => one.agent_id !== payload.agent_id);
}
