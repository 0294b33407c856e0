/** What is the matter with the line: nothing when all is well. */
import { announce } from "../beacon.js";
import { plural, span } from "../format.js";
import { attribute, h, show, text } from "../render.js";

const PATIENCE_MS = 4000;
const THANKS_MS = 7000;

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const words = h("span");
  const retry = h("button", { class: "bar-button", type: "button", on: { click: actions.retry } }, "Retry now");
  el.append(h("i", { class: "bar-dot" }), words, retry);

  let told = "";

  return ({ line, loaded }) => {
    const now = Date.now();
    /** @type {[string, string]|null} */
    let say = null;
    if (!line.live && (line.ever || line.lostAt)) {
      const lost = now - (line.lostAt ?? now);
      const wait = line.retryAt ? Math.ceil((line.retryAt - now) / 1000) : 0;
      const next = wait > 1 ? `next try in ${wait} s` : "trying now";
      if (line.offline || lost > PATIENCE_MS) say = ["offline", `Offline for ${span(lost)} – ${next}`];
      else say = ["reconnecting", "Reconnecting…"];
    } else if (line.caughtUp && now - line.caughtUp.at < THANKS_MS) {
      const { events, fresh } = line.caughtUp;
      say = ["caught-up", fresh ? "Back: the log was begun anew, everything was read again" : events ? `Caught up, ${plural(events, "event")} while away` : "Back, nothing was missed"];
    } else if (line.live && loaded && line.transport === "poll") {
      say = ["slow", "Streams don't get through here – asking every two seconds"];
    }
    show(el, !!say);
    attribute(el, "data-kind", say?.[0]);
    text(words, say?.[1] ?? "");
    // Spoken once a change: the seconds that count on are for eyes.
    if (told !== (say?.[0] ?? "")) {
      told = say?.[0] ?? "";
      if (say) announce(say[0] === "offline" ? "Offline" : say[1]);
    }
    show(retry, say?.[0] === "offline");
  };
}
