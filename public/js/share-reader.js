/**
 * A follower's place in the log: takes what the leading tab hands out, notices holes and fills them from the
 * server. Pure but for what it is given. Law: whatever is lost, late or doubled on the way, the page gets
 * every event once and in order, or begins again from a snapshot.
 *
 * @typedef {import("./connection.js").Cursor} Cursor
 * @typedef {{epoch: string|null, prev: number, events: any[]}} Run events that follow each other in the log, and the id before them
 */

/** Events kept while a hole is filled. What is dropped is a hole again, and is asked for. */
const KEPT = 5000;

/**
 * @param {{cursor: Cursor, to: {init: (message: any) => void, event: (event: any) => void},
 *   fresh: () => Promise<any>, following: (cursor: Cursor) => Promise<any[]|null>, failed: (error: unknown) => void}} parts
 */
export function createReader({ cursor, to, fresh, following, failed }) {
  /** @type {Run[]} */
  let waiting = [];
  /** @type {object|null} the question that is open */
  let asked = null;

  /** @param {Run} run */
  function hear(run) {
    if (!run.epoch) return;
    // Of several that only tell where the leader stands the last is enough.
    if (!run.events.length && waiting.length && !waiting[waiting.length - 1].events.length) waiting.pop();
    waiting.push(run);
    let kept = waiting.reduce((sum, one) => sum + one.events.length, 0);
    while (kept > KEPT) kept -= /** @type {Run} */ (waiting.shift()).events.length;
    drain();
  }

  function drain() {
    while (!asked && waiting.length) {
      const { epoch, prev, events } = waiting[0];
      if (epoch !== cursor.epoch) ask(begin);
      else if (prev > cursor.id) ask(fill);
      else {
        waiting.shift();
        events.forEach(take);
      }
    }
  }

  /** @param {any} event */
  function take(event) {
    if (event.id <= cursor.id) return;
    cursor.id = event.id;
    to.event(event);
  }

  /** @param {(open: () => boolean) => Promise<void>} what */
  async function ask(what) {
    const mine = (asked = {});
    try {
      await what(() => asked === mine);
    } catch (error) {
      if (asked !== mine) return;
      // Asked again when the leader is heard next: it tells every second where it stands.
      waiting = [];
      asked = null;
      failed(error);
    }
    if (asked !== mine) return;
    asked = null;
    drain();
  }

  /** Another log, or none known yet. @param {() => boolean} open */
  async function begin(open) {
    const init = await fresh();
    if (!open()) return;
    // What the leader said of a log that is gone counts no more.
    waiting = waiting.filter((run) => run.epoch === init.epoch);
    if (init.epoch !== cursor.epoch) start(init);
  }

  /** @param {() => boolean} open */
  async function fill(open) {
    const events = await following(cursor);
    if (!open()) return;
    if (events?.length) return events.forEach(take);
    const init = await fresh();
    if (!open()) return;
    // Nothing follows though the leader is ahead: events were deleted, or the log is another.
    if (init.epoch === cursor.epoch && init.last_event_id < cursor.id) throw new Error("the snapshot is behind");
    start(init);
  }

  /** @param {any} init */
  function start(init) {
    Object.assign(cursor, { epoch: init.epoch, id: init.last_event_id });
    to.init(init);
  }

  return {
    hear,
    get filling() { return !!asked; },
    /** The tab has a stream of its own now, or sleeps. */
    stop() {
      waiting = [];
      asked = null;
    },
  };
}
