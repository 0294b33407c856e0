/**
 * Which events are worth calling a person who looks elsewhere: a story that needs somebody, the end of a batch,
 * a pause for a usage limit. Pure but for the failures it counts.
 *
 * @typedef {{title: string, body: string, tag: string, href: string, needs: boolean}} Call
 */
import { moment, storyLink } from "./format.js";
import { endWords } from "./run.js";
import { hasFailed } from "./words.js";

/** Told as late as this it would only puzzle: the page itself tells what happened meanwhile. */
export const STALE_MS = 5 * 60_000;
const THRICE = 3;
const MOST_STORIES = 5000;
const LONGEST = 180;

/** @param {any} words one line, not too long */
function short(words) {
  const line = String(words ?? "").replace(/\\n|\s+/g, " ").trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

export function createNotable() {
  /** @type {Map<string, number>} how often a story's commands have failed in a row */
  const failures = new Map();

  /** @param {any} p @returns {number} in a row, this one included */
  function failed(p) {
    if (!hasFailed(p)) {
      failures.delete(p.story_key);
      return 0;
    }
    const n = (failures.get(p.story_key) ?? 0) + 1;
    failures.delete(p.story_key);
    failures.set(p.story_key, n);
    if (failures.size > MOST_STORIES) failures.delete(/** @type {string} */ (failures.keys().next().value));
    return n;
  }

  /** @param {import("./model.js").WireEvent} event @param {number} now @returns {Call|null} */
  return function notable({ type, payload: p, timestamp }, now) {
    if (!p || p.imported) return null;
    const times = type === "command:end" ? failed(p) : 0;
    if (now - timestamp > STALE_MS) return null;
    const story = short(p.story_id ?? p.story_key);
    const there = p.story_key ? storyLink(p.story_key) : "#activity";
    if (type === "story:status" && p.old_status != null && /^(blocked|failed)\b/i.test(p.new_status ?? "")) {
      return { title: `${story} is ${short(p.new_status)}`, body: short(p.title || "The story needs you."), tag: `story ${p.story_key}`, href: there, needs: true };
    }
    // The third only: whoever has been called once need not be called again for each further one.
    if (times === THRICE) return { title: `${story} has failed three times`, body: short([p.command, p.message].filter(Boolean).join(": ")), tag: `story ${p.story_key}`, href: there, needs: true };
    if (type === "batch:end") {
      const { title, text } = endWords(p);
      return { title: `Batch ${p.batch_id}: ${title[0].toLowerCase()}${title.slice(1)}`, body: short(text), tag: `batch ${p.batch_id}`, href: "#run", needs: p.status === "error" };
    }
    if (type === "batch:warning" && p.state === "waiting" && p.parked_until) {
      return { title: `Batch ${p.batch_id ?? ""} is parked until ${moment(p.parked_until, now)}`, body: short(p.message), tag: `batch ${p.batch_id}`, href: "#run", needs: false };
    }
    return null;
  };
}
