/** What the panel of a story tells: what it is about, figures, changes of status, runs of commands, agents, files, events. */
import { ago, count, exact, moment, plural, size, span, took, timer } from "../format.js";
import { mark } from "../icons.js";
import { commandChip } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address } from "../router.js";
import { exitWords, shortCommand } from "../run.js";
import { busyOf } from "../stories-select.js";
import { agentsOf, changesOf, runsOf } from "../story-history.js";
import { hasFailed, metricsOf } from "../words.js";
import { eventRow, WHOLE } from "./event-row.js";

const STEP = 30;

/** @param {string} name @param {any} list */
function section(name, list) {
  const note = h("span", { class: "heading-note" });
  const hint = h("p", { class: "detail-none" });
  const more = h("button", { class: "button is-small", type: "button" });
  return { el: h("section", { class: "detail-part", "aria-label": name }, h("div", { class: "heading" }, h("h3", {}, name), note), list, hint, more), note, hint, more, list };
}

/** @param {import("../main.js").Actions} actions */
export function sections(actions) {
  const about = h("p", { class: "detail-about" });
  const key = h("p", { class: "detail-key mono" });
  const figures = h("dl", { class: "figures" });
  const commands = section("Commands", h("ul", { class: "detail-runs" }));
  const changes = section("Status", h("ol", { class: "detail-changes" }));
  const agents = section("Agents", h("ul", { class: "detail-agents" }));
  const files = section("Files", h("ul", { class: "detail-files" }));
  const events = section("Events", h("ol", { class: "events is-short detail-events" }));
  const toLog = h("a", { class: "heading-link" }, "In the log");
  events.el.firstElementChild.append(toLog);
  const state = h("p", { class: "detail-none", role: "status" });
  const el = h("div", { class: "detail-body" }, about, key, figures, state, commands.el, changes.el, agents.el, files.el, events.el);
  let shownRuns = STEP;
  let shownEvents = STEP;
  let of = "";
  let made = "";
  /** @type {{runs: ReturnType<typeof runsOf>, changes: ReturnType<typeof changesOf>, agents: ReturnType<typeof agentsOf>, events: import("../model.js").WireEvent[]}} */
  let known = { runs: [], changes: [], agents: [], events: [] };
  /** @type {any} */ let data = null;
  commands.more.addEventListener("click", () => { shownRuns += STEP; actions.changed(); });
  events.more.addEventListener("click", () => { if (shownEvents >= known.events.length) data?.older(); shownEvents += STEP; actions.changed(); });

  /** @param {import("../main.js").App} app @param {string} storyKey @param {import("../model.js").Story|null} story */
  function update(app, storyKey, story) {
    data = app.data;
    const { model, past, liveNow, line } = app;
    const held = data?.story?.key === storyKey ? data.story : null;
    if (of !== storyKey) { of = storyKey; shownRuns = shownEvents = STEP; made = ""; }
    const until = past ? past.index : Infinity;
    const signature = `${held?.revision}\n${until}`;
    if (made !== signature) {
      made = signature;
      const mine = (held?.events ?? []).filter((/** @type {any} */ one) => Number(one.id) <= until);
      const told = (held?.agents ?? []).filter((/** @type {any} */ one) => Number(one.id) <= until);
      known = { runs: runsOf(mine), changes: changesOf(mine), agents: agentsOf(told, storyKey), events: mine.toReversed() };
    }
    const loading = !held || (held.loading && !held.loaded);
    text(about, held?.about ?? "");
    show(about, !!held?.about);
    text(key, storyKey);
    drawFigures(figures, app, storyKey);
    text(state, held?.failed ? (line.live ? "Its events could not be loaded; it is tried again." : "Not connected: what is known of it may be old.") : loading ? "Loading its events…" : "");
    show(state, !!state.textContent);

    const some = { now: app.now, liveNow, log: app.log, live: !past };
    keyed(commands.list, known.runs.slice(0, shownRuns), (one) => String(one.id), runRow, some);
    text(commands.note, known.runs.length ? `${plural(known.runs.length, "run")}${held?.all === false ? " loaded" : ""}` : "");
    hint(commands, known.runs.length ? "" : loading ? "" : "No command has worked on it yet.");
    more(commands, known.runs.length > shownRuns ? `${count(known.runs.length - shownRuns)} earlier` : "");

    keyed(changes.list, known.changes.slice(0, 50), (one) => String(one.id), changeRow, some);
    hint(changes, known.changes.length || loading ? "" : story ? "Its status has not changed since the log began." : "The status file does not name it; only the log does.");
    more(changes, "");

    keyed(agents.list, known.agents, (one) => one.agent_id, agentRow, { ...some, newest: model.batch?.id ?? null });
    show(agents.el, known.agents.length > 0);
    more(agents, "");
    hint(agents, "");

    keyed(files.list, held?.files ?? [], (one) => `${one.archived} ${one.name}`, fileRow, some);
    text(files.note, past && held?.files.length ? "as they are now" : "");
    hint(files, held?.files.length ? "" : held?.filesState === "failed" ? "Its files could not be asked for." : held?.filesState === "loading" || !held ? "" : "No file in the artifacts folder carries its name.");
    more(files, "");

    keyed(events.list, known.events.slice(0, shownEvents), (one) => String(one.id), eventRow, app);
    text(events.note, known.events.length ? `${count(known.events.length)}${held?.all === false ? "+" : ""}` : "");
    attribute(toLog, "href", address("activity", { story: storyKey }));
    hint(events, known.events.length || loading ? "" : "The log holds nothing of it.");
    const rest = known.events.length - shownEvents;
    more(events, rest > 0 ? `${count(rest)} older` : held && !held.all && known.events.length ? (held.loading ? "Loading…" : "Load older") : "");
    events.more.disabled = !!held?.loading && rest <= 0;
  }
  return { el, update };
}

/** @param {ReturnType<typeof section>} part @param {string} words */
function hint({ hint: el }, words) {
  text(el, words);
  show(el, !!words);
}
/** @param {ReturnType<typeof section>} part @param {string} words */
function more({ more: el }, words) {
  text(el, words);
  show(el, !!words);
}

/** @param {HTMLElement} el @param {import("../main.js").App} app @param {string} key */
function drawFigures(el, { model, liveNow, now }, key) {
  const work = model.work?.get(key);
  /** @type {{name: string, value: string, title?: string, tone?: string}[]} */
  const list = [];
  if (work) {
    const busy = busyOf(work, liveNow);
    if (busy > 0) list.push({ name: "worked on", tone: work.busy_since !== null ? "live" : "plain", value: work.busy_since !== null ? timer(busy) : busy < 3_600_000 ? took(busy) : span(busy) });
    if (work.runs) list.push({ name: "commands", value: count(work.runs) });
    if (work.reviews) list.push({ name: "code reviews", value: count(work.reviews) });
    if (work.runs || work.failures) list.push({ name: work.failures === 1 ? "failure" : "failures", value: count(work.failures), tone: work.failures ? "bad" : "plain" });
    const tokens = (work.input_tokens ?? 0) + (work.output_tokens ?? 0);
    if (tokens) list.push({ name: "tokens", value: short(tokens), title: `${count(work.input_tokens ?? 0)} in, ${count(work.output_tokens ?? 0)} out` });
    if (work.cost_usd) list.push({ name: "cost", value: `$${work.cost_usd.toFixed(2)}` });
    if (work.done_at) list.push({ name: "done", value: ago(work.done_at, now), title: exact(work.done_at) });
    else if (work.last_at) list.push({ name: "last sign", value: ago(work.last_at, now), title: exact(work.last_at) });
    if (work.note?.word) list.push({ name: "noted", value: work.note.word, title: exact(work.note.at) });
  }
  keyed(el, list, ({ name }) => name, () => {
    const [dt, dd] = [h("dt"), h("dd")];
    return { el: h("div", {}, dd, dt), update(/** @type {(typeof list)[number]} */ one) { text(dt, one.name); text(dd, one.value); attribute(dd, "title", one.title); attribute(dd, "data-tone", one.tone); } };
  });
  show(el, list.length > 0);
}

/** @param {number} n */
const short = (n) => (n >= 999_500 ? `${(n / 1e6).toFixed(n < 9.95e6 ? 1 : 0)} M` : n >= 1000 ? `${Math.round(n / 1000)} k` : count(n));

/** @param {string} status */
const toneOf = (status) => (hasFailed({ status }) ? "bad" : status === "left-open" ? "warn" : status === "running" ? "live" : "good");
/** @param {string} status */
const markOf = (status) => (status === "running" ? "start" : hasFailed({ status }) || status === "left-open" ? "failed" : "end");
const PLAIN = new Set(["end", "success", "complete", "completed", "done"]);
/** @param {string} status @param {string} message */
const saying = (status, message) => [PLAIN.has(status) || status === "running" ? "" : status.replaceAll("-", " "), metricsOf(message.replace(/\\n|\s+/g, " ").trim()).text].filter(Boolean).join(" – ");

/** @param {import("../story-history.js").CommandRun} first */
function runRow(first) {
  const chip = commandChip();
  const result = h("span", { class: "run-mark" });
  const time = h("span", { class: "run-took" });
  const when = h("time", { class: "run-when" });
  const words = h("p", { class: "run-words" });
  const tasks = h("ul", { class: "run-tasks" });
  const details = h("details", { class: "run" }, h("summary", { class: "run-head" }, result, chip.el, time, when, words), tasks);
  details.addEventListener("toggle", () => dispatchEvent(new Event("hashchange")));
  details.open = first.status === "running";
  let drawn = "";
  return {
    el: h("li", {}, details),
    /** @param {import("../story-history.js").CommandRun} run @param {{now: number, liveNow: number}} app */
    update(run, { now, liveNow }) {
      if (drawn !== run.status) {
        drawn = run.status;
        result.replaceChildren(mark(markOf(run.status), toneOf(run.status)));
      }
      chip.update(shortCommand(run.command));
      const goes = run.status === "running" && run.started_at !== null;
      text(time, goes ? timer(liveNow - Number(run.started_at)) : run.started_at !== null && run.ended_at !== null ? took(run.ended_at - run.started_at) : "");
      attribute(time, "data-live", goes);
      const at = run.started_at ?? run.ended_at;
      text(when, at === null ? "" : moment(at, now));
      attribute(when, "title", exact(at));
      text(words, saying(run.status, run.message));
      attribute(words, "data-tone", toneOf(run.status));
      show(words, !!words.textContent);
      if (!details.open) return;
      // The command as a whole is told by its own line, where it has other tasks.
      keyed(tasks, run.tasks.some(isPart) ? run.tasks.filter((one) => isPart(one) || one.status !== run.status) : run.tasks, (one) => `${one.event}`, taskRow, { liveNow });
    },
  };
}

const isPart = (/** @type {import("../story-history.js").Task} */ { task }) => !WHOLE.includes(task);

/** @param {import("../story-history.js").Task} first */
function taskRow(first) {
  const name = h("span", { class: "task-name" });
  const time = h("span", { class: "run-took" });
  const words = h("span", { class: "task-words" });
  const sign = h("span", { class: "run-mark" });
  let drawn = "";
  return {
    el: h("li", { class: "task" }, sign, name, time, words),
    /** @param {import("../story-history.js").Task} task @param {{liveNow: number}} app */
    update(task, { liveNow }) {
      if (drawn !== task.status) {
        drawn = task.status;
        sign.replaceChildren(mark(markOf(task.status), toneOf(task.status)));
      }
      text(name, WHOLE.includes(task.task) ? "the command" : task.task);
      text(time, task.status === "running" && task.started_at !== null ? timer(liveNow - task.started_at) : task.started_at !== null && task.ended_at !== null ? took(task.ended_at - task.started_at) : "");
      text(words, saying(task.status, task.message));
      attribute(words, "title", task.message || null);
      attribute(words, "data-tone", toneOf(task.status));
    },
  };
}

/** @param {import("../story-history.js").Change} one */
function changeRow(one) {
  const when = h("time", { class: "run-when", title: exact(one.at) });
  return {
    el: h("li", { class: "change" }, when,
      h("span", { class: "change-words" }, one.old_status === null ? "new: " : one.new_status === null ? "gone, was " : `${one.old_status} → `, h("b", {}, one.new_status ?? one.old_status ?? "")),
      h("span", { class: "change-source" }, one.source === "orchestrator" ? "by the batch" : "")),
    update: (/** @type {any} */ _, /** @type {{now: number}} */ { now }) => text(when, moment(one.at, now)),
  };
}

/** @param {import("../story-history.js").AgentRun} first */
function agentRow(first) {
  const chip = commandChip();
  const facts = h("span", { class: "agent-info" });
  const time = h("span", { class: "run-took" });
  const sign = h("span", { class: "run-mark" });
  const log = h("a", { class: "button is-small" }, "Log");
  let drawn = "";
  return {
    el: h("li", { class: "detail-agent" }, sign, chip.el, time, facts, log),
    /** @param {import("../story-history.js").AgentRun} one @param {{liveNow: number, newest: number|null, live: boolean}} app */
    update(one, { liveNow, newest, live }) {
      const exit = one.ended_at === null ? null : exitWords(one);
      const word = exit?.tone ?? "live";
      if (drawn !== word) {
        drawn = word;
        sign.replaceChildren(mark(exit ? (exit.tone === "good" ? "end" : "failed") : "start", word));
      }
      chip.update(shortCommand(one.command));
      text(time, one.started_at === null ? "" : one.ended_at === null ? timer(liveNow - one.started_at) : took(one.ended_at - one.started_at));
      const tokens = (one.input_tokens ?? 0) + (one.output_tokens ?? 0);
      text(facts, [one.model, one.attempt && one.attempt > 1 ? `attempt ${one.attempt}` : "", one.background ? "in the background" : "", exit && exit.tone !== "good" ? exit.text : "", tokens ? `${short(tokens)} tokens` : "", one.cost_usd ? `$${one.cost_usd.toFixed(2)}` : "",
        one.shared > 1 ? `shared by ${one.shared} stories` : "", one.batch_id === null ? "" : `batch ${one.batch_id}`].filter(Boolean).join(" · "));
      // The run view follows those of the batch that goes on; of the others the text is there.
      const follows = live && one.batch_id === newest;
      attribute(log, "href", follows ? address("run", { log: one.agent_id }) : `api/agents/${encodeURIComponent(one.agent_id)}/log`);
      attribute(log, "target", follows ? null : "_blank");
      attribute(log, "rel", follows ? null : "noopener");
      attribute(log, "aria-label", `Log of ${shortCommand(one.command)}, agent ${one.agent_id}${follows ? "" : " (opens a new tab)"}`);
    },
  };
}

/** @type {Record<string, string>} */
const KINDS = { story: "story", discovery: "discovery", "tech-spec": "tech spec" };

/** @param {{name: string, kind: string, archived: boolean}} first */
function fileRow(first) {
  const facts = h("span", { class: "file-facts" });
  return {
    el: h("li", { class: "detail-file" }, h("span", { class: "mono file-id" }, first.name), facts),
    /** @param {{kind: string, size: number, modified_at: number|null, archived: boolean}} one @param {{now: number}} app */
    update(one, { now }) {
      text(facts, [KINDS[one.kind] ?? one.kind, size(one.size), one.modified_at === null ? "" : `changed ${ago(one.modified_at, now)}`, one.archived ? "in the archive" : ""].filter(Boolean).join(" · "));
      attribute(facts, "title", exact(one.modified_at));
    },
  };
}
