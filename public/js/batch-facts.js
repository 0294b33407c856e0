/**
 * What a batch came to, from its rows alone, and how two compare. Pure.
 *
 * @typedef {{id: number, started_at: number, ended_at: number|null, max_cycles: number|null, cycles_completed: number, status: string, story_count: number, duration_seconds: number|null, origin: string, now?: {kind: string, word: string, detail: string}}} Row
 * @typedef {{command: string, task_id: string, status: string, started_at: number, ended_at: number|null}} Command
 * @typedef {{story_key: string, epic_id: string, status: string, commands: Command[]}} BatchStory
 * @typedef {{batch: Row, stories: BatchStory[], stats: Record<string, number|null>, end?: any}} Detail
 * @typedef {{tone: "live"|"good"|"plain"|"warn"|"bad", word: string}} Outcome
 */
import { plural, took } from "./format.js";
import { endWords } from "./run.js";
import { FAMILIES, family } from "./words.js";

/** An open batch is said to run only where something does: `now` is what is known of it just now. @param {{status: string, now?: {kind: string, word: string}}} row @returns {Outcome} */
export function outcome({ status, now }) {
  if (status === "running") return { tone: !now || now.kind === "running" ? "live" : "plain", word: now?.word ?? "running" };
  const { tone } = endWords({ status });
  return { tone, word: status };
}

/** How long it took, or has taken so far. @param {Row} row @param {number} now */
export const length = ({ started_at, ended_at }, now) => Math.max(0, (ended_at ?? now) - started_at);

/** Cycles in words. @param {Row} row */
export const cycles = ({ max_cycles: most, cycles_completed: done, origin }) => (origin !== "managed" ? "" : most ? `${done} of ${plural(most, "cycle")}` : `${plural(done, "cycle")} (unlimited)`);

/** The time that stretches cover, counted once where they overlap. @param {[number, number][]} stretches */
export function covered(stretches) {
  let sum = 0;
  let until = -Infinity;
  for (const [from, to] of [...stretches].sort((a, b) => a[0] - b[0])) {
    if (to <= until) continue;
    sum += to - Math.max(from, until);
    until = to;
  }
  return sum;
}

/** The time of each family of commands: a command's phases lie within it and count once. @param {BatchStory[]} stories @param {number} now @returns {Map<string, number>} */
export function byFamily(stories, now) {
  /** @type {Map<string, number>} */
  const sums = new Map([...FAMILIES, "other"].map((name) => [name, 0]));
  for (const { commands } of stories) {
    /** @type {Map<string, [number, number][]>} */
    const groups = new Map();
    for (const { command, status, started_at, ended_at } of commands) {
      const end = ended_at ?? (status === "running" ? now : started_at);
      const group = groups.get(command) ?? [];
      group.push([started_at, Math.max(started_at, end)]);
      groups.set(command, group);
    }
    for (const [command, stretches] of groups) sums.set(family(command), (sums.get(family(command)) ?? 0) + covered(stretches));
  }
  for (const [name, ms] of sums) if (!ms) sums.delete(name);
  return sums;
}

/** Stories by what became of them. @param {BatchStory[]} stories */
export function storySums(stories) {
  const sums = { done: 0, failed: 0, open: 0 };
  for (const { status } of stories) sums[status === "done" ? "done" : status === "failed" || status === "blocked" ? "failed" : "open"] += 1;
  return sums;
}

/** Reviews of code, as many as were begun. @param {BatchStory[]} stories */
const reviews = (stories) => new Set(stories.flatMap(({ story_key, commands }) => commands.filter(({ command }) => family(command) === "code-review").map(({ command }) => `${story_key}\n${command}`))).size;

/**
 * Two batches side by side.
 * @param {Detail} left @param {Detail} right @param {number} now
 * @returns {{label: string, left: string, right: string, family?: string}[]}
 */
export function compare(left, right, now) {
  const both = (/** @type {string} */ label, /** @type {(one: Detail) => string} */ say) => ({ label, left: say(left), right: say(right) });
  const rows = [
    both("outcome", ({ batch }) => outcome(batch).word),
    both("took", ({ batch }) => took(length(batch, now))),
    both("cycles", ({ batch }) => cycles(batch) || "–"),
    both("stories", ({ stories }) => String(stories.length)),
    both("done", ({ stories }) => String(storySums(stories).done)),
    both("failed or blocked", ({ stories }) => String(storySums(stories).failed)),
    both("time for a story", ({ batch, stories }) => (stories.length ? took(length(batch, now) / stories.length) : "–")),
    both("code reviews", ({ stories }) => String(reviews(stories))),
  ];
  const [one, two] = [byFamily(left.stories, now), byFamily(right.stories, now)];
  const times = [...FAMILIES, "other"].filter((name) => one.has(name) || two.has(name)).map((name) => ({ label: name, left: one.has(name) ? took(one.get(name) ?? 0) : "–", right: two.has(name) ? took(two.get(name) ?? 0) : "–", family: name }));
  return [...rows, ...times];
}

/** Bars for the last batches, oldest first: height by length, never too low to be hit. @param {Row[]} newestFirst @param {number} now @param {number} [most] */
export function spark(newestFirst, now, most = 30) {
  const rows = newestFirst.slice(0, most).reverse();
  const longest = Math.max(1, ...rows.map((row) => length(row, now)));
  // By the root, so that a night beside a minute still shows the minute.
  return rows.map((row) => ({ row, height: 0.14 + 0.86 * Math.sqrt(length(row, now) / longest), ...outcome(row) }));
}
