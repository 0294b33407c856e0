/**
 * The stream as server-sent events, for where WebSockets don't pass. Its heartbeats are invisible here, so a
 * quiet stream is checked by asking for what it should have brought: no answer means the server is gone, an
 * event that stays out means that something between holds the stream back.
 */
import { base, get } from "./api.js";
import { pulse } from "./pulse.js";

const QUIET_MS = 1500;
const OPEN_MS = 6000;

/** @param {string|null} cursor @param {import("./transport-ws.js").Listener} listener @returns {import("./transport-ws.js").Transport} */
export function openEvents(cursor, listener) {
  const url = new URL("sse", base);
  if (cursor) url.searchParams.set("last_event_id", cursor);
  const source = new EventSource(url);
  let heard = Date.now();
  let last = cursor ? Number(cursor.split(":")[1]) : null;
  let held = 0;
  let checking = false;
  let checked = 0;
  let over = false;

  const stop = () => {
    over = true;
    dog();
    clearTimeout(opening);
    source.close();
  };
  const down = () => {
    if (over) return;
    stop();
    listener.down();
  };
  const check = async () => {
    if (checking || over || source.readyState !== EventSource.OPEN) return;
    checking = true;
    checked = Date.now();
    try {
      const before = heard;
      const page = await get("api/events", { after: last ?? 0, limit: 1 }, 2000);
      held = page.events.length && before === heard ? held + 1 : 0;
      if (held >= 3) down();
      else if (!over) listener.message({ type: "pong" });
    } catch {
      down();
    } finally {
      checking = false;
    }
  };
  const dog = pulse(() => Date.now() - Math.max(heard, checked) > QUIET_MS && check());
  const opening = setTimeout(down, OPEN_MS);

  source.onopen = () => {
    clearTimeout(opening);
    // As with the WebSocket: silence after a resume is good news, and is told as such.
    if (cursor) listener.message({ type: "pong" });
  };
  source.onmessage = ({ data }) => {
    if (over) return;
    heard = Date.now();
    const message = JSON.parse(data);
    last = message.id ?? message.last_event_id ?? last;
    listener.message(message);
  };
  source.onerror = down;
  return { close: stop, check };
}
