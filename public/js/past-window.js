/**
 * The part of the log that a look at the past moves in, and the stretch of it that is held: asked of the
 * server, never more than a bounded number of events, however long the log is.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {(path: string, query?: Record<string, any>) => Promise<any>} Get
 * @typedef {{batch: number|null, row: any, first: number, last: number}} Frame first and last: ids of its events; none: last < first
 * @typedef {{from: number, to: number, epoch: string|null, base: any, events: WireEvent[]}} Stretch from: the id before its first event; to: no event up to this id is missing
 */
import { hasFailed } from "./words.js";

const PAGE = 1000;
/** Events held at a time. */
export const MOST = 10_000;
/** Pages that are looked through for a failure before it is given up. */
const SEEK_PAGES = 50;
const MAY_FAIL = "command:end,batch:end,background:error,context:error,error";

/** Worth stopping at: something went wrong here. @param {WireEvent} event */
export function isFailure({ type, payload: p }) {
  if (type === "command:end") return hasFailed(p);
  if (type === "batch:end") return p?.status === "error" || p?.status === "lost";
  return type === "background:error" || type === "context:error" || type === "error";
}

/** @param {Get} get @param {number|null} batch null: the whole log @returns {Promise<Frame>} */
export async function frameOf(get, batch) {
  const [found, oldest, newest] = await Promise.all([
    batch === null ? null : get(`api/batches/${batch}`),
    get("api/events", { after: 0, batch_id: batch, limit: 1 }),
    get("api/events", { batch_id: batch, limit: 1 }),
  ]);
  const first = oldest.events[0]?.id;
  if (first === undefined) return { batch, row: found?.batch ?? null, first: newest.head + 1, last: newest.head };
  return { batch, row: found?.batch ?? null, first, last: newest.events.at(-1).id };
}

/** Whether all of it can be held at once. @param {Frame} frame */
export const isWhole = ({ first, last }) => last - first < MOST;

/**
 * The events around this id, and the state before them.
 * @param {Get} get @param {Frame} frame @param {number} id @param {() => boolean} over nobody waits any more
 * @returns {Promise<Stretch|null>}
 */
export async function stretchAround(get, frame, id, over) {
  const from = isWhole(frame) ? frame.first - 1 : Math.max(frame.first - 1, Math.min(id - MOST / 2, frame.last - MOST));
  const state = get("api/snapshot", { at: from });
  // Told where it is waited for; until then nobody hears it.
  state.catch(() => {});
  /** @type {WireEvent[]} */
  const events = [];
  let to = from;
  while (to < frame.last && events.length < MOST) {
    const page = await get("api/events", { after: to, limit: PAGE });
    if (over()) return null;
    for (const event of page.events) if (event.id <= frame.last) events.push(event);
    const end = page.events.length < PAGE ? frame.last : page.events.at(-1).id;
    if (end <= to) break;
    to = Math.min(end, frame.last);
  }
  const base = await state;
  return over() ? null : { from, to, epoch: base.epoch ?? null, base, events };
}

/**
 * The nearest failure that is not in hand: pages of what may have failed, one after the other.
 * @param {Get} get @param {Frame} frame @param {number} id @param {1|-1} way @param {() => boolean} over
 * @returns {Promise<number|null>}
 */
export async function seekFailure(get, frame, id, way, over) {
  let at = id;
  for (let n = 0; n < SEEK_PAGES; n += 1) {
    const page = await get("api/events", { [way > 0 ? "after" : "before"]: at, type: MAY_FAIL, limit: PAGE });
    if (over()) return null;
    const fits = (/** @type {any} */ event) => event.id >= frame.first && event.id <= frame.last && isFailure(event);
    const found = way > 0 ? page.events.find(fits) : page.events.findLast(fits);
    if (found) return found.id;
    const edge = way > 0 ? page.events.at(-1)?.id : page.events[0]?.id;
    if (page.events.length < PAGE || edge < frame.first || edge > frame.last) return null;
    at = edge;
  }
  return null;
}
