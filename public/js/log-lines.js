/**
 * Lines of an agent's log, made fit to be read: escapes and marks taken off, the agent's JSON told in words. Pure.
 *
 * @typedef {{kind: "text"|"tool"|"result"|"end"|"note"|"stderr"|"raw"|"bad", text: string}} LogPart
 */
import { took } from "./format.js";

/** More of one line is not put on the page. */
export const LONGEST = 4000;
const MOST_PARTS = 20;

// Terminal escapes: OSC up to BEL or ST, CSI, and the short ones; then whatever control character is left.
const ESCAPES = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Without colours and cursor moves; of a line that overwrote itself, what was seen last. @param {string} line */
export function plain(line) {
  const bare = line.replace(ESCAPES, "");
  const last = bare.replace(/\r+$/, "");
  return last.slice(last.lastIndexOf("\r") + 1).replace(CONTROLS, "");
}

/** @param {string} text */
const cut = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length - LONGEST} more characters)` : text);

const MARK = /^\[(stderr|not json|not utf-8|note|cut, had \d+ bytes)\] ?/;

/** @param {string} line as it stands in the file @param {boolean} [raw] without telling JSON in words @returns {LogPart[]} */
export function partsOf(line, raw = false) {
  const mark = MARK.exec(line)?.[1] ?? "";
  const body = mark ? line.slice(line.indexOf("]") + 1).trimStart() : line;
  if (raw) return [{ kind: mark === "stderr" ? "stderr" : mark === "note" ? "note" : "raw", text: cut(plain(line)) }];
  if (mark === "stderr" || mark === "note") return [{ kind: mark, text: cut(plain(body)) }];
  if (mark) return [{ kind: "bad", text: cut(plain(line)) }];
  const parts = body.startsWith("{") ? told(body) : null;
  if (!parts) return [{ kind: "raw", text: cut(plain(line)) }];
  return parts.slice(0, MOST_PARTS).map(({ kind, text }) => ({ kind, text: cut(text.split("\n").map(plain).join("\n").trim()) })).filter((part) => part.text);
}

/** @param {string} json @returns {LogPart[]|null} */
function told(json) {
  /** @type {any} */ let message;
  try {
    message = JSON.parse(json);
  } catch {
    return null;
  }
  const type = message?.type;
  if (type === "system") return [{ kind: "note", text: ["session begins", message.model].filter((one) => typeof one === "string").join(" · ") }];
  if (type === "result") return [{ kind: message.is_error ? "stderr" : "end", text: ending(message) }];
  if (type === "tool_result") return [{ kind: "result", text: inside(message.content) }];
  const content = message?.message?.content;
  if (type !== "assistant" && type !== "user") return null;
  if (typeof content === "string") return [{ kind: type === "user" ? "result" : "text", text: content }];
  return Array.isArray(content) ? content.map(piece) : null;
}

/** @param {any} one @returns {LogPart} */
function piece(one) {
  if (one?.type === "text") return { kind: "text", text: String(one.text ?? "") };
  if (one?.type === "tool_use") return { kind: "tool", text: `${one.name ?? "tool"} ${argument(one.input)}` };
  if (one?.type === "tool_result") return { kind: "result", text: inside(one.content) };
  if (one?.type === "thinking") return { kind: "note", text: String(one.thinking ?? "") };
  return { kind: "raw", text: JSON.stringify(one) ?? "" };
}

/** What a tool was called with: its one telling value, or all of it. @param {any} input */
function argument(input) {
  for (const key of ["command", "file_path", "path", "pattern", "url", "description"]) if (typeof input?.[key] === "string") return input[key];
  return input === undefined ? "" : JSON.stringify(input);
}

/** @param {any} content @returns {string} */
const inside = (content) => (Array.isArray(content) ? content.map((one) => one?.text ?? "").join("\n") : String(content ?? ""));

/** @param {any} message */
function ending({ subtype, is_error, duration_ms, total_cost_usd, num_turns }) {
  const word = is_error ? `failed: ${String(subtype ?? "error").replaceAll("_", " ")}` : "finished";
  const facts = [duration_ms > 0 ? took(duration_ms) : "", num_turns > 0 ? `${num_turns} turns` : "", total_cost_usd > 0 ? `$${Number(total_cost_usd).toFixed(2)}` : ""];
  return [word, ...facts].filter(Boolean).join(" · ");
}
