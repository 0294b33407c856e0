/** The agents of the newest batch: at work first, each with its figures and its log. */
import { plural, span, timer } from "../format.js";
import { commandChip, empty, heading } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { endWords, size } from "../run-words.js";
import { logPanel } from "./run-log.js";

const SILENT_MS = 5 * 60_000;
const ENDED_SHOWN = 60;

/** @param {import("../main.js").Actions} actions */
export function agentList(actions) {
  const note = h("span", { class: "heading-note" });
  const list = h("ul", { class: "agents", id: "agents" });
  const none = empty("No agents", "Each agent process that a batch starts is listed here, with its log.");
  const more = h("p", { class: "run-note" });
  const el = h("section", { class: "panel live", "aria-label": "Agents" }, heading("Agents", note), list, more, none.el);
  return {
    el,
    /** @param {import("../main.js").App} app */
    update(app) {
      const agents = merged(app);
      const live = agents.filter((agent) => agent.ended_at === null).length;
      text(note, agents.length ? `${live} at work, ${agents.length - live} ended` : "");
      const ended = agents.length - live;
      text(more, ended > ENDED_SHOWN ? `${plural(ended - ENDED_SHOWN, "earlier agent")} not shown` : "");
      show(more, ended > ENDED_SHOWN);
      keyed(list, agents.slice(0, live + ENDED_SHOWN), (agent) => agent.agent_id, () => agentRow(actions), app);
      show(none.el, agents.length === 0);
    },
  };
}

/** The events tell who is at work, the server's list how they are and who was. @param {import("../main.js").App} app @returns {import("../run-words.js").AgentView[]} */
export function merged({ model, control }) {
  const known = new Map(control.agents.map((agent) => [agent.agent_id, agent]));
  const live = model.agents.map((agent) => ({
    batch_id: 0, run: 0, ended_at: null, exit_code: null, signal: null, last_output_at: null, processes: null, cpu_ms: null, rss_bytes: null, log_bytes: 0,
    ...known.get(agent.agent_id), ...agent, background: agent.background_task !== null,
  }));
  const ids = new Set(live.map((agent) => agent.agent_id));
  const ended = control.agents.filter((agent) => !ids.has(agent.agent_id) && agent.ended_at !== null);
  return [...live, ...ended.sort((a, b) => b.run - a.run)];
}

/** @param {import("../main.js").Actions} actions */
function agentRow(actions) {
  let id = "";
  const chip = commandChip();
  const who = h("span", { class: "agent-stories mono" });
  const time = h("span", { class: "agent-time", role: "timer", "aria-live": "off" });
  const facts = h("span", { class: "agent-facts" });
  const sign = h("span", { class: "agent-sign" });
  const word = h("span", { class: "agent-word" });
  const log = h("button", { class: "button is-small", type: "button", "aria-expanded": "false", on: { click: () => actions.openLog(id) } }, "Log");
  const stop = h("button", { class: "button is-small is-stop", type: "button", on: { click: () => actions.stopAgent(id) } }, "Stop this one");
  const panel = logPanel(actions);
  const el = h("li", { class: "agent", "data-row": true },
    h("div", { class: "agent-head" }, chip.el, who, time),
    h("div", { class: "agent-line" }, word, facts, sign, h("span", { class: "agent-buttons" }, log, stop)),
    panel.el);

  return {
    el,
    /** @param {import("../run-words.js").AgentView} agent @param {import("../main.js").App} app */
    update(agent, { control, liveNow, line, model }) {
      id = agent.agent_id;
      attribute(el, "data-id", id);
      const live = agent.ended_at === null;
      const end = endWords(agent);
      chip.update(agent.command);
      text(who, agent.story_keys.map((key) => model.byKey.get(key)?.story_id ?? key).join(", "));
      attribute(who, "title", agent.story_keys.join(", "));
      text(time, timer((agent.ended_at ?? liveNow) - agent.started_at));
      text(word, live ? (agent.background ? "in the background" : "at work") : end.word);
      attribute(word, "class", `agent-word tone-${end.tone}`);
      const parts = [agent.model, `pid ${agent.pid}`];
      if (live && (agent.processes ?? 0) > 1) parts.push(plural(agent.processes ?? 0, "process", "processes"));
      if (live && agent.cpu_ms !== null) parts.push(`cpu ${(agent.cpu_ms / 1000).toFixed(1)} s`);
      if (live && agent.rss_bytes !== null) parts.push(size(agent.rss_bytes));
      text(facts, parts.filter(Boolean).join(" · "));
      const silent = liveNow - Math.max(agent.last_output_at ?? 0, agent.started_at);
      text(sign, live && line.live ? `last output ${silent < 3000 ? "just now" : `${span(silent)} ago`}` : "");
      attribute(el, "data-silent", live && silent > SILENT_MS);
      attribute(el, "data-live", live);
      show(stop, live);
      stop.disabled = !line.live || control.stopping.has(id);
      text(stop, control.stopping.has(id) ? "Stopping…" : "Stop this one");
      attribute(stop, "aria-label", `Stop agent ${id}, ${agent.command}`);
      const open = control.log.id === id;
      attribute(log, "aria-expanded", String(open));
      attribute(log, "aria-label", `Log of agent ${id}, ${agent.command}`);
      text(log, open ? "Close log" : "Log");
      panel.update(open ? control.log : null);
    },
  };
}
