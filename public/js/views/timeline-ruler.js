/** The line of time above the lanes: marks, folds with their length, the present, the time under the pointer. */
import { exact, span } from "../format.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { cursorWords, dayWords, ticksOf, tickWords } from "../timeline/ticks.js";

const DAY_ROOM = 92;

const part = (/** @type {string} */ name, /** @type {(el: any, item: any) => void} */ draw) => () => {
  const el = h("span", { class: name });
  return { el, update: (/** @type {any} */ item) => { el.style.setProperty("translate", `${item.x.toFixed(2)}px`); draw(el, item); } };
};

export function ruler() {
  const days = h("div", { class: "tl-days" });
  const times = h("div", { class: "tl-times" });
  const flag = h("span", { class: "tl-flag" });
  const present = h("span", { class: "tl-present" }, "now");
  const el = h("div", { class: "tl-ruler", tabindex: 0, role: "group", "aria-label": "Time. Arrow keys move, plus and minus zoom, 0 shows all", "aria-keyshortcuts": "ArrowLeft ArrowRight + - 0" }, days, times, present, flag);
  const grid = h("div", { class: "tl-grid", "aria-hidden": "true" });
  const under = h("div", { class: "tl-under", "aria-hidden": "true" }, grid);
  const nowLine = h("i", { class: "tl-now" });
  const cursor = h("i", { class: "tl-cursor" });
  const over = h("div", { class: "tl-over", "aria-hidden": "true" }, nowLine, cursor);

  return {
    el, under, over,
    /** @param {import("../timeline/camera.js").Sight} sight @param {number|null} now where the line of the present stands, if anywhere @param {number|null} x under the pointer @param {number} height */
    update(sight, now, x, height) {
      const { ticks, step } = ticksOf(sight);
      const at = now === null ? NaN : sight.scale.x(now) - sight.left;
      // Where the present has its flag no label is begun.
      const flagged = (/** @type {number} */ tick) => tick > at - (at > sight.width - 40 ? 78 : 44) && tick < at + 36;
      const folds = sight.scale.gaps.map((gap) => ({ ...gap, x: gap.x - sight.left })).filter((gap) => gap.x + gap.width > 0 && gap.x < sight.width);
      let told = -Infinity;
      const pills = folds.map((gap) => {
        const middle = Math.max(30, Math.min(sight.width - 30, gap.x + gap.width / 2));
        const room = middle - told > 76;
        if (room) told = middle;
        return { ...gap, middle, room, words: span(gap.to - gap.from) };
      });
      // The day one looks at is always told, each new one where it begins.
      let free = DAY_ROOM;
      const dayTicks = ticks.filter((tick, i) => tick.day && (i > 0 || tick.x > 0)).filter((tick) => tick.x >= free && (free = tick.x + DAY_ROOM));
      const named = [{ t: sight.from, x: 0 }, ...dayTicks].filter((day) => !pills.some((pill) => pill.room && day.x > 0 && Math.abs(pill.middle - 45 - day.x) < 75));
      keyed(days, named, (day) => `d${dayWords(day.t)}`, part("tl-day", (one, day) => text(one, dayWords(day.t))));
      keyed(times, [
        ...ticks.filter((tick) => tick.label && tick.x < sight.width - (step < 60_000 ? 58 : 38) && !flagged(tick.x)).map((tick) => ({ key: `t${tick.t}`, x: tick.x, words: tickWords(tick.t, step), gap: null })),
        ...pills.map((pill) => ({ key: `g${pill.from}`, x: pill.x, words: pill.words, gap: pill })),
      ], (one) => one.key, (/** @type {any} */ one) => (one.gap ? foldPart() : part("tl-tick", (tick, { words }) => text(tick, words))()));
      keyed(grid, [
        ...ticks.map((tick) => ({ key: `t${tick.t}`, x: tick.x, width: 0, day: tick.day && step < 86_400_000 })),
        ...folds.map((gap) => ({ key: `g${gap.from}`, x: gap.x, width: gap.width, day: false })),
      ], (one) => one.key, (/** @type {any} */ one) => part(one.width ? "tl-fold" : "tl-rule", (line, { width }) => { if (width) line.style.setProperty("width", `${width.toFixed(1)}px`); })());

      const there = at >= 0 && at <= sight.width;
      for (const one of [nowLine, present]) show(one, there);
      if (there) for (const one of [nowLine, present]) one.style.setProperty("translate", `${at.toFixed(1)}px`);
      // At the right edge it stands on the other side of its line.
      attribute(present, "data-flip", at > sight.width - 40);
      if (at > sight.width - 40) present.style.setProperty("translate", `calc(${at.toFixed(1)}px - 100%)`);
      for (const one of [cursor, flag]) show(one, x !== null && x >= 0 && x <= sight.width);
      if (x !== null) {
        const t = sight.scale.t(sight.left + x);
        cursor.style.setProperty("translate", `${x.toFixed(1)}px`);
        flag.style.setProperty("translate", `calc(${Math.max(38, Math.min(sight.width - 38, x)).toFixed(1)}px - 50%)`);
        const fold = folds.find((gap) => x > gap.x && x < gap.x + gap.width);
        text(flag, fold ? `idle ${span(fold.to - fold.from)}` : cursorWords(t, sight.scale.z));
        attribute(flag, "data-time", Math.round(t));
      }
      for (const layer of [under, over]) layer.style.setProperty("height", `${height}px`);
    },
  };
}

/** A fold: how long nothing ran. */
function foldPart() {
  const words = h("span", { class: "tl-pill-words" });
  const el = h("span", { class: "tl-pill" }, words);
  return {
    el,
    update(/** @type {any} */ { gap }) {
      el.style.setProperty("translate", `calc(${gap.middle.toFixed(1)}px - 50%)`);
      text(words, gap.words);
      attribute(el, "data-narrow", !gap.room);
      attribute(el, "title", `Nothing ran for ${gap.words}: ${exact(gap.from)} to ${exact(gap.to)}`);
    },
  };
}
