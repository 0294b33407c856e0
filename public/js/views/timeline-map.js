/** All of the time in one small strip, with a window on what is looked at. */
import { attribute, h } from "../render.js";
import { look as lookAt } from "../timeline/camera.js";
import { untilOf } from "../timeline/clip.js";
import { FAMILIES } from "../words.js";
import { clockWords } from "../timeline/ticks.js";

const HIGH = 30;
const EDGE = 9;
const FIT = /** @type {const} */ ({ mode: "fit" });

/** @param {{show: (from: number, to: number) => void, wheel: (event: WheelEvent) => void}} hooks */
export function overview(hooks) {
  const canvas = h("canvas", { class: "tl-map-all", "aria-hidden": "true" });
  const frame = h("div", { class: "tl-map-window", tabindex: 0, role: "scrollbar", "aria-orientation": "horizontal", "aria-label": "What is looked at", "aria-controls": "timeline", "aria-valuemin": 0, "aria-valuemax": 100 },
    h("i", { class: "tl-map-edge is-left" }), h("i", { class: "tl-map-edge is-right" }));
  const probe = h("i", { class: "tl-probe", "aria-hidden": "true" });
  const el = h("div", { class: "tl-map" }, canvas, frame, probe);
  /** @type {{scale: import("../timeline/axis.js").Scale, left: number}|null} */
  let whole = null;
  let seen = { x: 0, width: 0 };
  let drawn = "";

  /** @type {{kind: "move"|"left"|"right", x: number, from: number, width: number}|null} */
  let drag = null;
  const xOf = (/** @type {PointerEvent} */ event) => event.clientX - el.getBoundingClientRect().left;
  const tell = (/** @type {number} */ x, /** @type {number} */ width) => {
    if (whole && width > 3) hooks.show(whole.scale.t(x + whole.left), whole.scale.t(x + width + whole.left));
  };
  el.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    const x = xOf(event);
    const inside = x >= seen.x - EDGE && x <= seen.x + seen.width + EDGE;
    const edge = Math.min(EDGE, seen.width / 4);
    const kind = !inside ? "move" : x < seen.x + edge ? "left" : x > seen.x + seen.width - edge ? "right" : "move";
    if (!inside) tell(x - seen.width / 2, seen.width);
    drag = { kind, x, from: inside ? seen.x : x - seen.width / 2, width: seen.width };
    el.setPointerCapture(event.pointerId);
    event.preventDefault();
    frame.focus({ preventScroll: true });
  });
  el.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!drag) return;
    const by = xOf(event) - drag.x;
    if (drag.kind === "move") tell(drag.from + by, drag.width);
    else if (drag.kind === "left") tell(Math.min(drag.from + by, drag.from + drag.width - 6), drag.width - Math.min(by, drag.width - 6));
    else tell(drag.from, Math.max(6, drag.width + by));
  });
  for (const type of ["pointerup", "pointercancel"]) el.addEventListener(type, () => { drag = null; });
  el.addEventListener("wheel", hooks.wheel, { passive: false });
  // The theme has changed: the colours must be read anew.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawn = ""; });

  /** @param {import("../timeline/camera.js").Scene} scene @param {import("../timeline/lanes.js").Block[]} blocks by start @param {string} mark what they were made of */
  function paint(scene, blocks, mark) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const now = [mark, scene.width, ratio, Math.round(scene.now / 1000), document.documentElement.dataset.theme].join(" ");
    if (now === drawn) return;
    drawn = now;
    canvas.width = Math.round(scene.width * ratio);
    canvas.height = HIGH * ratio;
    const pen = canvas.getContext("2d");
    if (!pen || !whole) return;
    pen.scale(ratio, ratio);
    const colours = new Map([...FAMILIES, "other"].map((name) => {
      probe.style.setProperty("color", `var(--c-${name})`);
      return [name, getComputedStyle(probe).color];
    }));
    probe.style.setProperty("color", "var(--bad)");
    const bad = getComputedStyle(probe).color;
    probe.style.setProperty("color", "var(--line)");
    const faint = getComputedStyle(probe).color;
    pen.fillStyle = faint;
    for (const gap of whole.scale.gaps) pen.fillRect(gap.x - whole.left, HIGH / 2 - 0.5, gap.width, 1);
    /** @type {number[]} */
    const ends = [];
    const placed = blocks.filter((block) => block.start <= scene.now).map((block) => {
      let track = ends.findIndex((end) => end <= block.start);
      if (track < 0) track = ends.length < 12 ? ends.length : ends.indexOf(Math.min(...ends));
      ends[track] = untilOf(block, scene.now);
      return { block, track };
    });
    const lane = Math.min(7, (HIGH - 8) / Math.max(1, ends.length));
    const top = (HIGH - lane * ends.length) / 2;
    for (const { block, track } of placed) {
      const x = whole.scale.x(block.start) - whole.left;
      const width = whole.scale.x(untilOf(block, scene.now)) - whole.left - x;
      pen.globalAlpha = block.status === "lost" ? 0.35 : 0.85;
      pen.fillStyle = colours.get(block.family) ?? colours.get("other") ?? "";
      pen.fillRect(x, top + track * lane, Math.max(1, width - 0.5), Math.max(1, lane - 1));
    }
    pen.globalAlpha = 1;
    pen.fillStyle = bad;
    for (const { block } of placed) if (block.status === "failed") pen.fillRect(whole.scale.x(untilOf(block, scene.now)) - whole.left - 1, HIGH - 4, 2, 4);
  }

  return {
    el, frame,
    /** @param {import("../timeline/camera.js").Scene} scene @param {import("../timeline/camera.js").Sight} sight @param {import("../timeline/lanes.js").Block[]} blocks @param {string} mark */
    update(scene, sight, blocks, mark) {
      whole = lookAt(FIT, scene);
      paint(scene, blocks, mark);
      const x = Math.max(0, whole.scale.x(sight.from) - whole.left);
      const end = Math.min(scene.width, whole.scale.x(sight.to) - whole.left);
      seen = { x, width: Math.max(8, end - x) };
      frame.style.setProperty("translate", `${x.toFixed(1)}px`);
      frame.style.setProperty("width", `${seen.width.toFixed(1)}px`);
      attribute(frame, "aria-valuenow", Math.round((100 * (x + seen.width / 2)) / scene.width));
      attribute(frame, "aria-valuetext", `${clockWords(sight.from, scene.now)} to ${clockWords(sight.to, scene.now)}`);
    },
  };
}
