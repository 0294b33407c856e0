/**
 * A stretch of the log that can be looked at event by event: the state after each of them, folded from copies
 * of the state that are kept on the way. Pure.
 *
 * One step on costs one event; a jump costs at most the way from the copy before it, once that part of the
 * stretch was seen.
 *
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").WireEvent} WireEvent
 */
import { apply, fromSnapshot, toSnapshot } from "./model.js";

/** Events between two copies, */
const EVERY = 500;
/** and the most copies: of a long stretch they lie further apart. */
const MOST_COPIES = 20;
/** Rows tell whole seconds and files their own time: that little back is no way back. */
const JITTER_MS = 60_000;
/** A state that was reached in a leap counts its changes from another height: nobody may take it for the one before. */
const LEAP = 2 ** 20;
let height = 2 ** 40;

/** When each of the events happened, as a clock on the wall would tell it. @param {WireEvent[]} events */
export function momentsOf(events) {
  const moments = new Float64Array(events.length);
  let last = -Infinity;
  events.forEach(({ timestamp }, i) => {
    last = timestamp < last && last - timestamp < JITTER_MS ? last : timestamp;
    moments[i] = last;
  });
  return moments;
}

/** @param {{base: any, events: WireEvent[], every?: number}} stretch base: the snapshot before the first event; events: ascending */
export function createReplay({ base, events, every = Math.max(EVERY, Math.ceil(events.length / MOST_COPIES)) }) {
  const moments = momentsOf(events);
  /** @type {any[]} the snapshot after `i * every` events */
  const copies = [base];
  /** @type {State|null} */
  let model = null;
  let index = 0;
  let folded = 0;

  /** The copy before this event, as a state of its own. @param {number} wanted */
  function leap(wanted) {
    const copy = Math.min(copies.length - 1, Math.floor(wanted / every));
    model = fromSnapshot(copies[copy]);
    model.revision = height += LEAP;
    index = copy * every;
    return model;
  }

  return {
    events,
    moments,
    get length() { return events.length; },
    /** How many events were folded so far: what all the looking has cost. */
    get folded() { return folded; },

    /**
     * The state after the first `wanted` events. It is the replay's own: the next call may change it.
     * @param {number} wanted @returns {{model: State, index: number, moment: number|null}}
     */
    at(wanted) {
      const target = Math.max(0, Math.min(events.length, Math.trunc(wanted) || 0));
      const nearest = Math.min(copies.length - 1, Math.floor(target / every)) * every;
      const now = !model || target < index || nearest > index ? leap(target) : model;
      for (; index < target; folded += 1) {
        apply(now, events[index]);
        index += 1;
        if (index === copies.length * every) copies.push(toSnapshot(now));
      }
      // Before the first event it is as late as when that one came.
      return { model: now, index, moment: moments[Math.max(0, index - 1)] ?? null };
    },

    /** How many of the events have an id of at most this. @param {number} id */
    indexOf(id) {
      let [low, high] = [0, events.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (Number(events[middle].id) <= id) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };
}
