/**
 * The events the page holds: the newest in a bounded list without holes, and pages of older ones that a
 * person asked for, under the filter they were asked with. The past is told by a log of its own, whose list
 * ends at the moment that is shown.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {import("./log-filter.js").Filter} Filter
 * @typedef {(filter: Filter) => (event: WireEvent) => boolean} Matcher
 */
import { get } from "./api.js";
import { describe, hasFailed } from "./words.js";

export const KEPT = 2000;
/** So many older events are loaded at most; then a search is the better way. */
export const KEPT_OLDER = 20_000;
const PAGE = 500;
/** Stories whose last command is remembered. */
const KEPT_LAST = 20_000;

/** @param {Filter} filter */
export const signature = ({ types, story, q, batch = "" }) => JSON.stringify([types, story, q, batch]);

/** @param {Filter} filter */
export const isEmpty = ({ types, story, q, batch }) => !types && !story && !q && !batch;

/** @typedef {{filter: string, events: WireEvent[], before: number|null, all: boolean, full: boolean, loading: boolean, failed: boolean}} Older */
/** @param {string} filter @returns {Older} */
const blank = (filter) => ({ filter, events: [], before: null, all: false, full: false, loading: false, failed: false });

/** @type {WeakMap<WireEvent, {words: import("./words.js").Words}>} */
const described = new WeakMap();

/** What an event says, worked out once. @param {WireEvent} event */
export function wordsOf(event) {
  let known = described.get(event);
  if (!known) described.set(event, (known = { words: describe(event) }));
  return known;
}

/** The place of an event in an ascending list, or -1. @param {WireEvent[]} events @param {number} id */
function placeOf(events, id) {
  let [low, high] = [0, events.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = Number(events[middle].id);
    if (found === id) return middle;
    if (found < id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Counts the changes of all logs: what was drawn of one is never taken for another's. */
let changes = 0;

/** @param {() => void} changed @param {typeof get} [ask] */
export function createLog(changed, ask = get) {
  /** @type {WireEvent[]} ascending */
  let events = [];
  let revision = (changes += 1);
  /** @type {WireEvent[]|null} what the list is the beginning of, in a log of the past */
  let whole = null;
  /** @type {number|null} older events lie before this id, where the list itself is empty */
  let edge = null;
  let older = blank("");
  let held = false;
  let cutWhileHeld = false;
  /** @type {Map<string, WireEvent>} the last command event of each story */
  const lastOf = new Map();
  /** Counts up whenever the list changes elsewhere than at its end. */
  let shape = 0;
  /** What the last filter let through, carried on as events come. @type {{filter: string, shape: number, upto: number, list: WireEvent[], fits: (event: WireEvent) => boolean}} */
  let picked = { filter: "", shape: -1, upto: 0, list: [], fits: () => true };

  const remember = (/** @type {WireEvent} */ event) => {
    if (!event.type.startsWith("command:") || event.payload?.imported === true) return;
    const key = event.payload?.story_key;
    if (lastOf.size >= KEPT_LAST && !lastOf.has(key)) lastOf.delete(/** @type {string} */ (lastOf.keys().next().value));
    lastOf.set(key, event);
  };

  /** Ascending. @param {Filter} filter @param {Matcher} matcher */
  function pick(filter, matcher) {
    if (isEmpty(filter)) return events;
    const key = signature(filter);
    if (picked.filter !== key || picked.shape !== shape) picked = { filter: key, shape, upto: 0, list: [], fits: picked.filter === key ? picked.fits : matcher(filter) };
    for (; picked.upto < events.length; picked.upto += 1) if (picked.fits(events[picked.upto])) picked.list.push(events[picked.upto]);
    return picked.list;
  }

  return {
    lastOf,
    get revision() { return revision; },
    get events() { return events; },
    get older() { return older; },

    /** A fresh beginning. @param {WireEvent[]} newestFirst */
    reset(newestFirst) {
      events = newestFirst.filter((event) => typeof event.id === "number").reverse();
      lastOf.clear();
      events.forEach(remember);
      older = blank("");
      whole = edge = null;
      shape += 1;
      revision = changes += 1;
    },

    /**
     * A moment of the past: the first `n` of these events are there, no more.
     * @param {WireEvent[]} all ascending @param {number} n @param {number} before the id behind which the first of all lies
     */
    turn(all, n, before) {
      if (whole !== all) older = blank("");
      else if (n === events.length) return;
      if (whole === all && n === events.length + 1) {
        events.push(all[n - 1]);
        remember(all[n - 1]);
      } else {
        events = all.slice(0, n);
        lastOf.clear();
        events.forEach(remember);
        shape += 1;
      }
      whole = all;
      edge = before + 1;
      revision = changes += 1;
    },

    /** @param {WireEvent} event */
    push(event) {
      events.push(event);
      remember(event);
      if (events.length > KEPT * 1.2) {
        events.splice(0, events.length - KEPT);
        shape += 1;
        // A hole would open between the older pages and the list, unless a reader keeps a list of their own.
        if (held) cutWhileHeld = true;
        else if (older.events.length || older.before !== null) older = blank("");
      }
      revision = changes += 1;
    },

    /** The list's tail, without holes: what `init` brought may be one batch's only. @param {any} page */
    seed(page) {
      const from = page.events.at(-1)?.id ?? -1;
      events = page.events.concat(events.filter((event) => /** @type {number} */ (event.id) > from));
      page.events.forEach((/** @type {WireEvent} */ event) => {
        const known = lastOf.get(event.payload?.story_key);
        if (!known || Number(known.id) < Number(event.id)) remember(event);
      });
      shape += 1;
      revision = changes += 1;
      changed();
    },

    /** Newest first, as far as loaded. @param {Filter} filter @param {Matcher} matcher what makes a test of a filter: only the log's own view needs it */
    select(filter, matcher) {
      const past = older.filter === signature(filter) ? older.events : [];
      return past.concat(pick(filter, matcher)).reverse();
    },

    /** Events of this filter that came after one, as far as they are held. @param {Filter} filter @param {number} id @param {Matcher} matcher */
    newerThan(filter, id, matcher) {
      const list = pick(filter, matcher);
      let n = 0;
      while (n < list.length && Number(list[list.length - 1 - n].id) > id) n += 1;
      return { n, more: n === list.length && Number(events[0]?.id ?? 0) > id + 1 };
    },

    /** @param {number} id @returns {WireEvent|null} */
    find: (id) => events[placeOf(events, id)] ?? older.events[placeOf(older.events, id)] ?? null,

    /** Asks for the page before what is known under this filter. @param {Filter} filter @param {number|null} [from] the oldest event that is shown */
    async loadOlder(filter, from = null) {
      const key = signature(filter);
      if (older.filter !== key) older = blank(key);
      const mine = older;
      if (mine.loading || mine.all || mine.full) return;
      mine.loading = true;
      changed();
      try {
        const before = mine.before ?? from ?? (events.length ? Number(events[0].id) : edge);
        const page = await ask("api/events", { before, limit: PAGE, type: filter.types, story: filter.story, q: filter.q, batch_id: filter.batch });
        mine.events = page.events.concat(mine.events);
        mine.before = page.events[0]?.id ?? before;
        mine.all = page.events.length < PAGE;
        mine.full = mine.events.length >= KEPT_OLDER;
        mine.failed = false;
      } catch {
        mine.failed = true;
      }
      mine.loading = false;
      revision = changes += 1;
      changed();
    },

    /** Somebody reads further down, in a list of their own: the older pages stay with it. @param {boolean} yes */
    hold(yes) {
      held = yes;
      if (held || !cutWhileHeld) return;
      cutWhileHeld = false;
      older = blank("");
      revision = changes += 1;
    },

    /** Older pages are let go once nobody looks at them. */
    forgetOlder() {
      held = cutWhileHeld = false;
      if (!older.events.length && older.before === null) return;
      older = blank("");
      revision = changes += 1;
    },

    /** Stories whose last word is a failure. @returns {WireEvent[]} */
    failures: () => [...lastOf.values()].filter((event) => event.type === "command:end" && hasFailed(event.payload)),
  };
}
