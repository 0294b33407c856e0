/** How a recording is played: the time between events shortened, silences cut. And what lies where in it. Pure. */
import { isFailure } from "./past-window.js";

export const SPEEDS = [1, 10, 60, 600];
/** No silence lasts longer than this, whatever the speed. */
export const SILENCE_MS = 3000;

/**
 * As far as the time that has passed carries.
 * @param {ArrayLike<number>} moments @param {number} index events shown @param {number} owed ms that have passed and were not played yet @param {number} speed
 * @returns {{index: number, owed: number}}
 */
export function advance(moments, index, owed, speed) {
  let at = index;
  let left = owed;
  while (at < moments.length) {
    const gap = at ? Math.max(0, moments[at] - moments[at - 1]) / speed : 0;
    const wait = Math.min(gap, SILENCE_MS);
    if (left < wait) return { index: at, owed: left };
    left -= wait;
    at += 1;
  }
  return { index: at, owed: 0 };
}

const COLUMNS = 160;
/** Rates differ by orders of magnitude; beyond these nobody sees a difference. */
const QUIET_MS = 600_000;
const BUSY_MS = 5;

/**
 * How lively it was along the events: for equal portions of them a height from 0 (the quietest of them) to 1, and
 * where something failed or a batch began or ended, from 0 to 1 as well.
 * @param {import("./model.js").WireEvent[]} events @param {ArrayLike<number>} moments
 */
export function trace(events, moments) {
  const n = events.length;
  const columns = Math.min(COLUMNS, n);
  const pauses = Array.from({ length: columns }, (_, i) => {
    const [from, to] = [Math.floor((i * n) / columns), Math.floor(((i + 1) * n) / columns)];
    const begin = moments[Math.max(0, from - 1)];
    return Math.log(Math.min(QUIET_MS, Math.max(BUSY_MS, (moments[to - 1] - begin) / (to - from))));
  });
  const [least, most] = [Math.min(...pauses), Math.max(...pauses)];
  const heights = pauses.map((pause) => (most > least ? (most - pause) / (most - least) : 0.5));
  /** @type {number[]} */
  const failures = [];
  /** @type {{at: number, begins: boolean}[]} */
  const borders = [];
  events.forEach((event, i) => {
    if (isFailure(event)) failures.push((i + 1) / n);
    if (event.type === "batch:start" || event.type === "batch:end") borders.push({ at: (i + 1) / n, begins: event.type === "batch:start" });
  });
  return { heights, failures, borders };
}
