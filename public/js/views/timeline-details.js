/** What is known of one run of a command, in a line of its own under its story. */
import { exact, span, storyTitle, took } from "../format.js";
import { mark, sign } from "../icons.js";
import { commandChip } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address } from "../router.js";
import { untilOf } from "../timeline/clip.js";
import { commandBase } from "../timeline/fold.js";
import { attemptWords, STATUS, told } from "../timeline/say.js";
import { clockWords } from "../timeline/ticks.js";

const MARKS = /** @type {Record<string, [string, string]>} */ ({ running: ["start", "live"], completed: ["end", "good"], failed: ["failed", "bad"], lost: ["warning", "warn"] });
const SOURCES = /** @type {Record<string, string>} */ ({ csv: "sprint-runner.csv", orchestrator: "Sprint Runner itself", agent: "the agent's own words", md: "orchestrator.md" });

const fact = (/** @type {string} */ label) => {
  const value = h("dd");
  const el = h("div", {}, h("dt", {}, label), value);
  return { el, value };
};

/** @param {{close: () => void, near: () => void, measured: (height: number) => void, step: (by: 1|-1) => void}} hooks @returns {import("../render.js").Part} */
export function detailsPart(hooks) {
  const chip = commandChip();
  const attempt = h("span", { class: "tl-attempt" });
  const status = h("span", { class: "tl-status" });
  const length = h("b", { class: "tl-took" });
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Close the details", title: "Close (Esc)", on: { click: hooks.close } }, sign("close"));
  const near = h("button", { class: "button is-small", type: "button", on: { click: hooks.near } }, "Zoom to it");
  const before = h("button", { class: "button is-small", type: "button", title: "The command before this one", on: { click: () => hooks.step(-1) } }, "‹ Earlier");
  const after = h("button", { class: "button is-small", type: "button", title: "The command after this one", on: { click: () => hooks.step(1) } }, "Later ›");
  const activity = h("a", { class: "button is-small" }, "Activity");
  const detail = h("a", { class: "button is-small" }, "Story");
  const facts = { start: fact("Began"), end: fact("Ended"), sign: fact("Last sign"), source: fact("Told by"), batch: fact("Batch") };
  const message = h("p", { class: "tl-message" });
  const metrics = h("p", { class: "tl-metrics" });
  const phases = h("ol", { class: "tl-phase-list" });
  const inner = h("div", { class: "tl-details-in" },
    h("div", { class: "tl-details-head" }, chip.el, attempt, status, length, h("span", { class: "tl-details-do" }, before, after, near, activity, detail, close)),
    h("div", { class: "tl-details-body" }, h("dl", { class: "tl-details-facts" }, ...Object.values(facts).map((one) => one.el)), h("div", { class: "tl-details-told" }, message, metrics), phases));
  const el = h("div", { class: "tl-line is-details", role: "row", "data-row": true }, h("div", { role: "gridcell" }, inner));
  new ResizeObserver(() => el.isConnected && hooks.measured(inner.offsetHeight)).observe(inner);
  let drawn = "";

  return {
    el,
    /** @param {import("../timeline/layout.js").Line & {top: number, index: number}} line @param {import("./timeline-blocks.js").Look} look */
    update({ block, story, top, index }, look) {
      if (!block) return;
      el.style.setProperty("translate", `0 ${top}px`);
      attribute(el, "aria-rowindex", index + 1);
      attribute(el, "data-family", block.family);
      chip.update(block.command);
      text(attempt, attemptWords(block));
      const [shape, tone] = MARKS[block.status];
      if (drawn !== `${block.status} ${look.past}`) {
        drawn = `${block.status} ${look.past}`;
        status.replaceChildren(mark(shape, tone), block.status === "running" && look.past ? "was running" : STATUS[block.status]);
      }
      attribute(status, "data-tone", tone);
      const until = untilOf(block, look.now);
      text(length, block.status === "lost" ? `${span((block.sign ?? block.start) - block.start)} until its last sign` : took(until - block.start));
      time(facts.start.value, block.start, look.now);
      show(facts.end.el, block.status !== "running");
      if (block.end === null) text(facts.end.value, "nobody saw it");
      else time(facts.end.value, block.end, look.now);
      show(facts.sign.el, block.end === null && block.sign !== null);
      const alive = block.status === "running" ? look.signOf(block) : { said: block.said, at: block.sign ?? block.start };
      time(facts.sign.value, alive.at, look.now);
      if (block.status === "running") text(facts.sign.value, `${clockWords(alive.at, look.now)} (${span(look.now - alive.at)} ago)`);
      show(facts.source.el, !!block.source);
      text(facts.source.value, SOURCES[block.source ?? ""] ?? block.source);
      show(facts.batch.el, block.batch_id !== null);
      text(facts.batch.value, block.batch_id);
      const said = told(block.message ?? alive.said);
      text(message, said.text || (block.status === "running" ? "No message yet." : "No message."));
      attribute(message, "data-none", !said.text);
      text(metrics, said.metrics.map(([name, n]) => `${n} ${name}`).join(" · "));
      show(metrics, said.metrics.length > 0);
      const event = look.eventOf(block);
      attribute(activity, "href", address("activity", { story: block.story_key, ...(event ? { event: String(event) } : {}) }));
      attribute(activity, "aria-label", `Activity of ${block.story_key} at ${clockWords(block.start, look.now)}`);
      attribute(detail, "href", look.detailOf(block.story_key));
      attribute(detail, "aria-label", `Details of ${block.story_key}`);
      const place = story.blocks.indexOf(block);
      before.disabled = place <= 0;
      after.disabled = place === story.blocks.length - 1;
      show(phases, block.phases.length > 0);
      keyed(phases, block.phases.slice(0, 40).map((phase, i) => ({ phase, i })), ({ i }) => String(i), phasePart, { ...look, block, until });
    },
  };
}

/** @param {HTMLElement} el @param {number} t @param {number} now */
function time(el, t, now) {
  text(el, clockWords(t, now));
  attribute(el, "title", exact(t));
}

/** A phase by name, length, and its place in the whole. */
function phasePart() {
  const name = h("span", { class: "tl-phase-name" });
  const bar = h("i");
  const length = h("span", { class: "tl-phase-took" });
  const el = h("li", { class: "tl-phase-row" }, name, h("span", { class: "tl-phase-bar" }, bar), length);
  return {
    el,
    /** @param {{phase: import("../timeline/lanes.js").Phase}} item @param {any} look */
    update({ phase }, { block, until, now }) {
      const whole = Math.max(1, until - block.start);
      const end = phase.end ?? (phase.status === "running" ? now : until);
      const place = (/** @type {number} */ t) => Math.max(0, Math.min(1, (t - block.start) / whole));
      text(name, phase.task);
      bar.style.setProperty("margin-left", `${(place(phase.start) * 100).toFixed(2)}%`);
      bar.style.setProperty("width", `max(2px, ${((place(end) - place(phase.start)) * 100).toFixed(2)}%)`);
      attribute(el, "data-status", phase.status);
      attribute(el, "title", told(phase.message).text || null);
      text(length, phase.status === "lost" ? "left open" : `${phase.status === "failed" ? "failed, " : ""}${took(Math.max(0, end - phase.start))}`);
    },
  };
}

/** What a story is called. @param {import("../model.js").State} model @param {string} key @param {string|null} id */
export const titleOf = (model, key, id) => storyTitle(model.byKey.get(key) ?? { story_key: key, story_id: id });

/** The event of the log with which it began, if the page holds it. @param {import("../timeline/lanes.js").Block} block @param {import("../main.js").App} app */
export const eventOf = (block, { log }) => log.events.find((one) => one.timestamp === block.start && one.type.startsWith("command:") && one.payload?.story_key === block.story_key)?.id ?? null;

/** What is known of a run under way from elsewhere: the rows tell its message only at its end. @param {import("../timeline/lanes.js").Block} block @param {import("../main.js").App} app */
export function signOf(block, { model, log }) {
  const isOwn = (/** @type {string} */ command) => String(commandBase(command)) === String([block.command, block.attempt]);
  const said = model.active.findLast((one) => one.story_key === block.story_key && isOwn(one.command) && one.message)?.message;
  const last = log.lastOf.get(block.story_key);
  return { said: said ?? block.said, at: Math.max(block.sign ?? block.start, last && isOwn(last.payload.command) ? last.timestamp : 0) };
}
