/** Name, tabs, the state word, and by which line it is known. */
import { count } from "../format.js";
import { brand, sign } from "../icons.js";
import { lineWords, unreached } from "../line-words.js";
import { chooseTheme, theme as wornTheme, THEMES } from "../look.js";
import { attribute, h, show, text } from "../render.js";
import { recall } from "../prefs.js";
import { address } from "../router.js";
import { hindrance } from "../run.js";
import { VIEWS } from "../views.js";

/** On a phone the others are behind "More". */
const FOREMOST = ["overview", "run", "stories", "activity"];
const TABS = Object.entries(VIEWS).filter(([view]) => view !== "settings");

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const name = h("span", { class: "brand-name" });
  const word = h("span", { class: "state-word" });
  const detail = h("span", { class: "state-detail" });
  const state = h("a", { class: "state", href: "#overview", id: "state" }, h("i", { class: "state-dot" }), word, detail);
  const line = h("span", { class: "line", id: "line" });
  const controlWords = h("span", { class: "control-words" });
  const control = h("button", { class: "button is-control", type: "button", "aria-haspopup": "dialog", on: { click: actions.openControl } }, sign("run"), sign("stop"), controlWords);
  const theme = h("button", { class: "icon-button", type: "button", on: { click: () => chooseTheme(THEMES[(THEMES.indexOf(wornTheme()) + 1) % THEMES.length]) } }, sign("theme"));
  const travel = h("button", { class: "icon-button", type: "button", on: { click: () => actions.travel() } }, sign("past"));
  const find = h("button", { class: "icon-button is-wide-only", type: "button", "aria-haspopup": "dialog", "aria-label": "Command bar", title: "Command bar (Ctrl+K)", on: { click: () => actions.openBar() } }, sign("find"));
  const settings = h("a", { class: "icon-button is-wide-only", href: "#settings", "aria-label": "Settings", title: "Settings (g ,)" }, sign("settings"));
  const help = h("button", { class: "icon-button is-wide-only", type: "button", "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts (?)", on: { click: () => actions.help() } }, sign("help"));
  const tabs = TABS.map(([view, { label }]) => {
    const badge = h("span", { class: "tab-count" });
    return { view, count: badge, el: h("a", { class: "tab", "data-minor": !FOREMOST.includes(view) }, sign(view), label, badge) };
  });
  const more = h("div", { class: "more", id: "more", popover: "auto", role: "group", "aria-label": "More views" });
  const others = Object.entries(VIEWS).filter(([view]) => !FOREMOST.includes(view)).map(([view, { label }]) => ({ view, el: h("a", { class: "more-link", on: { click: () => more.hidePopover() } }, sign(view), label) }));
  more.append(...others.map(({ el: link }) => link), h("button", { class: "more-link", type: "button", "aria-haspopup": "dialog", on: { click: () => { more.hidePopover(); actions.openBar(); } } }, sign("find"), "Find…"));
  const moreButton = h("button", { class: "tab tab-more", type: "button", popovertarget: "more" }, sign("more"), "More");
  el.append(
    h("div", { class: "brand" }, brand(), name),
    h("nav", { class: "tabs", "aria-label": "Views" }, ...tabs.map((tab) => tab.el), moreButton, more),
    h("div", { class: "header-end" }, state, line, control, travel, find, settings, theme, help),
  );
  tellTheme();
  addEventListener("themechange", tellTheme);

  function tellTheme() {
    const words = `Theme: ${wornTheme()}`;
    attribute(theme, "aria-label", words);
    attribute(theme, "title", words);
  }

  let drawnAt = "-";
  /** Where the tabs lead, and which is here: looked up when the address changes. @param {string} here */
  function links(here) {
    drawnAt = location.hash;
    for (const { view, el: link } of [...tabs, ...others]) {
      // As it was left: with its filters.
      if (view !== here || !link.hasAttribute("href")) attribute(link, "href", address(view, new URLSearchParams(recall(`view.${view}`, ""))));
      if (view === here) attribute(link, "href", `#${view}`);
      attribute(link, "aria-current", view === here ? "page" : null);
    }
  }

  return (app) => {
    // The header tells what is now, also while the views show the past.
    const { route, line: connection, past } = app;
    const { model, sums, verdict, concerns, run, now } = app.live;
    const managed = run.kind === "managed";
    text(controlWords, managed ? (run.phase === "stopping" ? "Stopping…" : "Stop…") : "Start…");
    attribute(control, "data-does", managed ? "stop" : "start");
    const stops = managed ? (connection.live ? app.control.readOnly : unreached(connection)) : hindrance({ loaded: verdict.kind !== "loading", line: connection, run, busy: verdict.kind === "running", readOnly: app.control.readOnly });
    attribute(control, "title", stops ?? (managed ? "Stop the batch (b)" : "Start a batch (b)"));
    attribute(control, "aria-label", managed ? "Stop the batch" : "Start a batch");
    attribute(control, "data-barred", !!stops);
    text(name, model.project ?? "Sprint Runner");
    attribute(name, "title", model.project);
    const [first, since] = verdict.kind === "unreachable" ? verdict.word.split(/ (?=since )/) : [verdict.word, verdict.kind === "running" ? verdict.detail : ""];
    text(word, first);
    text(detail, since);
    show(detail, !!since);
    attribute(state, "data-kind", verdict.kind);
    attribute(state, "title", verdict.detail);
    const words = lineWords(connection, app.lastAt, now);
    text(line, words.word);
    attribute(line, "title", words.title);
    attribute(line, "data-transport", connection.live ? connection.transport : "none");
    const bad = concerns.some((one) => one.tone === "bad");
    const troubles = model.issues.filter((one) => one.severity !== "info").length;
    /** @type {Record<string, number>} */
    const numbers = { run: model.agents.length, epics: sums.counts.epics, stories: sums.counts.stories, issues: troubles };
    show(control, !connection.recorded && connection.server?.control !== false);
    show(travel, !connection.recorded);
    attribute(travel, "aria-pressed", String(!!past));
    attribute(travel, "aria-label", past ? "Back to live" : "Look at the past");
    attribute(travel, "title", past ? "Back to live (t)" : "Look at the past (t)");
    attribute(settings, "aria-current", route.view === "settings" ? "page" : null);
    attribute(moreButton, "data-here", !FOREMOST.includes(route.view));
    if (drawnAt !== location.hash) links(route.view);
    for (const tab of tabs) {
      text(tab.count, numbers[tab.view] > 99 && tab.view === "issues" ? "99+" : numbers[tab.view] ? count(numbers[tab.view]) : "");
      show(tab.count, !!numbers[tab.view]);
      if (tab.view === "run") attribute(tab.count, "data-tone", "live");
      if (tab.view === "issues") attribute(tab.count, "data-tone", model.issues.some((one) => one.severity === "error") || bad && troubles ? "bad" : "warn");
    }
  };
}
