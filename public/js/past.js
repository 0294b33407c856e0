/**
 * The past as the page shows it: which part of the log, which moment of it, and the state as it was then.
 *
 * The address says what is wished for. Who moves along the log is served at once; the address follows a
 * little later, because browsers allow no page to change it at every event. Answers to an older wish are
 * dropped.
 *
 * @typedef {import("./past-window.js").Frame} Frame
 * @typedef {import("./past-window.js").Stretch} Stretch
 * @typedef {import("./router.js").Wish} Wish
 * @typedef {{to: (index: number) => void, step: (events: number) => void, failure: (way: 1|-1) => void, play: (speed: number|null) => void, retry: () => void, leave: () => void}} Steer
 */
import { createLog } from "./log.js";
import { tally } from "./model.js";
import { frameOf, isFailure, isWhole, seekFailure, stretchAround } from "./past-window.js";
import { advance, trace } from "./playback.js";
import { createReplay } from "./replay.js";
import { visit as goTo } from "./router.js";

const ADDRESS_MS = 400;
const TICK_MS = 60;

/** @param {{get: import("./past-window.js").Get, changed: () => void, visit?: typeof goTo}} by */
export function createPast({ get, changed, visit = goTo }) {
  const log = createLog(changed, get);
  /** @type {Frame|null} */
  let frame = null;
  /** @type {(Stretch & {replay: ReturnType<typeof createReplay>, trace: ReturnType<typeof trace>})|null} */
  let held = null;
  /** @type {string|null} the wish that was last read from the address, or written there */
  let seen = null;
  /** @type {Wish} */
  let wish = { batch: null, at: null };
  let index = 0;
  /** @type {number|null} the id that was last gone to: what is tried again */
  let target = null;
  let head = 0;
  /** @type {string|null} */
  let failed = null;
  /** @type {string|null} */
  let note = null;
  let loading = false;
  let asked = 0;
  /** @type {any} */ let writing;
  /** @type {{speed: number, owed: number, at: number, timer: any}|null} */
  let playing = null;
  let summed = -1;
  /** @type {any} */ let sums = null;

  /** The id of the event after which the shown state holds. */
  const here = () => (held && index ? Number(held.events[index - 1].id) : held ? held.from : 0);
  const covers = (/** @type {number} */ id) => held !== null && id >= held.from && id <= held.to;
  const clamp = (/** @type {number} */ id) => (frame ? Math.max(frame.first - 1, Math.min(frame.last, id)) : id);
  const mayGrow = (/** @type {Frame} */ { batch, row }) => batch === null || row?.status === "running";
  const signature = (/** @type {Wish} */ { batch, at }) => `${batch}/${at}`;

  /** Asks for something and takes the answer, unless something else was wished for meanwhile. @param {(over: () => boolean) => Promise<void>} work */
  async function ask(work) {
    const mine = (asked += 1);
    const over = () => mine !== asked;
    loading = true;
    failed = note = null;
    changed();
    try {
      await work(over);
    } catch (error) {
      if (over()) return;
      failed = sentence(error, wish.batch);
      halt();
    }
    if (over()) return;
    loading = false;
    changed();
  }

  /** Another part of the log, or the same one anew. @param {number|null} at */
  const open = (at) => ask(async (over) => {
    target = at;
    const found = await frameOf(get, wish.batch);
    if (over()) return;
    if (wish.batch !== null && found.row?.status === "running" && at === null) {
      visit(null, { replace: true });
      return;
    }
    if (found.last < found.first && wish.batch !== null) throw new Error("empty");
    const id = Math.max(found.first - 1, Math.min(found.last, at ?? found.last));
    const stretch = await stretchAround(get, found, id, over);
    if (!stretch) return;
    frame = found;
    take(stretch, id);
  });

  /** @param {number} id */
  const reach = (id) => ask(async (over) => {
    const stretch = frame && await stretchAround(get, frame, id, over);
    if (stretch) take(stretch, id);
  });

  /** @param {Stretch} stretch @param {number} id */
  function take(stretch, id) {
    const replay = createReplay(stretch);
    held = { ...stretch, replay, trace: trace(stretch.events, replay.moments) };
    index = replay.indexOf(id);
  }

  /** Goes to the state after this event. @param {number|null} at */
  function aim(at) {
    const id = at ?? frame?.last ?? 0;
    // The log has grown beyond what is known of it here: look again.
    if (!frame || (id > frame.last && head > frame.last && mayGrow(frame))) return void open(at);
    target = clamp(id);
    if (!covers(clamp(id))) return void reach(clamp(id));
    asked += 1;
    loading = false;
    failed = note = null;
    index = /** @type {NonNullable<typeof held>} */ (held).replay.indexOf(clamp(id));
    changed();
  }

  /** Somebody moved: shown now, written into the address soon. @param {number} id */
  function move(id) {
    aim(id);
    writing ??= setTimeout(write, ADDRESS_MS);
  }
  function write() {
    clearTimeout(writing);
    writing = undefined;
    if (loading) return void (writing = setTimeout(write, ADDRESS_MS));
    if (!frame) return;
    const at = here();
    wish = { batch: frame.batch, at: frame.batch !== null && at === frame.last && !mayGrow(frame) ? null : at };
    if (seen === signature(wish)) return;
    seen = signature(wish);
    visit(wish, { replace: true });
  }

  function halt() {
    clearTimeout(playing?.timer);
    playing = null;
  }
  function tick() {
    if (!playing || !held || !frame) return;
    const now = Date.now();
    playing.timer = setTimeout(tick, TICK_MS);
    if (loading) {
      playing.at = now;
      return;
    }
    const next = advance(held.replay.moments, index, playing.owed + now - playing.at, playing.speed);
    Object.assign(playing, { owed: next.owed, at: now });
    if (next.index !== index) move(Number(held.events[next.index - 1].id));
    else if (index === held.events.length && held.to < frame.last) move(held.to + 1);
    if (here() >= frame.last && !loading) {
      halt();
      changed();
    }
  }

  /** @type {Steer} */
  const steer = {
    to(position) {
      if (!frame || !held) return;
      halt();
      if (isWhole(frame)) move(position ? Number(held.events[Math.min(position, held.events.length) - 1]?.id ?? held.from) : held.from);
      else move(frame.first - 1 + position);
    },
    step(events) {
      if (!frame || !held) return;
      halt();
      const target = index + events;
      if (target >= 1 && target <= held.events.length) move(Number(held.events[target - 1].id));
      else if (target < 1) move(target === 0 ? held.from : held.from + target);
      else move(held.to + target - held.events.length);
    },
    failure(way) {
      if (!frame || !held) return;
      halt();
      const { events } = held;
      const place = way > 0 ? events.findIndex((event, i) => i >= index && isFailure(event)) : events.findLastIndex((event, i) => i < index - 1 && isFailure(event));
      if (place >= 0) return void move(Number(events[place].id));
      const [within, edge] = [frame, way > 0 ? held.to : held.from + 1];
      const none = `No ${way > 0 ? "later" : "earlier"} failure`;
      if (way > 0 ? edge >= within.last : edge <= within.first) note = none;
      else {
        ask(async (over) => {
          const id = await seekFailure(get, within, edge, way, over);
          if (over()) return;
          const stretch = id === null ? null : await stretchAround(get, within, id, over);
          if (over()) return;
          if (stretch && id !== null) take(stretch, id);
          else note = none;
          writing ??= setTimeout(write, ADDRESS_MS);
        });
      }
      changed();
    },
    play(speed) {
      halt();
      if (speed && frame && held) {
        // At the end there is nothing left to play: from the beginning.
        if (here() >= frame.last) move(frame.first - 1);
        playing = { speed, owed: 0, at: Date.now(), timer: setTimeout(tick, TICK_MS) };
      }
      changed();
    },
    retry: () => (frame && held ? aim(target) : open(target)),
    leave: () => visit(null),
  };

  return {
    /** The log of the moment that is shown, while one is. */
    get log() { return seen === null ? null : log; },

    /** The moment that the address asks for, as far as it is known. @param {Wish} wanted @param {import("./main.js").Sight} live */
    look(wanted, live) {
      head = live.model.last_event_id;
      const other = held?.epoch && live.model.epoch && held.epoch !== live.model.epoch;
      if (seen !== signature(wanted) || (other && !loading && !failed)) {
        clearTimeout(writing);
        writing = undefined;
        halt();
        seen = signature(wanted);
        wish = wanted;
        if (frame && frame.batch === wanted.batch && !other) aim(wanted.at);
        else {
          frame = held = null;
          open(wanted.at);
        }
      }
      if (!held || !frame) return { past: { ...wanted, first: 0, last: 0, index: 0, place: 0, total: 0, moment: null, ready: false, loading, failed, note, row: null, playing: null, event: null, trace: null, steer } };

      const { model, moment } = held.replay.at(index);
      log.turn(held.events, index, held.from);
      if (summed !== model.revision) {
        summed = model.revision;
        sums = tally(model);
      }
      const whole = isWhole(frame);
      const past = {
        batch: frame.batch, at: here(), index: here(), first: frame.first, last: frame.last, row: frame.row, moment: moment ?? live.now, ready: true, loading, failed, note, steer,
        place: whole ? index : here() - frame.first + 1,
        total: whole ? held.events.length : frame.last - frame.first + 1,
        playing: playing?.speed ?? null,
        event: index ? held.events[index - 1] : null,
        // Where on the way the trace lies: of a long log only a part is in hand.
        trace: { ...held.trace, of: held.events, from: whole ? 0 : (held.from - frame.first + 1) / (frame.last - frame.first + 1), to: whole ? 1 : (held.to - frame.first + 1) / (frame.last - frame.first + 1) },
      };
      return { past, model, log, sums, ended: endOf(log.events, frame, index === held.events.length) };
    },

    /** Back to what is now. */
    leave() {
      if (seen === null) return;
      halt();
      clearTimeout(writing);
      writing = undefined;
      asked += 1;
      seen = null;
      frame = held = null;
      loading = false;
      failed = note = null;
      log.reset([]);
    },
  };
}

/** How the last batch had ended by then. @param {import("./model.js").WireEvent[]} events @param {Frame} frame @param {boolean} over the whole of the frame was seen */
function endOf(events, { batch, row }, over) {
  const event = events.findLast(({ type, payload }) => type === "batch:end" && (batch === null ? !payload?.imported : payload?.batch_id === batch));
  if (event) return { batch_id: event.batch_id, ...event.payload, ended_at: event.timestamp };
  // A batch of an older log may have left a row and no event of its end.
  if (!over || !row || row.status === "running") return null;
  return { ...row, batch_id: row.id, duration_ms: typeof row.duration_seconds === "number" ? row.duration_seconds * 1000 : null };
}

/** @param {unknown} error @param {number|null} batch */
function sentence(error, batch) {
  const words = String(/** @type {Error} */ (error)?.message ?? error);
  if (batch !== null && words === "empty") return `Batch ${batch} has left no events.`;
  if (batch !== null && /answered 404/.test(words)) return `There is no batch ${batch}.`;
  return "This part of the log could not be loaded.";
}
