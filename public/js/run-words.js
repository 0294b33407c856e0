/** A managed run in words. Pure. */
import { plural } from "./format.js";

/**
 * @typedef {import("./model.js").Orchestrator} Orchestrator
 * @typedef {{processes: number, killed: number, left: number, escaped?: number}} Receipt
 * @typedef {{agent_id: string, batch_id: number, run: number, pid: number, command: string, story_keys: string[], model: string|null,
 *   attempt: number|null, background: boolean, started_at: number, ended_at: number|null, exit_code: number|null, signal: number|null,
 *   last_output_at: number|null, processes: number|null, cpu_ms: number|null, rss_bytes: number|null, log_bytes: number}} AgentView
 */

/** How far the batch is: words, and a share from 0 to 1 or null where there is no limit. @param {Orchestrator} run */
export function progress({ cycle_number, cycles_completed, max_cycles, current_stories }) {
  if (cycle_number === 0) return { words: max_cycles === null ? "preparing (unlimited)" : `preparing, ${plural(max_cycles, "cycle")} to come`, share: max_cycles === null ? null : 0 };
  const open = current_stories.length > 0 ? cycle_number : cycles_completed;
  if (max_cycles === null) return { words: `${plural(Math.max(open, 0), "cycle")} (unlimited)`, share: null };
  const shown = Math.min(Math.max(open, 1), max_cycles);
  return { words: `cycle ${shown} of ${max_cycles}`, share: max_cycles ? cycles_completed / max_cycles : 0 };
}

/** What a stop has done. @param {Receipt} receipt */
export function receiptWords({ processes, killed, left, escaped = 0 }) {
  if (!processes) return "Nothing was running any more.";
  const ended = processes - left;
  const parts = [`${plural(ended, "process", "processes")} ended`];
  if (killed) parts.push(`${killed} had to be killed`);
  if (escaped) parts.push(`${escaped} had left ${escaped === 1 ? "its" : "their"} group and ${escaped === 1 ? "was" : "were"} found`);
  parts.push(left ? `${left} could not be ended` : "none left");
  return `${parts.join(", ")}.`;
}

/** How an agent ended. @param {AgentView} agent */
export function endWords({ ended_at, exit_code, signal }) {
  if (ended_at === null) return { word: "running", tone: "live" };
  if (signal !== null) return { word: `ended by signal ${signal}`, tone: "warn" };
  if (exit_code === 0) return { word: "ended well", tone: "good" };
  return { word: exit_code === null ? "ended" : `exit code ${exit_code}`, tone: exit_code === null ? "plain" : "bad" };
}

/** @param {number|null} bytes */
export function size(bytes) {
  if (bytes === null) return "";
  if (bytes < 1024) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

/** Terminal colours and other control characters taken off. @param {string} line */
export const plainLine = (line) => line.replace(ESCAPES, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");

const MARK = /^\[(stderr|not json|not utf-8|note|cut[^\]]*)\] ?/i;
const MOST = 4000;

/**
 * A line of an agent's log for people: what it said, did, got back; everything else as it is.
 * @param {string} raw @returns {{kind: "text"|"tool"|"answer"|"result"|"error"|"plain"|"system", text: string}[]}
 */
export function logLine(raw) {
  const line = plainLine(raw);
  const marked = MARK.exec(line);
  if (marked) return [{ kind: /^note/i.test(marked[1]) ? "system" : "error", text: line.slice(0, MOST) }];
  if (!line.startsWith("{")) return line.trim() ? [{ kind: "plain", text: line.slice(0, MOST) }] : [];
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    return [{ kind: "plain", text: line.slice(0, MOST) }];
  }
  const said = read(message).filter(({ text }) => text.trim());
  return said.length ? said.map((one) => ({ ...one, text: plainLine(one.text.trim().slice(0, MOST).replaceAll("\n", "\u0085")).replaceAll("\u0085", "\n") })) : [{ kind: "system", text: line.slice(0, 300) }];
}

/** @param {any} message @returns {{kind: any, text: string}[]} */
function read(message) {
  const { type } = message ?? {};
  if (type === "system") return [{ kind: "system", text: `session ${message.subtype ?? ""}${message.model ? ` with ${message.model}` : ""}` }];
  if (type === "result") return [{ kind: message.is_error ? "error" : "result", text: String(message.result ?? message.subtype ?? "done") }];
  if (type === "tool_result") return [{ kind: "answer", text: textOf(message.content) }];
  const content = message?.message?.content;
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.map((block) => {
    if (block?.type === "text") return { kind: "text", text: String(block.text ?? "") };
    if (block?.type === "tool_use") return { kind: "tool", text: `${block.name ?? "tool"} ${block.input?.command ?? block.input?.file_path ?? JSON.stringify(block.input ?? {})}` };
    if (block?.type === "tool_result") return { kind: "answer", text: textOf(block.content) };
    return { kind: "system", text: "" };
  });
}

/** @param {any} content @returns {string} */
const textOf = (content) => (typeof content === "string" ? content : Array.isArray(content) ? content.map((part) => part?.text ?? "").join("\n") : "");
