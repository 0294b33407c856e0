/** A live log: follows while one looks at its end, holds still while one reads further up. Text only, and bounded. */
import { KEPT } from "../agent-log.js";
import { count, plural } from "../format.js";
import { partsOf } from "../log-lines.js";
import { attribute, h, show, text } from "../render.js";

/** So near the end counts as the end. */
const NEAR = 24;
/** One commit puts no more lines on the page; the rest follows with the next frame. */
const AT_ONCE = 500;

/** @param {string} id @param {() => void} changed */
export function logPanel(id, changed) {
  const list = h("ol", { class: "log-lines" });
  const half = h("li", { class: "log-line is-half" });
  const box = h("div", { class: "log-box", tabindex: 0, role: "log", "aria-live": "off", "aria-label": `Log of agent ${id}`, on: { scroll: scrolled } }, list);
  const fresh = h("button", { class: "fresh log-fresh", type: "button", on: { click: toEnd } });
  const state = h("span", { class: "log-state" });
  const raw = h("button", { class: "button is-quiet", type: "button", "aria-pressed": "false", title: "As the agent wrote it", on: { click: switchRaw } }, "Raw");
  const whole = h("a", { class: "button is-quiet", href: `api/agents/${encodeURIComponent(id)}/log`, target: "_blank", rel: "noopener" }, "Whole log", h("span", { class: "hidden-text" }, " (opens a new tab)"));
  const none = h("p", { class: "log-none" });
  const el = h("div", { class: "log" }, h("div", { class: "log-bar" }, state, raw, whole), none, h("div", { class: "log-place" }, box, fresh));

  let isRaw = false;
  let follows = true;
  let drawn = 0;
  let top = 0;
  /** @type {ReturnType<typeof import("../agent-log.js").followLog>|undefined} */
  let shownOf;

  function scrolled() {
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    // Only a way up holds it: growth alone moves the end away as well.
    if (atEnd) follows = true;
    else if (box.scrollTop < top - 1) follows = false;
    top = box.scrollTop;
    changed();
  }
  function toEnd() {
    follows = true;
    box.focus();
    changed();
  }
  function switchRaw() {
    isRaw = !isRaw;
    attribute(raw, "aria-pressed", String(isRaw));
    clear();
    follows = true;
    changed();
  }
  function clear() {
    list.replaceChildren();
    drawn = 0;
  }

  /** @param {string} line */
  const parts = (line) => partsOf(line, isRaw).map((part) => h("span", { class: `log-part is-${part.kind}` }, part.kind === "stderr" ? h("i", {}, "stderr ") : null, part.text));

  return {
    el,
    /** @param {ReturnType<typeof import("../agent-log.js").followLog>|undefined} log @param {boolean} live it may still grow */
    update(log, live) {
      if (log !== shownOf) {
        shownOf = log;
        clear();
      }
      const lines = log?.lines ?? [];
      const waiting = follows ? 0 : lines.length ? lines[lines.length - 1].n - drawn : 0;
      if (follows && lines.length) {
        const from = Math.max(0, lines.length - 1 - (lines[lines.length - 1].n - drawn) + 1);
        const part = lines.slice(from, from + AT_ONCE);
        half.remove();
        for (const { n, raw: line } of part) {
          const inner = parts(line);
          if (inner.length) list.append(h("li", { class: "log-line" }, ...inner));
          drawn = n;
        }
        while (list.childElementCount > KEPT) list.firstElementChild?.remove();
        if (from + part.length < lines.length) requestAnimationFrame(changed);
      }
      if (follows) {
        const rest = log?.rest && !log.rest.startsWith("{") ? log.rest : "";
        if (rest) {
          half.replaceChildren(...parts(rest));
          if (half.parentNode !== list) list.append(half);
        } else half.remove();
        if (box.scrollHeight - box.scrollTop - box.clientHeight > 1) box.scrollTop = box.scrollHeight;
        top = box.scrollTop;
      }
      show(fresh, waiting > 0);
      text(fresh, `↓ ${plural(waiting, "new line")}`);
      show(box, list.childElementCount > 0);
      show(none, !list.childElementCount);
      text(none, log?.failed ? "The log cannot be read just now; it is tried again." : !log?.loaded ? "Reading the log…" : live ? "Nothing written yet." : "It wrote nothing.");
      const word = !live ? "ended" : follows ? "following" : "held: scroll to the end to follow";
      text(state, [word, log?.cut ? `the last ${count(Math.min(lines.length, KEPT))} lines` : plural(lines.length, "line"), log?.failed && lines.length ? "cannot be read just now" : ""].filter(Boolean).join(" · "));
      attribute(state, "data-follows", live && follows);
    },
  };
}

