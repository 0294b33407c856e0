/**
 * The timeline: what ran when, for how long, what hung and what was done again. A line for each story, its
 * commands as blocks; idle stretches are folded. Only what is in sight exists in the document.
 */
import { keep, recall } from "../prefs.js";
import { attribute, h, keyed, show } from "../render.js";
import { here, route } from "../router.js";
import { follow, fromAddress, look as lookAt, pan, reveal, toAddress, zoom } from "../timeline/camera.js";
import { untilOf } from "../timeline/clip.js";
import { createPlan } from "../timeline/plan.js";
import { createStore } from "../timeline/store.js";
import { between, linesOf, stack } from "../timeline/layout.js";
import { detailsPart, eventOf, signOf, titleOf } from "./timeline-details.js";
import { handOn, resizer } from "./timeline-hand.js";
import { hint } from "./timeline-hint.js";
import { keysOn } from "./timeline-keys.js";
import { linePart } from "./timeline-lines.js";
import { list as asList } from "./timeline-list.js";
import { overview } from "./timeline-map.js";
import { legend, nothing } from "./timeline-none.js";
import { ruler as aboveLanes } from "./timeline-ruler.js";
import { tools as toolsOf } from "./timeline-tools.js";

export const store = createStore;

const SIZES = { comfortable: { story: 38, command: 34, pad: 6 }, compact: { story: 26, command: 22, pad: 3 } };
const [LEAST_LABEL, MOST_LABEL, SPARE_PX, REST_MS, PHONE_PX] = [120, 560, 300, 350, 720];

/** @typedef {import("../timeline/lanes.js").Block} Block @typedef {import("../timeline/lanes.js").Story} Story */

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const scroller = /** @type {HTMLElement} */ (el.closest(".main"));
  const prefs = { size: "comfortable", fold: true, list: false, label: 264, ...recall("timeline", {}) };
  /** @type {{all: boolean, but: Set<string>}} which stories are open: all or none, but these */
  const opened = { all: false, but: new Set() };
  const kept = recall("timeline.open", { all: false, but: /** @type {string[]} */ ([]) });
  Object.assign(opened, { all: !!kept.all, but: new Set(Array.isArray(kept.but) ? kept.but : []) });
  const isOpen = (/** @type {string} */ key) => opened.all !== opened.but.has(key);

  /** @type {import("../timeline/camera.js").Camera} */
  let camera = { mode: "fit" };
  let addressed = "";
  /** @type {any} */ let resting;
  /** @type {any} */ let app = null;
  /** @type {ReturnType<ReturnType<typeof createPlan>>|null} */ let plan = null;
  const makePlan = createPlan();
  /** @type {number|null} */ let pointed = null;
  /** @type {string|null} */ let selected = null;
  /** @type {string|null} the block that has the focus, or shall have it */ let focused = null;
  /** @type {string|null} */ let focusedOn = null;
  let wantsFocus = false;
  let detailsHeight = 150;
  let width = 800;
  let headHeight = 0;
  /** @type {string|null} the selection that was scrolled to already */ let brought = null;
  /** @type {Story[]} */ let inSight = [];
  let asked = false;

  /** Drawn in the next frame: moving about needs no commit of the whole page. */
  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  }

  const scene = () => ({ axis: /** @type {any} */ (plan).axis, width, now: app.liveNow, since: /** @type {any} */ (plan).since });
  function move(/** @type {import("../timeline/camera.js").Camera} */ next) {
    if (next === camera) return;
    camera = next;
    clearTimeout(resting);
    // The address is written once, at rest.
    resting = setTimeout(() => {
      if (route().view !== "timeline") return;
      const change = toAddress(camera);
      addressed = JSON.stringify(change);
      actions.refine(change);
    }, REST_MS);
    redraw();
  }
  const ready = () => !!plan?.stories.length && !!app;
  /** @param {number} factor @param {number} [at] */
  const zoomBy = (factor, at) => ready() && move(zoom(camera, scene(), factor, at ?? anchor()));

  /** Where to zoom when nobody points: at the chosen block, else at what is drawn on the lines in sight. */
  function anchor() {
    if (camera.mode === "follow") return undefined;
    const { scale, left } = lookAt(camera, scene());
    const held = blockBy(document.activeElement?.matches(".tl-block") ? focused : selected);
    const spans = held ? [{ first: held.start, last: untilOf(held, app.liveNow) }] : inSight.map((story) => ({ first: story.first, last: story.running ? app.liveNow : story.last }));
    const ends = spans.map((one) => [scale.x(one.first) - left, scale.x(one.last) - left]).filter(([a, b]) => b > 0 && a < width);
    if (!ends.length) return undefined;
    return (Math.max(0, Math.min(...ends.map(([a]) => a))) + Math.min(width, Math.max(...ends.map(([, b]) => b)))) / 2;
  }
  const panBy = (/** @type {number} */ px) => ready() && move(pan(camera, scene(), px));

  function prefer(/** @type {Record<string, any>} */ change) {
    Object.assign(prefs, change);
    keep("timeline", prefs);
    if (plan) plan.stamp = "";
    actions.changed();
  }
  function keepOpen() {
    keep("timeline.open", { all: opened.all, but: [...opened.but].slice(0, 300) });
    redraw();
  }
  function toggle(/** @type {string} */ key) {
    if (!opened.but.delete(key)) opened.but.add(key);
    keepOpen();
  }
  function openAll(/** @type {boolean} */ open) {
    opened.all = open;
    opened.but.clear();
    keepOpen();
  }

  /** @param {string|null} id */
  function select(id) {
    selected = id;
    actions.refine({ sel: id });
  }
  const blockBy = (/** @type {string|null} */ id) => (id === null ? null : plan?.byId.get(id) ?? null);
  /** Shows a block and gives it the focus. @param {Block} block @param {boolean} [choose] @param {string|null} [line] on which it stands: of its story, or of its command */
  function go(block, choose = false, line = null) {
    focused = block.id;
    focusedOn = line;
    wantsFocus = true;
    move(reveal(camera, scene(), block.start, untilOf(block, app.liveNow)));
    if (choose) select(block.id);
    redraw();
  }
  /** Moves to the part of a story that is nearest to what is looked at. @param {string} key */
  function find(key) {
    const story = plan?.stories.find((/** @type {Story} */ one) => one.key === key);
    if (!story) return;
    const { from } = lookAt(camera, scene());
    go(story.first > from ? story.blocks[0] : /** @type {any} */ (story.blocks.at(-1)));
  }
  function near(/** @type {Block} */ block) {
    const until = untilOf(block, app.liveNow);
    const margin = Math.max(2000, (until - block.start) * 0.15);
    move({ mode: "free", from: block.start - margin, to: until + margin });
  }
  function nextFailure() {
    const all = plan?.troubles ?? [];
    if (!all.length) return;
    const at = all.findIndex((/** @type {Block} */ block) => block.id === selected);
    const block = all[(at + 1) % all.length];
    bring(block.story_key);
    go(block, true);
  }
  function close() {
    const id = selected;
    select(null);
    if (blockBy(id)) go(/** @type {any} */ (blockBy(id)));
  }
  function step(/** @type {1|-1} */ by) {
    const block = blockBy(selected);
    const blocks = plan?.stories.find((/** @type {Story} */ story) => story.key === block?.story_key)?.blocks ?? [];
    const next = blocks[blocks.indexOf(/** @type {any} */ (block)) + by];
    if (next) {
      move(reveal(camera, scene(), next.start, untilOf(next, app.liveNow)));
      select(next.id);
    }
  }
  const detailHooks = { close, step, near: () => { const block = blockBy(selected); if (block) near(block); }, measured: (/** @type {number} */ height) => { if (height && Math.abs(height - detailsHeight) > 1) { detailsHeight = height; redraw(); } } };

  const tools = toolsOf(actions, {
    mode: (mode) => ready() && move(mode === "follow" ? follow(camera, scene()) : { mode }),
    zoom: zoomBy, failure: nextFailure, openAll, prefer,
  });
  const map = overview({ show: (from, to) => ready() && move({ mode: "free", from, to }), wheel: (event) => { event.preventDefault(); panBy((Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY) * 2); } });
  const ruler = aboveLanes();
  const edge = h("div", { class: "tl-edge", tabindex: 0, role: "separator", "aria-orientation": "vertical", "aria-label": "Width of the labels", "aria-valuemin": LEAST_LABEL, "aria-valuemax": MOST_LABEL });
  const head = h("div", { class: "tl-head" }, tools.el, h("div", { class: "tl-top" }, h("div", { class: "tl-corner" }), map.el), h("div", { class: "tl-top" }, h("div", { class: "tl-corner is-low" }, "Story", edge), ruler.el));
  const rows = h("div", { class: "tl-rows", role: "rowgroup" });
  const body = h("div", { class: "tl-body", role: "grid", id: "timeline", "aria-label": "Commands of each story over time" }, ruler.under, rows, ruler.over);
  const tip = hint();
  const key = legend();
  const list = asList({ select, details: () => detailsPart(detailHooks) });
  const waiting = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const none = nothing({ retry: () => app.data.retry(), showAll: () => actions.refine({ q: null, epic: null, only: null }) });
  const chart = h("div", { class: "tl" }, head, body, key, list.el, waiting, none.el, tip.el);
  for (const one of [head, body, key, list.el, none.el]) show(one, false);
  // Where there are tools, they have it already.
  const title = h("h1", { class: "toolbar-title" }, "Timeline");
  el.append(title, chart);

  const xOf = (/** @type {{clientX: number}} */ event) => event.clientX - ruler.el.getBoundingClientRect().left;
  handOn(chart, xOf, {
    pan: panBy, zoom: zoomBy,
    wheelPans: (event) => Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey || !!(/** @type {Element} */ (event.target).closest(".tl-ruler")),
    point(x, event) {
      pointed = x;
      const block = blockBy(/** @type {HTMLElement|null} */ (event?.target && /** @type {Element} */ (event.target).closest(".tl-block:not([data-many])"))?.dataset.id ?? null);
      tip.show(block, event, app);
      redraw();
    },
  });
  resizer(edge, { width: () => prefs.label, change: (px) => { prefs.label = Math.round(Math.max(LEAST_LABEL, Math.min(MOST_LABEL, px))); redraw(); }, done: () => prefer({}) });
  body.addEventListener("click", (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest(".tl-block"));
    const block = blockBy(button?.dataset.id ?? null);
    if (!button || !block) return;
    if (button.dataset.many !== undefined) zoomBy(6, (Number.parseFloat(button.style.translate) || 0) + button.offsetWidth / 2);
    else select(selected === block.id ? null : block.id);
  });
  body.addEventListener("focusin", (/** @type {Event} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    focused = target.matches(".tl-block") ? target.dataset.id ?? null : null;
    redraw();
  });
  body.addEventListener("focusout", redraw);
  keysOn(el, { zoom: zoomBy, pan: panBy, width: () => width, fit: () => ready() && move({ mode: "fit" }), failure: nextFailure, go, blockBy, plan: () => plan, select, selected: () => selected, close, start: () => ready() && panBy(-1e9), end: () => ready() && panBy(1e9) });
  new ResizeObserver(redraw).observe(chart);
  scroller.addEventListener("scroll", () => !el.hidden && redraw(), { passive: true });

  /** Scrolls so that this story's line is in sight. @param {string} key */
  function bring(key) {
    const lines = linesNow(lookAt(camera, scene()));
    const at = lines.findIndex((line) => line.story.key === key);
    if (at < 0) return;
    const y = offsetOf(body) + stack(lines)[at];
    const free = scroller.clientHeight - headHeight;
    if (y < scroller.scrollTop + headHeight || y > scroller.scrollTop + scroller.clientHeight - 220) scroller.scrollTop = Math.max(0, y - headHeight - free / 3);
  }
  /** Where it begins within what is scrolled. @param {HTMLElement} one */
  const offsetOf = (one) => one.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
  const heights = () => ({ ...SIZES[/** @type {"compact"} */ (prefs.size)] ?? SIZES.comfortable, details: detailsHeight });
  /** @param {import("../timeline/camera.js").Sight} sight */
  function linesNow(sight) {
    if (!plan) return [];
    const here = plan.facts.choice.only !== "seen" ? plan.shown : plan.shown.filter((/** @type {Story} */ story) => story.first <= sight.to && (story.running || story.last >= sight.from));
    return linesOf(here, { isOpen, selected, heights: heights() });
  }

  function draw() {
    if (!app || el.hidden) return;
    const isList = prefs.list || chart.clientWidth < PHONE_PX - 40;
    const { data } = app;
    const some = !!plan?.stories.length;
    const any = !!plan?.shown.length;
    show(head, some);
    show(waiting, !some && data.state !== "failed" && !data.kept);
    show(none.el, !any && waiting.hidden);
    if (!none.el.hidden) none.update(some, app);
    show(title, !some);
    for (const one of [body, key, ruler.el, map.el]) show(one, any && !isList);
    for (const top of head.querySelectorAll(".tl-top")) show(top, any && !isList);
    show(list.el, any && isList);
    attribute(chart, "data-size", prefs.size);
    if (!some || !plan) return;
    tools.update({ ...plan.facts, past: !!app.past, mode: camera.mode, size: prefs.size, fold: prefs.fold, list: isList, anyOpen: opened.all ? opened.but.size < plan.shown.length : [...opened.but].some((key) => plan?.keys.has(key)), epics: plan.epics });
    if (!any) return;

    const label = Math.min(prefs.label, Math.max(LEAST_LABEL, chart.clientWidth * 0.45));
    chart.style.setProperty("--label", `${label}px`);
    attribute(edge, "aria-valuenow", Math.round(label));
    width = Math.max(160, isList ? 1000 : chart.clientWidth - label);
    headHeight = head.offsetHeight;
    chart.style.setProperty("--head", `${headHeight}px`);
    const sight = lookAt(isList ? { mode: "fit" } : camera, scene());
    const size = heights();
    const shared = { sight, now: app.liveNow, past: !!app.past || !!app.line.far, selected, focused, pad: size.pad, eventOf: (/** @type {Block} */ block) => eventOf(block, app), signOf: (/** @type {Block} */ block) => signOf(block, app), titleOf: (/** @type {string} */ key) => titleOf(app.model, key, plan?.ids.get(key) ?? null), detailOf: (/** @type {string} */ key) => here({ detail: key }) };
    const begin = offsetOf(isList ? list.el : body);
    const top = scroller.scrollTop + headHeight - begin;
    const bottom = scroller.scrollTop + scroller.clientHeight - begin;
    if (isList) {
      list.update(plan.shown, shared, detailsHeight, { top, bottom });
      return;
    }
    const lines = linesNow(sight);
    const tops = stack(lines);
    const all = tops[lines.length];
    body.style.setProperty("height", `${Math.max(all, 120)}px`);
    attribute(body, "aria-rowcount", lines.length);
    let [first, last] = between(tops, top - SPARE_PX, bottom + SPARE_PX);
    const seen = lines.slice(first, last).map((line, i) => ({ ...line, top: tops[first + i], index: first + i }));
    inSight = lines.slice(...between(tops, top, bottom)).filter((line) => line.kind === "story").map((line) => line.story);
    // What has the focus stays, so that the keyboard doesn't lose its place.
    const own = document.activeElement?.closest(".tl-line");
    const pinned = own && body.contains(own) ? lines.findIndex((line) => line.key === own.getAttribute("data-key")) : -1;
    if (pinned >= 0 && pinned < first) seen.unshift({ ...lines[pinned], top: tops[pinned], index: pinned });
    if (pinned >= last) seen.push({ ...lines[pinned], top: tops[pinned], index: pinned });
    keyed(rows, seen, (line) => line.key, (line) => {
      const part = line.kind === "details" ? detailsPart(detailHooks) : linePart(line, { toggle, find });
      attribute(part.el, "data-key", line.key);
      return part;
    }, shared);
    const present = app.past || (!app.line.live && !plan.running) ? null : app.liveNow;
    const held = blockBy(focused);
    const spot = pointed ?? (held && document.activeElement?.matches(".tl-block:focus-visible") ? sight.scale.x(held.start) - sight.left : null);
    ruler.update(sight, present, spot, Math.max(all, 120));
    map.update(scene(), sight, plan.blocks, `${plan.stamp}`);
    if (wantsFocus) grasp();
  }

  /** Gives the wished block the focus, once it is there. */
  function grasp() {
    const all = [...body.querySelectorAll(".tl-block")].filter((one) => /** @type {HTMLElement} */ (one).dataset.id === focused);
    const found = all.find((one) => one.closest(".tl-line")?.getAttribute("data-key") === focusedOn) ?? all[0];
    if (!found) return;
    wantsFocus = false;
    /** @type {HTMLElement} */ (found).focus(/** @type {FocusOptions} */ ({ preventScroll: true, focusVisible: true }));
    const box = found.getBoundingClientRect();
    const frame = scroller.getBoundingClientRect();
    if (box.top < frame.top + headHeight) scroller.scrollTop -= frame.top + headHeight - box.top + 12;
    else if (box.bottom > frame.bottom) scroller.scrollTop += box.bottom - frame.bottom + 60;
  }

  return (next) => {
    app = next;
    const { params } = app.route;
    const camera_ = { from: params.get("from"), to: params.get("to"), span: params.get("span"), z: params.get("z") };
    const now = JSON.stringify(camera_);
    // Somebody went elsewhere by the address: not what was written here.
    if (now !== addressed) {
      addressed = now;
      clearTimeout(resting);
      camera = fromAddress(params);
    }
    selected = params.get("sel");
    plan = makePlan(app, prefs);
    if (selected && !wantsFocus && plan.byId.has(selected) && brought !== selected) bring(plan.byId.get(selected)?.story_key ?? "");
    brought = selected;
    draw();
  };
}
