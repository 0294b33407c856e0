/**
 * The panel of one story, beside any view: opened by the address, closed with Esc. On a wide page a sheet beside the view, on a phone a dialog.
 */
import { announce } from "../beacon.js";
import { storyTitle } from "../format.js";
import { sign } from "../icons.js";
import { teach } from "../keys.js";
import { statusBadge } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { address, here, route } from "../router.js";
import { createDetail, keyOf } from "../story-detail.js";
import { select, unlisted } from "../stories-select.js";
import { sections } from "./detail-sections.js";

const PHONE = matchMedia("(max-width: 719px)");

teach("Story panel", [[["["], "the story before"], [["]"], "the next story"], [["Esc"], "close it, back to where one was"]]);

export const store = createDetail;

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const id = h("span", { class: "mono detail-id" });
  const before = h("a", { class: "icon-button", role: "link", "aria-label": "Previous story", title: "Previous story ([)" }, sign("up"));
  const after = h("a", { class: "icon-button", role: "link", "aria-label": "Next story", title: "Next story (])" }, sign("older"));
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Close the story", title: "Close (Esc)", on: { click: shut } }, sign("close"));
  const title = h("h2", { class: "detail-title", tabindex: -1, id: "detail-title" });
  const badge = statusBadge();
  const epic = h("a", { class: "detail-epic" });
  const inPast = h("span", { class: "detail-past" });
  const body = sections(actions);
  el.append(
    h("div", { class: "detail-bar" }, id, h("span", { class: "detail-turns" }, before, after), close),
    h("div", { class: "detail-head" }, title, h("p", { class: "detail-line" }, badge.el, epic, inPast)), body.el);
  attribute(el, "aria-labelledby", "detail-title");
  el.removeAttribute("aria-label");
  addEventListener("keydown", pressed);
  PHONE.addEventListener("change", actions.changed);

  /** @type {string|null} */
  let key = null;
  /** @type {HTMLElement|null} where the reader was */
  let opener = null;
  let started = false;
  let modal = false;
  /** @type {any} */ let last = null;

  function shut() {
    actions.refine({ detail: null });
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!key || event.defaultPrevented || ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) || document.querySelector("dialog[open], :popover-open")) return;
    if (event.key === "Escape" && !target.matches("input, select, textarea")) shut();
    else if (modal && event.key === "Tab") keepInside(event);
    else if ((event.key === "[" || event.key === "]") && !target.matches("input, select, textarea")) go(event.key === "]" ? 1 : -1);
    else return;
    if (event.key !== "Tab") event.preventDefault();
  }

  /** A dialog keeps the focus. @param {KeyboardEvent} event */
  function keepInside(event) {
    const all = /** @type {HTMLElement[]} */ ([...el.querySelectorAll("a[href], button, summary, [tabindex='0']")].filter((one) => /** @type {HTMLElement} */ (one).offsetParent));
    const [first, end] = [all[0], all[all.length - 1]];
    const inside = el.contains(document.activeElement);
    if (!inside || (event.shiftKey ? document.activeElement === first : document.activeElement === end)) {
      event.preventDefault();
      (event.shiftKey ? end : first)?.focus();
    }
  }

  /** The stories in the order they stand before the reader. @param {string|null} from */
  function neighbours(from) {
    const { model, route: shown, now } = last;
    const choice = shown.view === "stories" ? Object.fromEntries(["q", "epic", "status", "class", "sort"].map((name) => [name, shown.params.get(name) ?? ""])) : {};
    const keys = select([...model.stories, ...unlisted(model)], choice, model.work, now).map(({ story_key }) => story_key);
    const at = keys.indexOf(from ?? "");
    return { before: at > 0 ? keys[at - 1] : null, after: at >= 0 && at < keys.length - 1 ? keys[at + 1] : at < 0 ? keys[0] ?? null : null };
  }

  /** @param {1|-1} step */
  function go(step) {
    // By the address, not by what is drawn: keys may come faster than frames.
    const to = neighbours(keyOf(route().params.get("detail"), last.model))[step > 0 ? "after" : "before"];
    if (to === null) return announce(step > 0 ? "This is the last story" : "This is the first story");
    actions.refine({ detail: to });
  }

  /** @param {string|null} next */
  function turn(next) {
    const was = key;
    key = next;
    if (next === null) {
      release();
      const inside = el.contains(document.activeElement) || document.activeElement === document.body;
      const link = opener?.isConnected && opener.offsetParent ? opener : was === null ? null : /** @type {HTMLElement|null} */ (document.querySelector(`.view:not([hidden]) [data-story="${CSS.escape(was)}"]`));
      if (inside) (link ?? document.getElementById("main"))?.focus();
      opener = null;
      return;
    }
    const active = /** @type {HTMLElement} */ (document.activeElement);
    const within = el.contains(active);
    if (!within && active !== document.body) opener = active;
    el.scrollTop = 0;
    // A page that was just opened with a story does not take the focus from its reader.
    const mine = active !== document.body || (started && was === null);
    requestAnimationFrame(() => { if (mine && key === next && !(within && document.activeElement !== document.body && el.contains(document.activeElement))) title.focus({ preventScroll: true }); });
  }

  /** On a phone the page behind is out of reach. */
  function frame() {
    const wanted = key !== null && PHONE.matches;
    if (wanted === modal) return;
    modal = wanted;
    attribute(el, "role", modal ? "dialog" : null);
    attribute(el, "aria-modal", modal ? "true" : null);
    for (const name of ["header", "main", "time"]) attribute(document.getElementById(name) ?? el, "inert", modal);
  }
  function release() {
    if (modal) for (const name of ["header", "main", "time"]) document.getElementById(name)?.removeAttribute("inert");
    modal = false;
    attribute(el, "role", null);
    attribute(el, "aria-modal", null);
  }

  return (app) => {
    last = app;
    const { model, past, loaded } = app;
    const wanted = app.route.params.get("detail");
    const next = loaded ? keyOf(wanted, model) : wanted;
    show(el, !!next);
    if ((next ?? null) !== key) turn(next || null);
    frame();
    started = true;
    if (!key) return;

    const story = model.byKey.get(key) ?? null;
    text(id, story?.story_id ?? "");
    text(title, story ? storyTitle(story) : key);
    attribute(el, "data-key", key);
    const known = loaded;
    badge.update(story ? story.status : known ? "not in the status file" : "…", story ? story.status_class : null);
    const own = story?.epic_id ?? null;
    const about = own === null ? null : model.epics.find((one) => one.epic_id === own);
    show(epic, own !== null);
    text(epic, own === null ? "" : about?.title ? `Epic ${own} · ${about.title}` : `Epic ${own}`);
    attribute(epic, "href", own === null ? null : address("stories", { epic: own, detail: key }));
    show(inPast, !!past);
    text(inPast, "as it was then");
    const beside = neighbours(key);
    for (const [link, to] of /** @type {[any, string|null][]} */ ([[before, beside.before], [after, beside.after]])) {
      attribute(link, "href", to === null ? null : here({ detail: to }));
      attribute(link, "aria-disabled", to === null ? "true" : null);
    }
    body.update(app, key, story);
  };
}
