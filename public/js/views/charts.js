/** Charts of the insights: shapes as SVG that stretches, words as text that does not, and a table for who cannot see them. */
import { count } from "../format.js";
import { dayWord, when } from "../insight-words.js";
import { attribute, h, keyed, s, show, text } from "../render.js";

const WIDE = 1000;
const HIGH = 1000;

/** A round number above. @param {number} n */
export function ceiling(n) {
  if (n <= 5) return Math.max(1, Math.ceil(n));
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 1.2, 1.5, 1.6, 2, 2.5, 3, 4, 5, 6, 8, 10].map((step) => Math.round(step * power)).find((one) => one >= n) ?? n;
}

/** Whole numbers from 0 up to the top, not more than five. @param {number} top */
export function ticks(top) {
  const n = [4, 5, 3, 2, 1].find((parts) => top % parts === 0 && top / parts >= 1) ?? 1;
  return Array.from({ length: n + 1 }, (_, i) => (top / n) * i);
}

/** Moments to name on the axis of time. @param {number} from @param {number} to @param {number} most */
export function moments(from, to, most) {
  const steps = [1, 2, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 20_160, 43_200, 129_600, 525_600].map((minutes) => minutes * 60_000);
  const step = steps.find((one) => (to - from) / one <= most) ?? /** @type {number} */ (steps.at(-1));
  const found = [];
  const zero = new Date(from).setHours(0, 0, 0, 0);
  // By the calendar from a day on: a day may have 23 hours.
  for (let i = 0; found.length <= most + 1; i += 1) {
    const at = step < 86_400_000 ? zero + i * step : new Date(zero).setDate(new Date(zero).getDate() + i * Math.round(step / 86_400_000));
    if (at > to || i > 5000) break;
    if (at >= from) found.push(at);
  }
  if (!found.length) found.push(from);
  return { list: found, days: step >= 86_400_000 };
}

/** A table that only a screen reader meets. @param {string} caption @param {string[]} heads */
function quietTable(caption, heads) {
  const body = h("tbody");
  const el = h("div", { class: "hidden-text" }, h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, ...heads.map((one) => h("th", { scope: "col" }, one)))), body));
  return { el, update(/** @type {(string|number)[][]} */ rows) {
    keyed(body, rows, (row) => String(row[0]), (row) => ({ el: h("tr", {}, ...row.map((cell, i) => h(i ? "td" : "th", i ? {} : { scope: "row" }, cell))), update() {} }));
  } };
}

/** Scope and done over time, and what may come. */
export function burnUpChart() {
  const scope = s("path", { class: "burn-scope" });
  const area = s("path", { class: "burn-area" });
  const done = s("path", { class: "burn-done" });
  const band = s("path", { class: "burn-band" });
  const likely = s("path", { class: "burn-likely" });
  const today = s("path", { class: "burn-now" });
  const grid = s("path", { class: "burn-grid" });
  const svg = s("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", class: "burn-shapes", "aria-hidden": "true" }, grid, band, area, likely, scope, done, today);
  const side = h("div", { class: "burn-side", "aria-hidden": "true" });
  const foot = h("div", { class: "burn-foot", "aria-hidden": "true" });
  const nowWord = h("span", { class: "burn-now-word", "aria-hidden": "true" }, "now");
  const plot = h("div", { class: "burn-plot" }, svg, nowWord);
  const swatch = (/** @type {string} */ kind, /** @type {any} */ words) => h("li", {}, h("i", { class: `swatch is-${kind}` }), words);
  const bandWords = h("span");
  const bandItem = swatch("band", bandWords);
  const legend = h("ul", { class: "burn-legend" }, swatch("done", "stories done"), swatch("scope", "all stories of the sprint"), bandItem);
  const table = quietTable("Stories done and all stories over time", ["When", "Done", "All"]);
  const el = h("div", { class: "burn" }, h("div", { class: "burn-frame" }, side, plot, foot), legend, table.el);
  let drawn = "";

  return {
    el,
    /** @param {ReturnType<typeof import("../forecast.js").burnUp>} b @param {import("../forecast.js").Forecast} f @param {number} now */
    update(b, f, now) {
      const shape = JSON.stringify([b, f.calendar, Math.floor(now / 30_000)]);
      if (shape === drawn) return;
      drawn = shape;
      const past = Math.max(60_000, b.to - b.from);
      // A far end would leave no room for what is known.
      const to = f.calendar ? Math.max(b.to + past * 0.05, Math.min(f.calendar.p85 + (f.calendar.p85 - b.from) * 0.03, b.to + past * 4)) : b.to + past * 0.03;
      const top = ceiling(Math.max(1, ...b.scope.map(({ n }) => n), ...b.done.map(({ n }) => n)));
      const x = (/** @type {number} */ at) => Math.round(((at - b.from) / (to - b.from)) * WIDE * 10) / 10;
      const y = (/** @type {number} */ n) => Math.round((1 - n / top) * HIGH * 10) / 10;
      const steps = (/** @type {{at: number, n: number}[]} */ points) => points.map(({ at, n }, i) => (i ? `H${x(at)}V${y(n)}` : `M${x(at)} ${y(n)}`)).join("");
      const line = steps(b.done);
      attribute(done, "d", line);
      attribute(area, "d", `${line}V${HIGH}H0Z`);
      const all = b.scope.at(-1)?.n ?? 0;
      const stands = b.done.at(-1)?.n ?? 0;
      const goal = stands + f.open;
      attribute(scope, "d", steps(b.scope) + (f.calendar ? `H${WIDE}` : ""));
      attribute(band, "d", f.calendar ? `M${x(b.to)} ${y(stands)}L${x(f.calendar.p50)} ${y(goal)}L${Math.max(x(f.calendar.p85), x(f.calendar.p50) + 4)} ${y(goal)}Z` : null);
      attribute(likely, "d", f.calendar ? `M${x(b.to)} ${y(stands)}L${x(f.calendar.p50)} ${y(goal)}` : null);
      attribute(today, "d", `M${x(b.to)} 0V${HIGH}`);
      const marks = ticks(top);
      attribute(grid, "d", marks.map((n) => `M0 ${y(n)}H${WIDE}`).join(""));
      nowWord.style.setProperty("--x", String(x(b.to) / 10));
      show(nowWord, x(b.to) < 970);
      keyed(side, marks.map((n) => ({ n, at: y(n) / 10 })), ({ n }) => String(n), () => label("--y"));
      const { list, days } = moments(b.from, to, 6);
      keyed(foot, list.map((at) => ({ n: days || new Date(at).getHours() + new Date(at).getMinutes() === 0 ? dayWord(at).replace(/^\w+, /, "") : clock(at), at: x(at) / 10 })).filter(({ at }) => at <= 94), ({ n, at }) => `${n} ${at}`, () => label("--x"));
      show(bandItem, !!f.calendar);
      text(bandWords, f.calendar ? `all done: 50 % by ${when(f.calendar.p50, now)}, 85 % by ${when(f.calendar.p85, now)}` : "");
      const rows = sampled(b);
      table.update([...rows, ...(f.calendar ? [["50 % by " + when(f.calendar.p50, now), goal, all], ["85 % by " + when(f.calendar.p85, now), goal, all]] : [])]);
    },
  };
}

const clocks = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clock = (/** @type {number} */ at) => clocks.format(at);

/** @param {string} place */
function label(place) {
  const el = h("span");
  return { el, update(/** @type {{n: number|string, at: number}} */ { n, at }) { text(el, typeof n === "number" ? count(n) : n); el.style.setProperty(place, String(at)); } };
}

/** Twelve moments of the lines, for the table. @param {ReturnType<typeof import("../forecast.js").burnUp>} b */
function sampled({ from, to, done, scope }) {
  const at = (/** @type {{at: number, n: number}[]} */ line, /** @type {number} */ then) => line.findLast((one) => one.at <= then)?.n ?? line[0].n;
  return Array.from({ length: 13 }, (_, i) => from + ((to - from) / 12) * i).map((then) => [when(then, to), at(done, then), at(scope, then)]);
}

/** Upright columns with their number above and their name below. @param {string} caption @param {string[]} heads */
export function columns(caption, heads) {
  const list = h("div", { class: "pillars", "aria-hidden": "true" });
  const table = quietTable(caption, heads);
  return {
    el: h("div", { class: "burn" }, list, table.el),
    /** @param {{name: string, label: string, n: number, title?: string}[]} items */
    update(items) {
      const top = Math.max(1, ...items.map(({ n }) => n));
      attribute(list, "data-dense", items.length > 16);
      keyed(list, items.map((one) => ({ ...one, part: one.n / top })), ({ name }) => name, column);
      table.update(items.map(({ name, n }) => [name, n]));
    },
  };
}

function column() {
  const n = h("b");
  const bar = h("i");
  const name = h("span");
  const el = h("div", { class: "pillar" }, h("div", { class: "pillar-room" }, n, bar), name);
  return { el, update(/** @type {any} */ one) {
    text(n, one.n ? count(one.n) : "");
    bar.style.setProperty("--part", String(one.part));
    attribute(bar, "data-none", !one.n);
    text(name, one.label);
    attribute(el, "title", one.title);
  } };
}
