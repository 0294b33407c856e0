/**
 * The address is the state of the page: `/?batch=7&at=1234#stories?status=review&q=sync`.
 *
 * The hash holds the view and what is chosen in it. The search part holds the past moment that is shown, so
 * that every link to another view stays in it.
 */
import { VIEWS as TABLE } from "./views.js";

export const VIEWS = Object.keys(TABLE);

/** @typedef {{view: string, params: URLSearchParams}} Route */
/** @typedef {{batch: number|null, at: number|null}} Wish */

/** @returns {Route} */
export function route() {
  const [name, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { view: VIEWS.includes(name) ? name : VIEWS[0], params: new URLSearchParams(query) };
}

/** @param {string} view @param {Record<string, string>|URLSearchParams} [params] */
export function address(view, params = {}) {
  const query = new URLSearchParams(params).toString();
  return `#${view}${query ? `?${query}` : ""}`;
}

/** The shown view's address with something changed: for links. @param {Record<string, string|null>} change */
export function here(change) {
  const { view, params } = route();
  for (const [key, value] of Object.entries(change)) {
    if (value) params.set(key, value);
    else params.delete(key);
  }
  return address(view, params);
}

/** The past that is shown where the address cannot tell it. @type {Wish|null|undefined} */
let untold;

/** Not every browser lets a file from the disk change its history: then the hash alone is changed. @param {"pushState"|"replaceState"} how @param {string} url @returns {boolean} whether all of it was */
function write(how, url) {
  try {
    history[how](null, "", url);
    return true;
  } catch {
    location.hash = new URL(url, location.href).hash;
    return false;
  }
}

/** Changes filters of the view that is shown, without a step in the history. @param {Record<string, string|null>} change */
export function refine(change) {
  write("replaceState", here(change));
  dispatchEvent(new Event("hashchange"));
}

const whole = (/** @type {string|null} */ text) => (text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null);

/** The past that the address asks for, or null: what is now. @returns {Wish|null} */
export function past() {
  if (untold !== undefined) return untold;
  const params = new URLSearchParams(location.search);
  const wish = { batch: whole(params.get("batch")), at: whole(params.get("at")) };
  return wish.batch === null && wish.at === null ? null : wish;
}

/** Goes to a past moment; null = back to what is now. @param {Partial<Wish>|null} wish @param {{replace?: boolean, hash?: string}} [how] */
export function visit(wish, { replace = false, hash = location.hash } = {}) {
  const params = new URLSearchParams();
  for (const key of /** @type {const} */ (["batch", "at"])) if (wish?.[key] !== null && wish?.[key] !== undefined) params.set(key, String(wish[key]));
  const query = params.toString();
  const told = write(replace ? "replaceState" : "pushState", `${location.pathname}${query ? `?${query}` : ""}${hash}`);
  untold = told ? undefined : query ? { batch: wish?.batch ?? null, at: wish?.at ?? null } : null;
  dispatchEvent(new Event("hashchange"));
}
