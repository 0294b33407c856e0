/** Short notices above everything: what just happened that a person should know. Spoken politely as well. */
import { announce } from "./beacon.js";
import { mark, sign } from "./icons.js";
import { attribute, h, show, text } from "./render.js";

/** Long enough to be read; what is bad stays until somebody puts it away. */
const STAYS_MS = { info: 9000, good: 9000, warn: 20_000, bad: Infinity };
const MOST = 4;

/**
 * @typedef {{tone: "info"|"good"|"warn"|"bad", title: string, text: string}} Notice
 * @param {HTMLElement} el
 * @returns {(notice: Notice) => void}
 */
export function createToasts(el) {
  /** @type {{key: string, times: number, el: HTMLElement, count: HTMLElement, says: HTMLElement, again: () => void, away: () => void}[]} */
  let shown = [];

  /** @param {{away: () => void}} toast */
  function drop(toast) {
    const held = /** @type {any} */ (toast).el.contains(document.activeElement);
    shown = shown.filter((one) => one !== toast);
    /** @type {any} */ (toast).el.remove();
    // Who closed one with the keyboard stays among them, or goes back to the page.
    if (held) /** @type {HTMLElement|null} */ (shown.at(-1)?.el.querySelector("button") ?? document.getElementById("main"))?.focus();
  }

  return ({ tone, title, text: words }) => {
    announce(`${title}: ${words}`);
    const key = `${tone} ${title}`;
    const same = shown.find((one) => one.key === key);
    if (same) {
      same.times += 1;
      text(same.count, `×${same.times}`);
      show(same.count, true);
      text(same.says, words);
      same.again();
      return;
    }
    const says = h("p", { class: "toast-text" }, words);
    const count = h("span", { class: "toast-count", hidden: true });
    const item = h("div", { class: "toast", "data-tone": tone },
      mark(tone === "info" ? "note" : tone === "good" ? "end" : "warning", tone === "info" ? "live" : tone),
      h("div", { class: "toast-words" }, h("p", { class: "toast-title" }, title, count), says),
      h("button", { class: "icon-button", type: "button", "aria-label": `Dismiss: ${title}`, on: { click: () => drop(toast) } }, sign("close")));
    const toast = { key, times: 1, el: item, count, says, again, away: () => drop(toast) };
    /** @type {any} */ let timer;
    // It does not go while it is being read, nor while nobody can see it.
    function again() {
      clearTimeout(timer);
      if (Number.isFinite(STAYS_MS[tone])) timer = setTimeout(() => (document.hidden || item.matches(":hover, :focus-within") ? again() : toast.away()), STAYS_MS[tone]);
    }
    again();
    el.append(item);
    shown.push(toast);
    while (shown.length > MOST) drop(shown[0]);
    attribute(el, "data-shown", shown.length > 0);
  };
}
