/** The last resort, where no stream passes at all: the log is asked for every two seconds. */
import { get } from "./api.js";

const PAUSE_MS = 2000;
const PAGE = 1000;

/** @param {string|null} cursor @param {import("./transport-ws.js").Listener} listener @returns {import("./transport-ws.js").Transport} */
export function openPolling(cursor, listener) {
  let over = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  let wake = () => {};
  let last = 0;

  const init = (/** @type {any} */ snapshot) => {
    last = snapshot.last_event_id;
    listener.message({ type: "init", epoch: snapshot.epoch, last_event_id: last, payload: { batch: snapshot.batch, events: [], snapshot } });
  };
  const run = async () => {
    const snapshot = await get("api/snapshot");
    const [epoch, id] = (cursor ?? ":").split(":");
    if (epoch !== snapshot.epoch || Number(id) > snapshot.last_event_id) init(snapshot);
    else last = Number(id);
    while (!over) {
      const page = await get("api/events", { after: last, limit: PAGE }, 4000);
      if (over) return;
      if (page.head < last) init(await get("api/snapshot"));
      for (const event of page.events) listener.message(event);
      last = page.events.at(-1)?.id ?? last;
      listener.message({ type: "pong" });
      if (page.events.length < PAGE) {
        await new Promise((go) => {
          wake = () => go(undefined);
          timer = setTimeout(wake, PAUSE_MS);
        });
      }
    }
  };
  run().catch(() => {
    if (!over) listener.down();
    over = true;
  });
  return {
    close: () => {
      over = true;
      clearTimeout(timer);
      wake();
    },
    check: () => wake(),
  };
}
