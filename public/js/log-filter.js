/**
 * Which events a filter lets through, by the same rules as the server's: what the page holds and what it asks for must agree. Pure.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{types: string, story: string, q: string, batch?: string}} Filter
 */

/** @param {string} types a list of globs, such as `command:*,batch:*` @returns {(type: string) => boolean} */
function typeFilter(types) {
  const globs = types.split(",").map((glob) => new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`));
  // Events are many, their types few.
  /** @type {Map<string, boolean>} */
  const known = new Map();
  return (type) => {
    let fits = known.get(type);
    if (fits === undefined) known.set(type, (fits = globs.some((glob) => glob.test(type))));
    return fits;
  };
}

/** @param {string} story a long key or a short id; a comma means *or*, unless it is the key's own @returns {(event: WireEvent) => boolean} */
function storyFilter(story) {
  const wanted = new Set([story, ...story.split(",").map((one) => one.trim()).filter(Boolean)]);
  return ({ payload: p }) => wanted.has(p?.story_key) || wanted.has(p?.story_id) || !!p?.story_keys?.some?.((/** @type {string} */ key) => wanted.has(key));
}

const SYMBOLS = /[\u{a2}-\u{a9}\u{ae}\u{b0}\u{b1}\u{d7}\u{f7}\u{20a0}-\u{20cf}\u{2100}-\u{2bff}\u{1f000}-\u{1fbff}]/gu;
const WITHOUT_BLANKS = /[\u{e00}-\u{eff}\u{1000}-\u{109f}\u{1100}-\u{11ff}\u{1780}-\u{17ff}\u{2e80}-\u{2fdf}\u{3005}-\u{3007}\u{3040}-\u{318f}\u{31f0}-\u{31ff}\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{ac00}-\u{d7ff}\u{f900}-\u{faff}\u{ff66}-\u{ff9f}\u{20000}-\u{3ffff}]/gu;

/** Signs that are words of their own set apart: emoji, and the letters of scripts that know no blanks. @param {string} text */
const apart = (text) => text.replace(SYMBOLS, (sign) => ` ux${sign.codePointAt(0)?.toString(16)} `).replace(WITHOUT_BLANKS, " $& ");

/** Text as the search index sees it: words of letters and digits, without accents or case. @param {string} text */
export const tokens = (text) => apart(text).normalize("NFD").replace(/\p{M}+/gu, "").toLowerCase().match(/[\p{L}\p{N}\p{Co}]+/gu) ?? [];

/** @type {WeakMap<WireEvent, string>} */
const bodies = new WeakMap();

/** What of an event is searched. @param {WireEvent} event */
function bodyOf(event) {
  let body = bodies.get(event);
  if (body === undefined) {
    const p = event.payload ?? {};
    const status = event.type === "command:start" ? "start" : event.type === "command:progress" ? "progress" : (p.status ?? p.new_status ?? p.warning_type ?? p.state ?? "");
    body = ` ${tokens([event.type, p.epic_id, p.story_key, p.command, p.task_id, status, p.message ?? p.text ?? p.line ?? p.reason ?? ""].join(" ")).join(" ")}`;
    bodies.set(event, body);
  }
  return body;
}

/** Every word must occur as the beginning of one; quotes, and marks within a word, make a phrase. @param {string} q @returns {((event: WireEvent) => boolean)|null} null when nothing can be searched for */
function searcher(q) {
  const phrases = q.split('"').flatMap((part, index) => (index % 2 ? [part] : part.split(/\s+/))).map((word) => tokens(word)).filter((parts) => parts.length).map((parts) => ` ${parts.join(" ")}`);
  if (!phrases.length) return null;
  return (event) => { const body = bodyOf(event); return phrases.every((phrase) => body.includes(phrase)); };
}

/** @param {Filter} filter @returns {(event: WireEvent) => boolean} */
export function matcher({ types, story, q, batch }) {
  /** @type {((event: WireEvent) => boolean)[]} */
  const tests = [];
  if (batch) tests.push((event) => String(event.batch_id ?? "") === batch);
  if (types) { const typed = typeFilter(types); tests.push((event) => typed(event.type)); }
  if (story) tests.push(storyFilter(story));
  // Nothing but marks: the server finds nothing either.
  if (q.trim()) tests.push(searcher(q) ?? (() => false));
  return (event) => tests.every((test) => test(event));
}
