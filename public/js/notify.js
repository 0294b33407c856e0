/**
 * The browser's notifications: only where somebody asked for them, only while nobody looks, and of several tabs
 * only one sends. Asking for permission is left to a click; nothing asks while the page loads.
 *
 * @typedef {{kind: "unavailable"|"denied"|"off"|"on", words: string}} Standing
 */
import { serverNow } from "./api.js";
import { createNotable } from "./notable.js";
import { keep, recall } from "./prefs.js";

/** A tab somebody looks at answers at once; one that nobody sees gives it this start. */
const HEADSTART_MS = 400;
/** Hidden tabs are slowed down by the browser: who comes later than this is not expected. */
const HELD_MS = 30_000;

const notable = createNotable();

/** Whether they can be had, and if not, why not. @returns {Standing} */
export function standing() {
  if (!globalThis.isSecureContext) {
    return { kind: "unavailable", words: "Browsers allow notifications only over HTTPS or on the machine itself. This page came over plain HTTP from a network address; open it by http://localhost through a tunnel, or put HTTPS before it." };
  }
  if (!("Notification" in globalThis)) return { kind: "unavailable", words: "This browser has no notifications." };
  if (Notification.permission === "denied") return { kind: "denied", words: "This browser was told to refuse them for this address. Allow notifications in its settings for this site, then come back." };
  if (Notification.permission !== "granted" || recall("notify", /** @type {unknown} */ (false)) !== true) return { kind: "off", words: "You are told when a story needs you, when a batch ends, and when one is parked, while this page is not in sight." };
  return { kind: "on", words: "You are told when a story needs you, when a batch ends, and when one is parked, while this page is not in sight. Several tabs tell it once." };
}

/** Only ever called for a click. @returns {Promise<Standing>} */
export async function turnOn() {
  if (standing().kind === "off") {
    keep("notify", true);
    if (Notification.permission !== "granted") await Notification.requestPermission();
    if (Notification.permission !== "granted") keep("notify", undefined);
  }
  return standing();
}

export function turnOff() {
  keep("notify", undefined);
  return standing();
}

/** @param {{title: string, body: string, tag: string, href: string, needs: boolean}} call */
function send({ title, body, tag, href, needs }) {
  try {
    const note = new Notification(title, { body, tag: `sprint-runner ${location.host}${location.pathname} ${tag}`, icon: "favicon.svg", requireInteraction: needs });
    note.onclick = () => {
      window.focus();
      location.hash = href;
      note.close();
    };
    return "";
  } catch {
    // Some phones have the word but not the thing.
    return "This browser does not let a page send notifications.";
  }
}

/** One now, whether or not somebody looks. @returns {string} what went wrong, or nothing */
export function test() {
  if (standing().kind !== "on") return standing().words;
  return send({ title: "Sprint Runner can reach you", body: "This is how it looks when a story needs you.", tag: "test", href: "#settings", needs: false });
}

/** A live event: perhaps somebody must be called. @param {import("./model.js").WireEvent} event @param {{project: string|null}} of */
export function heard(event, { project }) {
  const call = notable(event, serverNow());
  if (!call || standing().kind !== "on") return;
  const told = { ...call, body: [call.body, project].filter(Boolean).join(" – ") };
  const name = `sprint-runner.notify ${location.pathname} ${event.id}`;
  // A tab in sight claims the event and says nothing: its reader sees it.
  if (!document.hidden) claim(name, () => {});
  else setTimeout(() => claim(name, () => { if (document.hidden) send(told); }), HEADSTART_MS);
}

/** Of all tabs of this server, the first one acts. @param {string} name @param {() => void} act */
function claim(name, act) {
  if (!navigator.locks) return act();
  navigator.locks.request(name, { ifAvailable: true }, (lock) => {
    if (!lock) return undefined;
    act();
    return new Promise((done) => { setTimeout(done, HELD_MS); });
  }).catch(() => {});
}
