/** One line of the activity log. */
import { exact, moment, took } from "../format.js";
import { mark } from "../icons.js";
import { wordsOf } from "../log.js";
import { commandChip } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { address } from "../router.js";

/** A task by one of these names is the command as a whole. */
export const WHOLE = ["workflow", "agent"];

/** @param {import("../model.js").WireEvent} event an event never changes: all but its time is drawn once */
export function eventRow(event) {
  const { words } = wordsOf(event);
  const time = h("time", { class: "event-time", datetime: new Date(event.timestamp).toISOString(), title: exact(event.timestamp) });
  const chip = commandChip();
  chip.update(words.command);
  const story = words.story
    ? h("a", { class: "event-story mono", href: address("activity", { story: words.story }), title: words.story }, words.story_id)
    : h("span", { class: "event-story mono" }, words.story_id ?? "");
  const task = h("span", { class: "event-task" }, words.task && !WHOLE.includes(words.task) ? words.task : "");
  show(task, !!task.textContent);
  const el = h("li", { class: "event", "data-type": event.type, "data-tone": words.tone, "data-id": event.id, "data-row": true },
    time,
    mark(words.mark, words.tone),
    story,
    h("span", { class: "event-what" }, chip.el, task, h("span", { class: "event-text", title: words.text }, words.text)),
    h("span", { class: "event-end" },
      ...words.metrics.map(([name, n]) => h("span", { class: "metric" }, h("b", {}, n), ` ${name}`)),
      words.duration === null ? null : h("span", { class: "event-took" }, took(words.duration))));
  return {
    el,
    /** @param {any} _ @param {import("../main.js").App} app */
    update(_, { now }) {
      text(time, moment(event.timestamp, now));
      attribute(el, "data-fresh", now - event.timestamp < 2000);
    },
  };
}
