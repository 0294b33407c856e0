/**
 * Puts the page together: line → model and log → one commit per frame → views.
 *
 * A view is `mount(element, actions)`, which returns an idempotent `update(app)`. Views never fetch: what
 * they want they ask of `actions`.
 */
import { createAgents } from "./agents.js";
import { get, serverNow } from "./api.js";
import { light } from "./beacon.js";
import { createControl } from "./control.js";
import { listenToKeys } from "./keys.js";
import { createLog } from "./log.js";
import { apply, fromSnapshot, tally } from "./model.js";
import { notice } from "./notices.js";
import { pulse } from "./pulse.js";
import { address, refine, route, VIEWS } from "./router.js";
import { runOf } from "./run.js";
import { share } from "./share.js";
import { createToasts } from "./toast.js";
import { concerns, verdict } from "./verdict.js";
import * as bar from "./views/bar.js";
import * as controlDialog from "./views/control.js";
import * as header from "./views/header.js";

/**
 * @typedef {{refine: (change: Record<string, string|null>) => void, loadOlder: (filter: import("./log.js").Filter) => void,
 *   forgetOlder: () => void, retry: () => void, changed: () => void, help: () => void, openControl: () => void, closeControl: () => void, prepare: () => void,
 *   lookBack: () => void, start: (size: number|"all") => void, stop: (mode: "graceful"|"now") => void, stopAgent: (id: string) => void}} Actions
 * @typedef {{model: import("./model.js").State, loaded: boolean, sums: ReturnType<typeof tally>, log: ReturnType<typeof createLog>,
 *   line: import("./connection.js").Line, verdict: import("./verdict.js").Verdict, concerns: import("./verdict.js").Concern[],
 *   run: import("./run.js").Run, control: import("./control.js").Control, agents: ReturnType<typeof createAgents>,
 *   route: import("./router.js").Route, now: number, liveNow: number}} App
 */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const log = createLog(changed);
const agents = createAgents(changed);
const toast = createToasts(byId("toasts"));
const desk = createControl({
  changed,
  started: () => { location.hash = address("run"); },
  // Where the dialog or the view tells it already, a notice would only be in the way.
  said: ({ tone, title, text }) => { if (!desk.control.open && shown !== "run") toast({ tone: tone === "bad" ? "bad" : "good", title, text }); },
});
let model = fromSnapshot();
let loaded = false;
let sums = tally(model);
let summed = -1;

const { line, start, retryNow } = share({
  changed,
  // No timer runs after this.
  sleeps: () => signal(look()),
  init(message) {
    model = fromSnapshot(message.payload.snapshot);
    loaded = true;
    summed = -1;
    log.reset(message.payload.events ?? []);
    desk.renew();
    agents.renew();
    const mine = model;
    get("api/events", { limit: 200 }).then((page) => mine === model && log.seed(page)).catch(() => {});
    setTimeout(() => VIEWS.forEach(fetchView), 1000);
    changed();
  },
  event(event) {
    apply(model, event);
    log.push(event);
    desk.heard(event);
    if (/^(agent|batch):/.test(event.type)) agents.poke();
    notice(event, serverNow(), { toast, stopping: desk.control.stop !== null });
    changed();
  },
});

/** @type {Actions} */
const actions = { refine, changed, retry: retryNow, loadOlder: log.loadOlder, forgetOlder: log.forgetOlder, help: () => {},
  openControl: () => desk.show(true), closeControl: () => desk.show(false), prepare: desk.prepare, lookBack: desk.lookBack, start: desk.start, stop: desk.stop, stopAgent: agents.stop };
actions.help = listenToKeys(actions);
const frame = [header.mount(byId("header"), actions), bar.mount(byId("bar"), actions), controlDialog.mount(byId("control"), actions)];
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
  const run = runOf(model);
  const worries = loaded ? concerns(model, log.lastOf, log.failures(), now, lastEnd()) : [];
  // What runs is counted up to the last moment we know of.
  const liveNow = line.live ? now : Math.min(now, line.lostAt ?? now);
  return { model, loaded, sums, log, line, verdict: word, concerns: worries, run, control: desk.control, agents, route: route(), now, liveNow };
}

/** How the last batch ended, as far as the page knows. */
function lastEnd() {
  const { ended } = desk.control;
  if (ended) return ended;
  const event = log.events.findLast(({ type, payload }) => type === "batch:end" && !payload?.imported);
  return event ? (desk.control.ended = { ...event.payload, ended_at: event.timestamp }) : null;
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
    shown = view;
  }
  if (!views[view]) fetchView(view);
  agents.attend(view === "run", line.live && app.run.kind === "managed", (app.route.params.get("log") ?? "").split(",").filter(Boolean));
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

addEventListener("hashchange", changed);
document.addEventListener("visibilitychange", () => { asked = false; changed(); });
setInterval(changed, 1000);
// The title goes on to be true while nobody looks at the page.
pulse(() => document.hidden && changed());
changed();
start();
