/**
 * Puts the page together: line → model and log → one commit per frame → views.
 *
 * A view is `mount(element, actions)`, which returns an idempotent `update(app)`. Views never fetch: what
 * they want they ask of `actions`, and what more they need of the server their store brings (views.js).
 * Where the address asks for a past moment, the views are shown that one; header, title and favicon go on
 * telling what is now.
 */
import { answerFrom, get, serverNow } from "./api.js";
import { light } from "./beacon.js";
import { createControl } from "./control.js";
import { bringKeys } from "./early-keys.js";
import { believed } from "./line-words.js";
import { createLog } from "./log.js";
import { apply, fromSnapshot, tally } from "./model.js";
import { notice } from "./notices.js";
import { paced } from "./pace.js";
import { keep, recall } from "./prefs.js";
import { place } from "./place.js";
import { pulse } from "./pulse.js";
import { address, past as wanted, refine, route, VIEWS, visit } from "./router.js";
import { runOf } from "./run.js";
import { share } from "./share.js";
import { concerns, verdict } from "./verdict.js";
import { ASIDE, fetchEntry, VIEWS as TABLE } from "./views.js";
import * as bar from "./views/bar.js";
import * as header from "./views/header.js";

/**
 * @typedef {{batch: number|null, at: number|null, first: number, last: number, index: number, moment: number|null, ready: boolean, failed: string|null, row: any, [more: string]: any}} Past index: the id of the last event that had happened; the rest is for the bar of the past
 * @typedef {{refine: (change: Record<string, string|null>) => void, loadOlder: (filter: import("./log.js").Filter, from?: number|null) => void, forgetOlder: () => void, retry: () => void,
 *   changed: () => void, help: () => void, openControl: () => void, closeControl: () => void, prepare: () => void, lookBack: () => void, start: (size: number|"all") => void,
 *   stop: (mode: "graceful"|"now") => void, stopAgent: (id: string) => void, switchProject: () => void, travel: () => void, toast: (notice: import("./toast.js").Notice) => void, openBar: () => void, look: () => App}} Actions
 * @typedef {{model: import("./model.js").State, sums: ReturnType<typeof tally>, verdict: import("./verdict.js").Verdict, concerns: import("./verdict.js").Concern[],
 *   run: import("./run.js").Run, now: number}} Sight what a moment looks like
 * @typedef {Sight & {loaded: boolean, log: ReturnType<typeof createLog>, line: import("./connection.js").Line, lastAt: number|null, degraded: string|null, control: import("./control.js").Control,
 *   route: import("./router.js").Route, liveNow: number, archive: import("./archive.js").Archive|null, past: Past|null, live: Sight, data: any}} App
 */

/** What the first look can do without follows this much later. */
const SOON_MS = 700;
const ALL_MS = 8000;

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const log = createLog(changed);
/** What few visits need comes when it is needed. @type {Promise<ReturnType<typeof import("./toast.js").createToasts>>|null} */
let toasts = null;
/** @param {import("./toast.js").Notice} notice */
function toast(notice) {
  toasts ??= import("./toast.js").then(({ createToasts }) => createToasts(byId("toasts")));
  toasts.then((show) => show(notice), () => { toasts = null; });
}
const desk = createControl({
  changed,
  started: () => { location.hash = address("run"); },
  // Where the dialog or the view tells it already, a notice would only be in the way.
  said: ({ tone, title, text }) => { if (!desk.control.open && shown !== "run") toast({ tone: tone === "bad" ? "bad" : "good", title, text }); },
});
/** @type {string|null} what ails the server */
let degraded = null;
let model = fromSnapshot();
let loaded = false;
let sums = tally(model);
let summed = -1;

/** @type {Record<string, {update: (app: App) => void, data: import("./views.js").Store|null}>} */
const parts = {};
/** @type {import("./views.js").Store[]} of all parts that have one */
const stores = [];

/** A recording, once it is read: nothing is asked of a server then. @type {import("./archive.js").Archive|null} */
let archive = null;

const stream = {
  changed,
  // No timer runs after this.
  sleeps: () => signal(look()),
  init(/** @type {any} */ message) {
    model = fromSnapshot(message.payload.snapshot);
    loaded = true;
    summed = -1;
    log.reset(message.payload.events ?? []);
    desk.renew();
    for (const store of stores) store.renew?.();
    const mine = model;
    get("api/events", { limit: 200 }).then((page) => mine === model && log.seed(page)).catch(() => {});
    setTimeout(desk.prepare, SOON_MS);
    clearTimeout(bringing);
    bringing = setTimeout(bringAll, ALL_MS);
    changed();
  },
  event(/** @type {import("./model.js").WireEvent} */ event) {
    apply(model, event);
    log.push(event);
    desk.heard(event);
    for (const store of stores) store.heard?.(event);
    notice(event, serverNow(), { toast, stopping: desk.control.stop !== null });
    changed();
  },
};
const { line: wire, start, retryNow } = share(stream);

/** @type {Actions} */
const actions = { refine, changed, toast, retry: retryNow, loadOlder: (filter, from) => (traveller?.log ?? log).loadOlder(filter, from), forgetOlder: log.forgetOlder, help: () => {}, openBar: () => {}, look,
  openControl: () => (wire.server?.control === false ? toast({ tone: "info", title: "Not from here", text: controlOf(wire).readOnly ?? "" }) : desk.show(true)), closeControl: () => desk.show(false), prepare: desk.prepare, lookBack: desk.lookBack, start: desk.start, stop: desk.stop,
  switchProject: () => {},
  stopAgent: (id) => parts.run?.data?.stop(id), travel: () => visit(wanted() ? null : { at: model.last_event_id }) };
const frame = [header.mount(byId("header"), actions), bar.mount(byId("bar"), actions)];

/** The part of the page by this name; its code is fetched when it is first asked for. @param {string} name @param {import("./views.js").Entry} entry @param {string} id where it stands */
function part(name, entry, id) {
  if (parts[name]) return parts[name];
  parts[name] = { update: () => {}, data: null };
  fetchEntry(entry).then(({ mount, store }) => {
    const data = store?.({ get, changed }) ?? null;
    parts[name] = { update: mount(byId(id), actions), data };
    if (data) stores.push(data);
  }, () => setTimeout(() => delete parts[name], 2000)).finally(changed);
  return parts[name];
}

/** @type {any} */ let bringing;
/** The other views, so that they are there offline too. From a server that does not answer, or not to us, nothing is had. */
function bringAll() {
  clearTimeout(bringing);
  if (wire.live) VIEWS.forEach((name) => part(name, TABLE[name], `view-${name}`));
  else bringing = setTimeout(bringAll, ALL_MS);
}

/** @type {any} what shows the past, once somebody has asked for it */
let traveller = null;
let coming = false;
function bringTraveller() {
  if (coming) return;
  coming = true;
  import("./past.js").then(({ createPast }) => { traveller = createPast({ get, changed }); }, () => { coming = false; }).finally(changed);
}

const NOWHERE = { model: fromSnapshot(), log: createLog(() => {}), sums: tally(fromSnapshot()) };

/** @returns {App} */
function look() {
  const now = archive?.at ?? serverNow();
  const line = believed(wire, now);
  if (summed !== model.revision) {
    summed = model.revision;
    sums = tally(model);
  }
  const word = verdict(loaded ? model : null, line, now);
  const worries = loaded ? concerns(model, log.lastOf, log.failures(), line.far ? Math.min(now, line.far.unreachable_since ?? now) : now, lastEnd()) : [];
  const live = { model, sums, verdict: word, concerns: worries, run: runOf(model), now };
  // What runs is counted up to the last moment we know of.
  const liveNow = line.live ? now : Math.min(now, line.lostAt ?? now);
  const app = { ...live, live, loaded, log, line, degraded, control: controlOf(line), route: route(), liveNow, lastAt: log.events.at(-1)?.timestamp ?? null, archive, past: null, data: null };
  const wish = wanted() ?? (archive && { batch: null, at: null });
  if (!wish) {
    traveller?.leave();
    return app;
  }
  if (!traveller) bringTraveller();
  return { ...app, ...pastOf(wish, app) };
}

/** What can be done; from afar only what the server allows that works on the project. @param {import("./connection.js").Line} line */
function controlOf({ server }) {
  const { control } = desk;
  return !server || server.control ? control : { ...control, readOnly: control.readOnly ?? `It runs on ${server.host ?? "another machine"}, and can be started and stopped only there.` };
}

/** @param {import("./router.js").Wish} wish @param {App} app @returns {Partial<App>|null} */
function pastOf(wish, app) {
  const seen = traveller?.look(wish, app.live);
  const past = seen?.past ?? { ...wish, first: 0, last: 0, index: 0, moment: null, ready: false, failed: null, row: null };
  if (!past.ready) return { ...NOWHERE, past, loaded: false, run: runOf(NOWHERE.model), concerns: [], verdict: verdict(null, app.line, app.now) };
  const { model: then, log: told, sums: counted, ended } = seen;
  const now = past.moment ?? app.now;
  const word = verdict(then, { ...wire, recorded: undefined, live: true, ever: true, offline: false }, now);
  const was = ["running", "waiting", "stopping"].includes(word.kind) ? { ...word, word: `was ${word.word}` } : word;
  const control = { ...app.control, ended, outcome: null, stop: null, trouble: null };
  return { model: then, log: told, sums: counted, past, control, loaded: true, now, liveNow: now, run: runOf(then), verdict: was, concerns: concerns(then, told.lastOf, told.failures(), now, ended) };
}

/** How the last batch ended, as far as the page knows. */
function lastEnd() {
  const { ended } = desk.control;
  if (ended) return ended;
  const event = log.events.findLast(({ type, payload }) => type === "batch:end" && !payload?.imported);
  return event ? (desk.control.ended = { ...event.payload, ended_at: event.timestamp }) : null;
}

let shown = "";
/** @type {Record<string, number>} how far down each view was read */
const read = {};
let filters = "";

/** Another view than before. @param {string} view */
function turnTo(view) {
  const main = byId("main");
  if (shown) read[shown] = main.scrollTop;
  parts[shown]?.data?.rest?.();
  // Who came by keyboard goes on from the new view's beginning, not from nowhere.
  if (shown && byId(`view-${shown}`).contains(document.activeElement)) main.focus({ preventScroll: true });
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  if (shown === "activity") log.forgetOlder();
  shown = view;
  keep("view", view);
  // Its rows must stand before it can be scrolled to.
  requestAnimationFrame(() => { main.scrollTop = read[view] ?? 0; });
}

function commit() {
  const app = look();
  const { view, params } = app.route;
  document.documentElement.classList.toggle("is-stale", !app.line.live && !app.past);
  document.documentElement.classList.toggle("is-far", !!app.line.far && !app.past);
  document.documentElement.classList.toggle("is-past", !!app.past);
  if (shown !== view) turnTo(view);
  if (filters !== location.hash) {
    filters = location.hash;
    keep(`view.${view}`, lasting(params));
  }
  for (const update of frame) update(app);
  for (const store of stores) store.watch?.({ ...app, line: asked(app.line) });
  show(part(view, TABLE[view], `view-${view}`), app);
  if (params.get("detail") || parts.detail) show(part("detail", ASIDE.detail, "detail"), app);
  if (desk.control.open || parts.control) show(part("control", ASIDE.control, "control"), app);
  if (app.past || parts.time) show(part("time", ASIDE.time, "time"), app);
  signal(app);
}

/** @param {{update: (app: App) => void, data: any}} one @param {App} app */
function show({ update, data }, app) {
  const mine = data ? { ...app, data } : app;
  data?.attend?.({ ...mine, line: asked(mine.line) });
  update(mine);
}

/** For who asks: a recording can be asked as a server can, and a hub that does not hear the project's server knows what it knew. @param {import("./connection.js").Line} line */
const asked = (line) => (archive || line.far ? { ...line, live: true } : line);

/** What is worth finding again next time: the filters, not what was opened. @param {URLSearchParams} params */
function lasting(params) {
  const kept = new URLSearchParams(params);
  for (const key of ["detail", "event", "sel", "with", "log"]) kept.delete(key);
  return kept.toString() || undefined;
}

/** @param {App} app */
function signal({ live }) {
  light(live.verdict, live.concerns.filter((one) => one.tone === "bad").length, { project: model.project, done: sums.counts.by_class.done, stories: sums.counts.stories, failed: !live.model.batch && lastEnd()?.status === "error" });
}

const pace = paced(commit);
let waits = false;
/** Something may look different now, however often this is called. */
function changed() {
  // A hidden page gets no frames; its title and favicon must tell the truth all the same.
  if (!document.hidden) pace.soon();
  else if (!waits) {
    waits = true;
    setTimeout(() => { waits = false; signal(look()); }, 250);
  }
}

// Opened without saying what to show: what was last looked at here.
if (!location.hash) {
  const last = recall("view", VIEWS[0]);
  if (VIEWS.includes(last)) history.replaceState(null, "", address(last, new URLSearchParams(recall(`view.${last}`, ""))));
}
addEventListener("hashchange", pace.next);
addEventListener("popstate", pace.next);
document.addEventListener("visibilitychange", () => (document.hidden ? changed() : pace.next()));
setInterval(changed, 1000);
changed();
bringKeys(actions, SOON_MS);
if (document.getElementById("archive")) replay().catch((error) => toast({ tone: "bad", title: "This recording cannot be shown", text: error.message }));
else {
  // The title goes on to be true while nobody looks at the page.
  pulse(() => document.hidden && changed());
  start();
  if (place.name) setTimeout(() => fetchEntry(ASIDE.switcher).then(async (/** @type {any} */ { mount }) => { actions.switchProject = await mount(byId("header")); }).catch(() => {}), SOON_MS);
  setTimeout(() => import("./health.js").then(({ watchHealth }) => watchHealth(() => wire.live, (reason) => { degraded = reason; changed(); }), () => {}), SOON_MS);
}

/** The page holds a part of the log itself. */
async function replay() {
  wire.recorded = Date.now();
  document.documentElement.classList.add("is-recording");
  const { openArchive } = await import("./archive.js");
  archive = openArchive(byId("archive").textContent);
  wire.recorded = archive.exported_at;
  answerFrom(archive.answer);
  stream.init(archive.init);
}
