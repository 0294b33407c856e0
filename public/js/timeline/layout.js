/**
 * Which rows there are, how high each is, and which of them are in sight. Pure.
 *
 * @typedef {import("./lanes.js").Story} Story
 * @typedef {{kind: "story"|"command"|"details", key: string, story: Story, command?: Story["commands"][number], block?: import("./lanes.js").Block, height: number, open: boolean}} Line
 * @typedef {{q: string, epic: string, only: ""|"running"|"failed"|"retried"|"seen"}} Choice `seen`: those with something in the stretch looked at, which the view sees to
 */

/** @param {Story} story */
export const retried = (story) => story.blocks.some((block) => block.run > 1 || (block.attempt > 1 && block.family !== "other"));
/** @param {Story} story */
export const troubled = (story) => story.blocks.some((block) => block.status === "failed" || block.status === "lost");

/** @param {Story[]} stories @param {Choice} choice @param {(key: string) => string} titleOf @returns {Story[]} */
export function chosen(stories, { q, epic, only }, titleOf) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (/** @type {Story} */ story) => {
    if (epic && story.epic_id !== epic) return false;
    if (only === "running" && !story.running) return false;
    if (only === "failed" && !troubled(story)) return false;
    if (only === "retried" && !retried(story)) return false;
    if (!words.length) return true;
    const plain = `${story.key}\n${titleOf(story.key)}\n${story.commands.map((one) => one.name).join("\n")}`.toLowerCase();
    return words.every((word) => plain.includes(word));
  };
  return stories.filter(fits);
}

/** By first start, or in the order of the sprint; those it doesn't know come last. @param {Story[]} stories @param {string} sort @param {Map<string, number>} places */
export function ordered(stories, sort, places) {
  const place = (/** @type {Story} */ story) => places.get(story.key) ?? Infinity;
  const start = (/** @type {Story} */ a, /** @type {Story} */ b) => a.first - b.first || (a.key < b.key ? -1 : 1);
  return [...stories].sort(sort === "sprint" ? (a, b) => (place(a) === place(b) ? start(a, b) : place(a) - place(b)) : start);
}

/**
 * @param {Story[]} stories @param {{isOpen: (key: string) => boolean, selected: string|null, heights: {story: number, command: number, details: number}}} how
 * @returns {Line[]}
 */
export function linesOf(stories, { isOpen, selected, heights }) {
  /** @type {Line[]} */
  const lines = [];
  for (const story of stories) {
    const open = isOpen(story.key);
    lines.push({ kind: "story", key: `s ${story.key}`, story, height: heights.story, open });
    if (open) for (const command of story.commands) lines.push({ kind: "command", key: `c ${command.name} ${story.key}`, story, command, height: heights.command, open });
    const block = selected === null ? undefined : story.blocks.find((one) => one.id === selected);
    if (block) lines.push({ kind: "details", key: `d ${story.key}`, story, block, height: heights.details, open });
  }
  return lines;
}

/** Where each line begins; the last value is where all end. @param {{height: number}[]} lines */
export function stack(lines) {
  const tops = new Float64Array(lines.length + 1);
  lines.forEach((line, i) => { tops[i + 1] = tops[i] + line.height; });
  return tops;
}

/** The first and one past the last line between two heights. @param {Float64Array} tops @param {number} from @param {number} to @returns {[number, number]} */
export function between(tops, from, to) {
  const many = tops.length - 1;
  const find = (/** @type {(top: number) => boolean} */ fits) => {
    let [low, high] = [0, many];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (fits(tops[middle + 1])) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const first = find((end) => end > from);
  const last = Math.min(many, find((end) => end >= to) + 1);
  return [first, Math.max(first, last)];
}
