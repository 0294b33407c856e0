/**
 * The views: their names, and how each is fetched. Only what is looked at is loaded; the others follow once
 * the page stands, so that they are there offline too.
 *
 * A view's module exports `mount(el, actions)`, which returns an idempotent `update(app)`; one that needs more
 * of the server than the stream brings exports `store({get, changed})` as well: `attend(app)` is called in each
 * commit while the view is shown and `rest()` when it no longer is, `heard(event)` with each live event, `renew()`
 * when everything begins anew; `watch(app)` is called in each commit, whichever view is shown.
 *
 * @typedef {{attend?: (app: import("./main.js").App) => void, watch?: (app: import("./main.js").App) => void, heard?: (event: import("./model.js").WireEvent) => void, renew?: () => void, rest?: () => void, [more: string]: any}} Store
 * @typedef {{mount: (el: HTMLElement, actions: any) => (app: any) => void, store?: (by: {get: typeof import("./api.js").get, changed: () => void}) => Store}} View
 * @typedef {{label: string, load: () => Promise<View>, css: string[]}} Entry
 */

/** Imports are literal, so that a tool can find them. @type {Record<string, Entry>} */
export const VIEWS = {
  overview: { label: "Overview", load: () => import("./views/overview.js"), css: [] },
  run: { label: "Run", load: () => import("./views/run.js"), css: ["control", "run"] },
  timeline: { label: "Timeline", load: () => import("./views/timeline.js"), css: ["timeline"] },
  epics: { label: "Epics", load: () => import("./views/epics.js"), css: ["epics"] },
  stories: { label: "Stories", load: () => import("./views/stories.js"), css: ["stories"] },
  activity: { label: "Activity", load: () => import("./views/activity.js"), css: ["activity"] },
  batches: { label: "Batches", load: () => import("./views/batches.js"), css: ["batches"] },
  insights: { label: "Insights", load: () => import("./views/insights.js"), css: ["insights"] },
  issues: { label: "Issues", load: () => import("./views/issues.js"), css: ["issues"] },
  settings: { label: "Settings", load: () => import("./views/settings.js"), css: ["settings"] },
};

/** What stands beside the view that is shown, or before it. @type {Record<string, Entry>} */
export const ASIDE = {
  detail: { label: "Story", load: () => import("./views/detail.js"), css: ["detail"] },
  control: { label: "Start or stop", load: () => import("./views/control.js"), css: ["control"] },
  time: { label: "Time", load: () => import("./views/time.js"), css: ["time"] },
  commands: { label: "Command bar", load: () => /** @type {any} */ (import("./command-bar.js")), css: ["command-bar"] },
  switcher: { label: "Projects", load: () => /** @type {any} */ (import("./views/switcher.js")), css: ["switcher"] },
};

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** @param {string} name */
function sheet(name) {
  // A recording holds its style already.
  if (document.getElementById("archive")) return Promise.resolve();
  let coming = sheets.get(name);
  if (!coming) {
    coming = new Promise((done) => {
      const link = document.createElement("link");
      Object.assign(link, { rel: "stylesheet", href: `css/${name}.css`, onload: () => done(), onerror: () => { sheets.delete(name); link.remove(); done(); } });
      document.head.append(link);
    });
    sheets.set(name, coming);
  }
  return coming;
}

/** Code and style of a view. @param {Entry} entry @returns {Promise<View>} */
export async function fetchEntry({ load, css }) {
  const [view] = await Promise.all([load(), ...css.map(sheet)]);
  return view;
}
