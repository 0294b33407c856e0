/** What is the matter with the line: nothing when all is well. */
import { announce } from "../beacon.js";
import { barWords } from "../line-words.js";
import { attribute, h, show, text } from "../render.js";

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const words = h("span");
  const more = h("span", { class: "bar-more" });
  const retry = h("button", { class: "bar-button", type: "button", on: { click: actions.retry } }, "Retry now");
  el.append(h("i", { class: "bar-dot" }), h("span", { class: "bar-words" }, words, more), retry);

  let told = "";

  return ({ line, lastAt, live, degraded }) => {
    const say = barWords(line, lastAt, Date.now(), live.now, degraded);
    show(el, !!say);
    attribute(el, "data-kind", say?.kind);
    text(words, say?.text ?? "");
    text(more, say?.more ?? "");
    show(more, !!say?.more);
    // Spoken once a change: the seconds that count on are for eyes.
    const change = say ? `${say.kind} ${line.barred ?? ""}` : "";
    if (told !== change) {
      told = change;
      if (say) announce(say.kind === "offline" && !line.barred ? "Offline" : say.text);
    }
    show(retry, say?.kind === "offline");
  };
}
