/** Keyboard shortcuts, and the dialog that lists them: both grow out of one table. */
import { place } from "./place.js";
import { h, show } from "./render.js";
import { address, VIEWS } from "./router.js";
import { ASIDE, fetchEntry, VIEWS as TABLE } from "./views.js";

/** How long a first letter waits for its second. */
const CHORD_MS = 3000;

/** Where `g` leads to. @type {Record<string, string>} */
export const CHORDS = { o: "overview", r: "run", t: "timeline", e: "epics", s: "stories", a: "activity", b: "batches", i: "insights", f: "issues", ",": "settings" };

/** @typedef {[keys: string[], does: string]} Row */
/** @type {Map<string, Row[]>} */
const taught = new Map();

/** A view's own keys, for the list: it listens itself. @param {string} view @param {Row[]} rows */
export function teach(view, rows) {
  taught.set(view, rows);
}

/** The keys that lead to a view, as one reads them. @param {string} view */
export const chordOf = (view) => {
  const key = Object.keys(CHORDS).find((one) => CHORDS[one] === view);
  return key ? `g ${key}` : "";
};

/** @returns {[title: string, rows: Row[]][]} */
function lists() {
  const digits = Math.min(9, VIEWS.length);
  /** @type {[string, Row[]][]} */
  const all = [
    ["Anywhere", [
      [["Ctrl", "K"], "command bar: go anywhere, do anything"],
      [["/"], "search in this view"],
      [["j", "k"], "next and previous row"],
      [["b"], "start or stop a batch"],
      [["t"], "look at the past, and back"],
      ...(place.name ? [/** @type {Row} */ ([["p"], "switch the project"])] : []),
      [["Esc"], "leave the field, close what is open"],
      [["?"], "this list"],
    ]],
    ["Go to", [...Object.entries(CHORDS).map(([key, view]) => /** @type {Row} */ ([["g", key], TABLE[view].label.toLowerCase()])), [["1", "…", String(digits)], "the views in their order"]]],
  ];
  for (const [view, rows] of taught) all.push([TABLE[view]?.label ?? view, rows]);
  return all;
}

const row = (/** @type {Element|null} */ el) => /** @type {HTMLElement|null} */ (el?.closest("[data-row]") ?? null);

/** @param {1|-1} step */
function move(step) {
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".view:not([hidden]) [data-row]"))].filter((one) => one.checkVisibility());
  const at = rows.indexOf(/** @type {any} */ (row(document.activeElement)));
  const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))];
  if (!next) return;
  /** @type {HTMLElement|null} */
  const inner = next.matches("a, button, summary, [tabindex]") ? next : next.querySelector("a, button, summary");
  if (!inner) next.tabIndex = -1;
  (inner ?? next).focus();
}

/** Is something being typed, chosen or moved here? @param {EventTarget|null} target */
const isField = (target) => target instanceof Element && target.matches("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), select, textarea, [contenteditable=''], [contenteditable=true]");

/** The letter that was meant: a layout without Latin letters has them in their places. @param {KeyboardEvent} event */
export function keyOf({ key, code }) {
  if (key.length !== 1 || key.charCodeAt(0) < 128) return key;
  return /^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : key;
}

/** @param {import("./main.js").Actions} actions @returns {{help: () => void, press: (event: KeyboardEvent) => void}} help opens the list of keys */
export function listenToKeys(actions) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("help"));
  const list = h("div", { class: "keys" });
  const close = h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Close");
  dialog.append(h("h2", { id: "help-title" }, "Keyboard"), list, close);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const hint = h("p", { class: "chord", hidden: true, role: "status" });
  document.body.append(hint);
  /** @type {any} */ let waiting = null;

  function help() {
    list.replaceChildren(...lists().map(([title, rows]) => h("section", {}, h("h3", {}, title),
      h("dl", {}, ...rows.map(([keys, does]) => h("div", {}, h("dt", {}, ...keys.map((key) => (key === "…" ? "…" : h("kbd", {}, key)))), h("dd", {}, does)))))));
    dialog.showModal();
    close.focus();
  }

  /** @param {boolean} yes */
  function await2nd(yes) {
    clearTimeout(waiting);
    waiting = yes ? setTimeout(() => await2nd(false), CHORD_MS) : null;
    show(hint, yes);
    if (yes && !hint.childElementCount) hint.append("Go to ", ...Object.entries(CHORDS).map(([key, view]) => h("span", {}, h("kbd", {}, key), TABLE[view].label)));
  }

  function search() {
    const here = document.querySelector(".view:not([hidden]) input[type=search]");
    if (here) return /** @type {HTMLElement} */ (here).focus();
    location.hash = address("stories");
    const seen = new MutationObserver(() => take());
    const take = () => {
      const field = /** @type {HTMLElement|null} */ (document.querySelector("#view-stories:not([hidden]) input[type=search]"));
      if (field) seen.disconnect();
      field?.focus();
    };
    seen.observe(/** @type {HTMLElement} */ (document.getElementById("view-stories")), { childList: true, subtree: true, attributes: true });
    setTimeout(() => seen.disconnect(), 5000);
  }

  /** @type {Record<string, () => void>} */
  const does = { "/": search, "?": help, b: actions.openControl, t: actions.travel, p: () => actions.switchProject(), j: () => move(1), k: () => move(-1), g: () => await2nd(true) };

  function openBar() {
    fetchEntry(ASIDE.commands).then((/** @type {any} */ { openCommandBar }) => openCommandBar(actions), () => actions.toast({ tone: "warn", title: "Command bar", text: "It could not be loaded: the server is not reached just now." }));
  }
  actions.openBar = openBar;

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const key = keyOf(event);
    // AltGr writes characters such as / and ? on some layouts, and looks like Ctrl with Alt.
    const modified = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key.toLowerCase() === "k") {
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      return openBar();
    }
    const field = isField(event.target);
    if (event.key === "Escape" && field && !document.querySelector("dialog[open]")) /** @type {HTMLElement} */ (event.target).blur();
    if (field || modified || document.querySelector("dialog[open]")) return await2nd(false);
    if (waiting && event.key !== "Shift") {
      await2nd(false);
      if (Object.hasOwn(CHORDS, key)) location.hash = address(CHORDS[key]);
      event.preventDefault();
    } else if (/^[1-9]$/.test(key) && VIEWS[Number(key) - 1]) location.hash = address(VIEWS[Number(key) - 1]);
    else if (Object.hasOwn(does, key) && (!event.repeat || key === "j" || key === "k")) {
      event.preventDefault();
      does[key]();
    } else return;
    actions.changed();
  }
  addEventListener("keydown", press);
  return { help, press };
}
