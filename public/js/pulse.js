/**
 * A beat twice a second that goes on while nobody looks: a hidden page's own timers are held back, up to a
 * minute, and its title would go on to say what is no longer true. A worker's are not.
 */
import { base } from "./api.js";

const BEAT_MS = 500;

/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {any} */ let timer;
/** @type {Worker|null} */
let worker = null;

const beat = () => { for (const one of [...listeners]) one(); };

/** Fetched while the server is sure to be there: a page may be hidden in the moment in which it goes. */
function prepare() {
  if (worker || !listeners.size || typeof Worker === "undefined") return;
  try {
    worker = new Worker(new URL("js/pulse-worker.js", base));
    worker.onmessage = beat;
  } catch {
    // The page's own timer must do.
  }
}

function arm() {
  clearInterval(timer);
  if (listeners.size) timer = setInterval(beat, BEAT_MS);
  if (document.hidden) prepare();
  worker?.postMessage(document.hidden && listeners.size > 0);
}
document.addEventListener("visibilitychange", arm);
// A page with a worker is not kept for the way back.
addEventListener("pagehide", () => {
  worker?.terminate();
  worker = null;
});
addEventListener("pageshow", prepare);

/** @param {() => void} listener called about twice a second @returns {() => void} ends it */
export function pulse(listener) {
  listeners.add(listener);
  if (listeners.size === 1) {
    arm();
    prepare();
  }
  return () => {
    if (listeners.delete(listener) && !listeners.size) arm();
  };
}
