/**
 * When the open stories may be done: a range, drawn again and again from this sprint's own durations. Pure.
 *
 * Each open story takes, in each of many imagined sprints, the time of one finished story chosen by chance. The
 * choice follows from the seed, the story's key and the sprint's number alone, so that one story more never makes
 * another one shorter. Half of the imagined sprints end before the first figure, 85 % before the second.
 *
 * @typedef {{p50: number, p85: number}} Range
 * @typedef {{state: "done"|"unknown"|"range", open: number, done: number, left_aside: number, samples: number, missing: number, reason: string|null, typical_ms: number|null,
 *   work: Range|null, wall: Range|null, calendar: (Range & {basis: "batch"|"days"})|null, why_no_calendar: string|null, pace: number|null, per_day: number|null,
 *   batch: (Range & {stories: number})|null}} Forecast
 */
import { busyOf, dayOf, median } from "./effort.js";
import { OPEN } from "./next-action.js";

const LEAST = 3;
const RUNS = 400;
/** A command that hung over night, or a clock that jumped, is no measure. */
const OUTLIER = 6;
const DAY_MS = 86_400_000;
/** A batch that was heard of so lately goes on, also between two commands. */
const BREATH_MS = 10 * 60_000;

const finite = (/** @type {any} */ n) => (typeof n === "number" && Number.isFinite(n) ? n : 0);

/** A number from a text: FNV-1a. @param {string} text */
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Stirs 32 bits until each depends on all. @param {number} n */
function stir(n) {
  let h = n | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** @param {Float64Array} sorted @param {number} share */
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];

/** @param {Float64Array} totals @returns {Range} */
function rangeOf(totals) {
  const sorted = totals.slice().sort();
  return { p50: quantile(sorted, 0.5), p85: quantile(sorted, 0.85) };
}

/** @param {Range} range @param {(n: number) => number} change @returns {Range} */
const each = ({ p50, p85 }, change) => ({ p50: change(p50), p85: change(p85) });

/**
 * @param {{model: import("./model.js").State, now: number, runs?: number, seed?: number}} of
 * @returns {Forecast}
 */
export function forecast({ model, now, runs = RUNS, seed = 1 }) {
  const work = model.work ?? new Map();
  const open = model.stories.filter((story) => OPEN.includes(story.status_class));
  const done = model.stories.filter((story) => story.status_class === "done");
  const finished = done.map((story) => work.get(story.story_key)).flatMap((one) => (one && finite(one.busy_ms) > 0 ? [one] : []));
  const middle = median(finished.map((one) => one.busy_ms)) ?? 0;
  const samples = Float64Array.from(finished, (one) => Math.min(one.busy_ms, middle * OUTLIER)).sort();
  /** @type {Forecast} */
  const base = {
    state: "range", open: open.length, done: done.length, left_aside: model.stories.length - open.length - done.length, samples: samples.length, missing: Math.max(0, LEAST - samples.length), reason: null, typical_ms: middle || null,
    work: null, wall: null, calendar: null, why_no_calendar: null, pace: null, per_day: perDay(done, work, now), batch: null,
  };
  if (!open.length) return { ...base, state: "done", missing: 0 };
  if (base.missing) {
    const known = samples.length ? `${samples.length === 1 ? "one is" : `${samples.length} are`} known` : "none is known yet";
    return { ...base, state: "unknown", reason: `A forecast needs ${LEAST} finished stories whose working time is known; ${known}, ${base.missing} more to go.` };
  }

  const spent = spansOf(finished, now);
  const pace = spent.wall > 0 ? samples.reduce((sum, one) => sum + one, 0) / spent.wall : 1;
  const times = Math.max(1, Math.floor(runs));
  const imagined = imagine(open, work, samples, { runs: times, seed, now, pace });
  Object.assign(base, { pace, work: rangeOf(imagined.work), wall: rangeOf(imagined.wall) });

  const { batch } = model;
  const going = model.active.length > 0 || (model.agents ?? []).length > 0 || (!!batch && now - batch.last_activity_at < BREATH_MS);
  const wall = /** @type {Range} */ (base.wall);
  if (going) base.calendar = { ...each(wall, (ms) => now + ms), basis: "batch" };
  else if (spent.days >= 2) base.calendar = { ...each(wall, (ms) => now + ms / spent.share), basis: "days" };
  else base.why_no_calendar = "Nothing runs, and work on at least two days is needed to tell the usual hours.";

  const turn = going ? batchStories(model, open) : null;
  if (turn?.length) {
    const soon = turn.length === open.length ? wall : rangeOf(imagine(turn, work, samples, { runs: times, seed, now, pace }).wall);
    base.batch = { ...each(soon, (ms) => now + ms), stories: turn.length };
  }
  return base;
}

/**
 * The open stories' times in each imagined sprint: added up, and by the clock, where several are worked on at once.
 * @param {import("./model.js").Story[]} open @param {Map<string, any>} work @param {Float64Array} samples @param {{runs: number, seed: number, now: number, pace: number}} of
 */
function imagine(open, work, samples, { runs, seed, now, pace }) {
  const mean = samples.reduce((sum, one) => sum + one, 0) / samples.length;
  const n = samples.length;
  const keys = Uint32Array.from(open, (story) => hash(story.story_key));
  // What is half done takes half as long, but never nothing: who knows how much is left.
  const left = Float64Array.from(open, (story) => {
    const one = work.get(story.story_key);
    return one ? Math.min(1, Math.max(0.1, 1 - busyOf(one, now) / mean)) : 1;
  });
  const sums = new Float64Array(runs);
  const wall = new Float64Array(runs);
  for (let run = 0; run < runs; run += 1) {
    const salt = stir(seed ^ Math.imul(run + 1, 0x9e3779b1));
    let sum = 0;
    let longest = 0;
    for (let i = 0; i < keys.length; i += 1) {
      const one = left[i] * samples[Math.floor((stir(keys[i] ^ salt) / 0x1_0000_0000) * n)];
      sum += one;
      if (one > longest) longest = one;
    }
    sums[run] = sum;
    // The last story has nobody beside it.
    wall[run] = Math.max(sum / pace, longest / Math.min(1, pace));
  }
  return { work: sums, wall };
}

/** The wall-clock time in which the finished stories were worked on, and how much of the days between that was. @param {any[]} finished @param {number} now */
function spansOf(finished, now) {
  /** @type {[number, number][]} */
  const spans = [];
  for (const { first_at, last_at, busy_ms } of finished) {
    const to = Math.min(now, finite(last_at));
    // A story that lay for a week was not worked on for a week.
    const from = Math.max(finite(first_at), to - 4 * busy_ms);
    if (to > from) spans.push([from, to]);
  }
  spans.sort((a, b) => a[0] - b[0]);
  let wall = 0;
  let end = -Infinity;
  for (const [from, to] of spans) {
    if (to <= end) continue;
    wall += to - Math.max(from, end);
    end = to;
  }
  const days = new Set(spans.flatMap((one) => one.map(dayOf))).size;
  const whole = spans.length ? Math.max(DAY_MS, end - spans[0][0]) : DAY_MS;
  return { wall, days, share: Math.max(0.005, Math.min(1, wall / whole)) };
}

/** Stories finished a day, over the days since the first of the last twenty. @param {import("./model.js").Story[]} done @param {Map<string, any>} work @param {number} now */
function perDay(done, work, now) {
  const ends = done.map((story) => finite(work.get(story.story_key)?.done_at)).filter((at) => at > 0 && at <= now).sort((a, b) => a - b).slice(-20);
  if (ends.length < 2) return null;
  return ends.length / Math.max(1, (now - ends[0]) / DAY_MS);
}

/** The stories that the batch under way will still take up. @param {import("./model.js").State} model @param {import("./model.js").Story[]} open */
function batchStories({ batch, active, orchestrator, byKey }, open) {
  if (!batch) return null;
  const now = [...new Set([...(orchestrator?.current_stories ?? []), ...active.map((one) => one.story_key)])];
  const first = open.filter((story) => now.includes(story.story_key));
  const rest = open.filter((story) => !now.includes(story.story_key) && byKey.has(story.story_key));
  if (batch.origin === "managed") {
    if (!batch.max_cycles) return open;
    const more = Math.max(0, batch.max_cycles - batch.cycles_completed - 1);
    return [...first, ...rest.slice(0, more * Math.max(1, first.length))];
  }
  // Somebody else's: only what is under way is known.
  return batch.size ? [...first, ...rest].slice(0, Math.max(first.length, batch.size)) : first;
}

/**
 * Scope and done over time: steps of the lines of a burn-up.
 * @param {{model: import("./model.js").State, now: number, changes?: {at: number, by: number}[]}} of `changes`: when stories came (+) and went (-)
 * @returns {{from: number, to: number, done: {at: number, n: number}[], scope: {at: number, n: number}[], added: number, undated: number}}
 */
export function burnUp({ model, now, changes = [] }) {
  const work = model.work ?? new Map();
  const done = model.stories.filter((story) => story.status_class === "done");
  const ends = done.map((story) => finite(work.get(story.story_key)?.done_at)).filter((at) => at > 0).map((at) => Math.min(at, now)).sort((a, b) => a - b);
  const moves = changes.filter(({ at }) => Number.isFinite(at) && at <= now).sort((a, b) => a.at - b.at);
  const undated = done.length - ends.length;
  const firsts = [ends[0], moves[0]?.at, ...[...work.values()].map((one) => finite(one.first_at)).filter((at) => at > 0)].filter((at) => at !== undefined);
  const from = firsts.reduce((a, b) => Math.min(a, b), now);
  const scope = [];
  let n = model.stories.length - moves.reduce((sum, { by }) => sum + by, 0);
  scope.push({ at: from, n: Math.max(0, n) });
  for (const { at, by } of moves) scope.push({ at, n: Math.max(0, (n += by)) });
  scope.push({ at: now, n: model.stories.length });
  const line = [{ at: from, n: undated }, ...ends.map((at, i) => ({ at, n: undated + i + 1 })), { at: now, n: done.length }];
  return { from, to: now, done: thin(line), scope: thin(scope), added: moves.reduce((sum, { by }) => sum + Math.max(0, by), 0), undated };
}

/**
 * When stories came and went, from the events of their statuses. What the first reading of the file found was there before.
 * @param {import("./model.js").WireEvent[]} events ascending @returns {{at: number, by: number}[]}
 */
export function scopeChanges(events) {
  const own = events.filter(({ type, payload }) => type === "story:status" && payload?.imported !== true);
  const first = own[0]?.timestamp;
  let at = 0;
  while (at < own.length && own[at].timestamp === first && own[at].payload.old_status == null) at += 1;
  return own.slice(at).flatMap(({ payload: p, timestamp }) => {
    const by = Number(p.new_status != null) - Number(p.old_status != null);
    return by ? [{ at: timestamp, by }] : [];
  });
}

const MOST_POINTS = 240;
/** No more points than can be seen; the last of each group stands for it. @param {{at: number, n: number}[]} points */
function thin(points) {
  if (points.length <= MOST_POINTS) return points;
  const step = points.length / MOST_POINTS;
  return [points[0], ...Array.from({ length: MOST_POINTS }, (_, i) => points[Math.min(points.length - 1, Math.floor((i + 1) * step) - 1)])];
}
