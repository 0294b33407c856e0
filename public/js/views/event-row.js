/** One event as a line: the pieces, and the short form that other views show. */
import { exact, moment, took } from "../format.js";
import { mark } from "../icons.js";
import { wordsOf } from "../log.js";
import { commandChip } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { address, here } from "../router.js";

/** A task by one of these names is the command as a whole. */
export const WHOLE = ["workflow", "agent"];
/** With more than so many in two seconds, arriving is nothing special. */
const CALM = 12;

/** The parts of a line; an event never changes, so all but its time is drawn once. @param {import("../model.js").WireEvent} event */
export function eventPieces(event) {
  const { words } = wordsOf(event);
  const chip = commandChip();
  chip.update(words.command);
  const task = h("span", { class: "event-task" }, words.task && !WHOLE.includes(words.task) ? words.task : "");
  show(task, !!task.textContent);
  return {
    words,
    time: h("time", { datetime: timeOf(event.timestamp) }),
    mark: mark(words.mark, words.tone),
    story: words.story
      ? h("a", { class: "event-story mono", href: here({ detail: words.story }), "data-story": words.story, title: words.story }, words.story_id)
      : h("span", { class: "event-story mono" }, words.story_id ?? ""),
    what: [chip.el, task, h("span", { class: "event-text", title: words.text }, words.text)],
    end: h("span", { class: "event-end" },
      ...words.metrics.map(([name, n]) => h("span", { class: "metric" }, h("b", {}, n), ` ${name}`)),
      words.duration === null ? null : h("span", { class: "event-took" }, took(words.duration))),
  };
}

/** A row's own time may be anything. @param {number} ms */
const timeOf = (ms) => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : null);

/** What changes of a line. @param {Element} el @param {Element} time @param {Element} story @param {import("../model.js").WireEvent} event @param {import("../main.js").App} app */
export function refresh(el, time, story, event, { now, log, past }) {
  text(time, moment(event.timestamp, now));
  if (!time.hasAttribute("title")) attribute(time, "title", exact(event.timestamp));
  attribute(el, "data-fresh", !past && now - event.timestamp < 2000 && (log.events.at(-CALM)?.timestamp ?? 0) < now - 2000);
  const key = /** @type {HTMLElement} */ (story).dataset.story;
  if (key !== undefined) attribute(story, "href", here({ detail: key }));
}

/** The short form: its words lead to the event in the log. @param {import("../model.js").WireEvent} event */
export function eventRow(event) {
  const { words, time, mark: sign, story, what, end } = eventPieces(event);
  attribute(time, "class", "event-time");
  const el = h("li", { class: "event", "data-type": event.type, "data-tone": words.tone, "data-id": event.id, "data-row": true },
    time, sign, story, h("a", { class: "event-what", href: address("activity", { event: String(event.id) }) }, ...what), end);
  return { el, update: (/** @type {any} */ _, /** @type {import("../main.js").App} */ app) => refresh(el, time, story, event, app) };
}
