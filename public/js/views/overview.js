/** In ten seconds: is it going on, where is it, does it need me, what happened last. */
import { ago, count, epicTitle, moment, plural, span, timer } from "../format.js";
import { mark, sign } from "../icons.js";
import { CLASSES } from "../model.js";
import { classWord, empty, heading, segments, statusBadge } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address, here } from "../router.js";
import { eventRow } from "./event-row.js";
import { group, operations } from "./operations.js";

const LATEST = 15;
/** The first look stands first; what it concludes follows at once. */
const LATER_MS = 500;

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const word = h("h1", { class: "hero-word" });
  const detail = h("p", { class: "hero-detail" });
  const begin = h("button", { class: "button", type: "button", "aria-haspopup": "dialog", on: { click: actions.openControl } }, sign("run"), "Start a batch…");
  const toRun = h("a", { class: "button", href: "#run" }, "Follow the run", sign("open"));
  const done = h("b", { class: "hero-number" });
  const total = h("span", { class: "hero-total" });
  const next = h("div", { class: "next" });
  const away = h("section", { class: "panel away", "aria-label": "While you were away", hidden: true });
  const sums = totals();
  const bar = segments();
  const legend = h("ul", { class: "legend" });
  const hero = h("div", { class: "hero" },
    h("div", { class: "hero-state" }, word, next, detail, h("p", { class: "hero-control" }, begin, toRun)),
    h("div", { class: "hero-sum" }, h("p", { class: "hero-figures" }, done, total), bar.el, legend, sums.el));

  const needs = h("section", { class: "panel needs", "aria-label": "Needs you" }, heading("Needs you"));
  const needList = h("ul", { class: "needs-list" });
  needs.append(needList);
  const ops = h("ul", { class: "ops", id: "operations" });
  const opsCount = h("span", { class: "heading-note" });
  const opsNone = empty("", "");
  const epics = h("ul", { class: "epic-lines" });
  const latest = h("ol", { class: "events is-short", id: "latest" });
  const latestNone = empty("No events yet", "Rows of sprint-runner.csv appear here as they are written.");
  /** @type {HTMLElement} */
  let epicsPanel;
  const columns = h("div", { class: "columns" },
    h("div", { class: "column" }, needs,
      h("section", { class: "panel live", "aria-label": "Under way" }, heading("Under way", opsCount), ops, opsNone.el),
      (epicsPanel = h("section", { class: "panel", "aria-label": "Epics" }, heading("Epics", h("a", { class: "heading-link", href: "#epics" }, "All epics")), epics))),
    h("div", { class: "column" },
      h("section", { class: "panel", "aria-label": "Latest activity" }, heading("Latest", h("a", { class: "heading-link", href: "#activity" }, "All activity")), latest, latestNone.el)));
  const nothing = empty("No sprint found", "Nothing is watched yet. Sprint Runner shows sprint-status.yaml, sprint-runner.csv and orchestrator.md of a BMAD project as soon as they exist.");
  const loading = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  el.append(hero, away, loading, nothing.el, columns);
  const drawOps = operations();
  /** @type {((app: import("../main.js").App) => void)|null} what the overview concludes is brought once the first look stands */
  let conclude = null;
  let bringing = false;
  const bring = () => {
    bringing = true;
    setTimeout(() => import("./conclusions.js").then(({ mount: begun }) => { conclude = begun({ next, away }, actions); }, () => { bringing = false; }).finally(actions.changed), LATER_MS);
  };

  return (app) => {
    const { model, verdict, log, loaded, now, liveNow, line, run } = app;
    const { counts } = app.sums;
    const concerns = app.data?.line ? [...app.concerns, app.data.line] : app.concerns;
    if ((loaded || line.lostAt) && !bringing) bring();
    conclude?.(app);
    text(word, verdict.word);
    attribute(hero, "data-kind", verdict.kind);
    text(detail, sentence(app));
    const known = verdict.kind !== "empty" || concerns.length > 0 || log.events.some((event) => event.type !== "source:state");
    show(loading, !loaded);
    show(nothing.el, loaded && !known);
    show(columns, loaded && known);
    show(/** @type {HTMLElement} */ (hero.lastElementChild), loaded && counts.stories > 0);

    show(begin, !app.past && line.live && verdict.kind === "idle" && line.server?.control !== false);
    show(toRun, run.kind !== "none");

    text(done, count(counts.by_class.done));
    text(total, `/ ${plural(counts.stories, "story", "stories")} done`);
    sums.update(app);
    bar.update(model.stories.map((story) => story.status_class));
    keyed(legend, CLASSES.filter((one) => counts.by_class[one]).map((one) => ({ one, n: counts.by_class[one] })), ({ one }) => one, legendItem);

    show(needs, concerns.length > 0);
    keyed(needList, concerns.slice(0, 8), (one) => one.href + one.text.replace(/\d+/g, ""), concernItem);
    drawOps(ops, app);
    const running = model.active.length > 0;
    show(opsNone.el, !running);
    text(opsCount, running ? `${plural(ops.children.length, "command")}` : "");
    attribute(ops.parentElement ?? ops, "data-busy", !!model.batch || running);
    if (!running) opsNone.update(...between(app));
    show(epicsPanel, model.epics.length > 0);
    keyed(epics, model.epics, (epic) => epic.epic_key, epicLine, app);
    keyed(latest, newest(log.events), (event) => String(event.id), eventRow, app);
    show(latestNone.el, !log.events.length);
    attribute(columns, "data-live", line.live && now > 0);
  };
}

/** What is said where no command is under way: a title and its text. @param {any} app @returns {[string, string]} */
function between(app) {
  const { model, run, now, liveNow } = app;
  // An agent may be at work without a story: the project's context, a chain in the background.
  const [agent] = model.agents ?? [];
  if (agent) return [`${agent.command} is at work`, "It belongs to no story; its log is in Run."];
  if (run.phase === "parked") return ["Parked", run.parked_until ? `It goes on by itself at ${moment(run.parked_until, now)}.` : "It waits to go on."];
  if (model.batch) return ["Between two commands", `Batch ${model.batch.id} is open; its last sign was ${ago(model.batch.last_activity_at, liveNow)}.`];
  return ["Nothing is under way", lastSign(app)];
}

/** What it concludes beside that is worked out by code that the first look does not wait for. @param {any} by */
export function store(by) {
  /** @type {any} */ let whole = null;
  setTimeout(() => import("../insight.js").then(({ createInsight }) => { whole = createInsight(by); }).catch(() => {}).finally(by.changed), LATER_MS);
  return {
    get line() { return whole?.line ?? null; },
    get comeBack() { return whole?.comeBack ?? null; },
    get insight() { return whole; },
    watch: (/** @type {any} */ app) => whole?.watch(app),
    attend: (/** @type {any} */ app) => whole?.attend(app),
    heard: (/** @type {any} */ event) => whole?.heard(event),
    renew: () => whole?.renew(),
  };
}

/** Epics, the story at work, agents. */
function totals() {
  const epics = h("dd");
  const story = h("a");
  const more = h("span");
  const agents = h("dd");
  const agentsName = h("dt");
  const el = h("dl", { class: "totals" },
    h("div", {}, h("dt", {}, "Epics done"), epics),
    h("div", {}, h("dt", {}, "Current story"), h("dd", {}, story, more)),
    h("div", {}, agentsName, agents));
  return { el, update(/** @type {import("../main.js").App} */ { model, sums: { counts }, run, past }) {
    const keys = [...new Set([...model.active.map((one) => one.story_key), ...run.stories])];
    const first = keys.length ? model.byKey.get(keys[0]) ?? { story_key: keys[0], story_id: null } : null;
    text(epics, `${counts.epics_done} of ${counts.epics}`);
    text(story, first ? first.story_id ?? first.story_key : past ? "none then" : "none");
    attribute(story, "href", first ? here({ detail: first.story_key }) : null);
    attribute(story, "title", first?.story_key);
    text(more, keys.length > 1 ? ` + ${keys.length - 1}` : "");
    // Whose agents somebody else runs is not known: then the commands under way are counted.
    const ours = run.kind === "managed";
    const at = group(model.active).length;
    text(agentsName, ours || !at ? "Active agents" : "At work");
    text(agents, ours ? count(model.agents.length) : at ? plural(at, "command") : "none");
  } };
}

/** What the orchestrator notes in its Markdown says again what its rows have said. @param {import("../model.js").WireEvent[]} events */
function newest(events) {
  const found = [];
  for (let i = events.length - 1; i >= 0 && found.length < LATEST; i -= 1) if (events[i].type !== "activity:entry") found.push(events[i]);
  return found;
}

/** @param {import("../main.js").App} app */
function sentence({ model, verdict, line, liveNow, now }) {
  const { batch } = model;
  if (verdict.kind === "unreachable") return verdict.detail;
  if (verdict.kind === "offline") return line.lostAt ? `Lost ${ago(line.lostAt, Date.now())}; ${verdict.detail}` : verdict.detail;
  if (!batch) return verdict.detail;
  const cycles = batch.max_cycles ? `cycle ${Math.min(batch.cycles_completed + 1, batch.max_cycles)} of ${batch.max_cycles}` : batch.origin === "managed" ? `${plural(batch.cycles_completed, "cycle")} (unlimited)` : "";
  const parts = [verdict.detail, `${batch.origin ?? ""} batch ${batch.id}`.trim(), cycles, `for ${liveNow - batch.started_at < 3_600_000 ? timer(liveNow - batch.started_at) : span(liveNow - batch.started_at)}`];
  const quiet = now - batch.last_activity_at;
  if (verdict.kind === "running" && quiet > 60_000) parts.push(`quiet for ${span(quiet)}`);
  return parts.filter(Boolean).join(" · ");
}

/** @param {import("../main.js").App} app */
function lastSign({ log, now }) {
  const last = log.events.findLast((event) => event.type.startsWith("command:"));
  return last ? `The last sign of work was ${ago(last.timestamp, now)}.` : "It shows here as soon as a command starts.";
}

function legendItem() {
  const n = h("b");
  const words = h("span");
  const dot = h("i");
  const link = h("a", {}, dot, n, words);
  return { el: h("li", {}, link), update(/** @type {{one: string, n: number}} */ item) {
    dot.className = `legend-dot is-${item.one}`;
    text(n, count(item.n));
    text(words, classWord(item.one));
    attribute(link, "href", address("stories", { class: item.one }));
  } };
}

function concernItem() {
  const what = h("b");
  const more = h("span");
  const link = h("a", { class: "need" }, mark("warning"), h("span", { class: "need-words" }, what, " ", more));
  return { el: h("li", { "data-row": true }, link), update(/** @type {import("../verdict.js").Concern} */ one) {
    attribute(link, "href", one.href);
    attribute(link, "data-tone", one.tone);
    text(what, one.text);
    text(more, one.detail);
  } };
}

function epicLine() {
  const id = h("span", { class: "mono epic-id" });
  const title = h("span", { class: "epic-title" });
  const badge = statusBadge();
  const bar = segments();
  const sum = h("span", { class: "epic-sum" });
  const link = h("a", { class: "epic-line" }, id, title, bar.el, sum, badge.el);
  return { el: h("li", { "data-row": true }, link), update(/** @type {import("../model.js").Epic} */ epic, /** @type {import("../main.js").App} */ { sums }) {
    const { story_count, done_count } = sums.perEpic.get(epic.epic_id) ?? { story_count: 0, done_count: 0 };
    text(id, epic.epic_id);
    text(title, epicTitle(epic));
    attribute(link, "href", address("epics", { open: epic.epic_id }));
    attribute(link, "title", epic.epic_key);
    bar.update((sums.storiesOf.get(epic.epic_id) ?? []).map((story) => story.status_class));
    text(sum, `${done_count}/${story_count}`);
    badge.update(epic.status, epic.status_class);
  } };
}
