/** The log asked for page by page: by whom no stream serves, and by a tab that has noticed a hole. */
import { get } from "./api.js";

/** Events of one page. */
export const PAGE = 1000;

/** The state as a stream's first message would bring it. @param {any} snapshot */
export const asInit = (snapshot) => ({ type: "init", epoch: snapshot.epoch, last_event_id: snapshot.last_event_id, payload: { batch: snapshot.batch, events: [], snapshot } });

/** @returns {Promise<any>} */
export const fresh = async () => asInit(await get("api/snapshot"));

/**
 * What follows a cursor, without a hole. The page begins with the cursor's own event: where that is missing,
 * older ones were deleted and nobody can tell how many. The epoch is asked for after the page, because a page
 * does not tell of which log it is, and a log that is gone does not come back.
 * @param {{epoch: string|null, id: number}} cursor @param {(server: any) => void} [tell] what is known of the server that works on the project, where it is another one
 * @returns {Promise<any[]|null>} null: begin again from a snapshot
 */
export async function following({ epoch, id }, tell = () => {}) {
  const page = await get("api/events", { after: Math.max(0, id - 1), limit: PAGE }, 4000);
  const health = await get("healthz", {}, 4000);
  if (health.epoch !== epoch) return null;
  if (health.server) tell(health.server);
  if (!id && !page.head) return [];
  if (page.events[0]?.id !== (id || 1)) return null;
  return id ? page.events.slice(1) : page.events;
}
