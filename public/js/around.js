/**
 * What the log's view asks the server for: the surroundings of one event that is not in memory, where the log begins, and the batches to choose from.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{id: number, events: WireEvent[], newest: boolean, oldest: boolean, loading: boolean, failed: boolean, gone: "never"|"purged"|"missing"|null}} Around ascending
 */

const PAGE = 100;
const MOST = 5000;
const RETRY_MS = 4000;

/** @param {{get: typeof import("./api.js").get, changed: () => void}} by */
export function createAround({ get, changed }) {
  /** @type {Around|null} */
  let around = null;
  /** @type {number|null} */
  let first = null;
  /** @type {{id: number, status: string, origin: string}[]} */
  let batches = [];
  let asked = 0;
  let triedAt = 0;
  const store = {
    get around() { return around; },
    /** The oldest event that the log still holds. */
    get first() { return first; },
    get batches() { return batches; },
    older: () => turn("before"),
    newer: () => turn("after"),
    attend,
    rest() { around = null; },
    renew() { around = null; first = null; asked = 0; },
    heard(/** @type {WireEvent} */ { type }) { if (type === "batch:start" || type === "batch:end") asked = 0; },
  };

  /** @param {import("./main.js").App} app */
  function attend({ route, log, loaded, line, past }) {
    if (!loaded) return;
    if (!asked && line.live) ask();
    const id = Number(route.params.get("event")) || 0;
    if (!id) around = null;
    else if (around?.id !== id ? !log.find(id) : around.failed && !around.loading && Date.now() - triedAt > RETRY_MS) load(id, past?.index ?? null);
    else if (around && around.id !== id) around = null;
  }

  async function ask() {
    asked = Date.now();
    try {
      const [page, list] = await Promise.all([get("api/events", { after: 0, limit: 1 }), get("api/batches", { limit: 100 })]);
      first = page.events[0]?.id ?? null;
      batches = list.batches;
    } catch {
      // Asked for anew with the next batch; until then less is said.
    }
    changed();
  }

  /** @param {number} id @param {number|null} until nothing after it is shown */
  async function load(id, until) {
    const mine = (around = /** @type {Around} */ ({ id, events: [], newest: false, oldest: false, loading: true, failed: false, gone: null }));
    triedAt = Date.now();
    changed();
    try {
      const [before, after] = await Promise.all([get("api/events", { before: id, limit: PAGE }), get("api/events", { after: id - 1, limit: PAGE })]);
      const ahead = until === null ? after.events : after.events.filter((/** @type {WireEvent} */ one) => Number(one.id) <= until);
      mine.events = before.events.concat(ahead);
      mine.oldest = before.events.length < PAGE;
      mine.newest = after.next === null || ahead.length < after.events.length;
      if (ahead[0]?.id !== id) mine.gone = id > after.head ? "never" : !before.events.length ? "purged" : "missing";
    } catch {
      mine.failed = true;
    }
    mine.loading = false;
    changed();
  }

  /** One page further. @param {"before"|"after"} way */
  async function turn(way) {
    const mine = around;
    if (!mine || mine.loading || !mine.events.length || (way === "before" ? mine.oldest : mine.newest)) return;
    mine.loading = true;
    changed();
    try {
      const edge = way === "before" ? mine.events[0] : mine.events[mine.events.length - 1];
      const page = await get("api/events", { [way]: edge.id, limit: PAGE });
      // What is far off is let go, so that walking through a long log stays light.
      if (way === "before") {
        mine.events = page.events.concat(mine.events);
        mine.oldest = page.events.length < PAGE;
        if (mine.events.length > MOST) { mine.events.length = MOST; mine.newest = false; }
      } else {
        mine.events = mine.events.concat(page.events);
        mine.newest = page.next === null;
        if (mine.events.length > MOST) { mine.events = mine.events.slice(-MOST); mine.oldest = false; }
      }
      mine.failed = false;
    } catch {
      mine.failed = true;
    }
    mine.loading = false;
    changed();
  }
  return store;
}
