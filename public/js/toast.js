/** Short notices above everything: what just happened that a person should know. Spoken politely as well. */
import { announce } from "./beacon.js";
import { mark, sign } from "./icons.js";
import { attribute, h, show, text } from "./render.js";

const STAYS_MS = 9000;
const MOST = 4;

/**
 * @param {HTMLElement} el
 * @returns {(notice: {tone: "info"|"good"|"warn"|"bad", title: string, text: string}) => void}
 */
export function createToasts(el) {
  /** @type {{key: string, times: number, el: HTMLElement, count: HTMLElement, away: () => void}[]} */
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
    const key = JSON.stringify([tone, title, words]);
    const same = shown.find((one) => one.key === key);
    if (same) {
      same.times += 1;
      text(same.count, `×${same.times}`);
      show(same.count, true);
      return;
    }
    const count = h("span", { class: "toast-count", hidden: true });
    const item = h("div", { class: "toast", "data-tone": tone },
      mark(tone === "info" ? "note" : tone === "good" ? "end" : "warning", tone === "info" ? "live" : tone),
      h("div", { class: "toast-words" }, h("p", { class: "toast-title" }, title, count), h("p", { class: "toast-text" }, words)),
      h("button", { class: "icon-button", type: "button", "aria-label": `Dismiss: ${title}`, on: { click: () => drop(toast) } }, sign("close")));
    const toast = { key, times: 1, el: item, count, away: () => drop(toast) };
    // What is only to be known goes by itself, unless it is being read; what may need a person stays.
    /** @type {any} */ let timer;
    const wait = () => { timer = setTimeout(toast.away, STAYS_MS); };
    if (tone === "info" || tone === "good") {
      wait();
      for (const type of ["pointerenter", "focusin"]) item.addEventListener(type, () => clearTimeout(timer));
      for (const type of ["pointerleave", "focusout"]) item.addEventListener(type, () => { clearTimeout(timer); wait(); });
    }
    el.append(item);
    shown.push(toast);
    while (shown.length > MOST) drop(shown[0]);
    attribute(el, "data-shown", shown.length > 0);
  };
}
