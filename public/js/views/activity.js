/** The log, newest first: filters, search over all of it, and a list that holds still while it is read. */
import { count, plural } from "../format.js";
import { sign } from "../icons.js";
import { choice, empty, searchField } from "../parts.js";
import { h, show, text } from "../render.js";
import { windowed } from "../windowed.js";
import { eventRow } from "./event-row.js";

const TYPES = [
  ["", "Everything"], ["command:*", "Commands"], ["command:start,command:end", "Starts and ends"], ["story:status,epic:status", "Status changes"],
  ["batch:*,cycle:*", "Batches"], ["activity:entry", "Orchestrator's notes"], ["source:state", "Files"], ["agent:*,background:*,context:*,injection:*,cleanup:*", "Agents"], ["error,batch:warning", "Warnings"],
];

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const scroller = /** @type {HTMLElement} */ (el.closest(".main"));
  const search = searchField("Search all events", (q) => actions.refine({ q }));
  const type = choice("Kind of event", (value) => actions.refine({ type: value }));
  const storyName = h("span", { class: "mono" });
  const story = h("button", { class: "filter-chip", type: "button", title: "Show all stories", on: { click: () => actions.refine({ story: null }) } }, storyName, sign("close"));
  const sum = h("span", { class: "toolbar-note" });
  const fresh = h("button", { class: "fresh", type: "button", on: { click: () => scroller.scrollTo({ top: 0 }) } });
  const list = h("ol", { class: "events rows", id: "activity" });
  const olderWords = h("span");
  const older = h("button", { class: "button older", type: "button", on: { click: () => actions.loadOlder(filter) } }, sign("older"), olderWords);
  const end = h("p", { class: "end-note" });
  const none = empty("", "");
  el.append(h("div", { class: "toolbar is-sticky" }, h("h1", { class: "toolbar-title" }, "Activity"), search.el, type.el, story, sum), h("div", { class: "fresh-place" }, fresh), list, none.el, h("div", { class: "list-end" }, older, end));
  const draw = windowed(list, actions.changed, eventRow);

  /** @type {import("../log.js").Filter} */
  let filter = { types: "", story: "", q: "" };
  let made = "";
  /** @type {import("../model.js").WireEvent[]} */
  let all = [];
  /** @type {number|null} the newest event shown while the list holds still */
  let held = null;

  return (app) => {
    const { log, route, loaded } = app;
    filter = { types: route.params.get("type") ?? "", story: route.params.get("story") ?? "", q: route.params.get("q") ?? "" };
    search.update(filter.q);
    type.update(TYPES.map(([value, label]) => ({ value, label })), filter.types);
    show(story, !!filter.story);
    text(storyName, filter.story);

    const signature = JSON.stringify(filter);
    const before = made.split("\n")[0];
    if (made !== `${signature}\n${log.revision}`) {
      made = `${signature}\n${log.revision}`;
      all = log.select(filter);
      if (before !== signature) held = null;
      const isFilter = !!(filter.q || filter.story || filter.types);
      // What the list here doesn't hold, the server may: look there at once when somebody searches.
      if (isFilter && before !== signature) queueMicrotask(() => actions.loadOlder(filter));
    }
    if (scroller.scrollTop < 8) held = null;
    else held ??= Number(all[0]?.id ?? 0);
    log.hold(held !== null);
    const skip = held === null ? 0 : all.findIndex((event) => Number(event.id) <= Number(held));
    const shown = skip > 0 ? all.slice(skip) : all;
    show(fresh, skip > 0);
    text(fresh, `↑ ${count(Math.max(0, skip))} new`);
    draw(shown, (event) => String(event.id), app);

    const { older: past } = log;
    const oldest = Number((past.filter === signatureOf(filter) ? past.before : null) ?? log.events[0]?.id ?? 1);
    const whole = (past.filter === signatureOf(filter) && past.all) || oldest <= 1;
    show(older, loaded && !whole && log.events.length > 0);
    older.disabled = past.loading;
    text(olderWords, past.loading ? "Loading…" : past.failed ? "Could not load – try again" : filter.q || filter.story || filter.types ? "Search further back" : `Load older (at most ${count(oldest - 1)})`);
    show(end, whole && all.length > 0);
    text(end, "The beginning of the log");
    text(sum, `${plural(all.length, "event")}${whole ? "" : " loaded"}`);
    show(none.el, loaded && !all.length);
    none.update(log.events.length ? "No event fits" : "No events yet", log.events.length ? (past.loading ? "Searching the whole log…" : "Nothing in the log fits these filters.") : "Rows of sprint-runner.csv appear here as they are written.");
  };
}

const signatureOf = (/** @type {import("../log.js").Filter} */ f) => JSON.stringify([f.types, f.story, f.q]);
