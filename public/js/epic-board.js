/**
 * The board of epics: which card stands in which column, and how it changes without moving what somebody points at. Pure.
 *
 * @typedef {import("./model.js").Epic} Epic
 * @typedef {{id: string, label: string, keys: string[]}} Column
 */

/** The columns that are always there, and those that appear with their first card. */
const ALWAYS = ["backlog", "in-progress", "done"];
const COLUMNS = [["none", "No status"], ["optional", "Optional"], ["backlog", "Backlog"], ["ready-for-dev", "Ready"], ["in-progress", "In progress"], ["review", "In review"], ["other", "Other words"], ["done", "Done"]];

/** @param {{status: string|null, status_class: string|null}} epic */
export const columnOf = ({ status, status_class }) => (status === null ? "none" : COLUMNS.some(([id]) => id === status_class) ? String(status_class) : "other");

/** Where every card belongs, in the file's order. @param {Epic[]} epics @returns {Column[]} */
export function columnsOf(epics) {
  /** @type {Map<string, string[]>} */
  const keys = new Map(COLUMNS.map(([id]) => [id, []]));
  for (const epic of epics) keys.get(columnOf(epic))?.push(epic.epic_key);
  return COLUMNS.map(([id, label]) => ({ id, label, keys: keys.get(id) ?? [] })).filter((one) => one.keys.length || ALWAYS.includes(one.id));
}

/**
 * While `held`, every card that stays keeps its place; new ones come last in their column, and only cards that are gone leave.
 * @param {Column[]|null} shown what stands on the page @param {Column[]} wanted @param {boolean} held @returns {{columns: Column[], moved: number}} how many wait for their new place
 */
export function settle(shown, wanted, held) {
  if (!held || !shown) return { columns: wanted, moved: 0 };
  const target = placesOf(wanted);
  const columns = shown.map((column) => ({ ...column, keys: column.keys.filter((key) => target.has(key)) }));
  const placed = placesOf(columns);
  for (const column of wanted) {
    const fresh = column.keys.filter((key) => !placed.has(key));
    if (!fresh.length) continue;
    const same = columns.find((one) => one.id === column.id);
    if (same) same.keys = same.keys.concat(fresh);
    // A whole new column would push the others aside: its cards wait at the end of the last.
    else columns[columns.length - 1].keys = columns[columns.length - 1].keys.concat(fresh);
  }
  let moved = 0;
  const settled = placesOf(columns);
  for (const [key, place] of target) if (settled.get(key)?.id !== place.id) moved += 1;
  if (!moved && JSON.stringify(columns) !== JSON.stringify(wanted)) moved = orderChanges(columns, wanted);
  return { columns, moved };
}

/** @param {Column[]} columns @returns {Map<string, {id: string, at: number}>} */
const placesOf = (columns) => new Map(columns.flatMap(({ id, keys }) => keys.map((key, at) => [key, { id, at }])));

/** @param {Column[]} columns @param {Column[]} wanted */
function orderChanges(columns, wanted) {
  const places = placesOf(columns);
  return wanted.flatMap(({ keys }) => keys.filter((key, at) => places.get(key)?.at !== at)).length;
}

/** What an epic's stories add up to. @param {import("./model.js").Story[]} stories @param {Map<string, import("./stories-select.js").Work>|undefined} work @param {(work: any) => number} busyOf */
export function sumOf(stories, work, busyOf) {
  const sum = { stories: stories.length, done: 0, busy_ms: 0, failures: 0, last_at: 0 };
  for (const story of stories) {
    if (story.status_class === "done") sum.done += 1;
    const own = work?.get(story.story_key);
    if (!own) continue;
    sum.busy_ms += busyOf(own);
    sum.failures += own.failures;
    sum.last_at = Math.max(sum.last_at, own.last_at ?? own.last?.at ?? 0);
  }
  return sum;
}
