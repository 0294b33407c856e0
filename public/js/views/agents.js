/** One agent: what it is, how long, what it uses, its log, and its own stop. */
import { ago, exact, plural, size, span, timer, took } from "../format.js";
import { mark, sign } from "../icons.js";
import { unreached } from "../line-words.js";
import { commandChip } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { exitWords, shortCommand } from "../run.js";
import { logPanel } from "./log-panel.js";

export const SILENT_MS = 5 * 60_000;
const QUICK_MS = 3000;

/** The facts in words. @param {import("../agents.js").AgentView} one @param {import("../main.js").App} app @param {number|null} silent for how long */
function facts(one, { now, liveNow, line }, silent) {
  const over = one.ended_at !== null || one.gone;
  return [
    `pid ${one.pid}`,
    !over && one.processes !== null && one.processes > 1 ? plural(one.processes, "process", "processes") : "",
    one.cpu_ms !== null && one.cpu_ms >= 100 ? `cpu ${took(one.cpu_ms)}` : "",
    one.rss_bytes ? size(one.rss_bytes) : "",
    one.ended_at !== null ? `ended ${ago(one.ended_at, now)}` : "",
    over || silent === null || !line.live ? "" : silent < QUICK_MS ? "output just now" : `last output ${span(silent)} ago`,
    !over && one.last_output_at === null && liveNow - one.started_at > QUICK_MS ? "no output yet" : "",
  ];
}

/** @param {import("../agents.js").AgentView} first @param {import("../main.js").Actions} actions @param {(id: string) => void} toggle */
export function agentRow(first, actions, toggle) {
  const id = first.agent_id;
  const chip = commandChip();
  const stories = h("span", { class: "agent-stories mono" });
  const tags = h("span", { class: "agent-tags" });
  const outcome = h("span", { class: "agent-exit" });
  const time = h("span", { class: "agent-time", role: "timer", "aria-live": "off" });
  const info = h("p", { class: "agent-facts" });
  const signOf = h("span", { class: "agent-sign" });
  const logButton = h("button", { class: "button is-small", type: "button", "aria-controls": `log-${id}`, on: { click: () => toggle(id) } }, sign("open"), "Log");
  const oldLog = h("a", { class: "button is-small", href: `api/agents/${encodeURIComponent(id)}/log?tail=1048576`, target: "_blank", rel: "noopener", "aria-label": `Log of agent ${id} (opens a new tab)` }, "Log");
  const ask = h("button", { class: "button is-small is-stop", type: "button", on: { click: () => sure(true) } }, "Stop this one");
  const yes = h("button", { class: "button is-small is-grave", type: "button", on: { click: () => { sure(false); logButton.focus(); actions.stopAgent(id); } } }, "Stop it");
  const no = h("button", { class: "button is-small", type: "button", on: { click: () => { sure(false); ask.focus(); } } }, "Keep");
  const question = h("span", { class: "agent-question", role: "group", "aria-label": "Stop this agent?", hidden: true }, h("span", { class: "agent-ask" }, first.story_keys.length && !first.background ? (first.story_keys.length > 1 ? "Its stories are left out for the rest of the batch." : "Its story is left out for the rest of the batch.") : "The batch goes on without it."), yes, no);
  const said = h("p", { class: "agent-said", role: "status" });
  const place = h("div", { class: "agent-log", id: `log-${id}` });
  const el = h("li", { class: "agent", "data-row": true, "data-agent": id, on: { keydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape" && asked) { sure(false); ask.focus(); } } } },
    h("div", { class: "agent-head" }, chip.el, stories, tags, outcome, time),
    h("div", { class: "agent-line" }, info, signOf, h("span", { class: "agent-buttons" }, oldLog, logButton, ask, question)),
    said, place);
  let asked = false;
  /** @type {ReturnType<typeof logPanel>|null} */
  let panel = null;

  /** @param {boolean} yesOrNo */
  function sure(yesOrNo) {
    asked = yesOrNo;
    show(question, asked);
    show(ask, !asked);
    if (asked) no.focus();
    actions.changed();
  }

  return {
    el,
    /** @param {import("../agents.js").AgentView} one @param {import("../main.js").App & {open: string[], agents: ReturnType<typeof import("../agents.js").createAgents>}} app */
    update(one, app) {
      const { model, agents, liveNow, control, line, past } = app;
      const over = one.ended_at !== null || !!one.gone;
      chip.update(shortCommand(one.command));
      text(stories, one.story_keys.map((key) => model.byKey.get(key)?.story_id ?? key).join(", "));
      show(stories, one.story_keys.length > 0);
      attribute(stories, "title", one.story_keys.join(", "));
      text(tags, [one.model, one.attempt && one.attempt > 1 ? `attempt ${one.attempt}` : "", one.background ? "in the background" : ""].filter(Boolean).join(" · "));
      text(time, one.ended_at === null ? timer(liveNow - one.started_at) : took(one.ended_at - one.started_at));
      show(time, !one.gone);
      attribute(time, "title", `started ${exact(one.started_at)}`);
      const last = Math.max(one.last_output_at ?? 0, one.started_at);
      const silent = one.last_output_at === null ? null : liveNow - last;
      const [all, output] = [facts(one, app, silent), over ? 0 : liveNow - last];
      const words = all.splice(-2).filter(Boolean).join("");
      text(info, all.filter(Boolean).join(" · "));
      text(signOf, words);
      attribute(el, "data-silent", !over && line.live && output > SILENT_MS);
      attribute(el, "data-over", over);

      const exit = over ? exitWords(one) : null;
      show(outcome, !!exit);
      if (exit && outcome.dataset.tone !== exit.tone + exit.text) {
        outcome.dataset.tone = exit.tone + exit.text;
        outcome.replaceChildren(mark(exit.tone === "good" ? "end" : exit.tone === "plain" ? "other" : "failed", exit.tone), exit.text);
      }

      const stop = agents.stops.get(id);
      if (over && asked) asked = false;
      show(question, asked && !over);
      show(ask, !over && !asked && !past && line.server?.control !== false);
      show(logButton, !past);
      show(oldLog, !!past && !!line.transport);
      ask.disabled = !line.live || !!control.readOnly || !!stop?.asking;
      attribute(ask, "title", control.readOnly ?? (line.live ? null : unreached(line)));
      text(ask, stop?.asking ? "Ending…" : "Stop this one");
      const toldBad = stop?.said && (!over || stop.said.tone === "good" || stop.said.tone === "bad");
      text(said, toldBad ? `${stop.said?.title}. ${stop.said?.text}` : "");
      attribute(said, "data-tone", stop?.said?.tone);
      show(said, !!toldBad);

      const isOpen = app.open.includes(id) && !past;
      attribute(logButton, "aria-expanded", String(isOpen));
      attribute(logButton, "aria-label", `Log of ${shortCommand(one.command)}, agent ${id}`);
      if (isOpen && !panel) place.append((panel = logPanel(id, actions.changed)).el);
      if (!isOpen && panel) {
        panel.el.remove();
        panel = null;
      }
      show(place, isOpen);
      panel?.update(agents.logs.get(id), !over);
    },
  };
}
