/**
 * What a batch is up to, from the folded state alone, and how its steps are said. Pure.
 *
 * @typedef {{kind: "managed"|"observed"|"none", phase: "idle"|"starting"|"running"|"parked"|"stopping", batch_id: number|null,
 *   started_at: number|null, max_cycles: number|null, cycles_completed: number, cycle_number: number, stories: string[], parked_until: number|null}} Run
 * @typedef {{processes?: number, killed?: number, left?: number, escaped?: number}} Receipt
 * @typedef {{tone: "good"|"plain"|"warn"|"bad", title: string, text: string}} Said
 */
import { plural, sentence } from "./format.js";
import { unreached } from "./line-words.js";

/** @type {Record<string, Run["phase"]>} */
const PHASES = { starting: "starting", running: "running", waiting: "parked", stopping: "stopping" };

/** @param {import("./model.js").State} model @returns {Run} */
export function runOf({ batch, active, orchestrator }) {
  const managed = PHASES[orchestrator?.status ?? ""];
  const base = { batch_id: batch?.id ?? null, started_at: batch?.started_at ?? null, max_cycles: batch?.max_cycles ?? null, cycles_completed: batch?.cycles_completed ?? 0, cycle_number: 0, parked_until: null };
  if (managed) {
    const { batch_id, max_cycles, cycles_completed, cycle_number, current_stories, parked_until } = orchestrator;
    return { ...base, kind: "managed", phase: managed, batch_id, max_cycles, cycles_completed, cycle_number: cycle_number ?? 0, stories: current_stories ?? [], parked_until: parked_until ?? null };
  }
  const stories = [...new Set(active.map((one) => one.story_key))];
  if (batch) return { ...base, kind: batch.origin === "managed" ? "managed" : "observed", phase: "running", stories };
  return { ...base, kind: "none", phase: "idle", stories };
}

/** @param {Run} run how far it is, as a heading and a note */
export function progressWords({ kind, max_cycles: most, cycles_completed: done, cycle_number: number }) {
  if (kind !== "managed") return { title: "", note: "" };
  const at = Math.max(number, done);
  if (!most) return { title: at > done ? `Cycle ${at}` : at ? "" : "Getting ready", note: `${plural(done, "cycle")} (unlimited)` };
  if (!at) return { title: "Getting ready", note: `0 of ${plural(most, "cycle")} done` };
  return { title: `Cycle ${Math.min(at, most)} of ${most}`, note: `${done} of ${most} done` };
}

/** What became of processes that were told to end. @param {Receipt} receipt @returns {Said} */
export function receiptWords({ processes = 0, killed = 0, left = 0, escaped = 0 }) {
  const parts = [processes ? `${plural(processes, "process", "processes")} ended` : "no process was running any more"];
  if (left && processes) parts[0] = `${plural(Math.max(0, processes - left), "process", "processes")} ended`;
  if (killed) parts.push(`${killed} had to be killed`);
  if (escaped) parts.push(`${escaped} had left the group and ${escaped === 1 ? "was" : "were"} found all the same`);
  if (processes || left) parts.push(left ? `${left} ${left === 1 ? "is" : "are"} still there` : "none left");
  return { tone: left ? "bad" : "good", title: left ? "Not everything ended" : "Stopped", text: sentence(parts.join(", ")) };
}

/** The answer to a stop. @param {any} answer @returns {Said|null} null while it goes on */
export function stopWords(answer) {
  if (answer?.status === "stopped") return receiptWords(answer);
  if (answer?.status === "cleaned") return { tone: "plain", title: "Closed", text: `Batch ${answer.batch_id} was left open by a crash; it is closed now.` };
  return null;
}

/** @type {Record<string, string>} */
const REASONS = {
  all_done: "no open story is left", max_cycles: "all its cycles are done", stop: "stopped after the running command", stop_now: "stopped at once",
  server_stopped: "the server was ended", agent_stopped: "its agent was stopped", command_ended: "its command ended", managed_started: "a batch was started here", silence: "nothing more was heard of it",
};
/** @type {Record<string, [Said["tone"], string]>} */
const ENDS = { completed: ["good", "Completed"], stopped: ["plain", "Stopped"], error: ["bad", "Ended with an error"], lost: ["warn", "Lost"] };

/** How a batch ended: a `batch:end` payload, or a row of the batches. @param {any} end @returns {Said} */
export function endWords(end) {
  const [tone, title] = Object.hasOwn(ENDS, end.status) ? ENDS[end.status] : /** @type {[Said["tone"], string]} */ (["plain", String(end.status)]);
  const raw = String(end.reason ?? "").trim();
  const known = Object.hasOwn(REASONS, raw) ? REASONS[raw] : /^[a-z0-9]+(_[a-z0-9]+)*$/.test(raw) ? raw.replaceAll("_", " ") : end.status === "error" ? raw.replace(/^[a-z]+(_[a-z]+)*: (?=.)/s, "") : raw;
  const lost = end.status === "lost" && !raw ? "nothing was heard of it any more" : "";
  return { tone, title, text: sentence(known || lost) };
}

/** @type {Record<string, string>} */
const SIGNALS = { 1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM" };

/** How an agent ended. @param {{exit_code?: number|null, signal?: number|string|null}} agent @returns {{tone: "good"|"plain"|"warn"|"bad", text: string}} */
export function exitWords({ exit_code, signal }) {
  if (signal !== null && signal !== undefined) return { tone: "warn", text: `ended by ${SIGNALS[String(signal)] ?? (typeof signal === "number" ? `signal ${signal}` : signal)}` };
  if (exit_code === 0) return { tone: "good", text: "done" };
  return typeof exit_code === "number" ? { tone: "bad", text: `exit code ${exit_code}` } : { tone: "plain", text: "ended" };
}

/** Where the commands' own names are meant, the family's prefix is noise. @param {string} command */
export const shortCommand = (command) => String(command ?? "").replace(/^sprint-/, "");

/**
 * Why no batch can be started, or null.
 * @param {{loaded: boolean, line: import("./connection.js").Line, run: Run, busy: boolean, readOnly: string|null}} of busy: something observed is under way
 */
export function hindrance({ loaded, line, run, busy, readOnly }) {
  if (line.recorded) return "This is a recording: nothing can be started from here.";
  if (line.far) return unreached(line);
  if (!line.live && line.ever) return "The server is not reached just now; what you see is what was last known.";
  if (!loaded || !line.live) return "Not connected to the server yet.";
  if (readOnly) return readOnly;
  if (run.kind === "managed") return `Batch ${run.batch_id} is running already.`;
  if (run.kind === "observed" && busy) return `Batch ${run.batch_id} is under way, run by someone else.`;
  return null;
}

/** The number as the server takes it, or the sentence about what is wrong with it. @param {string} typed @returns {{size?: number, wrong?: string}} */
export function batchSize(typed) {
  const size = Number(typed);
  if (!/^\s*\d+\s*$/.test(typed) || size < 1 || size > 2_147_483_647) return { wrong: "A whole number of cycles, 1 or more." };
  return { size };
}

/** A warning as a notice; `warning` is the older key. @param {any} payload @returns {{tone: "info"|"warn", title: string, text: string}} */
export function warningNotice({ warning_type, message, warning }) {
  const words = String(warning_type || "general").replaceAll("_", " ");
  return { tone: ["context_unavailable", "from_afar"].includes(warning_type ?? "") ? "info" : "warn", title: words[0].toUpperCase() + words.slice(1), text: sentence(String(message ?? warning ?? "").replace(/\\n|\s+/g, " ")) };
}
