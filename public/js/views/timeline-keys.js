/** The timeline by keyboard: zoom, pan, from block to block, from line to line. */
import { keyOf, teach } from "../keys.js";

/** How long after `g` another letter leads to another view. */
const CHORD_MS = 2000;

teach("timeline", [
  [["+", "−"], "nearer and further"],
  [["0"], "all of it"],
  [["←", "→"], "along time; on a line, from block to block"],
  [["↑", "↓"], "on a line: to the line above or below"],
  [["f"], "next command that failed or was left open"],
  [["Enter"], "details of a block"],
]);

/**
 * @param {HTMLElement} el @param {{zoom: (factor: number, at?: number) => void, pan: (px: number) => void, width: () => number, fit: () => void, failure: () => void, start: () => void, end: () => void,
 *   go: (block: import("../timeline/lanes.js").Block, choose?: boolean, line?: string|null) => void, blockBy: (id: string|null) => import("../timeline/lanes.js").Block|null, plan: () => any,
 *   select: (id: string|null) => void, selected: () => string|null, close: () => void}} does
 */
export function keysOn(el, does) {
  /** The blocks of the line that an element stands in. @param {Element} at @returns {import("../timeline/lanes.js").Block[]} */
  function blocksAt(at) {
    const key = at.closest(".tl-line")?.getAttribute("data-key") ?? "";
    const block = does.blockBy(at.closest(".tl-block")?.getAttribute("data-id") ?? null);
    const story = does.plan()?.stories.find((/** @type {any} */ one) => (block ? one.key === block.story_key : key === `s ${one.key}` || (key.startsWith("c ") && key.endsWith(` ${one.key}`))));
    if (!story) return [];
    const command = story.commands.find((/** @type {any} */ one) => key === `c ${one.name} ${story.key}`);
    return (command ?? story).blocks;
  }

  const lineOf = (/** @type {Element} */ at) => at.closest(".tl-line")?.getAttribute("data-key") ?? null;

  /** @param {HTMLElement} at @param {1|-1} by */
  function beside(at, by) {
    const blocks = blocksAt(at);
    const now = does.blockBy(at.closest(".tl-block")?.getAttribute("data-id") ?? null);
    const next = now ? blocks[blocks.findIndex((one) => one.id === now.id) + by] : by > 0 ? blocks[0] : undefined;
    if (next) does.go(next, false, lineOf(at));
    else if (now && by < 0) /** @type {HTMLElement|null} */ (at.closest(".tl-line")?.querySelector(".tl-toggle"))?.focus();
  }

  /** The line above or below; there the block that is nearest in time. @param {HTMLElement} at @param {1|-1} by */
  function across(at, by) {
    const lines = [...el.querySelectorAll(".tl-line:not(.is-details)")];
    const next = lines[lines.indexOf(/** @type {Element} */ (at.closest(".tl-line"))) + by];
    if (!next) return;
    const now = does.blockBy(at.closest(".tl-block")?.getAttribute("data-id") ?? null);
    const toggle = /** @type {HTMLElement|null} */ (next.querySelector(".tl-toggle"));
    const there = blocksAt(next);
    if ((now || !toggle) && there.length) {
      const time = now?.start ?? there[0].start;
      does.go(there.reduce((a, b) => (Math.abs(b.start - time) < Math.abs(a.start - time) ? b : a)), false, lineOf(next));
    } else toggle?.focus();
  }

  let chord = -CHORD_MS;
  document.addEventListener("keydown", (event) => {
    const led = event.timeStamp - chord < CHORD_MS;
    chord = keyOf(event) === "g" ? event.timeStamp : -CHORD_MS;
    if (led || el.hidden || event.altKey || document.querySelector("dialog[open]")) return;
    const at = /** @type {HTMLElement} */ (event.target);
    if (at.matches("input, select, textarea, summary") || at.closest(".tl-menu")) return;
    const outside = at !== document.body && !el.contains(at) && !at.matches("main");
    if (outside) return;
    if (event.ctrlKey || event.metaKey) return;
    const inLine = at.closest(".tl-line:not(.is-details)");
    const step = does.width() * (event.shiftKey ? 0.6 : 0.12);
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => does.zoom(1.6), "=": () => does.zoom(1.6), "-": () => does.zoom(1 / 1.6), "_": () => does.zoom(1 / 1.6), 0: does.fit, f: does.failure,
      ArrowRight: () => (inLine && !event.shiftKey ? beside(at, 1) : does.pan(step)),
      ArrowLeft: () => (inLine && !event.shiftKey ? beside(at, -1) : does.pan(-step)),
      ...(inLine ? { ArrowDown: () => across(at, 1), ArrowUp: () => across(at, -1) } : {}),
      ...(at.matches(".tl-ruler, .tl-map-window") ? { Home: does.start, End: does.end } : {}),
      ...(does.selected() !== null ? { Escape: does.close } : {}),
    };
    const key = keyOf(event);
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  });
}
