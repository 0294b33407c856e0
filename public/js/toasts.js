/** Short notes on what needs a person; read out politely, gone by themselves. */
import { h } from "./render.js";

const STAY_MS = 9000;
const MOST = 4;

/** @param {HTMLElement} el */
export function createToasts(el) {
  /** @param {"info"|"warning"|"error"|"good"} tone @param {string} title @param {string} message */
  return function toast(tone, title, message) {
    const close = () => one.remove();
    const one = h("li", { class: "toast", "data-tone": tone },
      h("b", { class: "toast-title" }, title),
      h("span", { class: "toast-text" }, message),
      h("button", { class: "toast-close", type: "button", "aria-label": `Close: ${title}`, on: { click: close } }, "×"));
    while (el.childElementCount >= MOST) el.firstElementChild?.remove();
    el.append(one);
    // One that is looked at stays.
    const wait = () => setTimeout(() => (one.matches(":hover, :focus-within") ? wait() : close()), STAY_MS);
    wait();
  };
}
