/** What the overview concludes, worked out beside the page: who was away and what happened, where files disagree, when to come back. */
import { serverNow } from "./api.js";
import { awayReport, TYPES } from "./away.js";
import { disagreementLine, disagreements } from "./disagreement.js";
import { forecast } from "./forecast.js";
import { keep, recall } from "./prefs.js";
import { absence, nobody, seenBy, signed } from "./presence.js";

const PAGES = 20;
const PAGE = 1000;
/** Conclusions may be as old as this; what changes by the minute needs no more. */
const FRESH_MS = 3000;
const STALE_MS = 30_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

/** @typedef {NonNullable<ReturnType<typeof absence>> & {closed?: boolean}} Period */

/** @param {{get: typeof import("./api.js").get, changed: () => void}} by */
export function createInsight({ get, changed }) {
  let presence = nobody();
  /** @type {string|null} */ let epoch = null;
  let head = 0;
  /** @type {Period|null} */ let period = null;
  /** @type {{events: import("./model.js").WireEvent[], left_out: number}|null} */ let told = null;
  /** @type {import("./away.js").Report|null} */ let report = null;
  let failed = false;
  let looked = { model: /** @type {any} */ (null), id: -1, revision: -1, at: 0 };
  /** @type {ReturnType<typeof disagreementLine>} */ let line = null;
  /** @type {import("./forecast.js").Forecast|null} */ let outlook = null;
  let known = "";
  let greeted = false;

  function sign() {
    const { state, came } = signed(presence, { id: head, at: serverNow(), visible: !document.hidden });
    presence = state;
    if (came) greeted = false;
    if (!epoch) return;
    if (!greeted && !document.hidden) arrive();
    const seen = seenBy(presence, epoch);
    if (!seen) return;
    const text = `${seen.id} ${Math.round(seen.at / 5000)}`;
    if (text !== known) keep("seen", seen);
    known = text;
  }
  for (const name of SIGNS) addEventListener(name, sign, { passive: true, capture: true });
  document.addEventListener("visibilitychange", sign);

  /** Somebody is there who was not. */
  function arrive() {
    if (!epoch) return;
    greeted = true;
    const gone = absence(recall("seen", null), { epoch, id: head, at: serverNow() });
    const kept = /** @type {Period|null} */ (recall("away", null));
    const next = gone ?? (kept?.epoch === epoch && typeof kept.since?.id === "number" && typeof kept.until?.id === "number" ? kept : null);
    if (gone) keep("away", gone);
    if (JSON.stringify(next) === JSON.stringify(period)) return;
    period = next;
    told = null;
    report = null;
    if (period) read(period);
    changed();
  }

  /** @param {Period} mine */
  async function read(mine) {
    /** @type {import("./model.js").WireEvent[]} */
    const events = [];
    let after = mine.since.id;
    let left_out = 0;
    failed = false;
    try {
      for (let page = 0; after < mine.until.id; page += 1) {
        if (page === PAGES) {
          left_out = mine.until.id - after;
          break;
        }
        const found = await get("api/events", { after, limit: PAGE, type: TYPES });
        if (period !== mine) return;
        for (const event of found.events) if (event.id <= mine.until.id) events.push(event);
        if (found.next === null || !found.events.length) break;
        after = found.next;
      }
      told = { events, left_out };
      looked.id = -1;
    } catch {
      failed = period === mine;
    }
    changed();
  }

  /** @param {import("./main.js").App} app */
  function conclude(app) {
    const { now } = app;
    const age = Math.abs(now - looked.at);
    const same = looked.model === app.model && looked.id === app.model.last_event_id && looked.revision === app.model.revision;
    if (same ? age < STALE_MS : looked.model === app.model && looked.id !== -1 && age < FRESH_MS) return;
    looked = { model: app.model, id: app.model.last_event_id, revision: app.model.revision, at: now };
    line = disagreementLine(disagreements(app.model, { now }));
    outlook = app.model.batch ? forecast({ model: app.model, now, seed: 1 }) : null;
    if (told && period && !app.past) report = awayReport(told.events, { since: period.since.at, until: period.until.at, after: period.since.id, model: app.model, left_out: told.left_out });
  }

  return {
    get line() { return line; },
    /** When the batch under way will likely be over. */
    get comeBack() { return outlook?.batch?.p85 ?? null; },
    get away() { return period && (report || failed) ? { report, failed, closed: period.closed === true, since: period.since.at, until: period.until.at } : null; },
    /** @param {boolean} closed */
    close(closed) {
      if (!period) return;
      period.closed = closed;
      keep("away", period);
      // Who puts it away has seen it, however short the visit was.
      if (closed && epoch) keep("seen", { epoch, id: head, at: serverNow() });
      changed();
    },
    again() {
      if (period) read(period);
    },
    /** Told with each commit, whichever view is shown. @param {import("./main.js").App} app */
    watch({ loaded, live }) {
      if (!loaded && !live.model.epoch) return;
      head = live.model.last_event_id;
      if (epoch === live.model.epoch) return;
      epoch = live.model.epoch;
      period = told = report = null;
      greeted = false;
      sign();
    },
    /** @param {import("./main.js").App} app */
    attend(app) {
      if (app.loaded) conclude(app);
    },
    /** @param {import("./model.js").WireEvent} event */
    heard(event) { head = Math.max(head, Number(event.id) || 0); },
    renew() { looked.id = -1; },
  };
}
