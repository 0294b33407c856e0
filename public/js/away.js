/**
 * What happened while nobody looked, told from the events of that time. Pure.
 *
 * The events may be a part of them only; then that is said. Where nothing worth a word happened there is no report.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{story_key: string, story_id: string, at: number}} Told
 * @typedef {Told & {why: "blocked"|"failed"|"review", detail: string}} Stuck
 * @typedef {Told & {command: string, attempts: number}} Retried
 * @typedef {{id: number|null, origin: string|null, started_at: number|null, ended_at: number|null, status: string, reason: string|null}} BatchTold
 * @typedef {{since: number, until: number, done: Told[], reopened: Told[], stuck: Stuck[], retried: Retried[], batches: BatchTold[], going: boolean,
 *   worked_ms: number, silence: {ms: number, from: number, to: number}|null, parked_ms: number, idle_since: number|null,
 *   input_tokens: number|null, output_tokens: number|null, cost_usd: number|null, agents: number, broken: {file: string, line: number|null, message: string|null, at: number}[],
 *   left_out: number, tone: "good"|"plain"|"warn"|"bad", headline: string, sentences: string[], first: {text: string, reason: string, href: string}|null}} Report
 */
import { fileName, minute, plural, sentence, span, storyLink } from "./format.js";
import { attemptOf } from "./model.js";
import { cure, isStuckWord } from "./next-action.js";
import { endWords, shortCommand } from "./run.js";
import { hasFailed, metricsOf } from "./words.js";

/** What is worth asking the server for. */
export const TYPES = "story:status,command:start,command:end,batch:start,batch:end,batch:warning,agent:end,source:state,error";
/** A silence shorter than this is work. */
const SILENCE_MS = 5 * 60_000;

/**
 * @param {WireEvent[]} given ascending
 * @param {{since: number, until: number, after?: number|null, model?: import("./model.js").State|null, left_out?: number}} at `after`: the last id that was
 *   seen; without it the events' own times decide. `model`: the state at `until`
 * @returns {Report|null}
 */
export function awayReport(given, { since, until, after = null, model = null, left_out = 0 }) {
  const events = given.filter((event) => event.payload && event.payload.imported !== true && (after === null ? event.timestamp > since && event.timestamp <= until : Number(event.id) > after)).sort((a, b) => Number(a.id) - Number(b.id));
  const active = new Set([...(model?.active ?? []).map((one) => one.story_key), ...(model?.agents ?? []).flatMap((one) => one.story_keys)]);
  const stories = storiesOf(events, active, model);
  const batches = batchesOf(events, since);
  const { worked_ms, idle_since, silence } = timesOf(events, since, until, model);
  const parked = parksOf(events, until);
  const broken = brokenOf(events);
  const costs = costsOf(events);
  const going = active.size > 0;
  const nothing = !stories.touched && !batches.length && !broken.length && !events.some(({ type }) => type === "error");
  if (nothing && !left_out) return null;
  const facts = { since, until, ...stories.lists, batches, going, worked_ms, silence: longest(silence, parked), parked_ms: parked.reduce((sum, [from, to]) => sum + to - from, 0), idle_since: going ? null : idle_since, ...costs, broken, left_out };
  const { tone, headline } = headlineOf(facts);
  return { ...facts, tone, headline, sentences: sentencesOf(facts), first: firstOf(facts) };
}

/** @param {WireEvent[]} events @param {Set<string>} active @param {import("./model.js").State|null} model */
function storiesOf(events, active, model) {
  /** @type {Map<string, {id: string, was: string|null, is: string|null, word: string, at: number, failed: WireEvent|null, tries: Map<string, {n: number, at: number}>}>} */
  const known = new Map();
  let touched = false;
  const of = (/** @type {WireEvent} */ { payload: p, timestamp }) => {
    const key = String(p.story_key);
    let one = known.get(key);
    if (!one) known.set(key, (one = { id: p.story_id ?? key, was: null, is: null, word: "", at: timestamp, failed: null, tries: new Map() }));
    one.at = timestamp;
    return one;
  };
  for (const event of events) {
    const { type, payload: p, timestamp } = event;
    if (p.story_key == null || p.story_key === "context") continue;
    if (type === "story:status") {
      // The first reading of a file tells of no change.
      if (p.old_status == null || p.new_status == null) continue;
      const one = of(event);
      one.was ??= classOf(p.old_status, p.old_class);
      one.is = p.status_class ?? classOf(p.new_status);
      one.word = String(p.new_status);
      // Who blocks it after a failure says why; who sets another word has taken it up.
      if (!isStuckWord({ status: one.word })) one.failed = null;
      touched = true;
    } else if (type === "command:start") {
      const one = of(event);
      one.failed = null;
      touched = true;
      const { name, attempt } = named(p.command);
      const before = one.tries.get(name);
      one.tries.set(name, { n: Math.max(before?.n ?? 0, attempt), at: timestamp });
    } else if (type === "command:end") {
      const one = of(event);
      one.failed = hasFailed(p) ? event : null;
      touched = true;
    }
  }
  /** @type {{done: Told[], reopened: Told[], stuck: Stuck[], retried: Retried[]}} */
  const lists = { done: [], reopened: [], stuck: [], retried: [] };
  for (const [story_key, { id, was, is, word, at, failed, tries }] of known) {
    const now = model?.byKey.get(story_key);
    const told = { story_key, story_id: now?.story_id ?? id, at };
    const ends = now?.status_class ?? is;
    const status = now?.status ?? word;
    if (is === "done" && was !== "done" && ends === "done") lists.done.push(told);
    else if (was === "done" && is !== "done") lists.reopened.push(told);
    if (ends !== "done" && !active.has(story_key)) {
      const message = metricsOf(failed?.payload.message).text.replace(/\\n|\s+/g, " ").trim();
      if (status && isStuckWord({ status })) lists.stuck.push({ ...told, why: "blocked", detail: message || status });
      else if (failed) lists.stuck.push({ ...told, why: "failed", detail: [`${shortCommand(failed.payload.command)} ${failed.payload.status}`, message].filter(Boolean).join(": ") });
      else if (ends === "review" && is === "review") lists.stuck.push({ ...told, why: "review", detail: "" });
    }
    const most = [...tries].sort((a, b) => b[1].n - a[1].n)[0];
    if (most && most[1].n > 1) lists.retried.push({ ...told, command: most[0], attempts: most[1].n });
  }
  const rank = { blocked: 0, failed: 1, review: 2 };
  lists.done.sort((a, b) => a.at - b.at);
  lists.stuck.sort((a, b) => rank[a.why] - rank[b.why] || a.at - b.at);
  lists.retried.sort((a, b) => b.attempts - a.attempts || a.at - b.at);
  return { lists, touched };
}

/** @param {string} word @param {string} [known] */
const classOf = (word, known) => known ?? (/^(done|completed?)$/i.test(word.trim()) ? "done" : word.trim().toLowerCase().replace(/[_ ]/g, "-"));

/** @param {any} command */
function named(command) {
  const whole = shortCommand(command);
  return { name: whole.replace(/[ -]#?\d{1,9}$/, ""), attempt: attemptOf(whole.replace(/ #?(?=\d+$)/, "-")) };
}

/** One that was over before is none of this time, even if it was closed in the log only now. @param {WireEvent[]} events @param {number} since */
function batchesOf(events, since) {
  /** @type {Map<any, BatchTold>} */
  const found = new Map();
  for (const { type, payload: p, timestamp, batch_id } of events) {
    if (type !== "batch:start" && type !== "batch:end") continue;
    const id = p.batch_id ?? batch_id ?? null;
    const one = found.get(id) ?? { id, origin: null, started_at: null, ended_at: null, status: "running", reason: null };
    found.set(id, one);
    if (type === "batch:start") Object.assign(one, { origin: p.origin ?? null, started_at: p.started_at ?? timestamp });
    else Object.assign(one, { ended_at: timestamp, status: String(p.status), reason: p.reason ?? null });
  }
  return [...found.values()].filter((one) => one.ended_at === null || one.ended_at >= since);
}

/** How long at least one command was open, the silences within batches, and since when nothing was heard. @param {WireEvent[]} events @param {number} since @param {number} until @param {import("./model.js").State|null} model */
function timesOf(events, since, until, model) {
  /** @type {Map<string, number>} */
  const open = new Map();
  /** @type {[number, number][]} */
  const spans = [];
  const clip = (/** @type {number} */ at) => Math.min(until, Math.max(since, at));
  const add = (/** @type {number} */ from, /** @type {number} */ to) => { if (clip(to) > clip(from)) spans.push([clip(from), clip(to)]); };
  /** @type {number[]} when something of a batch was heard */
  const signs = [];
  for (const { type, payload: p, timestamp } of events) {
    if (!/^(command|batch|agent):/.test(type)) continue;
    signs.push(clip(timestamp));
    if (!type.startsWith("command:")) continue;
    const key = JSON.stringify([p.story_key, p.command, p.task_id]);
    if (type === "command:start") open.set(key, timestamp);
    else if (type === "command:end") {
      // What was left open ended when it was last heard of, and that is not known.
      if (p.status !== "left-open") {
        const from = open.get(key) ?? (p.duration_ms > 0 ? timestamp - p.duration_ms : null);
        if (from !== null) add(from, timestamp);
      }
      open.delete(key);
    }
  }
  for (const one of model?.active ?? []) add(one.started_at, until);
  spans.sort((a, b) => a[0] - b[0]);
  let worked_ms = 0;
  let end = -Infinity;
  for (const [from, to] of spans) {
    if (to <= end) continue;
    worked_ms += to - Math.max(from, end);
    end = to;
  }
  signs.sort((a, b) => a - b);
  /** @type {[number, number][]} */
  const silence = [];
  const ends = events.filter(({ type }) => type === "batch:end").map(({ timestamp }) => clip(timestamp));
  for (let i = 1; i < signs.length; i += 1) {
    const [from, to] = [signs[i - 1], signs[i]];
    // Between two batches nobody works: that is no silence.
    if (to - from >= SILENCE_MS && !ends.includes(from)) silence.push([from, to]);
  }
  const last = signs.at(-1) ?? null;
  if (last !== null && (model?.active.length ?? 0) > 0 && until - last >= SILENCE_MS) silence.push([last, until]);
  return { worked_ms, silence, idle_since: last };
}

/** When a batch was parked. @param {WireEvent[]} events @param {number} until @returns {[number, number][]} */
function parksOf(events, until) {
  /** @type {[number, number][]} */
  const found = [];
  /** @type {number|null} */ let from = null;
  const close = (/** @type {number} */ to) => { if (from !== null && to > from) found.push([from, to]); from = null; };
  for (const { type, payload: p, timestamp } of events) {
    if (type === "batch:warning" && p.state === "waiting") from ??= timestamp;
    else if ((type === "batch:warning" && p.state) || type === "batch:end" || type === "command:start") close(timestamp);
  }
  close(until);
  return found;
}

/** @param {[number, number][]} silences @param {[number, number][]} parked a batch that waits for a time to come is not silent */
function longest(silences, parked) {
  const found = silences.filter(([from, to]) => !parked.some(([a, b]) => a < to && b > from)).sort((a, b) => b[1] - b[0] - (a[1] - a[0]))[0];
  return found ? { ms: found[1] - found[0], from: found[0], to: found[1] } : null;
}

/** Files that went bad and stayed so. @param {WireEvent[]} events */
function brokenOf(events) {
  /** @type {Map<string, {file: string, line: number|null, message: string|null, at: number}>} */
  const bad = new Map();
  for (const { type, payload: p, timestamp } of events) {
    if (type !== "source:state") continue;
    if (["invalid", "unreadable"].includes(p.state)) bad.set(p.file, bad.get(p.file) ?? { file: String(p.file), line: p.line ?? null, message: p.message ?? null, at: timestamp });
    else bad.delete(p.file);
  }
  return [...bad.values()];
}

/** @param {WireEvent[]} events */
function costsOf(events) {
  /** @type {{input_tokens: number|null, output_tokens: number|null, cost_usd: number|null}} */
  const sums = { input_tokens: null, output_tokens: null, cost_usd: null };
  let agents = 0;
  for (const { type, payload: p } of events) {
    if (type !== "agent:end") continue;
    agents += 1;
    for (const part of /** @type {(keyof typeof sums)[]} */ (Object.keys(sums))) if (typeof p[part] === "number" && Number.isFinite(p[part])) sums[part] = (sums[part] ?? 0) + p[part];
  }
  return { ...sums, agents };
}

/** @typedef {Omit<Report, "tone"|"headline"|"sentences"|"first">} Facts */

/** @param {Facts} facts @returns {{tone: Report["tone"], headline: string}} */
function headlineOf({ done, stuck, batches, going, left_out, broken, until, worked_ms }) {
  const ended = batches.filter((one) => one.status !== "running").at(-1);
  const error = ended?.status === "error" ? ended : null;
  const held = stuck.filter((one) => one.why !== "review");
  const what = done.length ? `${plural(done.length, "story was", "stories were")} finished` : `Nothing was finished${going ? " yet" : ""}`;
  const n = stuck.length - held.length;
  const but = [held.length ? `${held.length} ${held.length === 1 ? "is" : "are"} stuck` : "", n ? `${n} ${n === 1 ? "was" : "were"} left in review` : ""].filter(Boolean).join(", ");
  const first = but ? `${what}${done.length ? ", " : "; "}${but}.` : `${what}.`;
  const { text } = ended ? endWords(ended) : { text: "" };
  const last = batches.at(-1);
  const end = error ? ` The batch ended at ${minute(/** @type {number} */ (error.ended_at), until)} with an error${text ? `: ${text}` : "."}` : ended?.status === "lost" && last === ended ? ` The batch was lost at ${minute(/** @type {number} */ (ended.ended_at), until)}.` : "";
  const some = left_out > 0 ? " Not all events of that time were read." : "";
  const tone = error || broken.length || (held.length > 0 && !done.length) ? "bad" : held.length || ended?.status === "lost" ? "warn" : done.length ? "good" : "plain";
  const quiet = !done.length && !held.length && !batches.length && worked_ms === 0 && broken.length;
  return { tone, headline: quiet ? `${fileName(broken[0].file)} cannot be read since ${minute(broken[0].at, until)}.${some}` : `${first}${end}${some}` };
}

/** @param {Facts} facts @returns {string[]} what the headline has no room for */
function sentencesOf(facts) {
  const { batches, worked_ms, silence, parked_ms, idle_since, going, until, broken, left_out, reopened } = facts;
  /** @type {string[]} */
  const said = [];
  for (const one of batches.slice(-3)) {
    const name = `batch ${one.id}${one.origin === "observed" ? " (somebody else's)" : ""}`;
    if (one.ended_at === null) said.push(sentence(`${name} began at ${minute(one.started_at ?? until, until)}${going ? " and goes on" : ""}`));
    else {
      const { title, text: whole } = endWords(one);
      // Of somebody else's batch silence is how one knows that it is over.
      const text = one.reason === "silence" ? "" : /^[A-Z][a-z ]/.test(whole) ? whole[0].toLowerCase() + whole.slice(1) : whole;
      said.push(sentence(`${name} ${title === "Ended with an error" ? "ended with an error" : title === "Lost" ? "was lost" : title === "Stopped" ? "was stopped" : title === "Completed" ? "was completed" : `ended ${title.toLowerCase()}`} at ${minute(one.ended_at, until)}${text ? `: ${text}` : ""}`));
    }
  }
  if (batches.length > 3) said.push(`${plural(batches.length - 3, "earlier batch", "earlier batches")} not shown.`);
  if (worked_ms > 0) said.push(`Work went on for ${span(worked_ms)}${silence ? `; the longest silence was ${span(silence.ms)}, from ${minute(silence.from, until)}` : ""}.`);
  if (parked_ms >= 60_000) said.push(`It was parked for ${span(parked_ms)}.`);
  if (idle_since !== null && until - idle_since >= SILENCE_MS) said.push(`Nothing was heard since ${minute(idle_since, until)}.`);
  if (reopened.length) said.push(`${reopened.slice(0, 3).map((one) => one.story_id).join(", ")} ${reopened.length === 1 ? "was" : "were"} done and ${reopened.length === 1 ? "is" : "are"} not any more.`);
  for (const one of broken.slice(0, 3)) said.push(`${fileName(one.file)} cannot be read since ${minute(one.at, until)}${one.line ? ` (line ${one.line})` : ""}.`);
  if (left_out > 0) said.push(`At most ${plural(left_out, "event")} of that time ${left_out === 1 ? "is" : "are"} left out of this report: there were too many to read.`);
  return said;
}

/** @param {Facts} facts @returns {Report["first"]} */
function firstOf({ broken, batches, stuck }) {
  if (broken.length) return { text: `Mend ${fileName(broken[0].file)}${broken[0].line ? `, line ${broken[0].line}` : ""}`, reason: sentence(broken[0].message ?? ""), href: "#issues" };
  const last = batches.at(-1);
  if (last?.status === "error") return { text: cure(String(last.reason ?? "")) ?? `See why batch ${last.id} ended`, reason: endWords(last).text, href: "#run" };
  const [worst] = stuck;
  if (!worst) return null;
  const href = storyLink(worst.story_key);
  if (worst.why === "review") return { text: `See to the review of ${worst.story_id}`, reason: "It was left in review and nobody is at it.", href };
  return { text: `Look at ${worst.story_id}`, reason: sentence(worst.why === "blocked" ? (isStuckWord({ status: worst.detail }) ? `it is ${worst.detail}` : `it is blocked: ${worst.detail}`) : worst.detail), href };
}
