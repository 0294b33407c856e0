/** The server's answers over HTTP. Addresses are relative, so that a page under `/p/<name>/` asks its own server. */
import { sentence } from "./format.js";

export const base = new URL(".", document.baseURI);

/** @typedef {(path: string, query?: Record<string, any>) => any} Answer */

/** Answers in the server's stead. @type {Answer|null} */
let recording = null;

/** From now on nothing is sent: a recording answers. @param {Answer} answer it throws a `Refusal` for what it does not hold */
export const answerFrom = (answer) => { recording = answer; };

/**
 * @param {string} path @param {Record<string, string|number|null|undefined>} [query] @param {number} [patience_ms]
 * @returns {Promise<any>} rejects on anything but a good answer in time
 */
export async function get(path, query = {}, patience_ms = 8000) {
  if (recording) return structuredClone(recording(path, query));
  const url = new URL(path, base);
  for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") url.searchParams.set(key, String(value));
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  noteClock(answer);
  return answer.json();
}

/** A request that was not granted, with the sentence that says why. */
export class Refusal extends Error {
  /** @param {number} status 0 = no answer @param {string} code @param {string} text */
  constructor(status, code, text) {
    super(sentence(text));
    this.status = status;
    this.code = code;
  }
}

/** Asks the server to do something. @param {string} path @param {any} [body] @param {number} [patience_ms] @returns {Promise<any>} rejects with a `Refusal` */
export const post = (path, body = {}, patience_ms = 15_000) => send("POST", path, body, patience_ms);

/** Asks the server to keep something. @param {string} path @param {any} body @returns {Promise<any>} rejects with a `Refusal` */
export const put = (path, body) => send("PUT", path, body, 15_000);

/** @param {string} method @param {string} path @param {any} body @param {number} patience_ms */
async function send(method, path, body, patience_ms) {
  /** @type {Response} */ let answer;
  /** @type {any} */ let said;
  if (recording) return recording(path);
  try {
    answer = await fetch(new URL(path, base), { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(patience_ms) });
    noteClock(answer);
    said = await answer.json().catch(() => null);
  } catch {
    throw new Refusal(0, "unreachable", "the server did not answer");
  }
  if (!answer.ok) throw new Refusal(answer.status, said?.code ?? "", said?.error ?? `the server answered ${answer.status}`);
  return said;
}

/**
 * A part of a text that grows.
 * @param {string} path @param {number} from @param {number} to the last byte @returns {Promise<{partial: boolean, etag: string|null, bytes: ArrayBuffer}|null>} null: not there (any more)
 */
export async function part(path, from, to) {
  if (recording) return recording(path);
  const answer = await fetch(new URL(path, base), { cache: "no-store", headers: { Range: `bytes=${from}-${to}` }, signal: AbortSignal.timeout(8000) });
  if (answer.status === 416 || answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return { partial: answer.status === 206, etag: answer.headers.get("etag"), bytes: await answer.arrayBuffer() };
}

/**
 * Does the server answer, and is it ours? Something between may answer for a server that is down (5xx): that
 * is no answer.
 * @param {number} [patience_ms] @returns {Promise<"yes"|"no"|"signed-out"|"stranger">}
 */
export async function alive(patience_ms = 2000) {
  try {
    const answer = await fetch(new URL("healthz", base), { cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
    if (answer.status === 401) return "signed-out";
    if (answer.status >= 500) return answer.status === 503 ? "yes" : "no";
    const ours = answer.ok && typeof (await answer.json().catch(() => null))?.epoch === "string";
    if (ours) noteClock(answer);
    return ours ? "yes" : "stranger";
  } catch {
    return "no";
  }
}

let skew = 0;

/** The server's clock as far as its `Date` header tells; small differences are its rounding. @param {Response} answer */
function noteClock(answer) {
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  const difference = date + 500 - Date.now();
  skew = Math.abs(difference) > 2500 ? difference : 0;
}

/** Now, by the server's clock. */
export const serverNow = () => Date.now() + skew;
