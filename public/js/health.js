/** What ails the server, by its own word: asked now and then while somebody looks, because no event tells it. */
import { get } from "./api.js";
import { sentence } from "./format.js";
import { pulse } from "./pulse.js";

const WELL_MS = 10_000;
const AILING_MS = 2000;

/**
 * @param {() => boolean} reachable asked only while it is
 * @param {(reason: string|null) => void} tell told when it changes
 */
export function watchHealth(reachable, tell) {
  let askedAt = -Infinity;
  let asking = false;
  /** @type {string|null} */
  let told = null;
  return pulse(async () => {
    if (asking || document.hidden || !reachable() || performance.now() - askedAt < (told ? AILING_MS : WELL_MS)) return;
    asking = true;
    try {
      const { status, reasons } = await get("healthz");
      const reason = status === "degraded" && reasons?.length ? reasons.map(sentence).join(" ") : null;
      if (reason !== told) tell((told = reason));
    } catch {
      // Whether it answers at all is the line's to tell.
    }
    asking = false;
    askedAt = performance.now();
  });
}
