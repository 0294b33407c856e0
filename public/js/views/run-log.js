/** A live log: follows its end until somebody scrolls up, then says how much is new. */
import { plural } from "../format.js";
import { attribute, h, keyed, show, text } from "../render.js";

/** So near the end counts as at the end. */
const NEAR_PX = 24;

/** @param {import("../main.js").Actions} actions */
export function logPanel(actions) {
  const list = h("ol", { class: "agent-log-lines" });
  const box = h("div", { class: "agent-log-box", tabindex: 0, role: "log", "aria-live": "off", "aria-label": "Agent's log" }, list);
  const note = h("p", { class: "agent-log-note" });
  const fresh = h("button", { class: "button is-small agent-log-new", type: "button", on: { click: () => { box.scrollTop = box.scrollHeight; } } });
  const el = h("div", { class: "agent-log" }, note, box, fresh);
  let following = true;
  let seen = 0;
  box.addEventListener("scroll", () => {
    following = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    if (following) actions.changed();
  });

  return {
    el,
    /** @param {import("../control.js").AgentView|any} log what is open; null = closed */
    update(log) {
      show(el, !!log);
      if (!log) {
        if (list.firstChild) keyed(list, [], String, logLine);
        following = true;
        seen = 0;
        return;
      }
      keyed(list, log.lines, (/** @type {any} */ line) => String(line.n), logLine);
      const last = log.lines.at(-1)?.n ?? 0;
      if (following) {
        seen = last;
        box.scrollTop = box.scrollHeight;
      }
      show(fresh, !following && last > seen);
      text(fresh, plural(last - seen, "new line"));
      const words = { loading: "Reading…", missing: "This agent has no log any more.", away: "The server does not answer; trying again.", following: log.cut ? "Earlier lines are left out." : log.lines.length ? "" : "Nothing printed yet." };
      text(note, words[/** @type {keyof typeof words} */ (log.state)]);
      show(note, !!note.textContent);
    },
  };
}

/** A line never changes: drawn once. @param {{n: number, kind: string, text: string}} line */
function logLine(line) {
  const el = h("li", {}, line.text);
  attribute(el, "data-kind", line.kind);
  return { el, update() {} };
}
