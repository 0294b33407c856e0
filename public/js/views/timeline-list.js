/** The same as a list: for small screens, and for everybody who would rather read it. */
import { span } from "../format.js";
import { commandChip } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { axisOf, scaleOf, zoomFor } from "../timeline/axis.js";
import { untilOf } from "../timeline/clip.js";
import { between, stack } from "../timeline/layout.js";
import { attemptWords, lengthWords } from "../timeline/say.js";
import { clockWords } from "../timeline/ticks.js";

const HEIGHTS = { head: 58, run: 44, foot: 14 };
const SPARE_PX = 400;

/** @typedef {{kind: "head"|"run"|"details", key: string, story: import("../timeline/lanes.js").Story, block?: import("../timeline/lanes.js").Block, height: number}} Item */

/** @type {WeakMap<object, {now: number, scale: import("../timeline/axis.js").Scale}>} */
const scales = new WeakMap();

/** A story's own line of time, what was idle folded. @param {import("../timeline/lanes.js").Story} story @param {number} now */
function scaleWithin(story, now) {
  const known = scales.get(story);
  if (known && (known.now === now || !story.running)) return known.scale;
  const spans = story.blocks.map((block) => ({ from: block.start, to: untilOf(block, now) }));
  const axis = axisOf(spans, { start: story.first, end: Math.max(...spans.map((one) => one.to)) });
  const scale = scaleOf(axis, zoomFor(axis, axis.start, axis.end, 1000), 1000);
  scales.set(story, { now, scale });
  return scale;
}

/** @param {{select: (id: string|null) => void, details: () => import("../render.js").Part}} hooks */
export function list(hooks) {
  const el = h("div", { class: "tl-list", role: "list", "aria-label": "Timeline as a list" });

  return {
    el,
    /**
     * @param {import("../timeline/lanes.js").Story[]} stories @param {import("./timeline-blocks.js").Look} look @param {number} detailsHeight
     * @param {{top: number, bottom: number}} sight px from the list's top
     */
    update(stories, look, detailsHeight, sight) {
      /** @type {Item[]} */
      const items = [];
      for (const story of stories) {
        items.push({ kind: "head", key: `h ${story.key}`, story, height: HEIGHTS.head });
        story.blocks.forEach((block, i) => {
          const foot = i === story.blocks.length - 1 ? HEIGHTS.foot : 0;
          const chosen = look.selected === block.id;
          items.push({ kind: "run", key: block.id, story, block, height: HEIGHTS.run + (chosen ? 0 : foot) });
          if (chosen) items.push({ kind: "details", key: `d ${block.id}`, story, block, height: detailsHeight + foot });
        });
      }
      const tops = stack(items);
      const [first, last] = between(tops, sight.top - SPARE_PX, sight.bottom + SPARE_PX);
      el.style.setProperty("height", `${tops[items.length]}px`);
      const shown = items.slice(first, last).map((item, i) => ({ ...item, top: tops[first + i], index: first + i }));
      keyed(el, shown, (item) => item.key, (/** @type {any} */ item) => (item.kind === "head" ? head() : item.kind === "run" ? run(hooks) : hooks.details()), look);
    },
  };
}

function head() {
  const id = h("span", { class: "mono tl-id" });
  const title = h("a", { class: "tl-title" });
  const facts = h("span", { class: "tl-item-facts" });
  const el = h("div", { class: "tl-item is-head", role: "listitem", "data-row": true }, h("h2", {}, id, title), facts);
  return {
    el,
    update(/** @type {any} */ { story, top }, /** @type {import("./timeline-blocks.js").Look} */ look) {
      el.style.setProperty("translate", `0 ${top}px`);
      text(id, story.story_id && story.story_id !== story.key ? story.story_id : "");
      text(title, look.titleOf(story.key));
      attribute(title, "title", story.key);
      attribute(title, "href", look.detailOf(story.key));
      const end = story.running ? (look.past ? "was running" : "running") : clockWords(story.last, look.now);
      text(facts, `${clockWords(story.first, look.now)} – ${end} · ${span(story.busy)}`);
      attribute(el, "data-state", story.running ? "live" : story.failed ? "bad" : null);
    },
  };
}

/** @param {{select: (id: string|null) => void}} hooks */
function run(hooks) {
  const chip = commandChip();
  const attempt = h("span", { class: "tl-attempt" });
  const status = h("span", { class: "tl-item-status" });
  const bar = h("i", { class: "tl-mini" });
  const time = h("span", { class: "tl-item-time" });
  const length = h("span", { class: "tl-item-took" });
  let chosen = false;
  let id = "";
  const button = h("button", { class: "tl-item-button", type: "button", on: { click: () => hooks.select(chosen ? null : id) } },
    h("span", { class: "tl-item-name" }, chip.el, attempt, status), time, length, h("span", { class: "tl-mini-track" }, bar));
  const el = h("div", { class: "tl-item is-run", role: "listitem", "data-row": true }, button);
  return {
    el,
    update(/** @type {any} */ { block, story, top }, /** @type {import("./timeline-blocks.js").Look} */ look) {
      el.style.setProperty("translate", `0 ${top}px`);
      id = block.id;
      chosen = look.selected === id;
      chip.update(block.command);
      text(attempt, attemptWords(block));
      text(status, block.status === "failed" ? "failed" : block.status === "lost" ? "left open" : block.status === "running" && look.past ? "was running" : block.status === "running" ? "running" : "");
      show(status, block.status !== "completed");
      text(time, clockWords(block.start, look.now));
      text(length, lengthWords(block, look.now));
      // Within its story: beside the whole night each would be but a dot.
      const scale = scaleWithin(story, look.now);
      const from = scale.x(block.start) / scale.width;
      const to = scale.x(untilOf(block, look.now)) / scale.width;
      bar.style.setProperty("margin-left", `${(from * 100).toFixed(2)}%`);
      bar.style.setProperty("width", `max(3px, ${((to - from) * 100).toFixed(2)}%)`);
      attribute(el, "data-status", block.status);
      attribute(el, "data-family", block.family);
      attribute(button, "aria-expanded", String(chosen));
    },
  };
}
