/** The history of batches: pages of rows as far as asked for, and what is known of the chosen ones. */

const MOST_DETAILS = 12;
const AGAIN_MS = 3000;

/** @param {{get: typeof import("./api.js").get, changed: () => void}} by */
export function createBatches({ get, changed }) {
  /** @type {import("./batch-facts.js").Row[]} newest first */
  let rows = [];
  let total = 0;
  let wanted = 0;
  let page = 20;
  let loaded = false;
  let failed = false;
  let asking = false;
  let stale = true;
  let triedAt = 0;
  /** @type {Map<number, {value: import("./batch-facts.js").Detail|null, missing: boolean, failed: boolean, asking: boolean, stale: boolean, at: number}>} */
  const details = new Map();

  async function list() {
    if (asking) return;
    asking = true;
    stale = false;
    triedAt = Date.now();
    try {
      if (!wanted) wanted = page = (await get("api/settings")).default_batch_list_limit ?? 20;
      /** @type {typeof rows} */
      const found = [];
      do {
        const answer = await get("api/batches", { limit: Math.min(100, wanted - found.length), offset: found.length });
        total = answer.total;
        found.push(...answer.batches);
        if (!answer.batches.length) break;
      } while (found.length < Math.min(wanted, total));
      // A batch that began between two pages shows up in both.
      rows = [...new Map(found.map((row) => [row.id, row])).values()];
      loaded = true;
      failed = false;
    } catch {
      failed = true;
    }
    asking = false;
    changed();
  }

  /** @param {number} id */
  async function detail(id) {
    const one = details.get(id) ?? { value: null, missing: false, failed: false, asking: false, stale: true, at: 0 };
    details.delete(id);
    details.set(id, one);
    if (details.size > MOST_DETAILS) details.delete(/** @type {number} */ (details.keys().next().value));
    if (one.asking || !one.stale || Date.now() - one.at < AGAIN_MS) return;
    Object.assign(one, { asking: true, stale: false, at: Date.now() });
    try {
      const [value, ends] = await Promise.all([get(`api/batches/${id}`), get("api/events", { batch_id: id, type: "batch:end", limit: 1 })]);
      Object.assign(one, { value: { ...value, end: ends.events[0]?.payload ?? null }, failed: false, missing: false });
    } catch (error) {
      const missing = / 404$/.test(String(error));
      Object.assign(one, { failed: !missing, missing, stale: !missing });
    }
    one.asking = false;
    changed();
  }

  return {
    details,
    get rows() { return rows; },
    get total() { return total; },
    get loaded() { return loaded; },
    get failed() { return failed; },
    get asking() { return asking; },

    more() {
      wanted += page;
      list();
      changed();
    },

    /** @param {import("./main.js").App} app */
    attend({ line, route }) {
      if (!line.live) return;
      if (stale && Date.now() - triedAt > (failed ? AGAIN_MS : 0)) list();
      if (failed) stale = true;
      for (const key of ["sel", "with"]) {
        const id = Number(route.params.get(key));
        if (id > 0) detail(id);
      }
    },

    /** @param {import("./model.js").WireEvent} event */
    heard({ type, batch_id }) {
      if (type === "batch:start" || type === "batch:end" || type === "cycle:end") stale = true;
      const one = typeof batch_id === "number" ? details.get(batch_id) : null;
      if (one) one.stale = true;
    },

    renew() {
      stale = true;
      for (const one of details.values()) Object.assign(one, { stale: true, at: 0 });
    },
  };
}
