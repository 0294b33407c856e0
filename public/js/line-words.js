/** What is said of the line, in words. */
import { moment, plural, span } from "./format.js";

/** @type {Record<string, string>} */
const TRANSPORT = { ws: "WebSocket", sse: "event stream", poll: "polling" };
const SHORT = { ws: "live", sse: "live · SSE", poll: "polling" };

const PATIENCE_MS = 4000;
const THANKS_MS = 7000;

/** @typedef {import("./connection.js").Line} Line */

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
 * @returns {{kind: "offline"|"reconnecting"|"degraded"|"caught-up"|"slow", text: string, more: string}|null}
 */
export function barWords(line, last, now, serverNow, degraded = null) {
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
