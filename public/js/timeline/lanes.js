/**
 * Rows to what is drawn: stories, in each the runs of its commands as blocks, in each block its phases. Pure.
 *
 * A command's row with a whole task (`agent`, `workflow`) is a block, and the tasks inside it are its phases;
 * where nobody wrote a whole, phases that follow each other make one block.
 *
 * @typedef {import("./fold.js").Row} Row
 * @typedef {{task: string, start: number, end: number|null, status: Row["status"], message: string|null}} Phase
 * @typedef {{id: string, story_key: string, command: string, family: string, attempt: number, run: number, start: number, end: number|null, until: number|null,
 *   status: Row["status"], message: string|null, said: string|null, source: string|null, sign: number|null, batch_id: number|null, phases: Phase[], track: number, tracks: number}} Block
 *   `until`: as far as it is drawn, null = up to now
 * @typedef {{key: string, story_id: string|null, epic_id: string, first: number, last: number, running: boolean, failed: boolean, busy: number,
 *   blocks: Block[], commands: {name: string, family: string, blocks: Block[]}[]}} Story `failed`: its last word is a failure
 */
import { family } from "../words.js";
import { merged } from "./axis.js";

/** A task by one of these names is the command as a whole; the first takes in the second. */
export const WHOLE = ["agent", "workflow"];
/** Logs tell whole seconds, agents are known to the millisecond. */
const SLACK = 1000;
/** Phases that nobody put into a whole belong together when no more than this lies between them. */
const GLUE = 120_000;

/** @typedef {Map<string, {rows: Row[], touched: number|undefined, end: number, story: Story}>} Memo */

/**
 * @param {Row[]} rows @param {number} end when the batch, or what is known, ends
 * @param {Map<string, number>} [touched] when each story's rows changed last @param {Memo} [memo] what was made before: stories that stayed stay the same object
 * @returns {Story[]}
 */
export function storiesOf(rows, end, touched, memo) {
  return [...grouped(rows, (row) => row.story_key)].map(([key, mine]) => {
    const before = memo?.get(key);
    const mark = touched?.get(key);
    const same = before && before.touched === mark && before.rows[0] === mine[0] && before.rows.length === mine.length
      && (before.end === end || !before.story.blocks.some((block) => block.status === "lost"));
    if (same) return before.story;
    const story = storyOf(key, mine, end);
    memo?.set(key, { rows: mine, touched: mark, end, story });
    return story;
  });
}

/** @template T @param {T[]} items @param {(item: T) => string} keyOf @returns {Map<string, T[]>} */
function grouped(items, keyOf) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** @param {string} key @param {Row[]} rows @param {number} end @returns {Story} */
function storyOf(key, rows, end) {
  const runs = [...grouped(rows, (row) => `${row.attempt} ${row.command} ${row.batch_id ?? ""}`).values()].flatMap(runsOf);
  runs.sort((a, b) => a.start - b.start || a.attempt - b.attempt || (a.command < b.command ? -1 : 1));
  const blocks = runs.map((run) => blockOf(run, runs, end));
  number(blocks);
  pack(blocks);
  const commands = [...grouped(blocks, (block) => block.command)].map(([name, mine]) => {
    // On a lane of its own a command needs no room for the others.
    const alone = mine.map((block) => ({ ...block }));
    pack(alone);
    return { name, family: family(name), blocks: alone };
  });
  const last = blocks.reduce((a, b) => (b.start >= a.start ? b : a), blocks[0]);
  const spans = blocks.filter((block) => block.until !== null).map((block) => ({ from: block.start, to: /** @type {number} */ (block.until) }));
  return {
    key, story_id: rows.find((row) => row.story_id)?.story_id ?? null, epic_id: rows[0].epic_id ?? "", blocks, commands,
    first: Math.min(...blocks.map((block) => block.start)), last: Math.max(...blocks.map((block) => block.until ?? block.start)),
    running: blocks.some((block) => block.until === null), failed: last.status === "failed",
    busy: merged(spans).reduce((sum, { from, to }) => sum + to - from, 0),
  };
}

/** @typedef {{whole: Row|null, start: number, end: number|null, command: string, attempt: number, rows: Row[]}} Run `end`: null = open or not seen */

const stop = (/** @type {{end: number|null}} */ one) => one.end ?? Infinity;

/** One command's rows of one attempt, put together to its runs. @param {Row[]} rows @returns {Run[]} */
function runsOf(rows) {
  const rank = (/** @type {Row} */ row) => (WHOLE.includes(row.task_id) ? WHOLE.indexOf(row.task_id) : 9);
  const sorted = [...rows].sort((a, b) => a.start - b.start || rank(a) - rank(b) || stop(a) - stop(b));
  /** @type {Run[]} */
  const runs = [];
  for (const row of sorted) {
    const run = runs.at(-1);
    const whole = rank(row) < 9;
    if (run && belongs(run, row, whole)) {
      run.rows.push(row);
      if (whole && !run.whole) Object.assign(run, { whole: row, start: row.start - run.start <= SLACK ? row.start : run.start, end: row.end });
      else if (whole && rank(row) < rank(/** @type {Row} */ (run.whole))) Object.assign(run, { whole: row, end: row.end });
      else if (!run.whole) run.end = run.end === null || row.end === null ? null : Math.max(run.end, row.end);
    } else {
      runs.push({ whole: whole ? row : null, start: row.start, end: row.end, command: row.command, attempt: row.attempt, rows: [row] });
    }
  }
  return runs;
}

/** @param {Run} run @param {Row} row @param {boolean} whole */
function belongs(run, row, whole) {
  if (run.whole && whole) return run.whole.task_id !== row.task_id && row.start < stop(run);
  if (run.whole) return row.start <= stop(run);
  if (whole) return row.start - run.start <= SLACK || (row.start < stop(run) && stop(run) !== Infinity);
  // The same phase once more, after a whole one that was lost, is another run.
  if (run.rows.some((one) => one.task_id === row.task_id && one.status === "lost")) return false;
  return row.start - (run.end ?? Math.max(...run.rows.map((one) => one.end ?? one.start))) <= GLUE;
}

/** @param {Run} run @param {Run[]} runs all of the story, by start @param {number} end @returns {Block} */
function blockOf(run, runs, end) {
  const { whole, rows, command, attempt } = run;
  const newest = rows.reduce((a, b) => ((b.end ?? b.sign ?? b.start) >= (a.end ?? a.sign ?? a.start) ? b : a));
  const status = whole ? whole.status : rows.some((row) => row.status === "running") ? "running" : newest.status;
  const phases = rows.filter((row) => !WHOLE.includes(row.task_id))
    .map((row) => ({ task: row.task_id, start: row.start, end: row.end, status: row.status, message: row.message ?? row.said ?? null }));
  const sign = Math.max(...rows.map((row) => row.end ?? row.sign ?? row.start));
  const ended = status === "running" || status === "lost" ? null : run.end;
  const told = whole?.message ? whole : rows.findLast((row) => row.message) ?? null;
  return {
    id: JSON.stringify([run.start, command, attempt, run.rows[0].story_key]), story_key: rows[0].story_key, command, family: family(command), attempt, run: 1,
    start: run.start, end: ended, until: status === "running" ? null : status === "lost" ? unseen(run, runs, sign, end) : Math.max(run.start, ended ?? sign),
    status, message: told?.message ?? null, said: rows.findLast((row) => row.said)?.said ?? null, source: (whole ?? rows[0]).source ?? null,
    sign, batch_id: rows[0].batch_id ?? null, phases, track: 0, tracks: 1,
  };
}

/** Nobody saw it end: at the latest where the story went on, or where all ended. @param {Run} run @param {Run[]} runs @param {number} sign @param {number} end */
function unseen(run, runs, sign, end) {
  const next = runs.find((one) => one !== run && one.start > sign);
  return Math.max(run.start, sign, next ? next.start : end);
}

/** Which run of the same attempt it is: a command that was begun again under its own name. @param {Block[]} blocks by start */
function number(blocks) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const block of blocks) {
    const key = `${block.attempt} ${block.command}`;
    block.run = (seen.get(key) ?? 0) + 1;
    seen.set(key, block.run);
  }
}

/** Blocks at the same time stand above each other, each group of them in as few tracks as it needs. @param {Block[]} blocks by start */
export function pack(blocks) {
  /** @type {Block[]} */
  let group = [];
  /** @type {number[]} */
  let ends = [];
  const close = () => {
    for (const block of group) block.tracks = ends.length;
    group = [];
    ends = [];
  };
  let last = -Infinity;
  for (const block of blocks) {
    if (block.start >= last) close();
    let track = ends.findIndex((end) => end <= block.start);
    if (track < 0) track = ends.length;
    const until = block.until ?? Infinity;
    // A block without length still takes its place.
    ends[track] = Math.max(until, block.start + 1);
    last = Math.max(last, ends[track]);
    block.track = track;
    group.push(block);
  }
  close();
}

/** The number a block is told by: of the attempt, or of the run where a command was begun again. @param {Block} block */
export const ordinal = ({ attempt, run }) => (attempt > 1 ? attempt : run > 1 ? run : null);
