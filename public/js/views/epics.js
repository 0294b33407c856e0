/** The board of epics: a column for each status, a card for each epic with a bar of its stories. It never reorders under the pointer. */
import { announce } from "../beacon.js";
import { columnOf, columnsOf, settle, sumOf } from "../epic-board.js";
import { ago, count, epicTitle, exact, plural, span, storyTitle, timer, took } from "../format.js";
import { sign, statusIcon } from "../icons.js";
import { choice, empty, searchField, segments, statusBadge } from "../parts.js";
import { keep, recall } from "../prefs.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address, here, refine } from "../router.js";
import { busyOf, NO_EPIC } from "../stories-select.js";

const LISTED = 200;
const LOOSE = { epic_id: null, epic_key: NO_EPIC, title: "Stories without an epic", status: null, status_class: null, retrospective: null };
/** A finger that has just scrolled may still mean what it touched. */
const TOUCH_MS = 3000;
const HOVERS = matchMedia("(hover: hover)");

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const search = searchField("Search epics", (q) => actions.refine({ q }));
  const filter = choice("Epic status", (value) => actions.refine({ status: value, open: null }));
  const clear = h("button", { class: "button is-quiet", type: "button", on: { click: () => { actions.refine({ q: null, status: null }); search.el.value = ""; search.el.focus(); } } }, "Clear filters");
  const sum = h("span", { class: "toolbar-note" });
  const sort = h("button", { class: "button is-quiet", type: "button", on: { click: () => { now = true; actions.changed(); } } });
  const board = h("div", { class: "board", id: "board" });
  const loading = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const none = empty("", "");
  el.append(h("div", { class: "toolbar" }, h("h1", { class: "toolbar-title" }, "Epics"), search.el, filter.el, clear, sort, sum), loading, board, none.el);

  /** @type {import("../epic-board.js").Column[]|null} */
  let shown = null;
  /** @type {any} */ let of;
  let filters = "-";
  let now = false;
  let touched = 0;
  board.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => { if (event.pointerType === "touch") touched = Date.now(); });
  board.addEventListener("pointerleave", actions.changed);
  board.addEventListener("focusout", () => setTimeout(actions.changed));
  const isHeld = () => (HOVERS.matches && board.matches(":hover")) || board.contains(document.activeElement) || Date.now() - touched < TOUCH_MS;

  /** @type {Record<string, boolean>} what the reader opened and closed */
  const opened = recall("epics.open", {});
  /** @param {string} key @param {boolean} isOpen */
  function remember(key, isOpen) {
    opened[key] = isOpen;
    keep("epics.open", opened);
    actions.changed();
  }

  return (app) => {
    const { model, sums, route, loaded } = app;
    const wish = { q: route.params.get("q") ?? "", status: route.params.get("status") ?? "" };
    search.update(wish.q);
    const words = [...new Set(model.epics.map((epic) => epic.status).filter((one) => one !== null))];
    if (wish.status && !words.includes(wish.status)) words.push(wish.status);
    filter.update([{ value: "", label: "Any status" }, ...words.map((one) => ({ value: /** @type {string} */ (one), label: /** @type {string} */ (one) }))], wish.status);
    const terms = wish.q.toLowerCase().split(/\s+/).filter(Boolean);
    const all = sums.storiesOf.has(null) ? [...model.epics, /** @type {any} */ (LOOSE)] : model.epics;
    const fits = all.filter((epic) => (!wish.status || epic.status === wish.status) && terms.every((term) => `${epic.epic_key}\n${epic.title ?? ""}\n${epic.status ?? ""}`.toLowerCase().includes(term)));
    const wanted = columnsOf(fits).filter((column) => column.keys.length || !(terms.length || wish.status));

    if (of !== model) { of = model; shown = null; }
    const asked = JSON.stringify(wish);
    const { columns, moved } = settle(shown, wanted, !now && filters === asked && isHeld());
    if (filters !== asked && loaded) {
      if (filters !== "-") announce(plural(fits.length, "epic"));
      filters = asked;
    }
    shown = loaded ? columns : null;
    now = false;
    show(sort, moved > 0);
    text(sort, `${plural(moved, "card")} moved – sort now`);

    const byKey = new Map(all.map((epic) => [epic.epic_key, epic]));
    const active = new Set(model.active.map((one) => one.story_key));
    keyed(board, loaded && fits.length ? columns : [], ({ id }) => id, lane, { app, byKey, active, opened, remember });
    show(loading, !loaded);
    show(clear, !!(wish.q || wish.status));
    text(sum, loaded ? `${sums.counts.epics_done} of ${plural(sums.counts.epics, "epic")} done` : "");
    show(none.el, loaded && !fits.length);
    if (all.length) none.update("No epic fits", "Try fewer words, or clear the filters.");
    else none.update("No epics", "Keys such as epic-1 in sprint-status.yaml become epics.");
  };
}

/**
 * @typedef {{app: import("../main.js").App, byKey: Map<string, any>, active: Set<string>, opened: Record<string, boolean>, remember: (key: string, isOpen: boolean) => void}} Scene
 * @param {import("../epic-board.js").Column} first
 */
function lane(first) {
  const title = h("h2", { class: "lane-title", id: `lane-${first.id}` });
  const n = h("span", { class: "lane-count" });
  const cards = h("ul", { class: "cards" });
  const none = h("p", { class: "lane-none" }, "None");
  const el = h("section", { class: "lane", "aria-labelledby": `lane-${first.id}`, "data-lane": first.id },
    h("div", { class: "lane-head" }, statusIcon(first.id === "none" ? null : first.id), title, n), cards, none);
  return {
    el,
    /** @param {import("../epic-board.js").Column} column @param {Scene} scene */
    update({ label, keys }, scene) {
      text(title, label);
      text(n, count(keys.length));
      attribute(el, "data-empty", !keys.length);
      show(none, !keys.length);
      keyed(cards, keys.flatMap((key) => scene.byKey.get(key) ?? []), (epic) => epic.epic_key, (epic) => epicCard(epic, scene), scene);
    },
  };
}

/** @param {any} first @param {Scene} scene */
function epicCard(first, { opened, remember }) {
  const id = h("span", { class: "mono epic-id" });
  const title = h("h3", { class: "card-title" });
  const badge = statusBadge();
  const bar = segments();
  const sum = h("span", { class: "card-sum" });
  const work = h("span", { class: "card-work" });
  const failures = h("span", { class: "card-failures" });
  const waits = h("span", { class: "card-waits" });
  const retro = statusBadge();
  const retroLine = h("span", { class: "card-retro" }, "retrospective ", retro.el);
  const stories = h("ul", { class: "card-stories" });
  const more = h("a", { class: "heading-link" });
  const details = h("details", { class: "card" },
    h("summary", { class: "card-head" },
      h("span", { class: "card-top" }, sign("open"), id, waits, badge.el), title, bar.el, h("span", { class: "card-foot" }, sum, work, failures, retroLine)),
    stories, more);
  const el = h("li", { "data-row": true, "data-epic": first.epic_key }, details);
  // What is under way is open from the start; after that it is the reader's.
  details.open = Object.hasOwn(opened, first.epic_key) ? opened[first.epic_key] : first.status_class === "in-progress";
  let isOpen = details.open;
  details.addEventListener("toggle", () => {
    if (details.open === isOpen) return;
    isOpen = details.open;
    remember(first.epic_key, isOpen);
  });

  return {
    el,
    /** @param {import("../model.js").Epic} epic @param {Scene} scene */
    update(epic, { app: { model, sums, route, now, liveNow }, active }) {
      const own = sums.storiesOf.get(epic.epic_id) ?? [];
      if (route.params.get("open") === epic.epic_id) {
        details.open = true;
        requestAnimationFrame(() => {
          el.scrollIntoView({ block: "nearest" });
          refine({ open: null });
        });
      }
      text(id, epic.epic_id === null ? "" : epic.epic_key);
      show(id, epic.epic_id !== null);
      text(title, epicTitle(epic));
      badge.update(epic.status, epic.status_class);
      // A card that waits for its place stands under another heading than its word.
      const stands = /** @type {HTMLElement|null} */ (el.closest("[data-lane]"))?.dataset.lane ?? columnOf(epic);
      show(waits, stands !== columnOf(epic));
      // Under its own heading the plain word says nothing more.
      show(badge.el, epic.status !== null && (epic.status !== stands || stands === "other"));
      text(waits, "moved");
      bar.update(own.map((story) => story.status_class));
      const all = sumOf(own, model.work, (one) => busyOf(one, liveNow));
      text(sum, own.length ? `${count(all.done)} of ${plural(own.length, "story", "stories")} done` : "no stories");
      const goes = own.some((story) => (model.work?.get(story.story_key)?.busy_since ?? null) !== null);
      text(work, all.busy_ms ? (goes ? timer(all.busy_ms) : all.busy_ms < 3_600_000 ? took(all.busy_ms) : span(all.busy_ms)) : "");
      attribute(work, "title", all.busy_ms ? `worked on its stories${all.last_at ? `; last sign ${ago(all.last_at, now)}, ${exact(all.last_at)}` : ""}` : null);
      attribute(work, "data-live", goes);
      text(failures, all.failures ? `✕ ${count(all.failures)}` : "");
      attribute(failures, "title", all.failures ? plural(all.failures, "failed command") : null);
      show(retroLine, epic.retrospective !== null);
      if (epic.retrospective !== null) retro.update(epic.retrospective, epic.retrospective === "done" || epic.retrospective === "completed" ? "done" : "optional");
      attribute(details, "data-active", own.some((story) => active.has(story.story_key)));
      if (!details.open) return;
      keyed(stories, own.slice(0, LISTED), (story) => story.story_key, storyLine, { active, model, chosen: route.params.get("detail") });
      show(more, own.length > 0);
      text(more, own.length > LISTED ? `All ${count(own.length)} in the table` : "In the table");
      attribute(more, "href", address("stories", { epic: epic.epic_id ?? NO_EPIC }));
    },
  };
}

function storyLine() {
  const id = h("span", { class: "mono story-id" });
  const title = h("span", { class: "story-title" });
  const word = h("span", { class: "story-word" });
  const link = h("a", { class: "story-line" }, id, title, word);
  let drawn = "";
  return {
    el: h("li", { "data-row": true }, link),
    /** @param {import("../model.js").Story} story @param {{active: Set<string>, model: import("../model.js").State, chosen: string|null}} scene */
    update(story, { active, model, chosen }) {
      if (drawn !== story.status_class) {
        drawn = story.status_class;
        if (link.firstChild !== id) link.firstChild.remove();
        link.prepend(statusIcon(drawn));
      }
      const work = model.work?.get(story.story_key);
      text(id, story.story_id === story.story_key ? "" : story.story_id);
      text(title, storyTitle(story));
      text(word, [work?.failures ? `✕ ${work.failures}` : "", story.status].filter(Boolean).join(" · "));
      attribute(link, "href", here({ detail: story.story_key }));
      attribute(link, "data-story", story.story_key);
      attribute(link, "title", story.story_key);
      attribute(link, "data-active", active.has(story.story_key));
      attribute(link, "data-chosen", chosen === story.story_key);
    },
  };
}
