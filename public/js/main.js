/**
 * Puts the page together: line → model and log → one commit per frame → views.
 *
 * A view is `mount(element, actions)`, which returns an idempotent `update(app)`. Views never fetch: what
 * they want they ask of `actions`.
 */
import { get, serverNow } from "./api.js";
import { announce, light } from "./beacon.js";
import { connect } from "./connection.js";
import { createControl } from "./control.js";
import { listenToKeys } from "./keys.js";
import { createLog } from "./log.js";
import { apply, fromSnapshot, tally } from "./model.js";
import { refine, route, VIEWS } from "./router.js";
import { concerns, verdict } from "./verdict.js";
import { createToasts } from "./toasts.js";
import * as bar from "./views/bar.js";
import * as header from "./views/header.js";

/**
 * @typedef {{refine: (change: Record<string, string|null>) => void, loadOlder: (filter: import("./log.js").Filter) => void,
 *   forgetOlder: () => void, retry: () => void, changed: () => void, help: () => void, start: (size: number|"all") => void,
 *   stop: (mode: "graceful"|"now") => void, stopAgent: (id: string) => void, openLog: (id: string) => void}} Actions
 * @typedef {{model: import("./model.js").State, loaded: boolean, sums: ReturnType<typeof tally>, log: ReturnType<typeof createLog>,
 *   control: ReturnType<typeof createControl>,
 *   line: import("./connection.js").Line, verdict: import("./verdict.js").Verdict, concerns: import("./verdict.js").Concern[],
 *   route: import("./router.js").Route, now: number, liveNow: number}} App
 */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const log = createLog(changed);
const control = createControl(changed);
const toast = createToasts(byId("toasts"));
let model = fromSnapshot();
let loaded = false;
let sums = tally(model);
let summed = -1;

const { line, start, retryNow } = connect({
  changed,
  init(message) {
    model = fromSnapshot(message.payload.snapshot);
    loaded = true;
    summed = -1;
    log.reset(message.payload.events ?? []);
    const mine = model;
    get("api/events", { limit: 200 }).then((page) => mine === model && log.seed(page)).catch(() => {});
    setTimeout(() => VIEWS.forEach(fetchView), 1000);
    changed();
  },
  event(event) {
    apply(model, event);
    log.push(event);
    control.noteEvent(event);
    tell(event);
    changed();
  },
});

/** @type {Actions} */
const actions = { refine, changed, retry: retryNow, loadOlder: log.loadOlder, forgetOlder: log.forgetOlder, help: () => {},
  start: control.start, stop: control.stop, stopAgent: control.stopAgent, openLog: (id) => control.log.open(control.log.id === id ? null : id) };
actions.help = listenToKeys(actions);
const frame = [header.mount(byId("header"), actions), bar.mount(byId("bar"), actions)];
/** @type {Record<string, (app: App) => void>} */
const views = {};

/** A view's code is fetched when it is first shown; the others follow once the page stands, so that they are there offline too. @param {string} name */
async function fetchView(name) {
  if (views[name]) return;
  views[name] = () => {};
  try {
    const { mount } = await import(`./views/${name}.js`);
    views[name] = mount(byId(`view-${name}`), actions);
  } catch {
    delete views[name];
  }
  changed();
}

/** @returns {App} */
function look() {
  const now = serverNow();
  if (summed !== model.revision) {
    summed = model.revision;
    sums = tally(model);
  }
  const word = verdict(loaded ? model : null, line, now);
  const worries = loaded ? concerns(model, log.lastOf, log.failures(), now) : [];
  // What runs is counted up to the last moment we know of.
  const liveNow = line.live ? now : Math.min(now, line.lostAt ?? now);
  return { model, loaded, sums, log, line, verdict: word, concerns: worries, route: route(), now, liveNow, control };
}

let shown = "";
function commit() {
  const app = look();
  const { view } = app.route;
  document.documentElement.classList.toggle("is-stale", !line.live);
  if (shown !== view) {
    for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
    if (shown) byId("main").scrollTop = 0;
    if (shown === "activity") log.forgetOlder();
    if (shown === "run") control.follow(false);
    shown = view;
  }
  if (!views[view]) fetchView(view);
  for (const update of frame) update(app);
  views[view]?.(app);
  signal(app);
}

/** @param {App} app */
function signal(app) {
  light(app.verdict, app.concerns.filter((one) => one.tone === "bad").length, { project: model.project, done: sums.counts.by_class.done, stories: sums.counts.stories });
}

let asked = false;
/** Something may look different now: one commit in the next frame, however often this is called. */
function changed() {
  if (asked) return;
  asked = true;
  // A hidden page gets no frames; its title and favicon must tell the truth all the same.
  if (document.hidden) setTimeout(() => { asked = false; signal(look()); }, 250);
  else requestAnimationFrame(() => { asked = false; commit(); });
}

/** What is worth hearing without looking. @param {import("./model.js").WireEvent} event */
function tell({ type, payload: p, timestamp }) {
  if (serverNow() - timestamp > 60_000 || p?.imported) return;
  if (type === "batch:warning" && p.state !== "stopping") toast(p.warning_type === "context_unavailable" ? "info" : "warning", String(p.warning_type || "general").replaceAll("_", " "), String(p.message ?? p.warning ?? ""));
  else if (type === "error") toast("error", String(p.type ?? "error").replaceAll("_", " "), String(p.message ?? ""));
  if (type === "batch:end") announce(`Batch ${p.batch_id} ended: ${p.status}`);
  else if (type === "batch:start") announce(`Batch ${p.batch_id} began`);
  else if (type === "story:status" && p.status_class === "done" && p.old_status != null) announce(`Story ${p.story_id ?? p.story_key} is done`);
}

addEventListener("hashchange", changed);
document.addEventListener("visibilitychange", () => { asked = false; changed(); });
setInterval(changed, 1000);
changed();
start();
