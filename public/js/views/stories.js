/** The table of all stories: search, filters, sorting. Only the rows in sight exist. */
import { announce } from "../beacon.js";
import { createDescriptions } from "../descriptions.js";
import { count, epicTitle, plural } from "../format.js";
import { choice, classWord, empty, searchField } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { NO_EPIC, select, statuses, unlisted } from "../stories-select.js";
import { windowed } from "../windowed.js";
import { CLASSES } from "../model.js";
import { storyRow } from "./story-row.js";
import { tips } from "./tip.js";

/** @typedef {import("../model.js").Story} Story */
/** @type {[string, string, string][]} key, label, what the label means */
const COLUMNS = [["status", "Status", ""], ["story", "Story", ""], ["epic", "Epic", ""], ["last", "Last command", "by when it was"], ["duration", "Worked", "time in which one of its commands was open"],
  ["attempts", "Reviews", "rounds of code review"], ["failures", "Fails", "commands that failed"], ["updated", "Changed", "when its status last changed"]];
/** Of these the greatest comes first. */
const FALLING = new Set(["last", "duration", "attempts", "failures", "updated"]);
/** These move while work goes on: sorted anew so often, and never while somebody points at a row. */
const MOVING = new Set(["last", "duration", "attempts", "failures"]);
const MOVES_MS = 2000;

export const store = createDescriptions;

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const search = searchField("Search stories", (q) => actions.refine({ q }));
  const epic = choice("Epic", (value) => actions.refine({ epic: value }));
  const status = choice("Status", (value) => actions.refine(value.startsWith("=") ? { class: value.slice(1), status: null } : { status: value, class: null }));
  const order = choice("Sorted by", (value) => actions.refine({ sort: value }));
  const sum = h("span", { class: "toolbar-note" });
  const clear = h("button", { class: "button is-quiet", type: "button", on: { click: clearFilters } }, "Clear filters");
  const heads = COLUMNS.map(([key, label, title]) => {
    const button = h("button", { class: "sort", type: "button", title: title || null, on: { click: () => sortBy(key) } }, label);
    return { key, el: h("span", { class: `th th-${key}`, role: "columnheader" }, button) };
  });
  const rows = h("div", { class: "rows", role: "rowgroup" });
  const table = h("div", { class: "table", role: "table", "aria-label": "Stories", id: "stories" },
    h("div", { role: "rowgroup", class: "th-place" }, h("div", { class: "tr th-row", role: "row" }, ...heads.map((head) => head.el))), rows);
  const loading = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const none = empty("", "");
  el.append(h("div", { class: "toolbar is-sticky" }, h("h1", { class: "toolbar-title" }, "Stories"), search.el, epic.el, status.el, h("span", { class: "is-phone" }, order.el), clear, sum), loading, h("div", { class: "table-place" }, table), none.el);
  const draw = windowed(rows, actions.changed, storyRow);
  /** @type {any} */ let data = null;
  tips(rows, (key) => (data?.texts && Object.hasOwn(data.texts, key) ? data.texts[key] : undefined));

  let params = new URLSearchParams();
  function sortBy(/** @type {string} */ key) {
    const now = params.get("sort") ?? "";
    actions.refine({ sort: now === key ? `-${key}` : now === `-${key}` ? null : key });
  }
  function clearFilters() {
    const inside = document.activeElement === clear;
    actions.refine({ q: null, epic: null, status: null, class: null });
    search.el.value = "";
    if (inside) search.el.focus();
  }

  let made = "";
  let filters = "-";
  /** @type {Story[]} */
  let list = [];
  /** @type {any} */ let of;
  let sortedAt = 0;
  let told = "";

  return (app) => {
    const { model, loaded, route, now } = app;
    data = app.data;
    params = route.params;
    const wish = { q: params.get("q") ?? "", epic: params.get("epic") ?? "", status: params.get("status") ?? "", class: params.get("class") ?? "", sort: params.get("sort") ?? "" };
    search.update(wish.q);
    const key = wish.sort.replace(/^-/, "");
    if (MOVING.has(key) && now - sortedAt > MOVES_MS && !rows.matches(":hover, :focus-within")) sortedAt = now;
    const about = wish.q ? data?.texts ?? null : null;
    const signature = JSON.stringify([model.revision, model.work.size, wish, MOVING.has(key) ? sortedAt : 0, about ? Object.keys(about).length : 0]);
    if (made !== signature || of !== model) {
      made = signature;
      of = model;
      list = select([...model.stories, ...unlisted(model)], wish, model.work, now, about);
    }
    const offered = `${model.revision} ${model.work.size} ${loaded} ${wish.epic} ${wish.status} ${wish.class}`;
    if (told !== offered) {
      told = offered;
      options(model, wish);
    }
    order.update([{ value: "", label: "In the file's order" }, ...COLUMNS.map(([value, label]) => ({ value, label: `by ${label.toLowerCase()}` })), ...(wish.sort.startsWith("-") ? [{ value: wish.sort, label: `by ${key}, turned round` }] : [])], wish.sort);
    for (const head of heads) attribute(head.el, "aria-sort", wish.sort === head.key ? (FALLING.has(head.key) ? "descending" : "ascending") : wish.sort === `-${head.key}` ? (FALLING.has(head.key) ? "ascending" : "descending") : null);
    attribute(table, "aria-rowcount", list.length + 1);
    const filtered = !!(wish.q || wish.epic || wish.status || wish.class);
    show(clear, filtered);
    const besides = unlisted(model).length;
    const words = filtered ? `${count(list.length)} of ${plural(model.stories.length + besides, "story", "stories")}` : `${plural(model.stories.length, "story", "stories")}${besides ? `, ${count(besides)} only in the log` : ""}`;
    text(sum, loaded ? words : "");
    // Spoken when somebody changes a filter, not whenever the sprint moves.
    const asked = JSON.stringify([wish.q, wish.epic, wish.status, wish.class]);
    if (filters !== asked && loaded) {
      if (filters !== "-") announce(words);
      filters = asked;
    }
    show(loading, !loaded);
    show(table, list.length > 0);
    show(none.el, loaded && !list.length);
    none.update(filtered ? "No story fits" : "No stories", filtered ? "Try fewer words, or clear the filters." : "Keys such as 1-1-first-story in sprint-status.yaml become stories.");
    draw(list, (story) => story.story_key, app);
  };

  /** @param {import("../model.js").State} model @param {{epic: string, status: string, class: string}} wish */
  function options(model, wish) {
    const { epics } = model;
    const stories = [...model.stories, ...unlisted(model)];
    const epicsOf = [{ value: "", label: "All epics" }, ...epics.map((one) => ({ value: one.epic_id, label: one.title ? `${one.epic_id} · ${one.title}` : epicTitle(one) }))];
    if (stories.some((story) => story.epic_id === null)) epicsOf.push({ value: NO_EPIC, label: "Without an epic" });
    epic.update(withOwn(epicsOf, wish.epic, `Epic ${wish.epic}`), wish.epic);
    const { classes, words } = statuses(stories);
    const value = wish.class ? `=${wish.class}` : CLASSES.includes(wish.status) ? `=${wish.status}` : wish.status;
    status.update(withOwn([{ value: "", label: "Any status" }, ...classes.map((one) => ({ value: `=${one}`, label: `all ${classWord(one)}` })), ...words.map((one) => ({ value: one, label: one }))], value, value.replace(/^=/, "all ")), value);
  }
}

/** A filter of an address that nothing fits (any more) is shown all the same. @param {{value: string, label: string}[]} options @param {string} value @param {string} label */
const withOwn = (options, value, label) => (value && !options.some((one) => one.value === value) ? [...options, { value, label }] : options);
