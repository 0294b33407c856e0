/** What is under way now: one card for each command of a story, with its task and running timer. */
import { span, storyTitle, timer } from "../format.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { commandChip } from "../parts.js";
import { here } from "../router.js";
import { signOf } from "../verdict.js";
import { WHOLE } from "./event-row.js";
import { family, FAMILIES, metricsOf } from "../words.js";

const SILENT_MS = 5 * 60_000;

/** Tasks of one command of one story belong together. @param {import("../model.js").Active[]} active */
export function group(active) {
  /** @type {Map<string, {key: string, tasks: import("../model.js").Active[]}>} */
  const groups = new Map();
  for (const one of active) {
    const key = JSON.stringify([one.story_key, one.command]);
    const found = groups.get(key);
    if (found) found.tasks.push(one);
    else groups.set(key, { key, tasks: [one] });
  }
  return [...groups.values()];
}

/** @returns {(el: Element, app: import("../main.js").App) => void} */
export function operations() {
  return (el, app) => keyed(el, group(app.model.active), ({ key }) => key, card, app);
}

function card() {
  const chip = commandChip();
  const id = h("span", { class: "mono op-id" });
  const title = h("span", { class: "op-title" });
  const task = h("span", { class: "op-task" });
  const message = h("p", { class: "op-message" });
  const time = h("span", { class: "op-time", role: "timer", "aria-live": "off" });
  const sign = h("span", { class: "op-sign" });
  const steps = FAMILIES.map((name) => h("i", { "data-family": name }));
  const chain = h("span", { class: "chain", role: "img" }, ...steps);
  const link = h("a", { class: "op-link" }, id, title);
  const el = h("li", { class: "op", "data-row": true },
    h("div", { class: "op-head" }, link, time),
    h("div", { class: "op-line" }, chip.el, task, message),
    h("div", { class: "op-foot" }, chain, sign));

  return {
    el,
    /** @param {ReturnType<typeof group>[number]} item @param {import("../main.js").App} app */
    update({ tasks }, { model, log, liveNow, line, past }) {
      const first = tasks.reduce((a, b) => (b.started_at < a.started_at ? b : a));
      const inner = tasks.filter((one) => !WHOLE.includes(one.task_id));
      const now = inner.at(-1) ?? tasks.at(-1) ?? first;
      const story = model.byKey.get(first.story_key);
      chip.update(first.command);
      text(id, first.story_id === first.story_key ? "" : first.story_id);
      text(title, storyTitle(story ?? first));
      attribute(link, "href", here({ detail: first.story_key }));
      attribute(link, "data-story", first.story_key);
      attribute(link, "title", first.story_key);
      text(task, inner.map((one) => one.task_id).join(", "));
      show(task, inner.length > 0);
      text(message, metricsOf(now.message ?? first.message).text);
      attribute(message, "title", now.message);
      text(time, timer(liveNow - first.started_at));
      const silent = liveNow - Math.max(...tasks.map((one) => signOf(one, log.lastOf.get(one.story_key))));
      text(sign, line.live || past ? `last sign ${silent < 5000 ? "just now" : `${span(silent)} ago`}` : "last known");
      attribute(el, "data-silent", silent > SILENT_MS);
      const at = FAMILIES.indexOf(family(first.command));
      steps.forEach((step, i) => (step.className = i < at ? "past" : i === at ? "here" : ""));
      attribute(chain, "aria-label", at < 0 ? first.command : `step ${at + 1} of ${FAMILIES.length}: ${first.command}`);
    },
  };
}
