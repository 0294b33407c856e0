/**
 * The project switcher in the header: where the project's name stands, a button that lists the others. Only where
 * the server has several; fetched once the page stands. The view that is shown is the one that the other opens with.
 */
import { place } from "../place.js";
import { watchProjects } from "../projects-poll.js";
import { isNeedy, stateOf } from "../projects-words.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { route } from "../router.js";
import { base, get, serverNow } from "../api.js";

/** @param {HTMLElement} header @returns {Promise<() => void>} opens it */
export async function mount(header) {
  // A proxy may have put a server of one project at such an address: then there is nothing to switch.
  const { projects } = await get("api/projects");
  if (!projects.some((/** @type {any} */ one) => one.name === place.name)) return () => {};
  const brand = /** @type {HTMLElement} */ (header.querySelector(".brand"));
  const own = h("span", { class: "switch-own" }, place.name);
  const list = h("ul", { class: "switch-list" });
  const lost = h("p", { class: "switch-lost", hidden: true }, "The server is not reached just now.");
  const all = h("a", { class: "switch-link switch-all", href: `${place.root}projects` }, "All projects");
  const menu = h("div", { class: "switch", id: "switch", popover: "auto", role: "group", "aria-label": "Projects" }, all, lost, list);
  const button = h("button", { class: "brand switch-button", type: "button", popovertarget: "switch", title: "Switch the project (p)" }, ...brand.childNodes, own, h("i", { class: "switch-mark" }));
  brand.replaceWith(button, menu);
  // Most projects call themselves what the server calls them: once is enough.
  const called = /** @type {HTMLElement} */ (button.querySelector(".brand-name"));
  const compare = () => attribute(button, "data-same", called.textContent?.toLowerCase() === place.name?.toLowerCase());
  new MutationObserver(compare).observe(called, { childList: true, characterData: true, subtree: true });
  compare();

  /** @type {(() => void)|null} */
  let stop = null;
  let fresh = false;
  menu.addEventListener("toggle", (/** @type {any} */ { newState }) => {
    stop?.();
    stop = null;
    if (newState !== "open") return;
    fresh = true;
    stop = watchProjects(base, (known) => {
      show(lost, known.lostAt !== null);
      keyed(list, known.projects ?? [], (one) => String(one.name), link, known);
      // Who opens it by keyboard goes on from here.
      if (fresh && known.projects && (document.activeElement === button || document.activeElement === document.body)) /** @type {HTMLElement|null} */ (menu.querySelector("[aria-current]"))?.focus();
      fresh = false;
    });
  });
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const links = [.../** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("a"))];
    links[(links.indexOf(/** @type {any} */ (document.activeElement)) + step + links.length) % links.length].focus();
  });
  return () => {
    button.focus();
    menu.togglePopover();
  };
}

/** @param {import("../projects-poll.js").Project} first */
function link({ name }) {
  const dot = h("i", { class: "state-dot" });
  const word = h("span", { class: "switch-word" });
  const needs = h("span", { class: "switch-needs" }, "needs you");
  const branch = h("span", { class: "switch-branch mono" });
  const el = h("a", { class: "switch-link", "aria-current": name === place.name && "page" }, h("span", { class: "switch-name" }, name), branch, needs, h("span", { class: "switch-state state" }, dot, word));
  return { el: h("li", {}, el), update(/** @type {import("../projects-poll.js").Project} */ one, /** @type {import("../projects-poll.js").Known} */ { live }) {
    const said = stateOf(one, live, serverNow());
    attribute(el, "href", `${place.root}${one.path}#${route().view}`);
    attribute(el.lastElementChild, "data-kind", said.kind);
    text(word, said.word);
    text(branch, one.branch);
    attribute(branch, "title", one.branch);
    show(branch, !!one.branch && one.branch !== name);
    show(needs, live && isNeedy(one));
  } };
}
