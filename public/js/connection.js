/**
 * The one line to the server: which transport, from where to resume, when to try again, and what may be
 * said of it. Every event is handed on exactly once and in order, whatever the line did.
 *
 * It counts as live only while something was heard on it; a lost line is told at once.
 *
 * @typedef {{live: boolean, ever: boolean, transport: "ws"|"sse"|"poll"|null, offline: boolean, lostAt: number|null,
 *   retryAt: number|null, barred: "signed-out"|"stranger"|null, tabs: number, recorded?: number,
 *   server: Owner|null, far?: Owner, caughtUp: {events: number, fresh: boolean, at: number}|null}} Line server: that works on the project, where it is another one; far: it, while it is not heard; barred: tried again only when a person looks; tabs: that share the line; recorded: there is no line, this is a recording taken then
 * @typedef {{host: string|null, unreachable_since: number|null, control: boolean}} Owner
 * @typedef {{epoch: string|null, id: number}} Cursor
 */
import { alive } from "./api.js";
import { pulse } from "./pulse.js";
import { openWebSocket } from "./transport-ws.js";

/** What most never need is fetched when it is. */
const OPEN = {
  ws: async () => openWebSocket,
  sse: async () => (await import("./transport-sse.js")).openEvents,
  poll: async () => (await import("./transport-poll.js")).openPolling,
};
const TRIES = 2;
const CLIMB_MS = 60_000;
const SETTLE_MS = 400;
const STEADY_MS = 3000;

/**
 * @param {{event: (event: any, prev: number) => void, init: (message: any) => void, changed: () => void}} to prev: the id before the event's, ids have holes
 * @param {Cursor} [cursor] what was handed on up to now
 */
export function connect(to, cursor = { epoch: null, id: 0 }) {
  /** @type {Line} */
  const line = { live: false, ever: false, transport: null, offline: false, lostAt: null, retryAt: null, barred: null, tabs: 1, server: null, caughtUp: null };
  const refused = { ws: 0, sse: 0, poll: 0 };
  /** @type {import("./transport-ws.js").Transport|null} */
  let current = null;
  /** @type {import("./transport-ws.js").Transport|null} */
  let climber = null;
  let running = false;
  let good = false;
  let attempts = 0;
  let climbedAt = Date.now();
  /** @type {{id: number, events: number, fresh: boolean}|null} */
  let away = null;
  /** @type {any} */ let retry;
  /** @type {any} */ let settling;
  let endPulse = () => {};

  const cursorText = () => (cursor.epoch ? `${cursor.epoch}:${cursor.id}` : null);
  const best = () => (refused.ws < TRIES ? "ws" : refused.sse < TRIES ? "sse" : "poll");

  /** @param {any} message */
  function take(message) {
    if (message.type === "init") {
      if (away) Object.assign(away, { fresh: message.epoch !== cursor.epoch, events: Math.max(0, message.last_event_id - away.id) });
      Object.assign(cursor, { epoch: message.epoch, id: message.last_event_id });
      line.server = message.payload.snapshot?.server ?? null;
      to.init(message);
    } else if (message.type === "server") {
      // Said before all that follows, so that nothing is believed for a moment that is not so.
      line.server = { host: message.host ?? null, unreachable_since: message.unreachable_since ?? null, control: message.control === true };
      to.changed();
    } else if (message.type === "gap") {
      // The state cannot be folded over a hole: begin again from a snapshot.
      cursor.epoch = null;
      drop();
      attempt();
      return;
    } else if (typeof message.id === "number") {
      if (message.id <= cursor.id) return;
      const prev = cursor.id;
      cursor.id = message.id;
      if (away) away.events += 1;
      to.event(message, prev);
    }
    if (cursor.epoch && message.type !== "reset") well();
  }

  /** The line is good. */
  function well() {
    if (good) return;
    good = true;
    Object.assign(line, { live: true, ever: true, offline: false, retryAt: null, barred: null });
    if (line.transport) refused[line.transport] = 0;
    clearTimeout(settling);
    settling = setTimeout(() => {
      if (away) line.caughtUp = { events: away.events, fresh: away.fresh, at: Date.now() };
      away = null;
      line.lostAt = null;
      to.changed();
      // A line that breaks again at once must not be tried in a tight ring.
      settling = setTimeout(() => (attempts = 0), STEADY_MS);
    }, SETTLE_MS);
    to.changed();
  }

  function hangUp() {
    current?.close();
    climber?.close();
    current = climber = null;
    good = false;
  }
  function drop() {
    hangUp();
    line.live = false;
  }

  /** @param {keyof typeof OPEN} kind */
  async function lost(kind) {
    const wasGood = good;
    drop();
    clearTimeout(settling);
    line.lostAt ??= Date.now();
    line.caughtUp = null;
    if (line.ever) away ??= { id: cursor.id, events: 0, fresh: false };
    to.changed();
    const answer = await alive();
    if (current || !running) return;
    clearTimeout(retry);
    line.barred = answer === "signed-out" || answer === "stranger" ? answer : null;
    if (line.barred) return to.changed();
    const answers = answer === "yes";
    if (!answers) line.offline = attempts > 0 || !navigator.onLine;
    else if (!wasGood) refused[kind] = kind === "poll" ? 0 : refused[kind] + 1;
    // A server that answers is tried again, or by another transport, much sooner than one that is gone.
    const wait = Math.min(8000, (answers ? 100 : 500) * 2 ** attempts) * (0.6 + 0.4 * Math.random());
    attempts += 1;
    line.retryAt = Date.now() + wait;
    retry = setTimeout(attempt, wait);
    to.changed();
  }

  async function attempt() {
    clearTimeout(retry);
    if (current || !running) return;
    line.retryAt = null;
    const kind = best();
    line.transport = kind;
    /** @type {import("./transport-ws.js").Transport} */
    const place = (current = { close: () => {}, check: () => {} });
    to.changed();
    try {
      const open = await OPEN[kind]();
      if (current !== place) return;
      /** @type {any} */
      const opened = open(cursorText(), { message: (message) => current === opened && take(message), down: () => current === opened && lost(kind) });
      current = opened;
    } catch {
      if (current === place) lost(kind);
    }
  }

  /** From a fallback back to the WebSocket: tried beside the working line, which stays until the better one speaks. */
  function climb() {
    if (climber || !current || !good || line.transport === "ws") return;
    climbedAt = Date.now();
    /** @type {any} */
    const opened = openWebSocket(cursorText(), {
      message: (message) => {
        if (climber === opened) {
          current?.close();
          current = opened;
          climber = null;
          line.transport = "ws";
          refused.ws = 0;
          to.changed();
        }
        if (current === opened) take(message);
      },
      down: () => {
        if (climber === opened) climber = null;
        else if (current === opened) lost("ws");
      },
    });
    climber = opened;
  }

  /** A person looks, or the network came back: no waiting. */
  function now() {
    if (current) current.check();
    else if (line.retryAt || line.barred) attempt();
    if (Date.now() - climbedAt > 10_000) climb();
  }
  const seen = () => document.visibilityState === "visible" && now();
  /** The network is cut, the server may be reached all the same: it is often on this machine. */
  async function cut() {
    const before = current;
    if (before && (await alive(1500)) === "no" && current === before) lost(line.transport ?? "ws");
  }

  function start() {
    if (running) return;
    running = true;
    attempts = 0;
    // A line taken over is tried the way it was; whether there is a better one is seen later.
    if (line.live && line.transport !== "ws") refused.ws = TRIES;
    if (line.live && line.transport === "poll") refused.sse = TRIES;
    if (line.ever && !line.live) away ??= { id: cursor.id, events: 0, fresh: false };
    addEventListener("focus", now);
    addEventListener("online", now);
    addEventListener("offline", cut);
    document.addEventListener("visibilitychange", seen);
    endPulse = pulse(() => Date.now() - climbedAt > CLIMB_MS && climb());
    attempt();
  }
  /** Hangs up, without a word about what is known of the server. */
  function stop() {
    running = false;
    hangUp();
    clearTimeout(retry);
    clearTimeout(settling);
    away = null;
    endPulse();
    removeEventListener("focus", now);
    removeEventListener("online", now);
    removeEventListener("offline", cut);
    document.removeEventListener("visibilitychange", seen);
  }
  return { line, start, stop, retryNow: now };
}
