/** What is said of a moment of the past. Pure. */
import { count, exact, plural } from "./format.js";
import { endWords } from "./run.js";
import { describe } from "./words.js";

const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {number|null} ms */
export const dayWords = (ms) => (ms === null ? "" : day.format(ms));
/** @param {number|null} ms */
export const clockWords = (ms) => (ms === null ? "" : clock.format(ms));

/** Where on the way it is. @param {{place: number, total: number}} past */
export const placeWords = ({ place, total }) => (total ? `${count(place)} of ${count(total)}` : "no events");

/** What had just happened, in one line. @param {import("./model.js").WireEvent|null} event */
export function eventWords(event) {
  if (!event) return { mark: "other", tone: "plain", text: "Before the first event" };
  const { mark, tone, story_id, command, task, text } = describe(event);
  return { mark, tone, text: [story_id, command, task && task !== command ? task : "", text].filter(Boolean).join(" · ") };
}

/** The batch that is looked at, or that was under way. @param {any} row @param {{kind: string, batch_id: number|null}} run */
export function batchWords(row, run) {
  if (row) return `Batch ${row.id} · ${row.status === "running" ? "still running" : endWords(row).title.toLowerCase()}`;
  return run.kind === "none" || run.batch_id === null ? "" : `in batch ${run.batch_id}`;
}

/** For who does not see the slider. @param {{moment: number|null, place: number, total: number, event: any}} past */
export const spoken = (past) => `${exact(past.moment)}, ${placeWords(past)}: ${eventWords(past.event).text}`;

/** What a recording lacks. @param {number} left_out */
export const leftOut = (left_out) => (left_out ? `${plural(left_out, "older event")} ${left_out === 1 ? "is" : "are"} not in it` : "");
