/** A small word beside the pointer: what the block under it is. The block's own name says the same. */
import { mark } from "../icons.js";
import { h, show, text } from "../render.js";
import { untilOf } from "../timeline/clip.js";
import { attemptWords, lengthWords, STATUS, told } from "../timeline/say.js";
import { clockWords } from "../timeline/ticks.js";

const MARKS = /** @type {Record<string, [string, string]>} */ ({ running: ["start", "live"], completed: ["end", "good"], failed: ["failed", "bad"], lost: ["warning", "warn"] });

export function hint() {
  const name = h("b");
  const shape = h("span", { class: "tl-hint-mark" });
  const length = h("span", { class: "tl-hint-took" });
  const times = h("p", { class: "tl-hint-times" });
  const message = h("p", { class: "tl-hint-told" });
  const el = h("div", { class: "tl-hint", "aria-hidden": "true", hidden: true }, h("p", { class: "tl-hint-head" }, shape, name, length), times, message);
  let drawn = "";

  return {
    el,
    /** @param {import("../timeline/lanes.js").Block|null} block @param {PointerEvent|null} event @param {any} app */
    show(block, event, app) {
      const on = !!block && !!event && event.pointerType !== "touch" && !(event.buttons & 1);
      show(el, on);
      if (!on || !block || !event) return;
      const now = app.liveNow;
      if (drawn !== block.status) shape.replaceChildren(mark(.../** @type {[string, string]} */ (MARKS[(drawn = block.status)])));
      text(name, [block.command, attemptWords(block)].filter(Boolean).join(" "));
      text(length, block.status === "completed" ? lengthWords(block, now) : `${block.status === "running" && (app.past || app.line.far) ? "was running" : STATUS[block.status]}${block.status === "lost" ? "" : `, ${lengthWords(block, now)}`}`);
      text(times, `${clockWords(block.start, now)} – ${block.end === null ? (block.status === "lost" ? "?" : "…") : clockWords(untilOf(block, now), now)}`);
      const said = told(block.message ?? block.said).text;
      text(message, said.length > 160 ? `${said.slice(0, 160)}…` : said);
      show(message, !!said);
      const [wide, high] = [el.offsetWidth, el.offsetHeight];
      const x = Math.max(8, Math.min(innerWidth - wide - 8, event.clientX + 14));
      const y = event.clientY + 20 + high > innerHeight ? event.clientY - high - 14 : event.clientY + 20;
      el.style.setProperty("translate", `${x}px ${y}px`);
    },
  };
}
