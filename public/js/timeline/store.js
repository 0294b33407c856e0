/**
 * The timeline's own rows: asked of the server when a batch is first looked at or everything began anew, and
 * kept up by the live events from then on.
 *
 * @typedef {{kept: import("./fold.js").Rows|null, scope: string, state: "waiting"|"loading"|"ready"|"failed", revision: number, failed: string|null, retry: () => void}} Data
 */
import { asOf, fold, fromAnswer } from "./fold.js";

const PATIENCE_MS = 20_000;
const SECOND_TRY_MS = 3000;

/** @param {{get: typeof import("../api.js").get, changed: () => void}} by */
export function createStore({ get, changed }) {
  /** @type {Data & Record<string, any>} */
  const data = { kept: null, scope: "", state: "waiting", revision: 0, failed: null, attend, heard, renew, rest: () => {}, rows, retry: () => { tryAt = 0; stale = true; changed(); } };
  let stale = true;
  let tryAt = 0;
  let wait = SECOND_TRY_MS;
  let asking = 0;
  let pending = false;
  /** Up to when the rows of a past batch are known. */
  let knownTo = 0;
  /** @type {import("../model.js").WireEvent[]} heard while the answer is on its way */
  let heardMeanwhile = [];

  /** @param {import("../main.js").App} app */
  function attend(app) {
    if (!app.loaded) return;
    const { past } = app;
    const scope = past ? `batch ${past.batch ?? app.model.batch?.id ?? past.row?.id ?? `at ${app.now}`}` : app.route.params.get("scope") === "all" ? "all" : "newest";
    const later = past !== null && data.scope === scope && app.now > knownTo;
    if (data.scope !== scope || stale || later) ask(scope, app);
  }

  /** @param {string} scope @param {import("../main.js").App} app */
  async function ask(scope, app) {
    if (data.scope === scope && (pending || Date.now() < tryAt)) return;
    if (!app.line.live && data.scope === scope && data.kept) return;
    if (data.scope !== scope) Object.assign(data, { kept: null, scope });
    data.state = data.kept ? "ready" : "loading";
    const mine = (asking += 1);
    stale = false;
    pending = true;
    tryAt = Date.now() + 2000;
    heardMeanwhile = [];
    const { now } = app.live;
    try {
      const id = await batchOf(scope, app.now);
      const answer = await get("api/timeline", { batch_id: scope === "newest" ? null : id }, PATIENCE_MS);
      if (mine !== asking) return;
      pending = false;
      const kept = fromAnswer(scope === "newest" || scope === "all" ? scope : Number(id), answer);
      knownTo = kept.batch?.ended_at != null ? Infinity : now;
      if (!scope.startsWith("batch")) for (const event of heardMeanwhile) fold(kept, event);
      wait = SECOND_TRY_MS;
      Object.assign(data, { kept, state: "ready", failed: null, revision: data.revision + 1 });
    } catch (error) {
      if (mine !== asking) return;
      pending = false;
      stale = true;
      tryAt = Date.now() + wait;
      wait = Math.min(60_000, wait * 2);
      Object.assign(data, { state: data.kept ? "ready" : "failed", failed: String(/** @type {any} */ (error)?.message ?? error) });
    }
    changed();
  }

  /** @param {string} scope @param {number} moment @returns {Promise<string|null>} */
  async function batchOf(scope, moment) {
    if (scope === "all") return "all";
    const id = /^batch (\d+)$/.exec(scope)?.[1];
    if (id || scope === "newest") return id ?? null;
    const { batches } = await get("api/batches", { limit: 100 });
    const found = batches.find((/** @type {any} */ one) => one.started_at <= moment) ?? batches.at(-1);
    return found ? String(found.id) : null;
  }

  /** @param {import("../model.js").WireEvent} event */
  function heard(event) {
    if (pending && heardMeanwhile.length < 10_000) heardMeanwhile.push(event);
    if (!data.kept || data.scope.startsWith("batch")) return;
    const before = data.kept.revision;
    fold(data.kept, event);
    if (data.kept.revision !== before) data.revision += 1;
  }

  function renew() {
    stale = true;
    tryAt = 0;
  }

  /** The rows to be shown: of a past moment, as they were then. @param {import("../main.js").App} app */
  function rows(app) {
    const all = data.kept?.rows ?? [];
    return app.past ? asOf(all, app.now) : all;
  }
  return data;
}
