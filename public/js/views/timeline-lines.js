/** One line of the timeline: a story, or one of its commands, with its label and its lane of blocks. */
import { span } from "../format.js";
import { sign } from "../icons.js";
import { commandChip } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { merged } from "../timeline/axis.js";
import { piecesOf, untilOf } from "../timeline/clip.js";
import { troubled } from "../timeline/layout.js";
import { clockWords } from "../timeline/ticks.js";
import { blockPart } from "./timeline-blocks.js";

/** @typedef {import("../timeline/layout.js").Line} Line */
/** @typedef {import("./timeline-blocks.js").Look} Look */
/** @typedef {{toggle: (key: string) => void, find: (key: string) => void}} Hooks */

/** @param {Line} line @param {Hooks} hooks @returns {import("../render.js").Part} */
export const linePart = (line, hooks) => (line.kind === "story" ? storyLine(line, hooks) : commandLine());

/** @param {HTMLElement} lane @param {import("../timeline/lanes.js").Block[]} blocks @param {Look} look @param {number} height @param {boolean} fine */
function drawLane(lane, blocks, look, height, fine) {
  keyed(lane, piecesOf(blocks, look.sight, look.now), (piece) => piece.key, blockPart, { ...look, height, fine });
}

/** How long at least one of them ran. @param {import("../timeline/lanes.js").Block[]} blocks @param {number} now */
const workedIn = (blocks, now) => merged(blocks.map((block) => ({ from: block.start, to: untilOf(block, now) }))).reduce((sum, { from, to }) => sum + to - from, 0);

/** Begins where the line stands in the whole. @param {any} el */
function placer(el) {
  let [top, high] = [-1, -1];
  return (/** @type {number} */ at, /** @type {number} */ height) => {
    if (top !== at) el.style.setProperty("translate", `0 ${(top = at)}px`);
    if (high !== height) el.style.setProperty("height", `${(high = height)}px`);
  };
}

/** @param {Line} line @param {Hooks} hooks */
function storyLine({ story: { key } }, hooks) {
  const id = h("span", { class: "mono tl-id" });
  const title = h("span", { class: "tl-title" });
  const toggle = h("button", { class: "tl-toggle", type: "button", on: { click: () => hooks.toggle(key) } }, sign("open"), id, title);
  const facts = h("span", { class: "tl-facts" });
  const more = h("a", { class: "tl-more", title: "Details of this story" }, "Details");
  const away = h("button", { class: "tl-away", type: "button", tabindex: -1, on: { click: () => hooks.find(key) } });
  const lane = h("div", { class: "tl-lane", role: "gridcell" });
  const el = h("div", { class: "tl-line is-story", role: "row", "data-row": true }, h("div", { class: "tl-label", role: "rowheader" }, toggle, facts, more), lane, away);
  const stand = placer(el);

  return {
    el,
    /** @param {Line & {top: number, index: number}} line @param {Look} look */
    update({ story, open, top, height, index }, look) {
      stand(top, height);
      attribute(el, "aria-rowindex", index + 1);
      attribute(toggle, "aria-expanded", String(open));
      const short = story.story_id && story.story_id !== key ? story.story_id : "";
      text(id, short);
      show(id, !!short);
      text(title, look.titleOf(key));
      attribute(toggle, "title", key);
      attribute(more, "href", look.detailOf(key));
      attribute(more, "aria-label", `Details of ${key}`);
      const state = story.running ? "live" : story.failed ? "bad" : troubled(story) ? "warn" : null;
      attribute(el, "data-state", state);
      const busy = story.running ? workedIn(story.blocks, look.now) : story.busy;
      text(facts, span(busy));
      attribute(facts, "title", `${span(busy)} at work${story.failed ? "; its last command failed" : ""}`);
      attribute(lane, "aria-description", `${story.blocks.length} commands`);
      drawLane(lane, story.blocks, look, height, look.sight.scale.z > 0.0004);
      // Where nothing of it is in sight, it says where to look.
      const { from, to } = look.sight;
      const side = (story.running ? look.now : story.last) < from ? "left" : story.first > to ? "right" : null;
      show(away, side !== null);
      attribute(away, "data-side", side);
      if (side) {
        const words = clockWords(side === "left" ? story.last : story.first, look.now).replace(/:\d\d$/, "");
        text(away, side === "left" ? `‹ ${words}` : `${words} ›`);
        attribute(away, "aria-label", `Go to it: ${side === "left" ? "ended" : "begins"} ${words}`);
      }
    },
  };
}

function commandLine() {
  const chip = commandChip();
  const many = h("span", { class: "tl-facts" });
  const lane = h("div", { class: "tl-lane", role: "gridcell" });
  const el = h("div", { class: "tl-line is-command", role: "row", "data-row": true }, h("div", { class: "tl-label", role: "rowheader" }, chip.el, many), lane);
  const stand = placer(el);
  return {
    el,
    /** @param {Line & {top: number, index: number}} line @param {Look} look */
    update({ command, top, height, index }, look) {
      if (!command) return;
      stand(top, height);
      attribute(el, "aria-rowindex", index + 1);
      chip.update(command.name);
      const failed = command.blocks.filter((block) => block.status === "failed").length;
      text(many, [command.blocks.length > 1 ? `×${command.blocks.length}` : "", failed ? `${failed} failed` : ""].filter(Boolean).join(" · "));
      attribute(many, "data-tone", failed ? "bad" : null);
      drawLane(lane, command.blocks, look, height, true);
    },
  };
}
