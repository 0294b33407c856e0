/** What the tab tells when the page is not looked at: title, favicon, and spoken announcements. */

const COLOUR = { running: "#2f6fed", waiting: "#6f8fd6", stopping: "#b7791f", idle: "#8a93a3", loading: "#8a93a3", empty: "#8a93a3", finished: "#1f9d63", offline: "#b3412e", unreachable: "#b3412e", recording: "#8a7350", attention: "#d92d20", failed: "#d92d20" };

/** Made here and not fetched, because it must change when the server is gone. @param {keyof typeof COLOUR} kind */
function drawing(kind) {
  const colour = COLOUR[kind];
  /** @type {Record<string, string>} */
  const shapes = {
    running: `<circle cx="16" cy="16" r="14" fill="${colour}"/><path d="M12.5 9.5l10 6.5-10 6.5z" fill="#fff"/>`,
    finished: `<circle cx="16" cy="16" r="14" fill="${colour}"/><path d="M9.5 16.5l4.5 4.5 8.5-9.5" fill="none" stroke="#fff" stroke-width="3.5"/>`,
    offline: `<circle cx="16" cy="16" r="11" fill="none" stroke="${colour}" stroke-width="4" stroke-dasharray="6 4"/><path d="M6 26L26 6" stroke="${colour}" stroke-width="4"/>`,
    attention: `<circle cx="16" cy="16" r="14" fill="${colour}"/><path d="M16 7.5v10M16 23v.5" stroke="#fff" stroke-width="4" stroke-linecap="round"/>`,
    failed: `<circle cx="16" cy="16" r="14" fill="${colour}"/><path d="M11 11l10 10M21 11L11 21" stroke="#fff" stroke-width="4" stroke-linecap="round"/>`,
    stopping: `<circle cx="16" cy="16" r="14" fill="${colour}"/><path d="M11 11h10v10H11z" fill="#fff"/>`,
    recording: `<circle cx="16" cy="16" r="12" fill="none" stroke="${colour}" stroke-width="4"/><path d="M16 9v7.5l5 3" fill="none" stroke="${colour}" stroke-width="3.5" stroke-linecap="round"/>`,
    waiting: `<circle cx="16" cy="16" r="11" fill="none" stroke="${colour}" stroke-width="5"/><circle cx="16" cy="16" r="4" fill="${colour}"/>`,
  };
  shapes.unreachable = shapes.offline;
  const shape = Object.hasOwn(shapes, kind) ? shapes[kind] : `<circle cx="16" cy="16" r="11" fill="none" stroke="${colour}" stroke-width="5"/>`;
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${shape}</svg>`)}`;
}

const link = /** @type {HTMLLinkElement} */ (document.getElementById("favicon"));
const announcer = /** @type {HTMLElement} */ (document.getElementById("announcer"));
let lit = "";

/**
 * @param {import("./verdict.js").Verdict} verdict @param {number} concerns how many things need a person
 * @param {{project: string|null, done: number, stories: number, failed: boolean}} sums failed: the last batch ended with an error, and none runs
 */
export function light(verdict, concerns, { project, done, stories, failed }) {
  const live = !["offline", "unreachable", "loading", "recording"].includes(verdict.kind);
  const kind = live && failed ? "failed" : live && concerns ? "attention" : verdict.kind;
  const word = verdict.kind === "offline" ? "offline" : verdict.word;
  const needs = live && failed ? "failed · " : live && concerns ? "needs you · " : "";
  const progress = live && stories ? ` ${done}/${stories}` : "";
  const title = `${needs}${word}${progress} – ${project || "Sprint Runner"}`;
  if (document.title !== title) document.title = title;
  lamp(/** @type {keyof typeof COLOUR} */ (kind));
}

/** The favicon alone. @param {keyof typeof COLOUR} kind */
export function lamp(kind) {
  if (lit === kind) return;
  lit = kind;
  link.dataset.state = kind;
  link.href = drawing(kind);
}

let last = "";
/** Says something to a screen reader, politely and not twice. @param {string} sentence */
export function announce(sentence) {
  if (sentence === last) return;
  last = sentence;
  announcer.textContent = sentence;
}
