/** The command bar as one sees it: a field, and below it what fits. */
import { plural } from "../format.js";
import { attribute, h, show, text } from "../render.js";

/** @typedef {{command: import("../commands.js").Command, at: number[], recent: boolean}} Found */

const PAGE = 8;

/** @param {{find: (query: string) => Found[], choose: (command: import("../commands.js").Command) => void}} to */
export function commandDialog({ find, choose }) {
  const input = h("input", { class: "cmd-input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "cmd-list", "aria-autocomplete": "list", "aria-label": "Command", placeholder: "A view, a story, a setting, an action", autocomplete: "off", spellcheck: "false", enterkeyhint: "go",
    on: { input: () => refresh(true), keydown: press } });
  const list = h("ul", { class: "cmd-list", id: "cmd-list", role: "listbox", "aria-label": "What fits", tabindex: "-1" });
  const none = h("p", { class: "cmd-none", hidden: true }, "Nothing is called so. A story is found by its id, its key or its title.");
  const said = h("p", { class: "cmd-said", role: "status" });
  const dialog = h("dialog", { class: "cmd", "aria-label": "Command bar" }, input, list, none, h("div", { class: "cmd-foot" }, said, h("span", { class: "cmd-keys", "aria-hidden": "true" }, h("kbd", {}, "↑"), h("kbd", {}, "↓"), h("kbd", {}, "Enter"), h("kbd", {}, "Esc"))));
  document.body.append(dialog);
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === dialog && dialog.close());
  /** @type {Found[]} */
  let found = [];
  let at = 0;
  /** A command that wants a second Enter. @type {string} */
  let armed = "";

  /** @param {boolean} [anew] from the top */
  function refresh(anew = false) {
    if (!dialog.open) return;
    const kept = anew ? undefined : found[at]?.command.id;
    found = find(input.value.trim());
    at = Math.max(0, found.findIndex(({ command }) => command.id === kept));
    armed = "";
    list.replaceChildren(...found.map(row));
    show(none, !found.length);
    attribute(input, "aria-expanded", String(found.length > 0));
    mark();
  }

  /** @param {Found} one @param {number} i */
  function row({ command, at: places, recent }, i) {
    const { name, detail, keys, why, group } = command;
    return h("li", { class: "cmd-row", role: "option", id: `cmd-${i}`, "aria-disabled": why ? "true" : null, on: { click: () => { at = i; mark(); go(); } } },
      h("span", { class: "cmd-name" }, ...marked(name, places)),
      h("span", { class: "cmd-detail" }, why ?? detail ?? ""),
      keys && !why ? h("span", { class: "cmd-chord" }, ...keys.split(" ").map((key) => h("kbd", {}, key))) : null,
      h("span", { class: "cmd-group" }, recent ? "used lately" : group));
  }

  function mark() {
    list.childNodes.forEach((/** @type {any} */ el, /** @type {number} */ i) => attribute(el, "aria-selected", String(i === at)));
    attribute(input, "aria-activedescendant", found.length ? `cmd-${at}` : null);
    list.children[at]?.scrollIntoView({ block: "nearest" });
    text(said, found.length ? `${plural(found.length, "result")}${found.length >= 60 ? " and more" : ""}` : "No results");
    attribute(said, "data-tone", null);
  }

  /** @param {string} words @param {string} tone */
  function say(words, tone) {
    text(said, words);
    attribute(said, "data-tone", tone);
  }

  function go() {
    const command = found[at]?.command;
    if (!command) return;
    if (command.why) return say(command.why, "bad");
    if (command.confirm && armed !== command.id) {
      armed = command.id;
      return say(command.confirm, "warn");
    }
    dialog.close();
    choose(command);
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.isComposing) return;
    const { key, ctrlKey, metaKey } = event;
    if ((ctrlKey || metaKey) && key.toLowerCase() === "k") {
      event.preventDefault();
      return dialog.close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE }[key];
    if (key === "Enter") go();
    else if (step && found.length) {
      const next = at + step;
      // A step goes round, a page stops at the ends.
      at = Math.abs(step) === 1 ? (next + found.length) % found.length : Math.max(0, Math.min(found.length - 1, next));
      armed = "";
      mark();
    } else return;
    event.preventDefault();
  }

  return {
    open() {
      input.value = "";
      dialog.showModal();
      input.focus();
      refresh(true);
    },
    refresh: () => refresh(),
  };
}

/** The name, with the letters that were found. @param {string} name @param {number[]} places */
function marked(name, places) {
  /** @type {(string|Node)[]} */
  const pieces = [];
  const hit = new Set(places);
  for (let i = 0; i < name.length;) {
    const on = hit.has(i);
    let end = i;
    while (end < name.length && hit.has(end) === on) end += 1;
    pieces.push(on ? h("b", {}, name.slice(i, end)) : name.slice(i, end));
    i = end;
  }
  return pieces;
}
