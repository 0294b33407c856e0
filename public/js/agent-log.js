/**
 * Follows one agent's log as it grows: bounded in what is asked for, kept, and shown.
 *
 * @typedef {{n: number, raw: string}} LogLine
 */
import { part } from "./api.js";

/** What is shown of a log at first, and at most at once. */
const BEGIN = 64 * 1024;
const STEP = 256 * 1024;
export const KEPT = 2000;
/** A line of a megabyte is not kept whole. */
const LONGEST = 16 * 1024;

/** @param {string} id @param {() => void} changed */
export function followLog(id, changed) {
  const path = `api/agents/${encodeURIComponent(id)}/log`;
  /** @type {LogLine[]} */
  let lines = [];
  let next = 0;
  let at = -1;
  let cut = false;
  let rest = "";
  /** @type {string|null} */ let etag = null;
  let decoder = new TextDecoder();
  let skipping = false;
  let busy = false;
  const tail = { id, get lines() { return lines; }, get rest() { return rest; }, get cut() { return cut; }, get next() { return next; }, revision: 0, loaded: false, failed: false, follow };

  /** @param {number} from */
  function restart(from) {
    at = from;
    cut ||= from > 0;
    rest = "";
    decoder = new TextDecoder();
    // Somewhere within a line: its end alone says nothing.
    skipping = from > 0;
  }

  /** @param {string} text */
  function take(text) {
    let whole = rest + text;
    if (skipping) {
      const end = whole.indexOf("\n");
      if (end < 0) return;
      whole = whole.slice(end + 1);
      skipping = false;
    }
    const split = whole.split("\n");
    rest = (split.pop() ?? "").slice(0, LONGEST);
    for (const raw of split) lines.push({ n: (next += 1), raw: raw.slice(0, LONGEST) });
    if (lines.length > KEPT) {
      cut = true;
      lines = lines.slice(-KEPT);
    }
  }

  /** Reads on, now that the log is said to be this long. @param {number} length */
  async function follow(length) {
    if (busy) return;
    if (at < 0 || length < at || length - at > 4 * STEP) restart(Math.max(0, length - BEGIN));
    if (length <= at) {
      if (!tail.loaded) { tail.loaded = true; tail.revision += 1; changed(); }
      return;
    }
    busy = true;
    try {
      while (at < length) {
        const found = await part(path, at, Math.min(length, at + STEP) - 1);
        if (!found) break;
        // Another file by the same name: the log was rotated, or the server does not know of parts.
        if (!found.partial || (etag && found.etag && etag !== found.etag)) {
          etag = found.etag;
          restart(found.partial ? Math.max(0, length - BEGIN) : 0);
          if (found.partial) continue;
        }
        etag = found.etag;
        at += found.bytes.byteLength;
        take(decoder.decode(found.bytes, { stream: true }));
      }
      tail.loaded = true;
      tail.failed = false;
    } catch {
      tail.failed = true;
    }
    busy = false;
    tail.revision += 1;
    changed();
  }
  return tail;
}
