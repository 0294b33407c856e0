/** The log, newest first: filters, search over all of it, a list that follows or holds still, and a link to each event. */
import { createAround } from "../around.js";
import { announce } from "../beacon.js";
import { copy } from "../copy.js";
import { count, moment, plural } from "../format.js";
import { sign } from "../icons.js";
import { keyOf, teach } from "../keys.js";
import { isEmpty, KEPT_OLDER, signature, wordsOf } from "../log.js";
import { matcher } from "../log-filter.js";
import { choice, empty, searchField } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { address } from "../router.js";
import { windowed } from "../windowed.js";
import { activityRow } from "./activity-row.js";

const TYPES = [
  ["", "Everything"], ["command:*", "Commands"], ["command:start,command:end", "Starts and ends"], ["story:status,epic:status", "Status changes"],
  ["batch:*,cycle:*", "Batches"], ["activity:entry", "Orchestrator's notes"], ["source:state,settings:changed", "Files and settings"],
  ["agent:*,background:*,context:*,injection:*,cleanup:*", "Agents"], ["error,batch:warning", "Warnings"],
];
/** Opened at once; more would make the list heavy. */
const MOST_OPEN = 8;
const AT_TOP = 8;
const FLOOD_MS = 100;

teach("activity", [[["f"], "follow the log, or hold it still"], [["n"], "next failure, further back"], [["N"], "back to the failure before"]]);

export const store = createAround;

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const scroller = /** @type {HTMLElement} */ (el.closest(".main"));
  const search = searchField("Search all events", (q) => actions.refine({ q, event: null }));
  const type = choice("Kind of event", (value) => actions.refine({ type: value, event: null }));
  const batch = choice("Batch", (value) => actions.refine({ batch: value, event: null }));
  const storyName = h("span", { class: "mono" });
  const story = h("button", { class: "filter-chip", type: "button", title: "Show all stories", on: { click: () => actions.refine({ story: null }) } }, storyName, sign("close"));
  const clear = h("button", { class: "button is-quiet", type: "button", on: { click: () => actions.refine({ q: null, type: null, batch: null, story: null, event: null }) } }, "Clear filters");
  const sum = h("span", { class: "toolbar-note" });
  const failure = h("button", { class: "button", type: "button", title: "Next failure (n), back (Shift+n)", on: { click: () => jump(1) } }, "Next failure");
  const follow = h("button", { class: "button is-toggle", type: "button", title: "Follow the log (f)", on: { click: () => turn(!follows()) } }, h("i", { class: "follow-dot" }), "Follow");
  const fresh = h("button", { class: "fresh", type: "button", on: { click: () => turn(true) } });
  const notice = h("p", { class: "log-notice", role: "status" });
  const back = h("button", { class: "button is-small", type: "button", on: { click: () => turn(true) } }, "To the newest");
  const noticeLine = h("div", { class: "log-notice-line" }, notice, back);
  const newer = h("button", { class: "button older", type: "button", on: { click: () => data?.newer() } }, sign("up"), "Newer");
  const list = h("ol", { class: "events rows", id: "activity" });
  const olderWords = h("span");
  const older = h("button", { class: "button older", type: "button", on: { click: loadOlder } }, sign("older"), olderWords);
  const end = h("p", { class: "end-note" });
  const none = empty("", "");
  el.append(
    h("div", { class: "toolbar is-sticky" }, h("h1", { class: "toolbar-title" }, "Activity"), search.el, type.el, batch.el, story, clear, sum, failure, follow),
    h("div", { class: "fresh-place" }, fresh), noticeLine, h("div", { class: "list-end is-above" }, newer), list, none.el, h("div", { class: "list-end" }, older, end));
  /** @type {import("./activity-row.js").Desk} */
  const desk = { open: new Set(), target: null, toggle, link, measured, actions };
  const draw = windowed(list, actions.changed, (event) => activityRow(event, desk));
  addEventListener("keydown", pressed);

  /** @type {import("../log.js").Filter} */
  let filter = { types: "", story: "", q: "", batch: "" };
  let made = "";
  /** @type {import("../model.js").WireEvent[]} newest first, as the log has it */
  let all = [];
  /** @type {import("../model.js").WireEvent[]|null} newest first, while the reader is elsewhere than at the top */
  let frozen = null;
  /** Switched off by hand: not even the top moves. */
  let paused = false;
  /** @type {import("../model.js").WireEvent[]} what stands on the page */
  let shown = [];
  /** @type {Map<number, number>} */
  const heights = new Map();
  /** @type {{id: number, focus: boolean}|null} to be scrolled to once it stands there */
  let reveal = null;
  let epoch = "";
  let drawnAt = 0;
  /** @type {any} */ let later = null;
  /** @type {number|null} a time to be scrolled to, and the one of the address */
  let sought = null;
  let soughtTime = 0;
  /** @type {any} */ let data = null;
  /** @type {any} */ let last = null;

  const follows = () => !frozen && !paused && !data?.around;
  const placeOf = (/** @type {number} */ id) => shown.findIndex((event) => Number(event.id) === id);

  /** @returns {import("../windowed.js").Tall[]} */
  function tall() {
    const found = [];
    for (const id of desk.open) {
      const index = placeOf(id);
      if (index >= 0) found.push({ index, more: heights.get(id) ?? 0 });
    }
    return found.sort((a, b) => a.index - b.index);
  }

  /** @param {number} id @param {number} more */
  function measured(id, more) {
    if ((heights.get(id) ?? 0) === more) return;
    if (more) heights.set(id, more);
    else heights.delete(id);
    actions.changed();
  }

  /** @param {number} id */
  function toggle(id) {
    if (desk.open.has(id)) desk.open.delete(id);
    else desk.open.add(id);
    if (desk.open.size > MOST_OPEN) desk.open.delete(/** @type {number} */ (desk.open.values().next().value));
    // What is being read must not move.
    if (desk.open.size && !frozen && last) freeze();
    actions.changed();
  }

  /** @param {number} id */
  async function link(id) {
    desk.open.add(id);
    if (!frozen && last) freeze();
    desk.target = id;
    actions.refine({ event: String(id) });
    const url = `${location.origin}${location.pathname}${address("activity", { event: String(id) })}`;
    const done = await copy(url);
    actions.toast(done ? { tone: "good", title: "Link copied", text: `Event ${id}` } : { tone: "warn", title: "Not copied", text: "The address bar holds the link to this event." });
  }

  function freeze() {
    if (!all.length) return;
    frozen = all.slice();
    last?.log.hold(true);
  }

  /** @param {boolean} on */
  function turn(on) {
    paused = !on;
    if (on) {
      frozen = null;
      desk.open.clear();
      desk.target = null;
      last?.log.hold(false);
      scroller.scrollTop = 0;
      if (data?.around || new URLSearchParams(location.hash.split("?")[1]).has("event")) actions.refine({ event: null });
    } else freeze();
    announce(on ? "Following the log" : "The log holds still");
    actions.changed();
  }

  function loadOlder() {
    if (data?.around) data.older();
    else actions.loadOlder(filter, frozen?.length ? Number(frozen[frozen.length - 1].id) : null);
  }

  /** To the next event that is bad, from where one reads. @param {1|-1} step 1 = further back */
  function jump(step) {
    const here = document.activeElement?.closest?.("#activity .entry")?.querySelector(".event");
    const at = here ? placeOf(Number(/** @type {HTMLElement} */ (here).dataset.id)) : -1;
    for (let i = here ? at + step : 0; i >= 0 && i < shown.length; i += step) {
      if (wordsOf(shown[i]).words.tone !== "bad") continue;
      if (!frozen) freeze();
      reveal = { id: Number(shown[i].id), focus: true };
      actions.changed();
      return;
    }
    const words = step > 0 ? `No ${here ? "further " : ""}failure in what is loaded` : "No failure above";
    actions.toast({ tone: "info", title: words, text: step > 0 && !older.hidden ? "Older events may hold more: load them, or search." : "All there is was looked at." });
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (el.hidden || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    const key = keyOf(event);
    if (key === "f" && !follow.hidden) turn(!follows());
    else if (key.toLowerCase() === "n") jump(event.shiftKey ? -1 : 1);
  }

  /** What is shown: the surroundings of an event, what was there when the reader left the top, or what comes. @param {import("../main.js").App} app */
  function choose({ log }) {
    if (data?.around) return data.around.events.toReversed();
    if (!frozen) return all;
    const { older: past } = log;
    const edge = frozen.length ? Number(frozen[frozen.length - 1].id) : Infinity;
    if (past.filter === signature(filter) && past.events.length && Number(past.events[0].id) < edge) frozen = frozen.concat(past.events.filter(({ id }) => Number(id) < edge).reverse());
    return frozen;
  }

  return (app) => {
    const { log, route, loaded, past, model } = app;
    const { params } = route;
    data = app.data;
    if (last && last.log !== log || epoch !== `${model.epoch}`) { frozen = null; paused = false; made = ""; epoch = `${model.epoch}`; }
    last = app;
    filter = { types: params.get("type") ?? "", story: params.get("story") ?? "", q: params.get("q") ?? "", batch: params.get("batch") ?? "" };
    const key = signature(filter);
    const isFilter = !isEmpty(filter);
    search.update(filter.q);
    type.update(withOwn(TYPES.map(([value, label]) => ({ value, label })), filter.types, filter.types), filter.types);
    batch.update(withOwn([{ value: "", label: "All batches" }, ...(data?.batches ?? []).map((/** @type {any} */ one) => ({ value: String(one.id), label: `Batch ${one.id}${one.status !== "running" ? "" : app.line.far ? " (was running)" : " (running)"}` }))], filter.batch ?? "", `Batch ${filter.batch}`), filter.batch ?? "");
    show(story, !!filter.story);
    text(storyName, filter.story);
    show(clear, isFilter);

    const before = made.split("\n")[0];
    if (before !== key) {
      frozen = null;
      paused = false;
      desk.open.clear();
      log.hold(false);
      // What the list here doesn't hold, the server may: look there at once when somebody searches.
      if (isFilter && loaded) queueMicrotask(() => actions.loadOlder(filter));
    }
    // In a flood nobody reads every frame's lines: the list is drawn anew ten times a second.
    const early = before === key && performance.now() - drawnAt < FLOOD_MS;
    if (made !== `${key}\n${log.revision}` && early) later ??= setTimeout(() => { later = null; actions.changed(); }, FLOOD_MS);
    else if (made !== `${key}\n${log.revision}`) {
      drawnAt = performance.now();
      made = loaded ? `${key}\n${log.revision}` : "";
      all = log.select(filter, matcher);
    }
    const wanted = Number(params.get("event")) || null;
    if (wanted !== desk.target) {
      desk.target = wanted;
      reveal = wanted ? { id: wanted, focus: false } : null;
    }
    // The timeline leads to a time: shown once the list reaches back to it.
    const time = Number(params.get("time")) || 0;
    if (time !== soughtTime) { soughtTime = time; sought = time || null; }
    if (sought && loaded && !wanted && all.length && (all[all.length - 1].timestamp <= sought || log.older.filter === key && (log.older.all || log.older.failed) || !isFilter)) {
      const at = all.findLastIndex(({ timestamp }) => timestamp >= Number(sought));
      reveal = { id: Number(all[Math.max(0, at)].id), focus: true };
      sought = null;
    }
    if (data?.around && isFilter) queueMicrotask(() => actions.refine({ type: null, story: null, q: null, batch: null }));
    if (!data?.around && !frozen && (scroller.scrollTop >= AT_TOP || paused || reveal)) freeze();
    // Back at the top, by hand: it follows again.
    else if (frozen && !paused && !reveal && !desk.open.size && !wanted && scroller.scrollTop < AT_TOP) { frozen = null; log.hold(false); }
    shown = choose(app);

    if (reveal && loaded && !data?.around?.loading) {
      const index = placeOf(reveal.id);
      if (index >= 0) {
        if (!reveal.focus) desk.open.add(reveal.id);
        draw(shown, idOf, app, tall());
        draw.show(index, tall());
      }
    }
    draw(shown, idOf, app, tall());
    if (reveal && loaded && !data?.around?.loading) {
      // Far from where the list was, its row stands there only now.
      const { id, focus } = reveal;
      reveal = null;
      requestAnimationFrame(() => {
        if (focus) /** @type {HTMLElement|null} */ (list.querySelector(`.event[data-id="${id}"] .event-what`))?.focus({ preventScroll: true });
        actions.changed();
      });
    }
    tell(app, isFilter, key);
    attribute(follow, "aria-pressed", String(follows()));
    show(follow, !past);
    show(failure, shown.length > 0);
  };

  /** @param {import("../main.js").App} app @param {boolean} isFilter @param {string} key */
  function tell({ log, loaded, past, now }, isFilter, key) {
    const { around } = data ?? {};
    const pages = log.older.filter === key ? log.older : null;
    const { n, more } = frozen?.length && !around ? log.newerThan(filter, Number(frozen[0].id), matcher) : { n: 0, more: false };
    show(fresh, n > 0 && !past);
    text(fresh, `↑ ${count(n)}${more ? "+" : ""} new`);

    const oldest = Number(shown.at(-1)?.id ?? 1);
    const first = data?.first ?? 1;
    const whole = around ? around.oldest : (pages?.all ?? false) || (!isFilter && oldest <= first) || oldest <= 1;
    const full = !around && !!pages?.full;
    const busy = around ? around.loading : !!pages?.loading;
    show(older, loaded && !whole && !full && shown.length > 0);
    older.disabled = busy;
    text(olderWords, busy ? (isFilter ? "Searching further back…" : "Loading…") : (around ?? pages)?.failed ? "Could not load – try again" : isFilter && !around ? "Search further back" : `Up to ${count(Math.max(1, oldest - first))} older – load`);
    show(end, loaded && (whole || full) && shown.length > 0);
    text(end, full ? `The page holds no more than ${count(KEPT_OLDER)} older events: a filter or a search finds the others.` : !isFilter || around ? (first > 1 ? `The log begins at event ${count(first)}; older ones are no longer kept.` : "The beginning of the log") : first > 1 ? `All of the log was looked at, from event ${count(first)} on; older ones are no longer kept.` : "All of the log was looked at");
    show(newer, !!around && !around.newest && shown.length > 0);
    newer.disabled = !!around?.loading;

    text(sum, around ? "" : isFilter ? (whole ? `${count(shown.length)} found` : busy ? `Searching the whole log… ${count(shown.length)} so far` : shown.length ? `${count(shown.length)} found back to ${moment(shown[shown.length - 1].timestamp, now)}` : "") : plural(shown.length, "event") + (whole ? "" : " loaded"));
    const words = around ? aroundWords(around, first) : "";
    text(notice, words);
    show(noticeLine, !!words);

    show(none.el, loaded && !shown.length && !around);
    const searching = isFilter && (busy || !pages);
    none.update(isFilter ? (searching ? "Searching the whole log…" : "No event fits") : "No events yet",
      searching ? "" : isFilter ? (pages?.failed ? "The server could not be asked; it is not known whether older events fit." : "Nothing in the whole log fits these filters.") : past ? "Nothing had happened at that moment." : "Rows of sprint-runner.csv appear here as they are written.");
  }
}

const idOf = (/** @type {import("../model.js").WireEvent} */ event) => String(event.id);

/** A filter of an address that is not among the options is one all the same. @param {{value: string, label: string}[]} options @param {string} value @param {string} label */
const withOwn = (options, value, label) => (value && !options.some((one) => one.value === value) ? [...options, { value, label }] : options);

/** @param {import("../around.js").Around} around @param {number} first */
function aroundWords({ id, loading, failed, gone, events }, first) {
  if (loading && !events.length) return `Looking for event ${count(id)}…`;
  if (failed && !events.length) return `Event ${count(id)} could not be asked for; it is tried again.`;
  if (gone === "never") return `There is no event ${count(id)} in this log; these are the newest.`;
  if (gone === "purged") return `Event ${count(id)} is no longer kept: the log begins at event ${count(first)}.`;
  if (gone === "missing") return `Event ${count(id)} is not in the log; these are the events around it.`;
  return `Around event ${count(id)}: new events are not shown here.`;
}
