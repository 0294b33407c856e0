/**
 * The events the page holds: the newest in a bounded list without holes, and pages of older ones that a
 * person asked for, under the filter they were asked with. The past is told by a log of its own, whose list
 * ends at the moment that is shown.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{types: string, story: string, q: string}} Filter
 */
import { get } from "./api.js";
import { describe, hasFailed } from "./words.js";

const KEPT = 2000;
const KEPT_HELD = 20_000;
const PAGE = 200;

/** @typedef {{filter: string, events: WireEvent[], before: number|null, all: boolean, loading: boolean, failed: boolean}} Older */
/** @param {string} filter @returns {Older} */
const blank = (filter) => ({ filter, events: [], before: null, all: false, loading: false, failed: false });

/** @type {WeakMap<WireEvent, {words: import("./words.js").Words, plain: string}>} */
const described = new WeakMap();

/** What an event says, worked out once. @param {WireEvent} event */
export function wordsOf(event) {
  let known = described.get(event);
  if (!known) {
    const words = describe(event);
    const plain = [event.type, words.story, words.story_id, words.command, words.task, words.text, event.source].join("\n").toLowerCase();
    described.set(event, (known = { words, plain }));
  }
  return known;
}

/** @param {string} types a list of globs, such as `command:*,batch:*` @returns {(type: string) => boolean} */
export function typeFilter(types) {
  if (!types) return () => true;
  const globs = types.split(",").map((glob) => new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`));
  return (type) => globs.some((glob) => glob.test(type));
}

/** @param {WireEvent} event @param {string} story a long key or a short id */
export const ofStory = ({ payload: p = {} }, story) => p.story_key === story || p.story_id === story || !!p.story_keys?.includes?.(story);

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
  /** @type {Map<string, WireEvent>} the last command event of each story */
  const lastOf = new Map();

  const remember = (/** @type {WireEvent} */ event) => {
    if (event.type.startsWith("command:") && event.payload?.imported !== true) lastOf.set(event.payload.story_key, event);
  };
  const signature = (/** @type {Filter} */ f) => JSON.stringify([f.types, f.story, f.q]);

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
      }
      whole = all;
      edge = before + 1;
      revision = changes += 1;
    },

    /** @param {WireEvent} event */
    push(event) {
      events.push(event);
      remember(event);
      // While somebody reads far down it may grow: cutting there would leave a hole, or move what is read.
      if (events.length > (older.events.length || held ? KEPT_HELD : KEPT * 1.2)) {
        events.splice(0, events.length - KEPT);
        older = blank("");
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
      revision = changes += 1;
      changed();
    },

    /** Newest first, as far as loaded. @param {Filter} filter */
    select(filter) {
      const typed = typeFilter(filter.types);
      const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (/** @type {WireEvent} */ event) => typed(event.type) && (!filter.story || ofStory(event, filter.story)) && words.every((word) => wordsOf(event).plain.includes(word));
      const found = !filter.types && !filter.story && !words.length ? events.slice() : events.filter(fits);
      const past = older.filter === signature(filter) ? older.events : [];
      return past.concat(found).reverse();
    },

    /** Asks for the page before what is known under this filter. @param {Filter} filter */
    async loadOlder(filter) {
      const key = signature(filter);
      if (older.filter !== key) older = blank(key);
      const mine = older;
      if (mine.loading || mine.all) return;
      mine.loading = true;
      changed();
      try {
        // A search begins at the newest: the server finds what the list here has let go or never had.
        const before = mine.before ?? (events.length ? Number(events[0].id) : edge);
        const page = await ask("api/events", { before, limit: PAGE, type: filter.types, story: filter.story, q: filter.q });
        mine.events = page.events.concat(mine.events);
        mine.before = page.events[0]?.id ?? before;
        mine.all = page.events.length < PAGE;
        mine.failed = false;
      } catch {
        mine.failed = true;
      }
      mine.loading = false;
      revision = changes += 1;
      changed();
    },

    /** Somebody reads further down: let nothing go for now. @param {boolean} yes */
    hold(yes) { held = yes; },

    /** Older pages are let go once nobody looks at them. */
    forgetOlder() {
      held = false;
      if (!older.events.length) return;
      older = blank("");
      revision = changes += 1;
    },

    /** Stories whose last word is a failure. @returns {WireEvent[]} */
    failures: () => [...lastOf.values()].filter((event) => event.type === "command:end" && hasFailed(event.payload)),
  };
}
