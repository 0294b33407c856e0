/**
 * The agents of the newest managed batch: asked for while somebody looks and something runs, together with the logs that are open.
 *
 * @typedef {import("./agent-list.js").AgentView} AgentView
 * @typedef {{asking: boolean, said: import("./run.js").Said|null}} OneStop
 */
import { get, post } from "./api.js";
import { followLog } from "./agent-log.js";
import { receiptWords } from "./run.js";

const PAUSE_MS = 2000;
/** An event is often followed by others, and by the process's own end. */
const SOON_MS = 150;
export const MOST_LOGS = 4;

/** @param {() => void} changed */
export function createAgents(changed) {
  /** @type {AgentView[]} */
  let list = [];
  let revision = 0;
  let loaded = false;
  let failed = false;
  let asking = false;
  let again = false;
  let askedAt = 0;
  let wanted = { visible: false, running: false };
  /** @type {any} */ let timer;
  /** @type {Map<string, ReturnType<typeof followLog>>} */
  const logs = new Map();
  /** @type {Map<string, OneStop>} */
  const stops = new Map();

  const follow = () => { for (const one of list) logs.get(one.agent_id)?.follow(one.log_bytes); };

  async function ask() {
    clearTimeout(timer);
    if (asking) return void (again = true);
    asking = true;
    askedAt = Date.now();
    try {
      list = (await get("api/agents")).agents;
      loaded = true;
      failed = false;
      for (const id of stops.keys()) if (!list.some((one) => one.agent_id === id)) stops.delete(id);
    } catch {
      failed = true;
    }
    asking = false;
    revision += 1;
    follow();
    changed();
    plan(again ? SOON_MS : PAUSE_MS, again);
    again = false;
  }

  /** @param {number} wait @param {boolean} [owed] once more, even if nothing runs */
  function plan(wait, owed = false) {
    clearTimeout(timer);
    if (wanted.visible && (wanted.running || owed) && !document.hidden) timer = setTimeout(ask, wait);
  }

  /** Told with each commit who looks, whether there is anything to follow, and which logs are open. @param {boolean} visible @param {boolean} running @param {string[]} open */
  function look(visible, running, open) {
    const before = wanted;
    wanted = { visible, running };
    for (const id of logs.keys()) if (!visible || !open.includes(id)) logs.delete(id);
    for (const id of visible ? open.slice(0, MOST_LOGS) : []) {
      if (logs.has(id)) continue;
      logs.set(id, followLog(id, changed));
      follow();
    }
    if (!visible) clearTimeout(timer);
    else if (!before.visible || (running && !before.running)) plan(0, true);
    else if (running && Date.now() - askedAt > 3 * PAUSE_MS) plan(0);
  }

  return {
    logs,
    stops,
    get list() { return list; },
    get loaded() { return loaded; },
    get failed() { return failed; },

    /** @param {import("./main.js").App} app */
    attend: ({ line, live, past, route }) => look(true, line.live && !line.far && !past && live.run.kind === "managed", (route.params.get("log") ?? "").split(",").filter(Boolean)),

    /** Nobody looks any more. */
    rest: () => look(false, false, []),

    /** An agent began or ended, or the batch did. @param {import("./model.js").WireEvent} event */
    heard: ({ type }) => { if (/^(agent|batch):/.test(type)) plan(SOON_MS, true); },

    /** Another server, or the same one after a time: what was known is old. */
    renew() {
      stops.clear();
      plan(0, true);
    },

    /** @param {string} id */
    async stop(id) {
      if (stops.get(id)?.asking) return;
      stops.set(id, { asking: true, said: null });
      changed();
      try {
        stops.set(id, { asking: false, said: receiptWords(await post(`api/agents/${encodeURIComponent(id)}/stop`, {}, 90_000)) });
      } catch (error) {
        stops.set(id, { asking: false, said: { tone: "bad", title: "Not stopped", text: /** @type {Error} */ (error).message } });
      }
      plan(0, true);
      changed();
    },
  };
}
