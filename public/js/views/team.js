/**
 * Many projects, or those of a team: a table, what waits for a person first. Only the rows in sight exist, so that a
 * thousand are as light as ten. Nothing changes its place while somebody points at a row or has chosen one.
 */
import { count } from "../format.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { costOf, filtered, needsOf, ordered, sinceOf, stateOf, totalsOf, whereOf, workOf } from "../projects-words.js";

/** @typedef {import("../projects-poll.js").Project} Project @typedef {import("./projects.js").Sight} Sight */

/** More than this are found by typing. */
const FEW = 8;
const SPARE = 8;
const COLUMNS = ["Project", "State", "Batch", "Agents", "Stories", "Cost"];

/** @param {HTMLElement} el @returns {(sight: Sight) => void} */
export function mount(el) {
  const totals = h("dl", { class: "team-totals" });
  const input = h("input", { class: "team-filter", type: "search", placeholder: "Filter: name, host, state…", "aria-label": "Filter the projects", autocomplete: "off", spellcheck: "false", value: typed() });
  const found = h("span", { class: "team-found", role: "status" });
  const tools = h("div", { class: "team-tools" }, input, found, h("span", { class: "team-keys", "aria-hidden": "true" }, h("kbd", {}, "/"), " filter ", h("kbd", {}, "j"), " ", h("kbd", {}, "k"), " move ", h("kbd", {}, "Enter"), " open"));
  const where = h("span", { role: "columnheader" }, "Host");
  const heads = COLUMNS.map((name) => h("span", { role: "columnheader" }, name));
  heads.splice(1, 0, where);
  const list = h("div", { class: "team-rows", role: "rowgroup" });
  const head = h("div", { class: "team-row team-head", role: "row", "aria-rowindex": 1 }, ...heads);
  const table = h("div", { class: "team-table", role: "table", "aria-label": "Projects" }, h("div", { role: "rowgroup" }, head), list);
  const none = h("p", { class: "empty", hidden: true });
  el.append(totals, tools, table, none);

  /** @type {Sight|null} */ let sight = null;
  /** @type {Project[]} */ let rows = [];
  /** @type {Project[]} */ let all = [];
  /** What the rows were made of. @type {any[]} */ let made = [];
  /** @type {string[]} the order that is kept while somebody is at it */ let kept = [];
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  input.addEventListener("input", () => {
    history.replaceState(null, "", input.value ? `#${new URLSearchParams({ q: input.value })}` : location.pathname + location.search);
    soon();
  });
  addEventListener("hashchange", () => { input.value = typed(); soon(); });
  addEventListener("keydown", press);

  const inHand = () => list.contains(document.activeElement) || list.matches(":hover");

  /** In their order; while somebody is at it, in the one they have. @param {Project[]} all */
  function sorted(all) {
    const fresh = ordered(all);
    if (kept.length && inHand()) {
      const place = new Map(kept.map((path, i) => [path, i]));
      fresh.sort((a, b) => (place.get(a.path) ?? Infinity) - (place.get(b.path) ?? Infinity) || 0);
    }
    kept = fresh.map((one) => one.path);
    return fresh;
  }

  /** Which rows there are: only when that can have changed, not with each scroll. @param {Sight} sight */
  function refresh({ known: { projects, live } }) {
    const asked = [projects, live, input.value];
    if (asked.every((one, i) => one === made[i])) return;
    made = asked;
    all = sorted(projects ?? []);
    rows = filtered(all, input.value);
    keyed(totals, totalsOf(all, live), ([name]) => name, total);
    show(tools, all.length > FEW);
    show(table, rows.length > 0);
    show(none, !rows.length && all.length > 0);
    text(none, `No project fits “${input.value}”.`);
    text(found, input.value ? `${count(rows.length)} of ${count(all.length)}` : "");
    text(where, all.some((one) => one.server) ? "Host" : "Folder");
    attribute(table, "aria-rowcount", rows.length + 1);
  }

  function draw() {
    if (!sight || el.hidden) return;
    refresh(sight);
    const height = Number.parseFloat(getComputedStyle(list).getPropertyValue("--team-row")) || 60;
    const top = -list.getBoundingClientRect().top;
    const focus = rows.findIndex((one) => one.path === chosen());
    let first = Math.max(0, Math.min(rows.length, Math.floor(top / height) - SPARE));
    let last = Math.max(first, Math.min(rows.length, Math.ceil((top + innerHeight) / height) + SPARE));
    // The row that has the focus stays, wherever one has scrolled to.
    if (focus >= 0 && focus < first && first - focus < 200) first = focus;
    if (focus >= last && focus - last < 200) last = focus + 1;
    keyed(list, rows.slice(first, last), (one) => one.path, row, sight);
    let index = first + 1;
    for (const one of list.children) attribute(one, "aria-rowindex", (index += 1));
    list.style.setProperty("padding-top", `${first * height}px`);
    list.style.setProperty("padding-bottom", `${(rows.length - last) * height}px`);
  }

  /** The path of the row that has the focus. */
  const chosen = () => (list.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null);

  /** @param {number} index */
  function go(index) {
    const at = Math.max(0, Math.min(rows.length - 1, index));
    if (!rows[at]) return;
    const height = Number.parseFloat(getComputedStyle(list).getPropertyValue("--team-row")) || 60;
    const y = list.getBoundingClientRect().top + at * height;
    const under = head.offsetParent ? head.getBoundingClientRect().height + head.getBoundingClientRect().top : 0;
    if (y < Math.max(0, under)) scrollBy(0, y - Math.max(0, under));
    else if (y + height > innerHeight) scrollBy(0, y + height - innerHeight + 8);
    draw();
    const link = [.../** @type {any} */ (list.querySelectorAll(".team-link"))].find((one) => one.getAttribute("href") === rows[at].path);
    link?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (el.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = document.activeElement === input;
    if (typing && event.key === "Escape") {
      if (input.value) { input.value = ""; input.dispatchEvent(new Event("input")); } else input.blur();
      return event.preventDefault();
    }
    const at = rows.findIndex((one) => one.path === chosen());
    const page = Math.max(1, Math.floor(innerHeight / 80));
    /** @type {Record<string, number>} */
    const steps = typing ? { ArrowDown: 0 } : { j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1 };
    if (at >= 0) Object.assign(steps, { Home: 0, End: rows.length - 1, PageDown: at + page, PageUp: at - page });
    // Without a row in hand the arrows scroll, as everywhere.
    if (Object.hasOwn(steps, event.key) && (typing || at >= 0 || event.key === "j" || event.key === "k")) {
      event.preventDefault();
      if (event.key === "ArrowUp" && at === 0 && !tools.hidden) return input.focus();
      return go(steps[event.key]);
    }
    if (!typing && event.key === "/" && !tools.hidden) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  }

  return (now) => {
    sight = now;
    draw();
  };
}

/** What stands in the address. */
const typed = () => new URLSearchParams(location.hash.slice(1)).get("q") ?? "";

/** @param {[string, string]} first */
function total([name]) {
  const value = h("dd");
  const el = h("div", {}, h("dt", {}, name), value);
  return { el, update(/** @type {[string, string]} */ [, words]) {
    text(value, words);
    attribute(el, "data-tone", words !== "0" && (name === "Need you" || name === "Unreachable") ? "bad" : words !== "0" && name === "Running" ? "live" : null);
  } };
}

/** @param {Project} first its name and place never change */
function row({ name, path, folder }) {
  const branch = h("span", { class: "team-branch mono" });
  const needs = h("span", { class: "team-needs" });
  const where = h("span", { class: "team-where", role: "cell" });
  const word = h("span");
  const pill = h("span", { class: "state" }, h("i", { class: "state-dot" }), word);
  const since = h("span", { class: "team-small" });
  const batch = h("span", { class: "team-line" });
  const work = h("span", { class: "team-small team-line" });
  const agents = h("span", { class: "team-agents", role: "cell" });
  const done = h("i", { class: "all-done" });
  const bar = h("span", { class: "all-bar", "aria-hidden": "true" }, done);
  const progress = h("span", { class: "team-progress" });
  const cost = h("span", { class: "team-line" });
  const tokens = h("span", { class: "team-small team-line" });
  const el = h("div", { class: "team-row", role: "row" },
    h("span", { class: "team-name", role: "cell" }, h("span", { class: "team-line" }, h("a", { class: "team-link", href: path || "./" }, name ?? folder), branch), needs),
    where,
    h("span", { class: "team-state", role: "cell" }, pill, since),
    h("span", { class: "team-batch", role: "cell" }, batch, work),
    agents,
    h("span", { class: "team-stories", role: "cell" }, progress, bar),
    h("span", { class: "team-cost", role: "cell" }, cost, tokens));
  return { el, update(/** @type {Project} */ one, /** @type {Sight} */ { known: { live }, now }) {
    const said = stateOf(one, live, now);
    const { first, second, old } = workOf(one, live);
    const wants = needsOf(one);
    attribute(el, "data-stale", !live || one.state === "unreachable");
    text(branch, one.branch);
    show(branch, !!one.branch);
    text(where, whereOf(one));
    attribute(where, "title", whereOf(one));
    attribute(pill, "data-kind", said.kind);
    attribute(pill, "title", said.detail);
    text(word, said.word);
    text(since, live ? sinceOf(one, now) : "");
    text(needs, wants.map((need) => need.text).join(" · "));
    attribute(needs, "title", wants.length ? wants.map((need) => need.text).join("\n") : null);
    attribute(needs, "data-tone", wants[0]?.tone);
    text(batch, first);
    attribute(batch, "title", first);
    text(work, second);
    attribute(work, "title", second);
    attribute(el, "data-old", old);
    text(agents, live && one.state !== "unreachable" && one.agents ? count(one.agents) : "–");
    attribute(agents, "data-none", !(live && one.agents));
    const { total: all, done: finished } = one.stories;
    done.style.setProperty("width", `${all ? (100 * finished) / all : 0}%`);
    show(bar, all > 0);
    text(progress, all ? `${count(finished)} / ${count(all)}` : "none");
    const [dollars, used] = [costOf({ ...one, input_tokens: null, output_tokens: null }), costOf({ ...one, cost_usd: null })];
    text(cost, dollars || used);
    text(tokens, dollars ? used : "");
  } };
}
