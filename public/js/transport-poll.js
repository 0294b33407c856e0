/** The last resort, where no stream passes at all: the log is asked for every two seconds. */
import { following, fresh, PAGE } from "./pages.js";
import { pulse } from "./pulse.js";

const PAUSE_MS = 2000;

/** @param {string|null} cursor @param {import("./transport-ws.js").Listener} listener @returns {import("./transport-ws.js").Transport} */
export function openPolling(cursor, listener) {
  let over = false;
  let asking = false;
  let next = 0;
  const [epoch, id] = (cursor ?? ":").split(":");
  const at = { epoch: cursor ? epoch : null, id: Number(id) };

  const ask = async () => {
    if (asking || over || Date.now() < next) return;
    asking = true;
    try {
      const events = at.epoch ? await following(at, (server) => !over && listener.message({ type: "server", ...server })) : null;
      if (over) return;
      if (events) {
        for (const event of events) listener.message(event);
        at.id = events.at(-1)?.id ?? at.id;
        listener.message({ type: "pong" });
        next = events.length >= PAGE - 1 ? 0 : Date.now() + PAUSE_MS;
      } else {
        const init = await fresh();
        if (over) return;
        Object.assign(at, { epoch: init.epoch, id: init.last_event_id });
        listener.message(init);
      }
    } catch {
      if (!over) {
        close();
        listener.down();
      }
    } finally {
      asking = false;
    }
    if (!next) ask();
  };
  const check = () => {
    next = 0;
    ask();
  };
  const stop = pulse(ask);
  const close = () => {
    over = true;
    stop();
  };
  ask();
  return { close, check };
}
