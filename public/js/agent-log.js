/** The log of one agent, followed by ranges: only what is new is fetched, only so much is kept. */
import { base } from "./api.js";
import { logLine } from "./run-words.js";

const FIRST_BYTES = 64 * 1024;
const PACE_MS = 1000;
/** Lines kept at most; older ones are in the file. */
export const MOST_LINES = 2000;

/** @param {() => void} changed */
export function createAgentLog(changed) {
  /** @type {{id: string|null, lines: {n: number, kind: string, text: string}[], cut: boolean, state: "loading"|"following"|"missing"|"away"}} */
  const log = { id: null, lines: [], cut: false, state: "loading" };
  let at = 0;
  let count = 0;
  let rest = "";
  let decoder = new TextDecoder();
  /** @type {any} */ let timer;
  let turn = 0;

  /** Opens the log of an agent, or closes it. @param {string|null} id */
  function open(id) {
    turn += 1;
    clearTimeout(timer);
    Object.assign(log, { id, lines: [], cut: false, state: "loading" });
    begin();
    changed();
    if (id !== null) step(turn);
  }

  function begin() {
    at = -1;
    count = 0;
    rest = "";
    decoder = new TextDecoder();
  }

  /** @param {number} mine */
  async function step(mine) {
    try {
      await fetchMore(mine);
    } catch {
      if (mine === turn) log.state = "away";
    }
    if (mine !== turn) return;
    changed();
    timer = setTimeout(step, PACE_MS, mine);
  }

  /** @param {number} mine */
  async function fetchMore(mine) {
    // One byte that is known already is asked for too: a range with nothing in it is an error.
    const overlap = at > 0 ? 1 : 0;
    const range = at < 0 ? `bytes=-${FIRST_BYTES}` : `bytes=${at - overlap}-`;
    const url = new URL(`api/agents/${encodeURIComponent(String(log.id))}/log`, base);
    const answer = await fetch(url, { cache: "no-store", headers: { Range: range }, signal: AbortSignal.timeout(8000) });
    const place = /(?:(\d+)-\d+|\*)\/(\d+)/.exec(answer.headers.get("content-range") ?? "");
    if (mine !== turn) return;
    if (answer.status === 404) {
      log.state = "missing";
      return;
    }
    log.state = "following";
    if (answer.status === 416) {
      // Shorter than what was read: the log was begun anew.
      if (place && Number(place[2]) < at) begin();
      else if (at < 0) at = 0;
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (mine !== turn) return;
    const from = answer.status === 206 && place?.[1] ? Number(place[1]) : 0;
    if (at < 0 && from > 0) log.cut = true;
    take(decoder.decode(bytes.subarray(overlap), { stream: true }), at < 0 && from > 0);
    at = from + bytes.length;
  }

  /** @param {string} text @param {boolean} half whether the first line is only the end of one */
  function take(text, half) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (half) lines.shift();
    for (const line of lines) for (const said of logLine(line)) log.lines.push({ n: (count += 1), ...said });
    if (log.lines.length > MOST_LINES) {
      log.lines = log.lines.slice(-MOST_LINES);
      log.cut = true;
    }
  }

  return Object.assign(log, { open });
}
