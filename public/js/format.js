/** Numbers, times and durations as people read them. The page speaks English, clocks follow the reader. */

const number = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** @param {number} n */
export const count = (n) => number.format(n);

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${number.format(n)} ${n === 1 ? one : many}`;

/** A running timer: `0:07`, `12:30`, `1:02:45`. @param {number} ms */
export function timer(ms) {
  const all = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A length of time, roughly: `45 s`, `12 min`, `2 h 5 min`, `3 d 4 h`. @param {number} ms */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

/** How much memory or file: `512 B`, `12 kB`, `1.4 GB`. @param {number} n */
export function size(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  for (; n >= 999.5 && at < units.length - 1; at += 1) n /= 1000;
  return `${at && n < 9.95 ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}

/** A message of the server as a sentence: capital, full stop. @param {string} text */
export function sentence(text) {
  const said = text.trim();
  return said && said[0].toUpperCase() + said.slice(1) + (/[.!?…]$/.test(said) ? "" : ".");
}

/** A finished duration, exact where short: `0.4 s`, `12 s`, `3:07`. @param {number} ms */
export const took = (ms) => (ms < 1000 && ms > 0 ? `${(ms / 1000).toFixed(1)} s` : ms < 60_000 ? `${Math.round(ms / 1000)} s` : timer(ms));

/** @param {number} then @param {number} now */
export function ago(then, now) {
  const ms = now - then;
  if (ms < 1500) return "just now";
  return `${span(ms)} ago`;
}

/** A file's own name; where it lies is told by the tool tip. @param {string} path */
export const fileName = (path) => path.split("/").at(-1) || path;

/** @param {string} slug */
const spoken = (slug) => (/^[\p{L}\p{N}]+(-[\p{L}\p{N}]+)*$/u.test(slug) ? slug[0].toUpperCase() + slug.slice(1).replaceAll("-", " ") : slug);

/** What a story is called: the file's title, else its key's words. A key of another shape stays as it is. @param {{story_key: string, story_id: string|null, title?: string|null}} story */
export function storyTitle({ story_key: key, story_id: id, title }) {
  if (title) return title;
  return id && id !== key && key.startsWith(`${id}-`) ? spoken(key.slice(id.length + 1)) : key;
}

/** @param {{epic_id: string|null, epic_key: string, title: string|null}} epic */
export const epicTitle = ({ epic_id, epic_key, title }) => title ?? (epic_id ? `Epic ${epic_id}` : epic_key);

/** Clock time, with the day once that is not today. @param {number} ms @param {number} now */
export function moment(ms, now) {
  return Math.abs(now - ms) < 18 * 3_600_000 ? clock.format(ms) : dayAndClock.format(ms);
}

const clockMinutes = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
/** The same to the minute. @param {number} ms @param {number} now */
export const minute = (ms, now) => (Math.abs(now - ms) < 18 * 3_600_000 ? clockMinutes.format(ms) : dayAndClock.format(ms));

/** For tool tips. @param {number|null} ms */
export const exact = (ms) => (ms === null ? "" : whole.format(ms));

/** Where a story's panel opens for whoever comes from the overview, or from outside the page. @param {string} key @param {string} [view] */
export const storyLink = (key, view = "overview") => `#${view}?${new URLSearchParams({ detail: key })}`;
