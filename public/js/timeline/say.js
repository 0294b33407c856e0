/** What is said of a block: its name for those who can't see it, and short words for those who can. Pure. */
import { span, took } from "../format.js";
import { metricsOf } from "../words.js";
import { untilOf } from "./clip.js";
import { ordinal } from "./lanes.js";
import { clockWords } from "./ticks.js";

/** @typedef {import("./lanes.js").Block} Block */

/** @type {Record<string, string>} */
export const STATUS = { running: "running", completed: "completed", failed: "failed", lost: "left open" };

/** @param {Block} block */
export function attemptWords(block) {
  const n = ordinal(block);
  return n === null ? "" : block.attempt > 1 ? `attempt ${n}${block.run > 1 ? `, begun again` : ""}` : `run ${n}`;
}

/** @param {Block} block @param {number} now @param {boolean} [past] whether `now` is a moment of the past */
export function blockWords(block, now, past = false) {
  const title = [block.command, attemptWords(block)].filter(Boolean).join(" ");
  const length = span(untilOf(block, now) - block.start);
  const start = clockWords(block.start, now);
  if (block.status === "running") return `${title}, ${past ? "was running" : "running"}, ${length} so far, since ${start}`;
  if (block.status === "lost") return `${title}, left open, began ${start}, last sign ${clockWords(block.sign ?? block.start, now)}`;
  return `${title}, ${STATUS[block.status]}, ${length}, ${start} to ${clockWords(block.end ?? untilOf(block, now), now)}`;
}

/** @param {Block[]} blocks that are drawn as one @param {number} now */
export function groupWords(blocks, now) {
  const failed = blocks.filter((block) => block.status === "failed").length;
  const end = Math.max(...blocks.map((block) => untilOf(block, now)));
  return `${blocks.length} commands${failed ? `, ${failed} failed` : ""}, ${clockWords(blocks[0].start, now)} to ${clockWords(end, now)}, too short to be told apart here`;
}

/** How long it took, told short. @param {Block} block @param {number} now */
export const lengthWords = (block, now) => (block.status === "lost" ? "left open" : took(untilOf(block, now) - block.start));

/** A message without what broke it into lines, its figures apart. @param {string|null} message */
export function told(message) {
  const { text, metrics } = metricsOf(message);
  return { text: text.replace(/\\n|\s+/g, " ").trim(), metrics };
}
