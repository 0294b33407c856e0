/** What stands where the timeline has no block to show, and what its colours and shapes mean. */
import { empty } from "../parts.js";
import { h, show } from "../render.js";
import { FAMILIES } from "../words.js";

/** @param {{retry: () => void, showAll: () => void}} does */
export function nothing(does) {
  const none = empty("", "");
  let failed = false;
  const again = h("button", { class: "button", type: "button", on: { click: () => (failed ? does.retry() : does.showAll()) } });
  none.el.append(again);
  return {
    el: none.el,
    /** @param {boolean} hidden whether there are stories, but the filters hide all of them @param {import("../main.js").App} app */
    update(hidden, { data, line, past }) {
      failed = data.state === "failed";
      show(again, hidden || failed);
      again.textContent = hidden ? "Show all stories" : "Try again";
      if (hidden) none.update("No story fits", "The filters hide all of them.");
      else if (failed) none.update("The timeline could not be loaded", line.live ? `${data.failed}. It is asked for again by itself.` : "The server does not answer. It is asked for again as soon as it does.");
      else none.update("Nothing has run yet", past ? "At that moment no command had begun." : "As soon as a command of a story begins, its block appears here.");
    },
  };
}

export function legend() {
  const one = (/** @type {string} */ words, /** @type {any} */ props) => h("span", {}, h("i", props), words);
  return h("p", { class: "tl-legend", "aria-hidden": "true" }, ...FAMILIES.map((name) => one(name.replaceAll("-", " "), { "data-family": name })),
    one("failed", { class: "is-failed" }), one("left open", { class: "is-lost" }), one("idle, folded", { class: "is-fold" }));
}
