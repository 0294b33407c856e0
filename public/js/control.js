/**
 * Starting and stopping: what was asked of the server, what it answered, and what stands in the way.
 *
 * @typedef {{text: string, code: string}} Trouble
 * @typedef {{size: number, grace_ms: number, asking: "start"|"graceful"|"now"|null, trouble: Trouble|null, readOnly: string|null,
 *   stop: {mode: "graceful"|"now", at: number}|null, outcome: import("./run.js").Said|null, ended: any|null, open: boolean}} Control
 */
import { get, post, Refusal, serverNow } from "./api.js";
import { stopWords } from "./run.js";

/** All processes are told to end, waited for, killed, looked for: that takes its time. */
const STOP_MS = 90_000;
const READ_ONLY = "This server is read-only: nothing can be started, stopped or changed here.";

/** @param {{changed: () => void, started: () => void, said: (said: import("./run.js").Said) => void}} to */
export function createControl({ changed, started, said }) {
  /** @type {Control} */
  const control = { size: 2, grace_ms: 3000, asking: null, trouble: null, readOnly: null, stop: null, outcome: null, ended: null, open: false };
  let sized = false;
  let looked = false;

  /** @param {unknown} error */
  function refused(error) {
    const { message, code, status } = error instanceof Refusal ? error : new Refusal(0, "internal", String(error));
    if (status === 403 && /read-only/i.test(message)) control.readOnly = message;
    control.trouble = { text: message, code };
  }

  /** @param {"start"|"graceful"|"now"} what @param {() => Promise<void>} work */
  async function ask(what, work) {
    if (control.asking === what || control.asking === "start") return;
    Object.assign(control, { asking: what, trouble: null });
    changed();
    try {
      await work();
    } catch (error) {
      refused(error);
    }
    if (control.asking === what) control.asking = null;
    changed();
  }

  return {
    control,

    /** @param {number|"all"} batch_size */
    start: (batch_size) => ask("start", async () => {
      control.outcome = null;
      await post("api/orchestrator/start", { batch_size }, 30_000);
      control.open = false;
      started();
    }),

    /** @param {"graceful"|"now"} mode */
    stop: (mode) => ask(mode, async () => {
      const before = control.stop;
      control.stop = { mode, at: serverNow() };
      try {
        const words = stopWords(await post("api/orchestrator/stop", { mode }, STOP_MS));
        if (!words) return;
        Object.assign(control, { outcome: words, stop: null });
        said(words);
      } catch (error) {
        control.stop = before;
        throw error;
      }
    }),

    /** @param {boolean} open */
    show(open) {
      if (control.open === open) return;
      control.open = open;
      if (open) control.trouble = null;
      changed();
    },

    /** What the server says of itself: a batch's size where nothing else is said, the grace of a stop, whether it may be controlled at all. */
    async prepare() {
      if (sized) return;
      sized = true;
      try {
        const { settings, server } = await get("api/settings/sources");
        control.size = settings.find((/** @type {any} */ one) => one.key === "default_max_cycles")?.value ?? control.size;
        control.grace_ms = (server.stop_grace_seconds ?? 3) * 1000;
        control.readOnly = server.read_only ? READ_ONLY : null;
        changed();
      } catch {
        sized = false;
      }
    },

    /** How the last batch ended, where the log at hand does not tell. */
    async lookBack() {
      if (looked) return;
      looked = true;
      try {
        const last = (await get("api/batches", { limit: 5 })).batches.find((/** @type {any} */ one) => one.status !== "running");
        if (last && !control.ended) control.ended = { ...last, batch_id: last.id, duration_ms: typeof last.duration_seconds === "number" ? last.duration_seconds * 1000 : null };
        changed();
      } catch {
        looked = false;
      }
    },

    /** A fresh line may be another server: what was refused may be granted now. */
    renew() {
      Object.assign(control, { readOnly: null, trouble: null, ended: null });
      sized = looked = false;
    },

    /** @param {import("./model.js").WireEvent} event */
    heard({ type, payload: p, timestamp }) {
      if (p?.imported) return;
      if (type === "settings:changed" && p.changed?.default_max_cycles) control.size = p.changed.default_max_cycles[1];
      else if (type === "batch:start") Object.assign(control, { trouble: null, stop: null, outcome: null });
      else if (type === "batch:end") Object.assign(control, { stop: null, ended: { ...p, ended_at: timestamp } });
    },
  };
}
