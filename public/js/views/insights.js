/** What the sprint's own numbers say: when it may be done, what takes the time, what is done twice, what it costs. */
import { effort } from "../effort.js";
import { count, plural, span } from "../format.js";
import { burnUp, forecast, scopeChanges } from "../forecast.js";
import { commandWords, costWords, dayWord, dollars, forecastWords, percent, retryWords, reviewWords, scopeWords, slowWords, throughputWords, tokenWord } from "../insight-words.js";
import { empty } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { here } from "../router.js";
import { burnUpChart, columns } from "./charts.js";

const MOST_DAYS = 30;
const PAGES = 20;
const PAGE = 1000;
const PAUSE_MS = 30_000;

/** When stories came and went is told by the events of their statuses alone. @param {{get: typeof import("../api.js").get, changed: () => void}} by */
export function store({ get, changed }) {
  /** @type {import("../model.js").WireEvent[]} */ let events = [];
  let after = 0;
  let asking = false;
  let asked = 0;
  let revision = -1;
  let cut = false;
  let changes = scopeChanges([]);

  async function ask() {
    asking = true;
    const mine = events;
    try {
      for (let page = 0; page < PAGES; page += 1) {
        const found = await get("api/events", { after, limit: PAGE, type: "story:status" });
        if (mine !== events) break;
        events.push(...found.events);
        cut = page === PAGES - 1 && found.next !== null;
        after = found.next ?? Math.max(after, Number(found.events.at(-1)?.id ?? 0));
        if (found.next === null) break;
      }
      changes = scopeChanges(events);
    } catch {
      revision = -1;
    }
    asking = false;
    asked = Date.now();
    changed();
  }
  return {
    get changes() { return changes; },
    get cut() { return cut; },
    /** @param {import("../main.js").App} app */
    attend({ live, line }) {
      if (asking || !line.live || live.model.revision === revision || Date.now() - asked < (asked && revision >= 0 ? PAUSE_MS : 0) || (revision < 0 && Date.now() - asked < 2000)) return;
      revision = live.model.revision;
      ask();
    },
    renew() {
      events = [];
      changes = [];
      after = asked = 0;
      revision = -1;
    },
  };
}

/** @param {string} title @param {string} wide @param {...any} inner */
function panel(title, wide, ...inner) {
  const says = h("p", { class: "insight-says" });
  const none = empty("", "");
  const whole = h("div", { class: "insight-inner" }, ...inner);
  const el = h("section", { class: "insight", "aria-label": title, "data-wide": wide || null }, h("h2", {}, title), says, whole, none.el);
  /** @param {string} sentence @param {boolean} there @param {string} [lack] @param {string} [hint] */
  function update(sentence, there, lack = "", hint = "") {
    text(says, sentence);
    show(says, !!sentence);
    show(whole, there);
    show(none.el, !there);
    none.update(lack, hint);
  }
  return { el, update };
}

/** @param {HTMLElement} el @returns {(app: import("../main.js").App) => void} */
export function mount(el) {
  const note = h("span", { class: "toolbar-note", role: "status" });
  const chart = burnUpChart();
  const days = columns("Stories finished on each day", ["Day", "Stories"]);
  const reviews = columns("Stories by the code reviews they needed", ["Reviews", "Stories"]);
  const commands = h("ul", { class: "gauges" });
  const costs = h("dl", { class: "sums" });
  const slowest = h("ol", { class: "gauges is-ranked" });
  const retried = h("ol", { class: "gauges is-ranked" });
  const parts = {
    burnUp: panel("Burn-up", "all", chart.el), days: panel("Finished per day", "", days.el), reviews: panel("Code reviews per story", "", reviews.el),
    commands: panel("Time per command", "two", commands), costs: panel("Tokens and cost", "", costs), slowest: panel("Longest stories", "", slowest), retried: panel("Most retried", "", retried),
  };
  const loading = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const grid = h("div", { class: "insights" }, parts.burnUp.el, parts.days.el, parts.reviews.el, parts.costs.el, parts.commands.el, parts.slowest.el, parts.retried.el);
  el.append(h("div", { class: "toolbar" }, h("h1", { class: "toolbar-title" }, "Insights"), note), loading, grid);
  let drawn = { model: /** @type {any} */ (null), id: -1, minute: -1, changes: /** @type {any} */ (null) };

  return (app) => {
    const { model, loaded, now, past, data } = app;
    show(loading, !loaded);
    show(grid, loaded);
    const changes = data?.changes ?? [];
    const minute = Math.floor(now / 15_000);
    if (!loaded || (drawn.model === model && drawn.minute === minute && drawn.changes === changes && (drawn.id === model.last_event_id || !!past))) return;
    // A flood of events is not drawn one by one.
    drawn = { model, id: model.last_event_id, minute, changes };
    const f = forecast({ model, now, seed: 1 });
    const b = burnUp({ model, now, changes });
    const e = effort(model, { now });
    const stories = model.stories.length;
    text(note, past ? "as it was then" : data?.cut ? "the oldest changes only: there are too many" : "");

    const started = b.done.length > 2 || b.scope.length > 2 || f.samples > 0;
    parts.burnUp.update([forecastWords(f, now), scopeWords(b)].filter(Boolean).join(" "), stories > 0 && (started || b.to - b.from > 60_000), stories ? "Nothing has moved yet" : "No stories", stories ? "The line begins with the first story that is finished while somebody watches." : "Stories of sprint-status.yaml are counted here as they are finished.");
    if (stories) chart.update(b, f, now);
    parts.days.update(throughputWords(e.days, f.per_day), e.days.list.length > 0, "No story was finished yet", "Each day gets a column for the stories whose status became done on it.");
    days.update(e.days.list.slice(-MOST_DAYS).map(({ day, done }, i, all) => ({ name: dayWord(day), label: all.length <= 8 || (all.length - 1 - i) % Math.ceil(all.length / 5) === 0 ? dayWord(day).replace(/^\w+, /, "") : "", n: done, title: `${dayWord(day)}: ${plural(done, "story", "stories")}` })));
    parts.reviews.update(reviewWords(e.reviews), e.reviews.stories > 0, "No reviewed story is done yet", "Finished stories are counted by how often code-review was begun for them.");
    reviews.update(e.reviews.columns.map(({ attempts, stories: n, more }) => ({ name: `${attempts}${more ? " or more" : ""}`, label: `${attempts}${more ? "+" : ""}`, n, title: `${plural(n, "story", "stories")} with ${plural(attempts, "review")}${more ? " or more" : ""}` })));
    parts.commands.update(commandWords(e.commands), e.commands.list.length > 0, "No command has run yet", "The rows of sprint-runner.csv tell how long each command took.");
    const longest = Math.max(1, ...e.commands.list.map((one) => one.busy_ms));
    keyed(commands, e.commands.list, (one) => one.command, bar, longest);
    const c = e.costs;
    const told = c.cost_usd !== null || c.input_tokens !== null || c.output_tokens !== null;
    parts.costs.update(costWords(c), told, "Nobody told", "Agents of batches started here tell their tokens and cost as they end. Somebody else's agents don't.");
    keyed(costs, told ? figuresOf(c) : [], ([name]) => name, figure);
    ranking(parts.slowest, slowest, slowWords(e), e.slowest, (n) => span(n), "No story was worked on yet", "What counts is the time in which a command of the story was open.");
    ranking(parts.retried, retried, retryWords(e.retried), e.retried, (n) => `${count(n)} more`, e.slowest.length ? "Nothing had to be done twice" : "No story was worked on yet", "Second and later reviews and failed commands are counted.");
  };
}

/** @param {any} part @param {Element} list @param {string} sentence @param {import("../effort.js").Ranked[]} items @param {(n: number) => string} words @param {string} lack @param {string} hint */
function ranking(part, list, sentence, items, words, lack, hint) {
  part.update(sentence, items.length > 0, lack, hint);
  const top = Math.max(1, ...items.map(({ n }) => n));
  keyed(list, items, ({ story_key }) => story_key, ranked, { top, words });
}

/** @param {any} c @returns {[string, string][]} */
const figuresOf = (c) => /** @type {[string, string][]} */ ([
  ["In total", c.cost_usd === null ? "" : dollars(c.cost_usd)], ["Per finished story", c.story_cost === null ? "" : dollars(c.story_cost)],
  ["Tokens read", c.input_tokens === null ? "" : tokenWord(c.input_tokens)], ["Tokens written", c.output_tokens === null ? "" : tokenWord(c.output_tokens)], ["Tokens per story", c.story_tokens === null ? "" : tokenWord(c.story_tokens)],
]).filter(([, words]) => words);

function figure() {
  const name = h("dt");
  const n = h("dd");
  return { el: h("div", {}, name, n), update(/** @type {[string, string]} */ [title, words]) { text(name, title); text(n, words); } };
}

function bar() {
  const name = h("span", { class: "command gauge-name" });
  const length = h("i", { class: "gauge-length" });
  const sum = h("span", { class: "gauge-sum" });
  const more = h("span", { class: "gauge-more" });
  const bad = h("span", { class: "gauge-bad" });
  const el = h("li", { class: "gauge-row" }, name, h("span", { class: "gauge-room" }, length), sum, h("span", { class: "gauge-facts" }, more, bad));
  return { el, update(/** @type {any} */ one, /** @type {number} */ longest) {
    text(name, one.command);
    attribute(name, "title", one.command);
    for (const place of [el, name]) attribute(place, "data-family", one.family);
    length.style.setProperty("--part", String(one.busy_ms / longest));
    show(length, one.busy_ms > 0);
    text(sum, one.busy_ms ? span(one.busy_ms) : "–");
    text(more, [one.busy_ms ? percent(one.share) : "", plural(one.runs, "run"), one.mean_ms ? `${one.mean_ms < 1000 ? "under 1 s" : span(one.mean_ms)} each` : ""].filter(Boolean).join(" · "));
    text(bad, one.failed ? ` · ${count(one.failed)} failed` : "");
  } };
}

function ranked() {
  const id = h("span", { class: "mono gauge-id" });
  const title = h("span", { class: "gauge-title" });
  const link = h("a", { class: "gauge-name" }, id, title);
  const length = h("i", { class: "gauge-length" });
  const sum = h("span", { class: "gauge-sum" });
  const el = h("li", { class: "gauge-row", "data-row": true }, link, sum, h("span", { class: "gauge-room" }, length));
  return { el, update(/** @type {import("../effort.js").Ranked} */ one, /** @type {any} */ { top, words }) {
    text(id, one.story_id === one.title || one.story_key === one.title ? "" : one.story_id);
    text(title, one.title);
    attribute(link, "href", here({ detail: one.story_key }));
    attribute(link, "title", one.story_key);
    length.style.setProperty("--part", String(one.n / top));
    text(sum, words(one.n));
  } };
}
