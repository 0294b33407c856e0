/** One line of the log that can be opened: its facts, its JSON, and links to it and to its moment. */
import { copy } from "../copy.js";
import { factsOf } from "../event-facts.js";
import { exact } from "../format.js";
import { sign } from "../icons.js";
import { attribute, h, show, text } from "../render.js";
import { address, here, visit } from "../router.js";
import { eventPieces, refresh } from "./event-row.js";

const LONGEST_JSON = 100_000;

/**
 * @typedef {{open: Set<number>, target: number|null, toggle: (id: number) => void, link: (id: number) => void, measured: (id: number, more: number) => void, actions: import("../main.js").Actions}} Desk
 * @param {import("../model.js").WireEvent} event @param {Desk} desk
 */
export function activityRow(event, desk) {
  const id = Number(event.id);
  const { words, time, mark, story, what, end } = eventPieces(event);
  const button = h("button", { class: "event-what", type: "button", "aria-expanded": "false", "aria-controls": `event-${id}` }, ...what);
  const link = h("a", { class: "event-time", href: address("activity", { event: String(id) }), on: { click: linked } }, time, h("span", { class: "hidden-text" }, ` link to event ${id}`));
  const line = h("div", { class: "event", "data-type": event.type, "data-tone": words.tone, "data-id": id, on: { click: clicked } }, button, link, mark, story, end);
  const el = h("li", { class: "entry", "data-row": true }, line);
  /** @type {any} */ let more = null;
  const watch = new ResizeObserver(() => { if (more) desk.measured(id, more.offsetHeight); });

  /** @param {MouseEvent} click */
  function linked(click) {
    if (click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    desk.link(id);
  }

  /** The whole line opens it, unless somebody marks text in it or follows a link. @param {MouseEvent} click */
  function clicked(click) {
    if (/** @type {Element} */ (click.target).closest("a") || getSelection()?.toString()) return;
    desk.toggle(id);
  }

  return {
    el,
    /** @param {any} _ @param {import("../main.js").App} app */
    update(_, app) {
      refresh(line, time, story, event, app);
      const isOpen = desk.open.has(id);
      attribute(button, "aria-expanded", String(isOpen));
      attribute(el, "data-open", isOpen);
      attribute(el, "data-target", desk.target === id);
      if (isOpen && !more) {
        el.append((more = eventMore(event, desk)));
        watch.observe(more);
      } else if (!isOpen && more) {
        watch.disconnect();
        more.remove();
        more = null;
        desk.measured(id, 0);
      }
    },
  };
}

/** @param {import("../model.js").WireEvent} event @param {Desk} desk */
function eventMore(event, { link, actions }) {
  const id = Number(event.id);
  const { facts, more } = factsOf(event.payload);
  const story = event.payload?.story_key;
  const whole = JSON.stringify(event, null, 2) ?? "";
  const raw = h("pre", { class: "entry-json mono", tabindex: 0, "aria-label": `Event ${id} as JSON` }, whole.length > LONGEST_JSON ? `${whole.slice(0, LONGEST_JSON)}…` : whole);
  show(raw, false);
  const rawButton = h("button", { class: "button is-small", type: "button", "aria-expanded": "false", on: { click: () => { show(raw, raw.hidden); attribute(rawButton, "aria-expanded", String(!raw.hidden)); } } }, "JSON");
  const moment = h("a", { class: "button is-small", href: `?at=${id}#overview`, on: { click: (/** @type {MouseEvent} */ click) => {
    if (click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    visit({ at: id }, { hash: "#overview" });
  } } }, sign("past"), "Look at this moment");
  const copied = h("button", { class: "button is-small", type: "button", on: { click: async () => {
    text(copied, (await copy(whole)) ? "Copied" : "Could not copy");
    setTimeout(() => text(copied, "Copy JSON"), 2000);
  } } }, "Copy JSON");
  return h("div", { class: "entry-more", id: `event-${id}` },
    h("dl", { class: "facts" },
      h("dt", {}, "event"), h("dd", {}, h("span", { class: "mono" }, `${event.type} · ${id}`)),
      h("dt", {}, "when"), h("dd", {}, exact(event.timestamp)),
      h("dt", {}, "from"), h("dd", {}, [event.source ?? "unknown", event.batch_id === null || event.batch_id === undefined ? "no batch" : `batch ${event.batch_id}`].join(" · ")),
      ...facts.flatMap(({ name, value, kind }) => [h("dt", {}, name), h("dd", { "data-kind": kind }, value)]),
      ...(more ? [h("dt", {}, "…"), h("dd", {}, `${more} more, in the JSON`)] : [])),
    h("p", { class: "entry-links" },
      h("button", { class: "button is-small", type: "button", on: { click: () => link(id) } }, "Copy link"), copied, rawButton, moment,
      story ? h("button", { class: "button is-small", type: "button", on: { click: () => actions.refine({ story, event: null }) } }, "Only this story") : null,
      story ? h("a", { class: "button is-small", href: here({ detail: story }) }, "Open the story") : null,
      event.batch_id ? h("button", { class: "button is-small", type: "button", on: { click: () => actions.refine({ batch: String(event.batch_id), event: null }) } }, `Only batch ${event.batch_id}`) : null),
    raw);
}
