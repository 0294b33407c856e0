/**
 * What the sprint has cost so far: time per command, reviews per story, stories a day, tokens and money. Pure.
 *
 * @typedef {import("./model.js").State} State
 * @typedef {{story_key: string, story_id: string|null, title: string, n: number, status_class: string}} Ranked
 */
import { storyTitle } from "./format.js";
import { family, FAMILIES } from "./words.js";

const MOST_DAYS = 366;
/** So many reviews and more share the last column. */
export const MOST_REVIEWS = 8;

/** The beginning of the reader's day. @param {number} ms */
export const dayOf = (ms) => new Date(ms).setHours(0, 0, 0, 0);

/** @param {number} day @param {number} n days may have 23 or 25 hours */
export function dayAfter(day, n = 1) {
  const date = new Date(day);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + n).getTime();
}

/** @param {number[]} numbers @returns {number|null} */
export function median(numbers) {
  if (!numbers.length) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const finite = (/** @type {any} */ n) => (typeof n === "number" && Number.isFinite(n) && n > 0 ? n : 0);
/** What nobody told is not nothing. @param {number} sum */
const told = (sum) => (sum > 0 ? sum : null);

/** @param {any} work @param {number} now with what is open now */
export const busyOf = (work, now) => finite(work.busy_ms) + (work.busy_since != null ? finite(now - work.busy_since) : 0);

/** @param {State} model @param {{now: number, most?: number}} at */
export function effort(model, { now, most = 6 }) {
  const stories = model.stories.map((story) => ({ story, work: model.work?.get(story.story_key) })).filter(({ work }) => work);
  return { commands: commandsOf(model), reviews: reviewsOf(stories), days: daysOf(stories, now), costs: costsOf(model), ...rankingsOf(stories, now, most) };
}

/** In the order of a story's way, the others behind. @param {State} model */
function commandsOf(model) {
  const rows = (model.effort ?? []).filter((one) => one.runs > 0 || finite(one.busy_ms));
  const total = rows.reduce((sum, one) => sum + finite(one.busy_ms), 0);
  const place = (/** @type {string} */ command) => (FAMILIES.indexOf(family(command)) + FAMILIES.length + 1) % (FAMILIES.length + 1);
  const list = rows.map(({ command, runs, failed, busy_ms }) => {
    const ms = finite(busy_ms);
    return { command, family: family(command), runs, failed: failed ?? 0, busy_ms: ms, mean_ms: runs > 0 && ms ? ms / runs : null, share: total ? ms / total : 0 };
  });
  list.sort((a, b) => place(a.command) - place(b.command) || b.busy_ms - a.busy_ms || (a.command < b.command ? -1 : 1));
  return { list, total_ms: total, runs: rows.reduce((sum, one) => sum + one.runs, 0), failed: rows.reduce((sum, one) => sum + (one.failed ?? 0), 0) };
}

/** How many stories needed how many reviews: of those that are done. @param {{story: any, work: any}[]} stories */
function reviewsOf(stories) {
  const counts = stories.filter(({ story, work }) => story.status_class === "done" && work.reviews > 0).map(({ work }) => Number(work.reviews));
  const columns = Array.from({ length: MOST_REVIEWS }, (_, i) => ({ attempts: i + 1, stories: 0, more: i + 1 === MOST_REVIEWS }));
  for (const n of counts) columns[Math.min(MOST_REVIEWS, Math.max(1, n)) - 1].stories += 1;
  while (columns.length > 3 && columns.at(-1)?.stories === 0) columns.pop();
  return { columns, stories: counts.length, median: median(counts), most: counts.reduce((a, b) => Math.max(a, b), 0) };
}

/** Stories finished on each day, from the first one on. @param {{story: any, work: any}[]} stories @param {number} now */
function daysOf(stories, now) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  const last = dayOf(now);
  for (const { story, work } of stories) {
    if (story.status_class !== "done" || !finite(work.done_at)) continue;
    const day = Math.min(last, dayOf(work.done_at));
    counts.set(day, (counts.get(day) ?? 0) + 1);
  }
  if (!counts.size) return { list: [], total: 0, best: null, active: 0 };
  const list = [];
  const first = Math.max(Math.min(...counts.keys()), dayAfter(last, 1 - MOST_DAYS));
  for (let day = first; day <= last; day = dayAfter(day)) list.push({ day, done: counts.get(day) ?? 0 });
  const best = list.reduce((a, b) => (b.done > a.done ? b : a));
  return { list, total: list.reduce((sum, one) => sum + one.done, 0), best, active: list.filter((one) => one.done).length };
}

/** @param {State} model */
function costsOf(model) {
  const sum = (/** @type {"input_tokens"|"output_tokens"|"cost_usd"} */ part) => (model.effort ?? []).reduce((all, one) => all + finite(one[part]), 0);
  const done = model.stories.filter((story) => story.status_class === "done").map((story) => model.work?.get(story.story_key)).filter(Boolean);
  const paid = done.map((work) => finite(work?.cost_usd)).filter(Boolean);
  const tokens = done.map((work) => finite(work?.input_tokens) + finite(work?.output_tokens)).filter(Boolean);
  const dear = (model.effort ?? []).reduce((/** @type {any} */ a, b) => (finite(b.cost_usd) > finite(a?.cost_usd) ? b : a), null);
  const cost_usd = told(sum("cost_usd"));
  return {
    input_tokens: told(sum("input_tokens")), output_tokens: told(sum("output_tokens")), cost_usd,
    story_cost: median(paid), story_tokens: median(tokens), stories: Math.max(paid.length, tokens.length),
    dearest: cost_usd && dear ? { command: dear.command, share: finite(dear.cost_usd) / cost_usd } : null,
  };
}

/** @param {{story: any, work: any}[]} stories @param {number} now @param {number} most */
function rankingsOf(stories, now, most) {
  const rank = (/** @type {(work: any) => number} */ of) => stories.map(({ story, work }) => ({ story, n: of(work) })).filter(({ n }) => n > 0).sort((a, b) => b.n - a.n).slice(0, most)
    .map(({ story, n }) => /** @type {Ranked} */ ({ story_key: story.story_key, story_id: story.story_id, title: storyTitle(story), n, status_class: story.status_class }));
  const slowest = rank((work) => busyOf(work, now));
  const times = stories.filter(({ story }) => story.status_class === "done").map(({ work }) => finite(work.busy_ms)).filter(Boolean);
  // A second review is a second try, and so is every failure.
  const retried = rank((work) => Math.max(0, (work.reviews ?? 0) - 1) + (work.failures ?? 0));
  return { slowest, retried, typical_ms: median(times) };
}
