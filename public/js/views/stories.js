/** The table of all stories: search, filters, sorting. Only the rows in sight exist. */
import { epicTitle, plural } from "../format.js";
import { CLASSES } from "../model.js";
import { choice, classWord, empty, searchField } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { windowed } from "../windowed.js";
import { byClass } from "../words.js";
import { storyRow } from "./story-row.js";

const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
/** @typedef {import("../model.js").Story} Story */

/** @type {Record<string, (a: Story, b: Story) => number>} */
const ORDERS = {
  status: (a, b) => byClass(b.status_class, a.status_class) || names.compare(a.status, b.status),
  story: (a, b) => names.compare(a.story_key, b.story_key),
  epic: (a, b) => names.compare(a.epic_id ?? "\uffff", b.epic_id ?? "\uffff"),
  updated: (a, b) => (b.updated_at ?? 0) - (a.updated_at ?? 0),
};
const COLUMNS = [["status", "Status"], ["story", "Story"], ["epic", "Epic"], ["", "Last command"], ["updated", "Changed"]];

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const search = searchField("Search stories", (q) => actions.refine({ q }));
  const epic = choice("Epic", (value) => actions.refine({ epic: value }));
  const status = choice("Status", (value) => actions.refine(value.startsWith("=") ? { class: value.slice(1), status: null } : { status: value, class: null }));
  const sum = h("span", { class: "toolbar-note", role: "status" });
  const clear = h("button", { class: "button is-quiet", type: "button", on: { click: () => actions.refine({ q: null, epic: null, status: null, class: null }) } }, "Clear filters");
  const heads = COLUMNS.map(([key, label]) => {
    const button = key ? h("button", { class: "sort", type: "button", on: { click: () => sortBy(key) } }, label) : h("span", {}, label);
    return { key, el: h("span", { class: "th", role: "columnheader" }, button) };
  });
  const rows = h("div", { class: "rows", role: "rowgroup" });
  const table = h("div", { class: "table", role: "table", "aria-label": "Stories", id: "stories" },
    h("div", { class: "tr th-row", role: "row" }, ...heads.map((head) => head.el)), rows);
  const none = empty("", "");
  el.append(h("div", { class: "toolbar is-sticky" }, h("h1", { class: "toolbar-title" }, "Stories"), search.el, epic.el, status.el, clear, sum), table, none.el);
  const draw = windowed(rows, actions.changed, storyRow);

  let params = new URLSearchParams();
  function sortBy(/** @type {string} */ key) {
    const now = params.get("sort") ?? "";
    actions.refine({ sort: now === key ? `-${key}` : now === `-${key}` ? null : key });
  }

  let made = "";
  /** @type {Story[]} */
  let list = [];
  /** @type {any} */
  let of;

  return (app) => {
    const { model, loaded, route } = app;
    params = route.params;
    const [q, inEpic, word, cls, sort] = ["q", "epic", "status", "class", "sort"].map((key) => params.get(key) ?? "");
    search.update(q);
    const signature = JSON.stringify([model.revision, q, inEpic, word, cls, sort]);
    if (made !== signature || of !== model) {
      made = signature;
      of = model;
      list = select(model.stories, q, inEpic, word, cls, sort);
      const words = [...new Set(model.stories.map((story) => story.status))].sort(names.compare);
      epic.update([{ value: "", label: "All epics" }, ...model.epics.map((one) => ({ value: one.epic_id, label: one.title ? `${one.epic_id} · ${one.title}` : epicTitle(one) }))], inEpic);
      const present = CLASSES.filter((one) => model.stories.some((story) => story.status_class === one));
      status.update([{ value: "", label: "Any status" }, ...present.map((one) => ({ value: `=${one}`, label: `all ${classWord(one)}` })), ...words.filter((one) => !CLASSES.includes(one)).map((one) => ({ value: one, label: one }))], cls ? `=${cls}` : CLASSES.includes(word) ? `=${word}` : word);
    }
    for (const head of heads) attribute(head.el, "aria-sort", head.key && sort === head.key ? "ascending" : head.key && sort === `-${head.key}` ? "descending" : null);
    attribute(table, "aria-rowcount", list.length);
    const filtered = !!(q || inEpic || word || cls);
    show(clear, filtered);
    text(sum, filtered ? `${list.length} of ${plural(model.stories.length, "story", "stories")}` : plural(list.length, "story", "stories"));
    show(table, list.length > 0);
    show(none.el, loaded && !list.length);
    none.update(filtered ? "No story fits" : "No stories", filtered ? "Try fewer words, or clear the filters." : "Keys such as 1-1-first-story in sprint-status.yaml become stories.");
    draw(list, (story) => story.story_key, app);
  };
}

/** @param {Story[]} stories @param {string} q @param {string} epic @param {string} word @param {string} cls @param {string} sort */
function select(stories, q, epic, word, cls, sort) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = stories.filter((story) => (!epic || story.epic_id === epic) && (!word || story.status === word) && (!cls || story.status_class === cls)
    && words.every((one) => `${story.story_key}\n${story.title ?? ""}\n${story.status}`.toLowerCase().includes(one)));
  const key = sort.replace(/^-/, "");
  if (!Object.hasOwn(ORDERS, key)) return found;
  const sign = sort.startsWith("-") ? -1 : 1;
  return found.sort((a, b) => sign * ORDERS[key](a, b));
}
