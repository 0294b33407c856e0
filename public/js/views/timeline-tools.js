/** The timeline's tools: what is looked at, which stories are shown, and how they are drawn. */
import { epicTitle, span } from "../format.js";
import { sign } from "../icons.js";
import { choice, searchField } from "../parts.js";
import { attribute, h, show, text } from "../render.js";

const ONLY = [["", "All stories"], ["running", "Only running"], ["failed", "Failed or left open"], ["retried", "Only retried"], ["seen", "Only in this stretch"]];

/** A button that is pressed or not. @param {string} label @param {string} title @param {() => void} click @param {any} [keys] */
const toggle = (label, title, click, keys) => h("button", { class: "tl-button", type: "button", title, "aria-pressed": "false", "aria-keyshortcuts": keys, on: { click } }, label);

/**
 * @param {import("../main.js").Actions} actions
 * @param {{mode: (mode: import("../timeline/camera.js").Mode) => void, zoom: (factor: number) => void, failure: () => void, openAll: (open: boolean) => void,
 *   prefer: (change: Record<string, any>) => void}} hooks
 */
export function tools(actions, hooks) {
  const search = searchField("Filter stories", (q) => actions.refine({ q }));
  const epic = choice("Epic", (value) => actions.refine({ epic: value }));
  const only = choice("Which stories", (value) => actions.refine({ only: value }));
  const fit = toggle("Whole batch", "All of it (0)", () => hooks.mode("fit"), "0");
  const hour = toggle("Last hour", "The last hour", () => hooks.mode("hour"));
  const running = toggle("Running", "From where the oldest of what runs began", () => hooks.mode("running"));
  const follow = toggle("Follow now", "Keep the present in sight", () => hooks.mode("follow"));
  const out = h("button", { class: "tl-button is-sign", type: "button", "aria-label": "Zoom out", title: "Zoom out (−)", "aria-keyshortcuts": "-", on: { click: () => hooks.zoom(1 / 1.6) } }, "−");
  const near = h("button", { class: "tl-button is-sign", type: "button", "aria-label": "Zoom in", title: "Zoom in (+)", "aria-keyshortcuts": "+", on: { click: () => hooks.zoom(1.6) } }, "+");
  const failureWords = h("span");
  const failure = h("button", { class: "tl-button is-bad", type: "button", title: "To the next one (f)", "aria-keyshortcuts": "f", on: { click: hooks.failure } }, failureWords, sign("open"));
  const unfold = h("button", { class: "tl-button", type: "button", on: { click: () => hooks.openAll(unfold.dataset.opens === "true") } });

  const scope = choice("Batches", (value) => actions.refine({ scope: value }));
  const sort = choice("Order", (value) => actions.refine({ sort: value }));
  const size = choice("Block size", (value) => hooks.prefer({ size: value }));
  const fold = h("input", { type: "checkbox", on: { change: () => hooks.prefer({ fold: fold.checked }) } });
  const list = h("input", { type: "checkbox", on: { change: () => hooks.prefer({ list: list.checked }) } });
  const line = (/** @type {string} */ label, /** @type {any} */ control) => h("label", { class: "tl-menu-line" }, h("span", {}, label), control);
  const scopeLine = line("Show", scope.el);
  const menu = h("details", { class: "tl-menu" }, h("summary", { class: "tl-button" }, "Display"),
    h("div", { class: "tl-menu-box" }, scopeLine, line("Order", sort.el), line("Blocks", size.el), line("Fold idle time", fold), line("As a list", list)));
  document.addEventListener("pointerdown", (event) => { if (menu.open && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false; });
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  const zooms = h("div", { class: "tl-group", role: "group", "aria-label": "What is looked at" }, fit, hour, running, follow);
  const steps = h("div", { class: "tl-group", role: "group", "aria-label": "Zoom" }, out, near);
  const note = h("span", { class: "toolbar-note tl-note", role: "status" });
  const el = h("div", { class: "tl-tools" },
    h("div", { class: "toolbar" }, h("h1", { class: "toolbar-title" }, "Timeline"), search.el, epic.el, only.el, note),
    h("div", { class: "tl-tools-row" }, zooms, steps, failure, h("span", { class: "tl-tools-end" }, unfold, menu)));

  return {
    el,
    /** @param {any} s what is chosen and what there is */
    update(s) {
      search.update(s.choice.q);
      epic.update([{ value: "", label: "All epics" }, ...s.epics.map((/** @type {any} */ one) => ({ value: one.epic_id, label: one.title ? `${one.epic_id} · ${one.title}` : epicTitle(one) }))], s.choice.epic);
      show(epic.el, s.epics.length > 1 || !!s.choice.epic);
      only.update(ONLY.map(([value, label]) => ({ value, label })), s.choice.only);
      text(fit, s.scope === "all" ? "All batches" : "Whole batch");
      text(running, s.past ? "Ran then" : "Running");
      text(follow, s.past ? "Follow the moment" : "Follow now");
      running.disabled = !s.anyRunning;
      for (const [button, mode] of /** @type {[any, string][]} */ ([[fit, "fit"], [hour, "hour"], [running, "running"], [follow, "follow"]])) attribute(button, "aria-pressed", String(s.mode === mode));
      show(failure, s.troubles > 0 && !s.list);
      text(failureWords, `${s.troubles} failed or left open`);
      attribute(unfold, "data-opens", String(!s.anyOpen));
      text(unfold, s.anyOpen ? "Collapse all" : "Expand all");
      scope.update([{ value: "", label: "Newest batch" }, { value: "all", label: "All batches" }], s.scope === "all" ? "all" : "");
      show(scopeLine, !s.past);
      sort.update([{ value: "", label: "First start" }, { value: "sprint", label: "Sprint order" }], s.sort);
      size.update([{ value: "comfortable", label: "Comfortable" }, { value: "compact", label: "Compact" }], s.size);
      fold.checked = s.fold;
      list.checked = s.list;
      for (const one of [zooms, steps, unfold]) show(one, !s.list);
      text(note, summary(s));
      attribute(note, "title", note.textContent);
    },
  };
}

/** What there is to see, in one line. @param {any} s */
function summary({ shown, stories, worked, length, left_out, filtered }) {
  if (!stories) return "";
  const many = filtered ? `${shown} of ${stories} stories` : `${stories} ${stories === 1 ? "story" : "stories"}`;
  return [many, `${span(worked)} at work in ${span(length)}`, left_out ? `${left_out} older commands left out` : ""].filter(Boolean).join(" · ");
}
