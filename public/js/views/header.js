/** Name, tabs, the state word, and by which line it is known. */
import { count } from "../format.js";
import { brand, sign } from "../icons.js";
import { lineWords } from "../line-words.js";
import { attribute, h, show, text } from "../render.js";
import { VIEWS } from "../router.js";
import { hindrance } from "../run.js";

const THEMES = ["system", "light", "dark"];

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const name = h("span", { class: "brand-name" });
  const word = h("span", { class: "state-word" });
  const detail = h("span", { class: "state-detail" });
  const state = h("a", { class: "state", href: "#overview", id: "state" }, h("i", { class: "state-dot" }), word, detail);
  const line = h("span", { class: "line", id: "line" });
  const controlWords = h("span", { class: "control-words" });
  const control = h("button", { class: "button is-control", type: "button", "aria-haspopup": "dialog", on: { click: actions.openControl } }, sign("run"), sign("stop"), controlWords);
  const theme = h("button", { class: "icon-button", type: "button", on: { click: () => switchTheme() } }, sign("theme"));
  const help = h("button", { class: "icon-button is-wide-only", type: "button", "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts (?)", on: { click: actions.help } }, sign("help"));
  const tabs = VIEWS.map((view) => {
    const badge = h("span", { class: "tab-count" });
    return { view, count: badge, el: h("a", { class: "tab", href: `#${view}` }, sign(view), view[0].toUpperCase() + view.slice(1), badge) };
  });
  el.append(
    h("div", { class: "brand" }, brand(), name),
    h("nav", { class: "tabs", "aria-label": "Views" }, ...tabs.map((tab) => tab.el)),
    h("div", { class: "header-end" }, state, line, control, theme, help),
  );
  tellTheme();

  function tellTheme() {
    const now = document.documentElement.dataset.theme ?? "system";
    const words = `Theme: ${now}`;
    attribute(theme, "aria-label", words);
    attribute(theme, "title", words);
  }
  function switchTheme() {
    const now = document.documentElement.dataset.theme ?? "system";
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("sprint-runner.theme", next);
    } catch {
      // Kept for this visit only.
    }
    tellTheme();
  }

  return (app) => {
    const { model, sums, verdict, concerns, route, line: connection, log, now, run } = app;
    const managed = run.kind === "managed";
    text(controlWords, managed ? (run.phase === "stopping" ? "Stopping…" : "Stop…") : "Start…");
    attribute(control, "data-does", managed ? "stop" : "start");
    const stops = managed ? (connection.live ? app.control.readOnly : "The server is not reached just now.") : hindrance({ ...app, busy: verdict.kind === "running", readOnly: app.control.readOnly });
    attribute(control, "title", stops ?? (managed ? "Stop the batch (b)" : "Start a batch (b)"));
    attribute(control, "aria-label", managed ? "Stop the batch" : "Start a batch");
    attribute(control, "data-barred", !!stops);
    text(name, model.project ?? "Sprint Runner");
    attribute(name, "title", model.project);
    text(word, verdict.word);
    text(detail, verdict.kind === "running" ? verdict.detail : "");
    show(detail, verdict.kind === "running");
    attribute(state, "data-kind", verdict.kind);
    attribute(state, "title", verdict.detail);
    const words = lineWords(connection, log.events.at(-1), now);
    text(line, words.word);
    attribute(line, "title", words.title);
    attribute(line, "data-transport", connection.live ? connection.transport : "none");
    const bad = concerns.some((one) => one.tone === "bad");
    const troubles = model.issues.filter((one) => one.severity !== "info").length;
    /** @type {Record<string, number>} */
    const numbers = { run: model.agents?.length ?? 0, epics: sums.counts.epics, stories: sums.counts.stories, issues: troubles };
    for (const tab of tabs) {
      attribute(tab.el, "aria-current", tab.view === route.view ? "page" : null);
      text(tab.count, numbers[tab.view] > 99 && tab.view === "issues" ? "99+" : numbers[tab.view] ? count(numbers[tab.view]) : "");
      show(tab.count, !!numbers[tab.view]);
      if (tab.view === "run") attribute(tab.count, "data-tone", "live");
      if (tab.view === "issues") attribute(tab.count, "data-tone", model.issues.some((one) => one.severity === "error") || bad && troubles ? "bad" : "warn");
    }
  };
}
