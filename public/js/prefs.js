/** What this browser remembers for its reader; where nothing can be kept, everything still works. */
import { place } from "./place.js";

/** Projects of one server share an origin: each keeps its own. */
const PREFIX = place.name ? `sprint-runner.p.${place.name}.` : "sprint-runner.";

/** @template T @param {string} name @param {T} fallback @returns {T} */
export function recall(name, fallback) {
  try {
    const kept = localStorage.getItem(PREFIX + name);
    return kept === null ? fallback : JSON.parse(kept);
  } catch {
    return fallback;
  }
}

/** @param {string} name @param {any} value `undefined` forgets it */
export function keep(name, value) {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A private window, or no room left: kept for this visit only.
  }
}
