/** One run of a command as a block on its lane, or several too small to be told apart. */
import { untilOf, worst } from "../timeline/clip.js";
import { ordinal, WHOLE } from "../timeline/lanes.js";
import { blockWords, groupWords, lengthWords } from "../timeline/say.js";
import { attribute, h, keyed, s, show, text } from "../render.js";

/** From this width on there is room for a name, for a number, for phases. */
const [NAME_PX, NUMBER_PX, PHASES_PX, SOLID_PX] = [54, 14, 26, 14];
const GAP = 2;

/**
 * @typedef {import("../timeline/clip.js").Piece} Piece
 * @typedef {{sight: import("../timeline/camera.js").Sight, now: number, past: boolean, selected: string|null, focused: string|null, titleOf: (key: string) => string,
 *   detailOf: (key: string) => string, pad: number,
 *   eventOf: (block: import("../timeline/lanes.js").Block) => number|null,
 *   signOf: (block: import("../timeline/lanes.js").Block) => {said: string|null, at: number}}} Look
 */

const cross = () => s("svg", { viewBox: "0 0 10 10", width: 10, height: 10, class: "tl-cross", "aria-hidden": "true" }, s("path", { d: "M2 2l6 6M8 2l-6 6" }));

/** @returns {import("../render.js").Part} */
export function blockPart() {
  const number = h("b", { class: "tl-number" });
  const name = h("span", { class: "tl-name" });
  const length = h("span", { class: "tl-length" });
  const mark = cross();
  const words = h("span", { class: "tl-words" }, mark, number, " ", name, " ", length);
  const phases = h("span", { class: "tl-phases", "aria-hidden": "true" });
  const el = h("button", { class: "tl-block", type: "button", tabindex: -1 }, words, phases);
  let [place, size, striped] = ["", "", ""];

  return {
    el,
    /** @param {Piece} piece @param {Look & {height: number, fine: boolean}} look */
    update(piece, look) {
      const [block] = piece.blocks;
      const lone = piece.blocks.length === 1;
      const status = worst(piece.blocks);
      // Above each other where they were at the same time, all within the lane.
      const room = look.height - 2 * look.pad;
      const gap = block.tracks > 1 ? Math.min(GAP, room / block.tracks / 3) : 0;
      const high = (room - gap * (block.tracks - 1)) / block.tracks;
      const width = piece.width > 6 ? piece.width - 1 : piece.width;
      const now = `${piece.x.toFixed(2)}px ${(look.pad + block.track * (high + gap)).toFixed(1)}px`;
      const grown = `${width.toFixed(2)}px/${high.toFixed(1)}px`;
      if (place !== now) el.style.setProperty("translate", (place = now));
      if (size !== grown) {
        size = grown;
        el.style.setProperty("width", `${width.toFixed(2)}px`);
        el.style.setProperty("height", `${high.toFixed(1)}px`);
      }
      attribute(el, "data-id", block.id);
      attribute(el, "data-family", lone ? block.family : "other");
      attribute(el, "data-status", status);
      attribute(el, "data-many", !lone);
      const stripes = lone ? "" : stripesOf(piece, look);
      if (striped !== stripes) el.style.setProperty("background-image", (striped = stripes) || null);
      attribute(el, "data-solid", width < SOLID_PX);
      attribute(el, "data-cut", [piece.cutLeft && "left", piece.cutRight && "right"].filter(Boolean).join(" ") || null);
      attribute(el, "aria-pressed", lone ? String(look.selected === block.id) : null);
      const readable = high >= 13;
      const seen = Math.min(width, piece.x + width) - 9;
      const nth = lone ? ordinal(block) : null;
      show(words, readable && seen >= 10);
      words.style.setProperty("margin-left", piece.x < 0 ? `${Math.round(-piece.x)}px` : "0");
      attribute(mark, "hidden", !(status === "failed" && seen >= 10));
      show(number, nth !== null && seen >= (status === "failed" ? 15 : 0) + NUMBER_PX);
      text(number, nth);
      show(name, lone && seen > NAME_PX);
      text(name, block.command);
      show(length, lone && seen > NAME_PX + 7 * block.command.length + 26);
      text(length, lengthWords(block, look.now));
      // What is read aloud begins with what is read: who speaks to the page says what they see.
      const read = words.hidden ? "" : [number, name, length].filter((one) => !one.hidden && one.textContent).map((one) => one.textContent).join(" ");
      const says = lone ? blockWords(block, look.now, look.past) : groupWords(piece.blocks, look.now);
      attribute(el, "aria-label", says.includes(read) ? says : `${read}: ${says}`);
      const telling = lone && look.fine && high >= 11 && width > PHASES_PX ? block.phases.filter((phase) => !WHOLE.includes(phase.task)) : [];
      show(phases, telling.length > 0);
      if (!phases.hidden) drawPhases(phases, telling, piece, look);
    },
  };
}

/** More stripes than this nobody sees. */
const MOST_STRIPES = 40;

/** What is drawn as one keeps its colours, each where it was. @param {Piece} piece @param {Look} look */
function stripesOf({ blocks, x, width }, { sight, now }) {
  const every = Math.ceil(blocks.length / MOST_STRIPES);
  const stops = blocks.filter((_, i) => i % every === 0).map((block) => {
    const from = Math.max(0, sight.scale.x(block.start) - sight.left - x);
    const to = Math.min(width, Math.max(from + 1, sight.scale.x(untilOf(block, now)) - sight.left - x));
    return { colour: `var(--c-${block.family})`, from, to };
  });
  const parts = stops.map(({ colour, from, to }, i) => `${colour} ${from.toFixed(1)}px ${(stops[i + 1]?.from - to < 1.5 ? stops[i + 1].from : to).toFixed(1)}px, transparent 0 ${(stops[i + 1]?.from ?? width).toFixed(1)}px`);
  return `linear-gradient(90deg, ${parts.join(", ")})`;
}

/** Within the block, cut at its ends. @param {HTMLElement} el @param {import("../timeline/lanes.js").Phase[]} all @param {Piece} piece @param {Look} look */
function drawPhases(el, all, piece, { sight, now }) {
  const [block] = piece.blocks;
  const last = block.until ?? now;
  /** @type {{key: string, x: number, width: number, phase: import("../timeline/lanes.js").Phase}[]} */
  const seen = [];
  let edge = -Infinity;
  all.forEach((phase, i) => {
    const from = sight.scale.x(Math.max(block.start, phase.start)) - sight.left - piece.x;
    const to = sight.scale.x(Math.min(last, phase.end ?? last)) - sight.left - piece.x;
    const x = Math.max(0, from);
    const width = Math.min(piece.width - 1, to) - x;
    if (to < 0 || width < 1 && phase.status === "completed" || x + width <= edge) return;
    edge = x + width;
    seen.push({ key: String(i), x, width: Math.max(2, width - 1), phase });
  });
  keyed(el, seen.slice(0, 60), (one) => one.key, () => {
    const bit = h("i", { class: "tl-phase" });
    return {
      el: bit,
      update({ x, width, phase }) {
        bit.style.setProperty("translate", `${x.toFixed(1)}px`);
        bit.style.setProperty("width", `${width.toFixed(1)}px`);
        attribute(bit, "data-status", phase.status);
      },
    };
  });
}
