/**
 * One stream for all tabs of one server: the tab that holds a lock has the line, the others follow what it
 * hands out. Without locks and channels (plain HTTP on a network address) each tab has a line of its own.
 */
import { base } from "./api.js";
import { connect } from "./connection.js";
import { following, fresh } from "./pages.js";
import { pulse } from "./pulse.js";
import { createMember } from "./share-core.js";
import { createReader } from "./share-reader.js";

/** Counts up when tabs of different versions would not understand each other. */
const NAME = `sprint-runner 1 ${base.href}`;
/** Under load so many messages a second go to the other tabs at most. */
const FLUSH_MS = 50;

/**
 * The line, as `connect` has it.
 * @param {{event: (event: any) => void, init: (message: any) => void, changed: () => void, sleeps: () => void}} to sleeps: what is shown must be true for long
 */
export function share(to) {
  const alone = !navigator.locks || typeof BroadcastChannel === "undefined";
  /** @type {import("./connection.js").Cursor} */
  const cursor = { epoch: null, id: 0 };
  let flushedAt = 0;
  /** @type {any} */ let flushing;
  /** @type {BroadcastChannel|null} */
  let channel = null;
  let awake = false;
  let endPulse = () => {};
  let release = () => {};
  let turn = 0;

  const link = connect({
    event(event, prev) {
      member.brought(event, prev);
      flush();
      to.event(event);
    },
    init(message) {
      member.flush();
      to.init(message);
      member.begun();
    },
    changed() {
      member.turned();
      to.changed();
    },
  }, cursor);
  const { line } = link;

  const reader = createReader({
    cursor, fresh, following, failed: () => {},
    to: { event: to.event, init(message) { to.init(message); member.begun(); } },
  });
  const member = createMember({
    tab: Math.random().toString(36).slice(2), cursor, line, reader, changed: to.changed,
    now: Date.now, visible: () => !document.hidden,
    say: (said) => channel?.postMessage(said),
    lead: link.start, resign: link.stop, retry: link.retryNow, steal: () => want(true),
  });

  /** The first at once, others a little later and together. */
  function flush() {
    if (alone || flushing) return;
    const wait = flushedAt + FLUSH_MS - Date.now();
    const now = () => {
      flushing = undefined;
      flushedAt = Date.now();
      member.flush();
    };
    if (wait <= 0) now();
    else flushing = setTimeout(now, wait);
  }

  /** Queues for the lock, or takes it. @param {boolean} [steal] */
  function want(steal = false) {
    turn += 1;
    const mine = turn;
    release();
    const giveUp = new AbortController();
    release = () => giveUp.abort();
    let held = false;
    const hold = () => {
      if (turn !== mine) return;
      held = true;
      member.granted();
      return new Promise((done) => { release = () => done(undefined); });
    };
    navigator.locks.request(NAME, steal ? { steal } : { signal: giveUp.signal }, hold).catch((error) => {
      if (turn !== mine) return;
      if (held) {
        member.stolen();
        want();
      } else if (error?.name !== "AbortError") link.start();
    });
  }

  function wake() {
    if (awake) return;
    awake = true;
    if (alone) return link.start();
    channel = new BroadcastChannel(NAME);
    channel.onmessage = ({ data }) => member.hear(data);
    endPulse = pulse(member.tick);
    member.join();
    want();
  }
  /** Goes, or is kept in the back/forward cache, or frozen: another tab must lead, and nothing here is sure any more. */
  function sleep() {
    if (!awake) return;
    awake = false;
    if (line.live) Object.assign(line, { live: false, lostAt: Date.now() });
    if (alone) link.stop();
    else {
      turn += 1;
      member.leave();
      release();
      endPulse();
      channel?.close();
      channel = null;
    }
    to.sleeps();
  }

  function start() {
    document.addEventListener("visibilitychange", () => awake && member.seen());
    document.addEventListener("freeze", sleep);
    document.addEventListener("resume", wake);
    addEventListener("pagehide", sleep);
    addEventListener("pageshow", ({ persisted }) => persisted && wake());
    wake();
  }
  return { line, start, retryNow: () => (alone ? link.retryNow() : member.retry()), get role() { return alone ? "alone" : member.role; } };
}
