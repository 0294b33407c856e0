/** Keyboard shortcuts and the dialog that lists them. */
import { h } from "./render.js";
import { address, VIEWS } from "./router.js";

/** @type {[string[], string][]} */
const KEYS = [
  [["b"], "start or stop a batch"],
  [["/"], "search in this view"],
  [["1", "…", "6"], "overview, sprint run, epics, stories, activity, issues"],
  [["j", "k"], "next and previous row"],
  [["Esc"], "leave the search, close this"],
  [["?"], "this list"],
];

const row = (/** @type {Element|null} */ el) => /** @type {HTMLElement|null} */ (el?.closest("[data-row]") ?? null);

/** @param {1|-1} step */
function move(step) {
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".view:not([hidden]) [data-row]"))];
  const at = rows.indexOf(/** @type {any} */ (row(document.activeElement)));
  const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))];
  if (!next) return;
  /** @type {HTMLElement|null} */
  const inner = next.querySelector("a, button, summary");
  if (!inner) next.tabIndex = -1;
  (inner ?? next).focus();
}

/** @param {import("./main.js").Actions} actions @returns {() => void} opens the dialog */
export function listenToKeys(actions) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("help"));
  dialog.append(
    h("h2", { id: "help-title" }, "Keyboard"),
    h("dl", { class: "keys" }, ...KEYS.map(([keys, does]) => h("div", {}, h("dt", {}, ...keys.map((key) => (key === "…" ? " … " : h("kbd", {}, key)))), h("dd", {}, does)))),
    h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Close"),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) target.blur();
    if (typing || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      const here = document.querySelector(".view:not([hidden]) input[type=search]");
      if (here) /** @type {HTMLElement} */ (here).focus();
      else location.hash = address("stories");
      if (!here) setTimeout(() => /** @type {HTMLElement|null} */ (document.querySelector("#view-stories input"))?.focus(), 100);
    } else if (event.key === "?") dialog.showModal();
    else if (event.key === "b") actions.openControl();
    else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (/^[1-6]$/.test(event.key)) location.hash = address(VIEWS[Number(event.key) - 1]);
    else return;
    actions.changed();
  });
  return () => dialog.showModal();
}
