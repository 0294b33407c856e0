/**
 * Which stories the table shows, and in which order. Pure, and quick with thousands: what is compared is worked out once a story.
 *
 * @typedef {import("./model.js").Story} Story
 * @typedef {import("./model.js").Work} Work
 * @typedef {{q: string, epic: string, status: string, class: string, sort: string}} Choice
 */
import { CLASSES } from "./model.js";

/** The filter's word for stories without an epic: no epic's id looks like that. */
export const NO_EPIC = "~";
export const SORTS = ["status", "story", "epic", "last", "duration", "attempts", "failures", "updated"];

/** Numbers in a key count as numbers: `2-10` comes after `2-9`. @param {string} text */
export const natural = (text) => text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(9, "0"));

/** What the table says of a story that no line of the status file names. */
export const ONLY_IN_LOG = "only in the log";

/** @type {WeakMap<import("./model.js").State, {signature: string, stories: Story[]}>} */
const unlistedOf = new WeakMap();

/** Stories that the log names and the status file does not. Not the short ids of those it does, nor work for no story. @param {import("./model.js").State} model @returns {Story[]} */
export function unlisted(model) {
  const signature = `${model.revision} ${model.work?.size ?? 0}`;
  let known = unlistedOf.get(model);
  if (known?.signature !== signature) {
    const ids = new Set(model.stories.map((story) => story.story_id));
    const before = new Map(known?.stories.map((story) => [story.story_key, story]));
    const stories = [];
    for (const key of model.work?.keys() ?? []) {
      if (model.byKey.has(key) || ids.has(key) || key === "context" || !/[\p{L}\p{N}]/u.test(key)) continue;
      stories.push(before.get(key) ?? { story_key: key, story_id: null, epic_id: null, title: null, status: ONLY_IN_LOG, status_class: "other", updated_at: null });
    }
    unlistedOf.set(model, (known = { signature, stories }));
  }
  return known.stories;
}

/** @type {WeakMap<Story, {title: string|null, status: string, about: string|undefined, text: string}>} */
const texts = new WeakMap();
/** @type {WeakMap<Story, string>} a story's key never changes */
const names = new WeakMap();

/** What a search looks through. @param {Story} story @param {string|undefined} about */
function textOf(story, about) {
  const { title, status } = story;
  let known = texts.get(story);
  if (!known || known.title !== title || known.status !== status || known.about !== about) {
    known = { title, status, about, text: `${story.story_key}\n${title ?? ""}\n${status}\n${about ?? ""}`.toLowerCase() };
    texts.set(story, known);
  }
  return known.text;
}

/** @param {Story} story */
function nameOf(story) {
  let name = names.get(story);
  if (name === undefined) names.set(story, (name = natural(story.story_key)));
  return name;
}

/** How long a story was worked on: what is closed, and the stretch that is open. @param {Work|undefined} work @param {number} now */
export const busyOf = (work, now) => (work ? work.busy_ms + (work.busy_since === null ? 0 : Math.max(0, now - work.busy_since)) : 0);

/** @param {string|number} a @param {string|number} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const place = new Map([...CLASSES].map((one, at) => [one, at]));

/**
 * What each column sorts by; the greater numbers first, as those are looked for.
 * @type {Record<string, (story: Story, work: Work|undefined, now: number) => string|number>}
 */
const KEYS = {
  story: nameOf,
  epic: (story) => (story.epic_id === null ? "\uffff" : natural(story.epic_id)),
  last: (_, work) => -(work?.last?.at ?? 0),
  duration: (_, work, now) => -busyOf(work, now),
  attempts: (_, work) => -(work?.reviews ?? 0),
  failures: (_, work) => -(work?.failures ?? 0),
  updated: (story) => -(story.updated_at ?? 0),
};

/**
 * @param {Story[]} stories in the file's order, which also settles ties
 * @param {Partial<Choice>} choice a `-` before the sort turns it round @param {Map<string, Work>|undefined} work @param {number} now
 * @param {Record<string, string>|null} [about] descriptions, searched as well @returns {Story[]}
 */
export function select(stories, { q = "", epic = "", status = "", class: cls = "", sort = "" }, work, now, about = null) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const story of stories) {
    if (epic && (story.epic_id ?? NO_EPIC) !== epic) continue;
    if (status && story.status !== status) continue;
    if (cls && story.status_class !== cls) continue;
    if (words.length) {
      const text = textOf(story, about && Object.hasOwn(about, story.story_key) ? about[story.story_key] : undefined);
      if (!words.every((word) => text.includes(word))) continue;
    }
    found.push(story);
  }
  const by = sort.replace(/^-/, "");
  if (!SORTS.includes(by)) return found;
  const turn = sort.startsWith("-") ? -1 : 1;
  /** @type {[Story, string|number, string|number][]} */
  const rows = by === "status"
    ? found.map((story) => [story, -(place.get(story.status_class) ?? 99), story.status.toLowerCase()])
    : found.map((story) => [story, KEYS[by](story, work?.get(story.story_key), now), 0]);
  return rows.sort((a, b) => turn * (compare(a[1], b[1]) || compare(a[2], b[2]))).map(([story]) => story);
}

/** The filter's status options: the classes that occur, then the file's own words beside them. @param {Story[]} stories */
export function statuses(stories) {
  const classes = new Set();
  const words = new Set();
  for (const story of stories) {
    classes.add(story.status_class);
    words.add(story.status);
  }
  return { classes: CLASSES.filter((one) => classes.has(one)), words: [...words].filter((one) => !CLASSES.includes(one)).sort((a, b) => compare(natural(a), natural(b))) };
}
