/** Settings: the nine numbers of the server, what this page remembers, and what this server is. */
import { plural } from "../format.js";
import { mark } from "../icons.js";
import { unreached } from "../line-words.js";
import { empty } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { GROUPS } from "../settings-form.js";
import { createSettings } from "../settings-store.js";
import { settingField } from "./settings-field.js";
import { leaveGuard } from "./settings-leave.js";
import { pagePreferences } from "./settings-page.js";
import { serverFacts } from "./settings-server.js";

export const store = createSettings;

const PAIR = ["injection_warning_kb", "injection_error_kb"];
const SAID_MS = 6000;

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  /** @type {import("../settings-store.js").Settings|null} */
  let data = null;
  /** Fields that were left, or tried to be saved: only there a fault is told. @type {Set<string>} */
  const checked = new Set();
  const fields = new Map(GROUPS.flatMap((group) => group.fields).map((one) => [one.key, settingField(one, {
    type: (key, typed) => data?.type(key, typed),
    take: (key) => data?.take(key),
    keepMine: (key) => data?.keepMine(key),
    left: (key) => { for (const one of PAIR.includes(key) ? PAIR : [key]) checked.add(one); actions.changed(); },
  })]));
  const why = h("span");
  const barred = h("p", { class: "set-note", role: "note", hidden: true }, mark("warning", "warn"), why);
  const sum = h("p", { class: "set-sum", role: "status" });
  const trouble = h("p", { class: "set-fault", role: "alert" });
  const discard = h("button", { class: "button", type: "button", on: { click: () => { checked.clear(); data?.discard(); save.focus(); } } }, "Discard");
  const saveWords = h("span");
  const save = h("button", { class: "button is-primary", type: "submit", "aria-keyshortcuts": "Control+S" }, saveWords);
  const form = h("form", { class: "set-form", hidden: true, novalidate: true, "aria-label": "Settings of the server", on: { submit } },
    ...GROUPS.map(({ title, fields: some }) => h("fieldset", { class: "set-group" }, h("legend", {}, title), ...some.map(({ key }) => fields.get(key)?.el))),
    h("div", { class: "set-foot" }, h("div", { class: "set-told" }, sum, trouble), h("div", { class: "set-buttons" }, discard, save)));
  const page = pagePreferences(actions.changed);
  page.update();
  const facts = serverFacts();
  facts.el.hidden = true;
  const nothing = empty("Asking the server…");
  const again = h("button", { class: "button", type: "button", hidden: true, on: { click: () => data?.retry() } }, "Try again");
  nothing.el.append(again);
  el.append(h("div", { class: "set-page" }, h("div", { class: "set-main" }, h("h1", { class: "set-title" }, "Settings"), barred, nothing.el, form), h("div", { class: "set-side" }, page.el, facts.el)));
  const seen = leaveGuard(() => data);
  let asked = "";
  /** @type {import("../main.js").App|null} */
  let last = null;

  /** Why nothing can be saved; asked anew each time: a key is faster than a frame. */
  function hindered() {
    if (data?.server?.read_only) return "The server is read-only.";
    if (!last?.line.live) return last ? unreached(last.line) : "The server is not reached just now.";
    return data?.unsaved ? "" : "Nothing to save.";
  }

  /** @param {Event} [event] */
  async function submit(event) {
    event?.preventDefault();
    if (!data || hindered() || data.saving) return;
    for (const key of fields.keys()) checked.add(key);
    const wrong = () => [...fields.keys()].find((key) => data?.faults[key]);
    if (!wrong()) await data.save();
    actions.changed();
    const first = wrong();
    if (first) {
      // The bar at the foot stands over what is just above the edge.
      fields.get(first)?.el.scrollIntoView({ block: "nearest" });
      fields.get(first)?.input.focus({ preventScroll: true });
    }
    else checked.clear();
  }

  addEventListener("keydown", (event) => {
    if (el.hidden || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s" || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    submit();
  });
  addEventListener("themechange", actions.changed);

  /** Brought here for one field: from the command bar. @param {URLSearchParams} params */
  function goTo(params) {
    const key = params.get("field") ?? "";
    if (key === asked) return;
    asked = key;
    const field = fields.get(key);
    if (!field) return;
    field.input.focus({ preventScroll: true });
    field.input.select();
    field.el.scrollIntoView({ block: "center" });
    actions.refine({ field: null });
  }

  return (app) => {
    data = app.data;
    last = app;
    page.update();
    if (!data) return;
    seen();
    const there = data.facts.length > 0;
    show(form, there);
    show(facts.el, !!data.server);
    show(nothing.el, !there);
    if (app.archive) nothing.update("A recording has no settings", "It holds what happened until it was taken. Settings are changed on the page of a server.");
    else nothing.update(data.failed ? "The settings could not be read" : app.line.live || app.archive ? "Asking the server…" : "Not known yet", data.failed || !(app.line.live || app.archive) ? (app.line.live || app.archive ? data.failed : unreached(app.line)) : "");
    show(again, !!data.failed && !app.archive);
    if (!there) {
      show(barred, false);
      return;
    }
    const readOnly = !!data.server?.read_only;
    const past = app.past ? "These are the settings of now: they have no past." : "";
    text(why, readOnly ? "This server was started read-only: its settings are shown, and cannot be changed from here." : past);
    show(barred, !!why.textContent);
    const wrong = data.faults;
    for (const fact of data.facts) fields.get(fact.key)?.update(fact, data.draft, { wrong: checked.has(fact.key) ? wrong[fact.key] : undefined, readOnly });
    facts.update(data.server, app);
    const n = data.unsaved;
    const faulty = Object.keys(wrong).filter((key) => checked.has(key)).length;
    const stops = hindered();
    const told = data.savedAt && !n && Date.now() - data.savedAt < SAID_MS;
    text(sum, told ? "Saved." : n ? `${plural(n, "change")} not saved${faulty ? `, ${plural(faulty, "field")} to mend` : ""}${app.line.live ? "" : "; the server is not reached just now"}` : readOnly ? "Read-only" : "Everything is saved");
    attribute(sum, "data-tone", told ? "good" : n ? "warn" : null);
    text(trouble, wrong[""] ?? "");
    text(saveWords, data.saving ? "Saving…" : n ? `Save ${plural(n, "change")}` : "Save");
    // Never really disabled: a button that goes under the finger takes the focus with it.
    attribute(save, "aria-disabled", stops || data.saving ? "true" : null);
    attribute(save, "title", stops || "Ctrl+S");
    show(discard, n > 0);
    goTo(app.route.params);
  };
}
