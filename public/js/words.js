/** What one event means: in words, a tone, and a mark. Pure. */
import { fileName } from "./format.js";
import { CLASSES } from "./model.js";
import { exitWords } from "./run.js";

/** The steps of a story in their order: the family of commands each belongs to. */
export const FAMILIES = ["create", "story-review", "tech-spec", "tech-spec-review", "dev", "code-review", "commit"];

/** @param {string} command */
export function family(command) {
  const name = String(command ?? "").replace(/^sprint-/, "");
  if (/project-context/.test(name)) return "create";
  if (/^tech-spec-review/.test(name)) return "tech-spec-review";
  if (/tech-spec/.test(name)) return "tech-spec";
  if (/^story-review/.test(name)) return "story-review";
  if (/^(create-story|story-discovery)/.test(name)) return "create";
  if (/^dev/.test(name)) return "dev";
  if (/^code-review/.test(name)) return "code-review";
  if (/^commit/.test(name)) return "commit";
  return "other";
}

const FAILED = new Set(["failed", "error", "blocked"]);
const PLAIN_END = new Set(["end", "success", "complete", "done", "discovery-complete"]);

/** `(files:2, lines:85)` at a message's end, taken off and apart. @param {string|null|undefined} message */
export function metricsOf(message) {
  const found = /\s*\(((?:[a-z_]+:\s*[\d.]+(?:,\s*)?)+)\)\s*$/i.exec(message ?? "");
  if (!found) return { text: message ?? "", metrics: [] };
  const metrics = found[1].split(",").map((pair) => pair.trim().split(/:\s*/)).filter(([name]) => name).map(([name, n]) => [n === "1" ? name.replace(/s$/, "") : name, n]);
  return { text: (message ?? "").slice(0, found.index), metrics };
}

/** A file's message without what would break a line: written `\n` and real breaks become a blank. @param {any} message */
const oneLine = (message) => String(message ?? "").replace(/\\n|\s+/g, " ").trim();

/**
 * @typedef {{tone: "plain"|"live"|"good"|"warn"|"bad", mark: string, kind: string, command: string|null,
 *   task: string|null, story: string|null, story_id: string|null, text: string, metrics: string[][],
 *   duration: number|null, status_class?: string|null}} Words
 */

/** @param {import("./model.js").WireEvent} event @returns {Words} */
export function describe(event) {
  const p = event.payload ?? {};
  const { text, metrics } = metricsOf(p.message);
  /** @type {Words} */
  const words = {
    tone: "plain", mark: "other", kind: String(event.type).split(":")[0], command: null, task: null,
    story: p.story_key ?? null, story_id: p.story_id ?? p.story_key ?? null, text: oneLine(text), metrics,
    duration: p.duration_ms > 0 ? p.duration_ms : null,
  };
  const say = SAY.get(event.type);
  if (say) Object.assign(words, say(p, words));
  else words.text ||= oneLine(`${event.type} ${briefly(p)}`);
  return words;
}

/** @type {Map<string, (p: any, words: Words) => Partial<Words>>} */
const SAY = new Map(Object.entries({
  "command:start": (p, w) => ({ mark: "start", tone: "live", command: p.command, task: p.task_id, text: w.text || "started" }),
  "command:progress": (p) => ({ mark: "progress", command: p.command, task: p.task_id }),
  "command:end": (p, w) => {
    const failed = FAILED.has(p.status);
    const open = p.status === "left-open";
    const word = failed || open || !PLAIN_END.has(p.status) ? String(p.status ?? "").replaceAll("-", " ") : "";
    const text = [word, w.text].filter(Boolean).join(" – ") || "done";
    return { mark: failed || open ? "failed" : "end", tone: failed ? "bad" : open ? "warn" : "good", command: p.command, task: p.task_id, text };
  },
  "story:status": (p) => ({ mark: "change", status_class: p.status_class, tone: p.status_class === "done" ? "good" : "plain", text: change(p) }),
  "epic:status": (p) => ({ mark: "change", status_class: p.status_class, tone: p.status_class === "done" ? "good" : "plain",
    story_id: p.epic_key ?? `epic-${p.epic_id}`, text: (p.retrospective ? "retrospective " : "") + change(p) }),
  "batch:start": (p) => ({ mark: "batch", tone: "live", text: `Batch ${p.batch_id} began (${p.origin ?? p.batch_mode ?? "unknown"}${p.size ? `, ${p.size} stories` : ""})` }),
  "batch:end": (p) => ({ mark: "batch", tone: p.status === "completed" ? "good" : p.status === "stopped" ? "plain" : "bad", text: `Batch ${p.batch_id} ended: ${p.status}${p.reason ? ` (${String(p.reason).replaceAll("_", " ")})` : ""}` }),
  "batch:warning": (p, w) => ({ mark: "warning", tone: ["context_unavailable", "from_afar"].includes(p.warning_type) ? "plain" : "warn", text: warned(String(p.warning_type || "general").replaceAll("_", " "), w.text || oneLine(p.warning)) }),
  "cycle:start": (p) => ({ mark: "batch", text: `Cycle ${p.cycle_number} began: ${list(p.story_keys)}` }),
  "cycle:end": (p) => ({ mark: "batch", text: `Cycle ${p.cycle_number} ended: ${list(p.completed_stories)}` }),
  "activity:entry": (p) => ({ mark: "note", text: oneLine(p.result ? [p.command, p.result, p.duration].filter(Boolean).join(" · ") : p.line) }),
  "source:state": (p, w) => ({ mark: "file", story_id: null, tone: p.state === "ok" ? "good" : p.state === "reset" || p.state === "missing" ? "plain" : "bad",
    text: `${fileName(String(p.file))} ${STATE_WORDS[p.state] ?? p.state}${p.line ? `, line ${p.line}` : ""}${w.text ? `: ${w.text}` : ""}` }),
  "settings:changed": (p) => ({ mark: "note", text: `Settings changed: ${list(Object.keys(p.changed ?? {}))}` }),
  "agent:start": (p) => ({ mark: "start", tone: "live", command: p.command, text: `agent ${p.agent_id} started${p.model ? ` (${p.model})` : ""}` }),
  "agent:end": (p) => ({ mark: p.exit_code === 0 ? "end" : "failed", tone: exitWords(p).tone, command: p.command ?? null, text: `agent ${p.agent_id}: ${exitWords(p).text}` }),
  "context:create": (p) => context(p, "project context: being made"),
  "context:refresh": (p) => context(p, "project context: being refreshed in the background"),
  "context:complete": (p) => context(p, "project context: made"),
  "context:fresh": (p) => context(p, "project context: fresh enough"),
  "context:copied": (p) => context(p, "project context: copied for the agents"),
  "context:copy_failed": (p) => ({ ...context(p, "project context: not copied"), mark: "warning", tone: "warn" }),
  "context:error": (p) => ({ ...context(p, "project context: failed"), mark: "failed", tone: "bad" }),
  "cleanup:complete": (p) => ({ mark: "file", text: `${p.files_moved ?? 0} ${p.files_moved === 1 ? "file" : "files"} moved to the archive` }),
  "cleanup:file_moved": (p) => ({ mark: "file", text: `${fileName(String(p.file_name ?? "a file"))} moved to the archive` }),
  "cleanup:file_error": (p, w) => ({ mark: "warning", tone: "warn", text: reason(`${fileName(String(p.file_name ?? "a file"))} not moved to the archive`, w.text) }),
  "background:complete": (p) => ({ mark: "end", tone: "good", command: p.task_type ?? null, text: "done in the background" }),
  "background:error": (p) => ({ mark: "failed", tone: "warn", command: p.task_type ?? null, text: reason("failed in the background", oneLine(p.error)) }),
  "injection:warning": (p, w) => ({ mark: "warning", tone: "warn", command: p.command ?? null, story_id: p.story_id ?? (p.story_keys ?? [])[0] ?? null, text: w.text || "what the agent is given is large" }),
  "injection:empty": (p, w) => ({ mark: "warning", tone: "warn", command: p.command ?? null, story_id: p.story_id ?? (p.story_keys ?? [])[0] ?? null, text: w.text || "the agent is given no files" }),
  error: (p, w) => ({ mark: "failed", tone: "bad", text: w.text || String(p.type ?? "error") }),
}));

/** @type {Record<string, string>} */
const STATE_WORDS = { ok: "reads well", missing: "is missing", invalid: "is invalid", unreadable: "cannot be read", reset: "was begun anew" };

/** It belongs to no story. @param {any} p @param {string} words @returns {Partial<Words>} */
const context = ({ message }, words) => ({ mark: "note", story: null, story_id: null, text: reason(words, oneLine(message ?? "")) });

/** @param {string} words @param {string} [why] */
const reason = (words, why) => [words, why].filter(Boolean).join(" – ");

/** The kind of warning before its words, unless they begin with it. @param {string} kind @param {string} words */
const warned = (kind, words) => (words.toLowerCase().startsWith(kind.toLowerCase()) ? words : `${kind}: ${words}`);

/** @param {any} p */
const change = (p) => (p.new_status == null ? `gone (was ${p.old_status})` : p.old_status == null ? `new: ${p.new_status}` : `${p.old_status} → ${p.new_status}`);
const list = (/** @type {any} */ keys) => (Array.isArray(keys) && keys.length ? keys.join(", ") : "none");
const briefly = (/** @type {any} */ p) => Object.entries(p).slice(0, 4).map(([k, v]) => `${k}: ${typeof v === "object" ? JSON.stringify(v) : v}`).join(", ");

/** Has this command's end failed? @param {any} payload */
export const hasFailed = (payload) => FAILED.has(payload?.status);

/** @param {string|null} one @param {string|null} other */
export const byClass = (one, other) => CLASSES.indexOf(one ?? "") - CLASSES.indexOf(other ?? "");
