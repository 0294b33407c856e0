/**
 * Starting, stopping and looking closer: everything about a managed run that the events do not tell.
 *
 * @typedef {import("./run-words.js").AgentView} AgentView
 * @typedef {import("./run-words.js").Receipt} Receipt
 */
import { get, post } from "./api.js";
import { createAgentLog } from "./agent-log.js";
import { receiptWords } from "./run-words.js";

/** @param {() => void} changed */
export function createControl(changed) {
  const control = {
    /** What is being asked for just now. @type {"start"|"graceful"|"now"|null} */
    asking: null,
    askedAt: 0,
    /** Why the last wish was refused. */
    refusal: "",
    /** What the last stop did. */
    receipt: "",
    /** @type {AgentView[]} */
    agents: [],
    /** Agents that somebody asked to stop. @type {Set<string>} */
    stopping: new Set(),
    /** The newest batch that has ended. @type {any} */
    last: null,
    /** The setting `default_max_cycles`. */
    cycles: 2,
    log: createAgentLog(changed),
    start,
    stop,
    stopAgent,
    follow,
    lookAgain,
    noteEvent,
  };

  /** @param {typeof control.asking} what @param {() => Promise<void>} wish */
  async function ask(what, wish) {
    if (control.asking === "start" || control.asking === "now") return;
    Object.assign(control, { asking: what, askedAt: Date.now(), refusal: "", receipt: "" });
    changed();
    try {
      await wish();
    } catch (error) {
      control.refusal = /** @type {Error} */ (error).message;
    }
    control.asking = null;
    changed();
  }

  /** @param {number|"all"} size */
  function start(size) {
    return ask("start", async () => { await post("api/orchestrator/start", { batch_size: size }); });
  }

  /** @param {"graceful"|"now"} mode */
  function stop(mode) {
    return ask(mode, async () => {
      const answer = await post("api/orchestrator/stop", { mode }, 120_000);
      if (answer.status === "stopped") control.receipt = receiptWords(answer);
      if (answer.status === "cleaned") control.receipt = `Batch ${answer.batch_id}, left over from a crash, is closed.`;
    });
  }

  /** @param {string} id */
  async function stopAgent(id) {
    control.stopping.add(id);
    control.refusal = "";
    changed();
    try {
      control.receipt = `Agent ${id}: ${receiptWords(await post(`api/agents/${encodeURIComponent(id)}/stop`, {}, 120_000))}`;
    } catch (error) {
      control.refusal = /** @type {Error} */ (error).message;
    }
    control.stopping.delete(id);
    lookAgain();
  }

  let looking = false;
  let again = false;
  /** Fetches the agents; never twice at a time. */
  async function lookAgain() {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      control.agents = (await get("api/agents")).agents;
    } catch {
      // What was known stays; the line's own state tells that the server is away.
    }
    looking = false;
    changed();
    if (again) {
      again = false;
      lookAgain();
    }
  }

  /** @type {any} */ let pace = null;
  /** While somebody looks at the run and agents are at work, figures are fetched every two seconds. @param {boolean} wanted */
  function follow(wanted) {
    if (wanted === (pace !== null)) return;
    clearInterval(pace);
    pace = wanted ? setInterval(lookAgain, 2000) : null;
    if (wanted) lookAgain();
  }

  /** @param {import("./model.js").WireEvent} event */
  function noteEvent({ type, payload }) {
    if (type === "agent:start" || type === "agent:end") lookAgain();
    if (type === "batch:start") control.receipt = control.refusal = "";
    if (type === "batch:end") lookBack();
    if (type === "settings:changed" && payload?.changed?.default_max_cycles) control.cycles = payload.changed.default_max_cycles[1];
  }

  async function lookBack() {
    try {
      control.last = (await get("api/batches", { limit: 1 })).batches.find((/** @type {any} */ batch) => batch.ended_at !== null) ?? control.last;
    } catch {
      // Not known, not shown.
    }
    changed();
  }

  get("api/settings").then((settings) => { control.cycles = settings.default_max_cycles; changed(); }).catch(() => {});
  lookBack();
  return control;
}
