/**
 * The one line to the server: which transport, from where to resume, when to try again, and what may be
 * said of it. Every event is handed on exactly once and in order, whatever the line did.
 *
 * It counts as live only while something was heard on it; a lost line is told at once.
 *
 * @typedef {{live: boolean, ever: boolean, transport: "ws"|"sse"|"poll"|null, offline: boolean, lostAt: number|null,
 *   heardAt: number|null, retryAt: number|null, caughtUp: {events: number, fresh: boolean, at: number}|null}} Line
 */
import { alive } from "./api.js";
import { openPolling } from "./transport-poll.js";
import { openEvents } from "./transport-sse.js";
import { openWebSocket } from "./transport-ws.js";

const OPEN = { ws: openWebSocket, sse: openEvents, poll: openPolling };
const TRIES = 2;
const CLIMB_MS = 60_000;
const SETTLE_MS = 400;
const STEADY_MS = 3000;

/** @param {{event: (event: any) => void, init: (message: any) => void, changed: () => void}} to */
export function connect(to) {
  /** @type {Line} */
  const line = { live: false, ever: false, transport: null, offline: false, lostAt: null, heardAt: null, retryAt: null, caughtUp: null };
  /** @type {{epoch: string|null, id: number}} */
  const cursor = { epoch: null, id: 0 };
  const refused = { ws: 0, sse: 0, poll: 0 };
  /** @type {import("./transport-ws.js").Transport|null} */
  let current = null;
  /** @type {import("./transport-ws.js").Transport|null} */
  let climber = null;
  let attempts = 0;
  let climbedAt = Date.now();
  /** @type {{id: number, events: number, fresh: boolean}|null} */
  let away = null;
  /** @type {any} */ let retry;
  /** @type {any} */ let settling;

  const cursorText = () => (cursor.epoch ? `${cursor.epoch}:${cursor.id}` : null);
  const best = () => (refused.ws < TRIES ? "ws" : refused.sse < TRIES ? "sse" : "poll");

  /** @param {any} message */
  function take(message) {
    line.heardAt = Date.now();
    if (message.type === "init") {
      if (away) Object.assign(away, { fresh: message.epoch !== cursor.epoch, events: Math.max(0, message.last_event_id - away.id) });
      Object.assign(cursor, { epoch: message.epoch, id: message.last_event_id });
      to.init(message);
    } else if (message.type === "gap") {
      // The state cannot be folded over a hole: begin again from a snapshot.
      cursor.epoch = null;
      drop();
      attempt();
      return;
    } else if (typeof message.id === "number") {
      if (message.id <= cursor.id) return;
      cursor.id = message.id;
      if (away) away.events += 1;
      to.event(message);
    }
    if (cursor.epoch && message.type !== "reset") well();
  }

  /** The line is good. */
  function well() {
    if (line.live) return;
    Object.assign(line, { live: true, ever: true, offline: false, retryAt: null });
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

  function drop() {
    current?.close();
    climber?.close();
    current = climber = null;
    line.live = false;
  }

  /** @param {keyof typeof OPEN} kind */
  async function lost(kind) {
    const wasLive = line.live;
    drop();
    clearTimeout(settling);
    line.lostAt ??= Date.now();
    line.caughtUp = null;
    if (line.ever) away ??= { id: cursor.id, events: 0, fresh: false };
    to.changed();
    const answers = await alive();
    if (current) return;
    if (!answers) line.offline = attempts > 0 || !navigator.onLine;
    else if (!wasLive) refused[kind] = kind === "poll" ? 0 : refused[kind] + 1;
    // A server that answers is tried again, or by another transport, much sooner than one that is gone.
    const wait = Math.min(8000, (answers ? 100 : 500) * 2 ** attempts) * (0.6 + 0.4 * Math.random());
    attempts += 1;
    line.retryAt = Date.now() + wait;
    clearTimeout(retry);
    retry = setTimeout(attempt, wait);
    to.changed();
  }

  function attempt() {
    clearTimeout(retry);
    if (current) return;
    line.retryAt = null;
    const kind = best();
    line.transport = kind;
    /** @type {any} */
    const opened = OPEN[kind](cursorText(), { message: (message) => current === opened && take(message), down: () => current === opened && lost(kind) });
    current = opened;
    to.changed();
  }

  /** From a fallback back to the WebSocket: tried beside the working line, which stays until the better one speaks. */
  function climb() {
    if (climber || !current || !line.live || line.transport === "ws") return;
    climbedAt = Date.now();
    /** @type {any} */
    const opened = OPEN.ws(cursorText(), {
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
    else if (line.retryAt) attempt();
    if (Date.now() - climbedAt > 10_000) climb();
  }

  function start() {
    setInterval(() => Date.now() - climbedAt > CLIMB_MS && climb(), 5000);
    addEventListener("focus", now);
    addEventListener("online", now);
    addEventListener("offline", () => current && lost(line.transport ?? "ws"));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
    attempt();
  }
  return { line, start, retryNow: now };
}
