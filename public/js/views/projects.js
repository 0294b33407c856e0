/** All projects of the server: what each is up to, what it needs, and the way in. */
import { count, span, timer } from "../format.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { mount as team } from "./team.js";
import { batchOf, costOf, needsOf, signOf, stateOf, sumOf } from "../projects-words.js";

/** @typedef {import("../projects-poll.js").Known} Known @typedef {import("../projects-poll.js").Project} Project */
/** @typedef {{known: Known, now: number}} Sight */

/** More are a table. */
const CARDS = 8;

/** @param {HTMLElement} el @returns {(sight: Sight) => void} */
export function mount(el) {
  const sum = h("p", { class: "all-sum" });
  const lost = h("p", { class: "all-lost", role: "status", hidden: true });
  const list = h("ul", { class: "all-list" });
  const waiting = h("p", { class: "empty" }, "Asking the server for its projects…");
  const many = h("section", { class: "team", hidden: true, "aria-label": "All projects" });
  const title = h("h1", {}, "Projects");
  el.append(h("div", { class: "all-head" }, title, sum), lost, waiting, list, many);
  const drawMany = team(many);
  return (sight) => {
    const { known: { projects, live, lostAt, why }, now } = sight;
    text(sum, sumOf(projects, live).words);
    show(waiting, !projects && !lostAt);
    show(lost, lostAt !== null);
    if (lostAt !== null) text(lost, why === "signed-out" ? "This browser is signed out. Open the page with the token that the server printed." : `The server has not been reached for ${span(Math.max(1000, now - lostAt))}.${projects ? " What you see is what was last known." : ""}`);
    const isTeam = !!projects?.some((one) => one.server);
    const table = isTeam || (projects?.length ?? 0) > CARDS;
    text(title, isTeam ? "Team" : "Projects");
    show(list, !table);
    show(many, table);
    show(sum, !table);
    attribute(el, "data-many", table);
    keyed(list, table ? [] : projects ?? [], (one) => one.path, card, sight);
    drawMany(sight);
  };
}

/** @param {Project} first its name and place never change */
function card({ name, path, folder }) {
  const title = h("span", { class: "all-title" });
  const word = h("span", {});
  const state = h("span", { class: "state" }, h("i", { class: "state-dot" }), word);
  const branch = h("span", { class: "all-branch mono" });
  const done = h("i", { class: "all-done" });
  const bar = h("div", { class: "all-bar", "aria-hidden": "true" }, done);
  const progress = h("span", { class: "all-progress" });
  const works = h("ul", { class: "all-works" });
  const batch = h("p", { class: "all-batch" });
  const needs = h("ul", { class: "all-needs" });
  const sign = h("span", {});
  const cost = h("span", {});
  const stories = h("div", { class: "all-stories" }, bar, progress);
  const foot = h("p", { class: "all-foot" }, sign, cost);
  const el = h("li", { class: "all-card" },
    h("div", { class: "all-top" }, h("h2", {}, h("a", { class: "all-link", href: path || "./" }, name ?? folder)), state),
    h("p", { class: "all-where" }, title, branch, h("span", { class: "all-folder mono" }, folder)),
    stories, batch, works, needs, foot);
  return { el, update(/** @type {Project} */ one, /** @type {Sight} */ { known: { live }, now }) {
    const said = stateOf(one, live, now);
    const alive = live && one.state !== "down";
    attribute(el, "data-stale", !live);
    attribute(state, "data-kind", said.kind);
    text(word, said.word);
    attribute(state, "title", said.detail || null);
    show(title, !!one.project && one.project !== name);
    text(title, one.project);
    show(stories, one.state !== "down");
    show(foot, one.state !== "down");
    text(branch, one.branch);
    attribute(branch, "title", one.branch);
    show(branch, !!one.branch);
    const { total, done: finished } = one.stories;
    show(bar, total > 0);
    done.style.setProperty("width", `${total ? (100 * finished) / total : 0}%`);
    text(progress, total ? `${count(finished)} of ${count(total)} done` : "no stories");
    show(batch, alive && !!one.batch);
    text(batch, batchOf(one));
    show(works, alive && one.active.length > 0);
    keyed(works, alive ? one.active : [], (work) => `${work.story_key} ${work.command} ${work.started_at}`, () => worked(path), now);
    const all = needsOf(one);
    show(needs, all.length > 0);
    keyed(needs, all, (need) => need.text, (need) => needed(path, need));
    text(sign, signOf(one, now));
    text(cost, costOf(one));
  } };
}

/** @param {string} path */
function worked(path) {
  const id = h("span", { class: "all-story" });
  const command = h("span", {});
  const time = h("span", { class: "all-time" });
  return { el: h("li", {}, h("a", { class: "all-inner", href: `${path}#run` }, id, command, time)), update(/** @type {Project["active"][0]} */ work, /** @type {number} */ now) {
    text(id, work.story_id || work.story_key);
    text(command, work.command);
    text(time, timer(now - work.started_at));
  } };
}

/** @param {string} path @param {import("../projects-words.js").Need} need */
function needed(path, { tone, text: words, view }) {
  const inner = view ? h("a", { class: "all-inner", href: `${path}#${view}` }, words) : words;
  return { el: h("li", { "data-tone": tone }, inner), update() {} };
}
