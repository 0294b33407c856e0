/** What to do now, in one line, and what happened while nobody looked. Brought once the overview stands. */
import { count, exact, minute, plural, span } from "../format.js";
import { mark, sign } from "../icons.js";
import { dollars } from "../insight-words.js";
import { nextAction } from "../next-action.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address } from "../router.js";

const SIGNS = { bad: "warning", warn: "warning", live: "end", good: "end", plain: "change" };
const MOST = 6;

/** @param {{next: HTMLElement, away: HTMLElement}} places @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount({ next, away }, actions) {
  const drawNext = nextLine(next, actions);
  const drawAway = awayPanel(away);
  return (app) => {
    const { loaded, past, run, control } = app;
    // How the last batch ended must be known to say what is next.
    if (loaded && !past && run.kind === "none" && !control.ended) actions.lookBack();
    drawNext(app);
    drawAway(app);
  };
}

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions */
function nextLine(el, actions) {
  const what = h("span");
  const link = h("a", { class: "next-text" });
  const button = h("button", { class: "next-text", type: "button", on: { click: () => (does === "start" ? actions.openControl() : actions.retry()) } });
  const plain = h("b", { class: "next-text" });
  const reason = h("span", { class: "next-reason" });
  const signs = h("span", { class: "next-sign" });
  /** @type {string|null} */ let does = null;
  let drawn = "";
  el.append(signs, h("p", { class: "next-words" }, what, link, button, plain, " ", reason));
  attribute(what, "class", "hidden-text");

  return (/** @type {import("../main.js").App} */ app) => {
    const { model, concerns, run, control, now, line, loaded, past, log, data } = app;
    const ended = past ? lastEnd(log.events) : control.ended;
    const one = nextAction({ model: loaded ? model : null, concerns, run, ended, now, line: past ? { live: true, ever: true } : line, readOnly: control.readOnly, past: !!past, comeBack: data?.comeBack });
    if (past && !loaded) return show(el, false);
    show(el, true);
    if (drawn !== one.tone) {
      drawn = one.tone;
      signs.replaceChildren(mark(SIGNS[one.tone], one.tone));
    }
    attribute(el, "data-tone", one.tone);
    attribute(el, "data-kind", one.kind);
    text(what, past ? "What was to be done then: " : "What to do now: ");
    does = one.action;
    const shown = one.action ? button : one.href ? link : plain;
    for (const place of [link, button, plain]) {
      show(place, place === shown);
      text(place, place === shown ? one.text : "");
    }
    attribute(link, "href", one.href);
    text(reason, one.reason);
  };
}

/** @param {import("../model.js").WireEvent[]} events of a past moment */
function lastEnd(events) {
  const event = events.findLast(({ type }) => type === "batch:start" || type === "batch:end");
  return event?.type === "batch:end" ? { ...event.payload, ended_at: event.timestamp } : null;
}

/** @param {HTMLElement} el */
function awayPanel(el) {
  const when = h("span", { class: "heading-note" });
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Put the report away", title: "Put away" }, sign("close"));
  const open = h("button", { class: "button is-quiet away-open", type: "button" }, "While you were away", sign("open"));
  const headline = h("p", { class: "away-headline" });
  const facts = h("dl", { class: "away-facts" });
  const more = h("ul", { class: "away-more" });
  const first = h("a", { class: "away-first" });
  const why = h("span", { class: "away-why" });
  const firstLine = h("p", { class: "away-next" }, "First: ", first, " ", why);
  const again = h("button", { class: "button", type: "button" }, "Try again");
  const title = h("div", { class: "heading" }, h("h2", {}, "While you were away"), when, close);
  const whole = h("div", { class: "away-body" }, title, headline, facts, more, firstLine, again);
  el.append(open, whole);
  /** @type {any} */ let insight = null;
  /** Who pressed one of the two goes on at the other, once it is shown. @type {HTMLElement|null} */
  let next = null;
  close.addEventListener("click", () => { next = open; insight?.close(true); });
  open.addEventListener("click", () => { next = close; insight?.close(false); });
  again.addEventListener("click", () => insight?.again());
  let drawn = /** @type {any} */ (null);

  return (/** @type {import("../main.js").App} */ { data, past, loaded, now }) => {
    insight = data?.insight;
    const told = !past && loaded ? insight?.away : null;
    show(el, !!told);
    if (!told) return;
    show(open, told.closed);
    show(whole, !told.closed);
    attribute(el, "data-closed", told.closed);
    if (next && told.closed === (next === open)) {
      next.focus();
      next = null;
    }
    text(when, `${minute(told.since, now)} – ${minute(told.until, now)}, ${span(told.until - told.since)}`);
    attribute(when, "title", `${exact(told.since)} – ${exact(told.until)}`);
    show(again, told.failed && !told.report);
    const { report } = told;
    if (drawn === report && report) return;
    drawn = report;
    attribute(el, "data-tone", report?.tone);
    text(headline, report ? report.headline : "What happened could not be asked for.");
    keyed(facts, report ? factsOf(report) : [], ({ name }) => name, fact);
    keyed(more, report?.sentences ?? [], (one) => one, (one) => ({ el: h("li", {}, one), update() {} }));
    show(firstLine, !!report?.first);
    text(first, report?.first?.text);
    attribute(first, "href", report?.first?.href);
    text(why, report?.first?.reason);
  };
}

/** @typedef {{name: string, tone: string, stories: {id: string, key: string, note: string}[], words: string}} Fact */

/** @param {import("../away.js").Report} report @returns {Fact[]} */
function factsOf({ done, stuck, retried, input_tokens, output_tokens, cost_usd, agents }) {
  const whys = { blocked: "blocked", failed: "failed", review: "left in review" };
  const cost = [cost_usd === null ? "" : dollars(cost_usd), input_tokens === null && output_tokens === null ? "" : `${count((input_tokens ?? 0) + (output_tokens ?? 0))} tokens`].filter(Boolean).join(", ");
  const list = (/** @type {any[]} */ all, /** @type {(one: any) => string} */ note) => all.map((one) => ({ id: one.story_id, key: one.story_key, note: note(one) }));
  return [
    { name: "Done", tone: "good", stories: list(done, () => ""), words: done.length ? "" : "none" },
    { name: "Stuck", tone: "bad", stories: list(stuck, ({ why }) => whys[/** @type {keyof typeof whys} */ (why)]), words: stuck.length ? "" : "none" },
    { name: "Retried", tone: "warn", stories: list(retried, ({ command, attempts }) => `${command} ${attempts} times`), words: retried.length ? "" : "none" },
    { name: "Cost", tone: "plain", stories: [], words: cost ? `${cost}${agents ? ` in ${plural(agents, "agent run")}` : ""}` : "not told by the agents" },
  ];
}

function fact() {
  const name = h("dt");
  const words = h("span", { class: "away-none" });
  const list = h("ul");
  const more = h("span", { class: "away-none" });
  const el = h("div", { class: "away-fact" }, name, h("dd", {}, list, words, more));
  return { el, update(/** @type {Fact} */ one) {
    text(name, one.stories.length ? `${one.name} ${one.stories.length}` : one.name);
    attribute(el, "data-tone", one.stories.length ? one.tone : "plain");
    text(words, one.words);
    keyed(list, one.stories.slice(0, MOST), ({ key }) => key, storyItem);
    text(more, one.stories.length > MOST ? `and ${one.stories.length - MOST} more` : "");
  } };
}

function storyItem() {
  const link = h("a", { class: "mono" });
  const note = h("span");
  return { el: h("li", {}, link, " ", note), update(/** @type {Fact["stories"][number]} */ { id, key, note: words }) {
    text(link, id);
    attribute(link, "href", address("overview", { detail: key }));
    attribute(link, "title", key);
    text(note, words);
  } };
}
