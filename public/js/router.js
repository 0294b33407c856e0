/** The address is the state of the view: `#stories?status=review&q=sync`. */

export const VIEWS = ["overview", "run", "epics", "stories", "activity", "issues"];

/** @typedef {{view: string, params: URLSearchParams}} Route */

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

/** Changes filters of the view that is shown, without a step in the history. @param {Record<string, string|null>} change */
export function refine(change) {
  const { view, params } = route();
  for (const [key, value] of Object.entries(change)) {
    if (value) params.set(key, value);
    else params.delete(key);
  }
  history.replaceState(null, "", address(view, params));
  dispatchEvent(new Event("hashchange"));
}
