/** What is said of the line, in words. */
import { minute, moment, plural, span } from "./format.js";

/** @type {Record<string, string>} */
const TRANSPORT = { ws: "WebSocket", sse: "event stream", poll: "polling" };
const SHORT = { ws: "live", sse: "live · SSE", poll: "polling" };

const PATIENCE_MS = 4000;
const THANKS_MS = 7000;

/** @typedef {import("./connection.js").Line} Line */

/**
 * What may be believed of what is shown. A hub may be reached well, and the server that works on the project not be
 * heard by it: then all is as old as on a line that was lost. @param {Line} line @param {number} now by the server's clock @returns {Line}
 */
export function believed(line, now) {
  const since = line.live ? line.server?.unreachable_since ?? null : null;
  return since === null ? line : { ...line, live: false, far: /** @type {any} */ (line.server), lostAt: Date.now() - Math.max(0, now - since) };
}

/** @param {import("./connection.js").Owner} server @param {number} now by the server's clock */
export const silenceWords = ({ host, unreachable_since: since }, now) => `${host ? `The server on ${host}` : "Its server"} has not been heard${since === null ? "" : ` since ${minute(since, now)}`}`;

/** Why nothing can be asked of the server. @param {Line} line */
export const unreached = (line) => (line.far ? `${silenceWords(line.far, Date.now())}.` : "The server is not reached just now.");

/** How old the newest event is. @param {number|null} last when it happened @param {number} now by the server's clock */
export function ageWords(last, now) {
  if (last === null) return "no events yet";
  const age = now - last;
  return age < 1500 ? "last event just now" : `last event ${span(age)} ago, at ${moment(last, now)}`;
}

/** For the header: a word and its tool tip. @param {Line} line @param {number|null} last @param {number} now */
export function lineWords(line, last, now) {
  if (!line.live || !line.transport) return { word: "", title: null };
  const shared = line.tabs > 1 ? `, shared with ${plural(line.tabs - 1, "other tab")}` : "";
  return { word: SHORT[line.transport], title: `Connected by ${TRANSPORT[line.transport]}${shared}; ${ageWords(last, now)}` };
}

/** @type {Record<string, string>} */
const BARRED = {
  "signed-out": "Signed out – open the address with its token again",
  stranger: "Something else answers at this address now",
};

/**
 * For the bar: nothing when all is well.
 * @param {Line} line @param {number|null} last @param {number} now by this machine's clock @param {number} serverNow @param {string|null} [degraded] what ails the server
 * @returns {{kind: "offline"|"unreachable"|"reconnecting"|"degraded"|"caught-up"|"slow", text: string, more: string}|null}
 */
export function barWords(line, last, now, serverNow, degraded = null) {
  if (line.far) return { kind: "unreachable", text: `${silenceWords(line.far, serverNow)}. What you see is what was last known`, more: ageWords(last, serverNow) };
  if (!line.live && (line.ever || line.lostAt || line.barred)) {
    const more = [line.ever && line.transport ? TRANSPORT[line.transport] : "", last === null ? "" : ageWords(last, serverNow)].filter(Boolean).join(", ");
    if (line.barred) return { kind: "offline", text: BARRED[line.barred], more };
    const lost = now - (line.lostAt ?? now);
    const wait = line.retryAt ? Math.ceil((line.retryAt - now) / 1000) : 0;
    const next = wait > 1 ? `next try in ${wait} s` : "trying now";
    return line.offline || lost > PATIENCE_MS ? { kind: "offline", text: `Offline for ${span(lost)} – ${next}`, more } : { kind: "reconnecting", text: "Reconnecting…", more };
  }
  if (line.live && degraded) return { kind: "degraded", text: degraded, more: ageWords(last, serverNow) };
  if (line.caughtUp && now - line.caughtUp.at < THANKS_MS) {
    const { events, fresh } = line.caughtUp;
    return { kind: "caught-up", more: "", text: fresh ? "Back: the log was begun anew, everything was read again" : events ? `Caught up, ${plural(events, "event")} while away` : "Back, nothing was missed" };
  }
  if (line.live && line.transport === "poll") return { kind: "slow", text: "Streams don't get through here – asking every two seconds", more: ageWords(last, serverNow) };
  return null;
}
