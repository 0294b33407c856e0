/** The sprint run: how far the batch is, what is at work with its live logs, and the way it ended. */
import { agentsOf, merged } from "../agent-list.js";
import { createAgents, MOST_LOGS } from "../agents.js";
import { moment, plural, storyTitle, took } from "../format.js";
import { empty, heading, statusBadge } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { here } from "../router.js";
import { endWords } from "../run.js";
import { agentRow } from "./agents.js";
import { eventRow } from "./event-row.js";
import { operations } from "./operations.js";
import { runHero } from "./run-hero.js";
import { startForm } from "./start-form.js";
import { receipt, stopChoice } from "./stop-choice.js";

const LATEST = 15;

/** The agents and their logs. @param {{changed: () => void}} by */
export const store = ({ changed }) => createAgents(changed);

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const hero = runHero(actions);
  const loading = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const stopping = stopChoice(actions);
  const stoppingPanel = h("section", { class: "panel box", "aria-label": "Stopping" }, stopping.el);
  const form = startForm(actions);
  const startPanel = h("section", { class: "panel box", "aria-label": "Start a batch" }, h("h2", {}, "Start a batch"), form.el);
  const end = endCard();
  const stories = h("ul", { class: "now-stories" });
  const storiesTitle = h("h2");
  const storiesPanel = h("section", { class: "panel", "aria-label": "Stories at work" }, h("div", { class: "heading" }, storiesTitle), stories);
  const ops = h("ul", { class: "ops run-ops" });
  const opsNone = empty("", "");
  const opsPanel = h("section", { class: "panel live", "aria-label": "Under way" }, heading("Under way"), ops, opsNone.el);
  const agentsNote = h("span", { class: "heading-note" });
  const agentList = h("ul", { class: "agents", id: "agents" });
  const agentsNone = empty("", "");
  const agentsPanel = h("section", { class: "panel", "aria-label": "Agents" }, heading("Agents", agentsNote), agentList, agentsNone.el);
  const latest = h("ol", { class: "events is-short" });
  const latestTitle = h("h2");
  const latestPanel = h("section", { class: "panel", "aria-label": "Latest of this batch" }, h("div", { class: "heading" }, latestTitle, h("a", { class: "heading-link", href: "#activity" }, "All activity")), latest);
  el.append(h("h1", { class: "hidden-text" }, "Sprint run"), hero.el, loading, stoppingPanel, h("div", { class: "columns run-columns" },
    h("div", { class: "column" }, h("div", { class: "idle-boxes" }, end.el, startPanel), storiesPanel, opsPanel, agentsPanel), h("div", { class: "column" }, latestPanel)));
  const drawOps = operations();

  /** @type {string[]} */
  let open = [];
  const toggle = (/** @type {string} */ id) => actions.refine({ log: (open.includes(id) ? open.filter((one) => one !== id) : [...open, id].slice(-MOST_LOGS)).join(",") || null });

  return (app) => {
    const { model, run, route, loaded, data: agents, control, log, verdict, past } = app;
    open = (route.params.get("log") ?? "").split(",").filter(Boolean);
    const runs = run.kind !== "none";
    hero.update(app);
    show(loading, !loaded);
    const halting = !past && loaded && run.kind === "managed" && (run.phase === "stopping" || control.stop !== null);
    show(stoppingPanel, halting);
    if (halting) stopping.update(app);

    const mayStart = !past && loaded && app.line.server?.control !== false && (!runs || (run.kind === "observed" && verdict.kind !== "running"));
    show(startPanel, mayStart);
    if (mayStart) form.update(app);
    if (!past && loaded && !runs && !control.ended) actions.lookBack();
    show(end.el, loaded && !runs && !!(control.ended || control.outcome));
    if (!end.el.hidden) end.update(control, app.now);

    show(storiesPanel, runs && run.stories.length > 0);
    text(storiesTitle, run.kind === "managed" ? "Stories of this cycle" : "Stories at work");
    keyed(stories, run.stories, (key) => key, storyRow, app);
    drawOps(ops, app);
    // An agent without a story, such as the project context's, is told of below.
    show(opsPanel, loaded && (model.active.length > 0 || (runs && !model.agents?.length && run.phase !== "parked")));
    show(opsNone.el, !model.active.length);
    opsNone.update("Between two commands", "The next one shows here as soon as it begins.");

    const list = past ? agentsOf(log.events, run.batch_id ?? past.batch) : run.kind === "observed" ? [] : merged(agents.list, runs ? model.agents : [], run.batch_id);
    const working = list.filter((one) => one.ended_at === null && !one.gone).length;
    const known = !!past || agents.loaded || list.length > 0;
    keyed(agentList, list, (one) => one.agent_id, (one) => agentRow(one, actions, toggle), { ...app, agents, open });
    show(agentsPanel, loaded && (runs || list.length > 0));
    text(agentsNote, run.kind === "observed" ? "" : [working ? `${working} at work` : "", list.length - working ? `${list.length - working} ended` : "", runs || !list[0]?.batch_id ? "" : `of batch ${list[0].batch_id}`].filter(Boolean).join(" · "));
    show(agentsNone.el, !list.length);
    if (run.kind === "observed") agentsNone.update("Not ours to see", "Agents that somebody else started, their processes and logs are not known here; what they write to the sprint's files is.");
    else if (agents.failed && !past) agentsNone.update("The agents cannot be asked for", "It is tried again every two seconds.");
    else if (known) agentsNone.update("No agent yet", "The first one shows here as soon as it begins.");
    else agentsNone.update("Asking for the agents…", "");

    const batch = run.batch_id ?? past?.batch ?? control.ended?.batch_id ?? null;
    const shown = batch === null ? [] : newest(log.events, batch);
    text(latestTitle, runs ? "Latest of this batch" : `Latest of batch ${batch}`);
    keyed(latest, shown, (event) => String(event.id), eventRow, app);
    show(latestPanel, shown.length > 0);
    attribute(el, "data-phase", run.phase);
    attribute(el, "data-kind", run.kind);
  };
}

/** @param {import("../model.js").WireEvent[]} events @param {number} batch */
function newest(events, batch) {
  const found = [];
  for (let i = events.length - 1; i >= 0 && found.length < LATEST; i -= 1) if (events[i].batch_id === batch && events[i].type !== "activity:entry") found.push(events[i]);
  return found;
}

function storyRow() {
  const id = h("span", { class: "mono story-id" });
  const title = h("span", { class: "story-title" });
  const badge = statusBadge();
  const link = h("a", { class: "now-story" }, id, title, badge.el);
  return { el: h("li", { "data-row": true }, link), update(/** @type {string} */ key, /** @type {import("../main.js").App} */ { model }) {
    const story = model.byKey.get(key);
    text(id, story?.story_id ?? "");
    text(title, story ? storyTitle(story) : key);
    badge.update(story?.status ?? null, story?.status_class ?? null);
    attribute(link, "href", here({ detail: key }));
    attribute(link, "data-story", key);
    attribute(link, "title", key);
  } };
}

/** How the last batch ended, with the receipt of a stop. */
function endCard() {
  const title = h("h2");
  const words = h("p", { class: "end-words" });
  const facts = h("p", { class: "note" });
  const outcome = receipt();
  const el = h("section", { class: "panel box end-card", "aria-label": "The last batch" }, title, words, outcome.el, facts);
  return {
    el,
    /** @param {import("../control.js").Control} control @param {number} now */
    update({ ended: end, outcome: receiptOf }, now) {
      const said = end ? endWords(end) : null;
      text(title, said ? `Batch ${end.batch_id}: ${said.title.toLowerCase()}` : "");
      text(words, said?.text ?? "");
      attribute(el, "data-tone", said?.tone);
      outcome.update(receiptOf);
      const ms = end?.duration_ms;
      text(facts, end ? [plural(end.cycles_completed ?? 0, "whole cycle"), typeof ms === "number" ? `took ${took(ms)}` : "", end.ended_at ? `ended ${moment(end.ended_at, now)}` : ""].filter(Boolean).join(" · ") : "");
    },
  };
}
