/**
 * The stream as a WebSocket. A watch-dog asks for a `pong` when nothing was heard for a while, so that a
 * dead line is known within five seconds: the server's own pings are invisible here.
 *
 * @typedef {{message: (message: any) => void, down: () => void}} Listener
 * @typedef {{close: () => void, check: () => void}} Transport
 */
import { base } from "./api.js";
import { pulse } from "./pulse.js";

const QUIET_MS = 1500;
const PATIENCE_MS = 2000;
const OPEN_MS = 4000;

/** @param {string|null} cursor @param {Listener} listener @returns {Transport} */
export function openWebSocket(cursor, listener) {
  const url = new URL("ws", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (cursor) url.searchParams.set("last_event_id", cursor);

  let heard = Date.now();
  let asked = 0;
  let over = false;
  /** @type {WebSocket} */
  let socket;

  const stop = () => {
    over = true;
    dog();
    clearTimeout(opening);
    try {
      socket?.close();
    } catch {
      // Already gone.
    }
  };
  const down = () => {
    if (over) return;
    stop();
    listener.down();
  };
  const ask = () => {
    if (socket.readyState !== WebSocket.OPEN || asked) return;
    asked = Date.now();
    socket.send('{"type":"ping"}');
  };
  const watch = () => {
    if (asked && Date.now() - asked > PATIENCE_MS) down();
    else if (Date.now() - heard > QUIET_MS) ask();
  };
  const dog = pulse(watch);
  const opening = setTimeout(down, OPEN_MS);

  try {
    socket = new WebSocket(url);
  } catch {
    queueMicrotask(down);
    return { close: stop, check: () => {} };
  }
  // On a resume that missed nothing the server says nothing: the pong is what shows that the line is good.
  socket.onopen = ask;
  socket.onmessage = ({ data }) => {
    if (over) return;
    heard = Date.now();
    asked = 0;
    clearTimeout(opening);
    listener.message(JSON.parse(data));
  };
  socket.onclose = down;
  socket.onerror = down;
  return { close: stop, check: ask };
}
