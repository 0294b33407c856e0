/** What this browser remembers for its reader: theme and notifications. */
import { chooseTheme, theme, THEMES } from "../look.js";
import { standing, test, turnOff, turnOn } from "../notify.js";
import { attribute, h, show, text } from "../render.js";

/** @type {Record<string, string>} */
const NAMES = { system: "As the system has it", light: "Light", dark: "Dark" };
/** @type {Record<string, string>} */
const STANDINGS = { unavailable: "not available here", denied: "refused in this browser", off: "off", on: "on" };

/** @param {() => void} changed */
export function pagePreferences(changed) {
  const themes = THEMES.map((name) => ({ name, input: h("input", { type: "radio", name: "theme", value: name, on: { change: () => chooseTheme(name) } }) }));
  const word = h("b");
  const words = h("p", { class: "set-says", id: "notify-words" });
  const said = h("p", { class: "set-hint", role: "status" });
  const turn = h("button", { class: "button", type: "button", "aria-describedby": "notify-words", on: { click: toggle } });
  const trial = h("button", { class: "button", type: "button", on: { click: () => {
    const wrong = test();
    text(said, wrong || "Sent. If nothing came up, the system keeps this browser's notifications back.");
  } } }, "Send a test");
  let asking = false;

  async function toggle() {
    const before = standing().kind;
    asking = before === "off";
    tell();
    const after = before === "on" ? turnOff() : await turnOn();
    asking = false;
    text(said, after.kind === before && before === "off" ? "Not allowed yet: the browser asked, and was not answered with yes." : "");
    changed();
    tell();
  }

  function tell() {
    const { kind, words: why } = standing();
    text(word, STANDINGS[kind]);
    attribute(word, "data-kind", kind);
    text(words, why);
    text(turn, asking ? "The browser asks…" : kind === "on" ? "Turn off" : "Turn on");
    show(turn, kind === "on" || kind === "off");
    show(trial, kind === "on");
  }

  const el = h("div", { class: "set-side-box" },
    h("h2", {}, "This page"),
    h("fieldset", { class: "set-choice" }, h("legend", {}, "Theme"), ...themes.map(({ name, input }) => h("label", {}, input, NAMES[name]))),
    h("div", { class: "set-notify", role: "group", "aria-label": "Notifications" },
      h("p", { class: "set-label" }, "Notifications: ", word), words,
      h("div", { class: "set-buttons" }, turn, trial), said),
    h("p", { class: "set-meta" }, "Kept in this browser, for this address."));

  return {
    el,
    update() {
      const now = theme();
      for (const { name, input } of themes) if (input.checked !== (name === now)) input.checked = name === now;
      tell();
    },
  };
}
