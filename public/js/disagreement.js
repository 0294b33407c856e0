/**
 * Where sprint-status.yaml, sprint-runner.csv and orchestrator.md say different things about a story. Pure.
 *
 * Not everything that differs is told: a story under way is between two states, one file may be written a
 * minute after the other, and a person may have put a story back on purpose.
 *
 * @typedef {{story_key: string, story_id: string|null, title: string, at: number|null, sides: {file: string, says: string}[], trust: string, href: string}} Difference
 * @typedef {{kind: string, title: string, hint: string, count: number, items: Difference[]}} Kind
 */
import { count as told, plural, span, storyTitle } from "./format.js";
import { shortCommand } from "./run.js";
import { unlisted } from "./stories-select.js";
import { family } from "./words.js";

/** Writing one file after the other. */
const LAG_MS = 2 * 60_000;
/** Long enough that nobody is about to write it. */
const LONG_MS = 10 * 60_000;
/** As long as a batch of somebody else's may be silent before it counts as over. */
const STALE_MS = 30 * 60_000;
const MOST = 50;

const STATUS = "sprint-status.yaml";
const LOG = "sprint-runner.csv";
const NOTES = "orchestrator.md";

/** @type {[string, string, string][]} in the order of how much they matter */
const KINDS = [
  ["done-failed", "Done, but the last command failed", "Look at the story before you count on it."],
  ["done-open", "Done, but a command is still open", "An agent may have died without a word; what it left is not checked."],
  ["committed", "Committed, but not done", "Set the story to done where nothing is left of it; a batch would take it up again."],
  ["noted", "Noted as done, but not done", "The notes are written by an agent at will; the status file decides what a batch takes up."],
  ["noted-failed", "Done, but noted as failed", "Look at the story before you count on it."],
  ["behind", "Worked on, but not begun", "The status file lags behind; a batch would begin the story anew."],
  ["stale", "In progress, but nobody is at it", "Start a batch to go on with it, or set it back."],
  ["unknown", "In the log, but not in the status file", "It was renamed, removed or mistyped; what was logged for it counts for no story."],
];

/** The whole note, not how one step of the story came out. */
const DONE_WORD = /^\W*(story )?(done|completed?|finished)\W*$/i;
const FAILED_WORD = /^\W*(failed|failure|error|blocked|aborted)\b/i;

/**
 * @param {import("./model.js").State} model @param {{now: number, most?: number}} at
 * @returns {{count: number, kinds: Kind[]}}
 */
export function disagreements(model, { now, most = MOST }) {
  /** @type {Map<string, Difference[]>} */
  const found = new Map();
  /** @type {Map<string, number>} */
  const counts = new Map();
  const add = (/** @type {string} */ kind, /** @type {() => Difference} */ make) => {
    const n = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, n);
    if (n > most) return;
    if (!found.has(kind)) found.set(kind, []);
    /** @type {Difference[]} */ (found.get(kind)).push(make());
  };
  const work = model.work ?? new Map();
  /** @type {Map<string, import("./model.js").Active[]>} */
  const active = new Map();
  for (const one of model.active) active.set(one.story_key, [...(active.get(one.story_key) ?? []), one]);
  for (const agent of model.agents ?? []) for (const key of agent.story_keys) if (!active.has(key)) active.set(key, []);

  for (const story of model.stories) {
    const done = work.get(story.story_key);
    const kind = differs(story, done, active.get(story.story_key), model, now);
    if (kind) add(kind.kind, () => difference(story, kind));
  }
  // What an unreadable status file lacks nobody knows.
  if (model.sprint_state === "ok" || model.sprint_state === null) {
    for (const { story_key: key } of unlisted(model)) {
      const last = work.get(key)?.last;
      if (!last || active.has(key) || now - last.at < LAG_MS) continue;
      add("unknown", () => ({ story_key: key, story_id: null, title: key, at: last.at, sides: [{ file: STATUS, says: "has no such story" }, { file: LOG, says: lastWords(last, now) }], trust: "", href: link(key) }));
    }
  }
  const kinds = KINDS.filter(([kind]) => counts.has(kind)).map(([kind, title, hint]) => ({ kind, title, hint, count: counts.get(kind) ?? 0, items: found.get(kind) ?? [] }));
  return { count: kinds.reduce((sum, one) => sum + one.count, 0), kinds };
}

/** @typedef {{kind: string, at: number|null, status: string, file: string, says: string, trust: string}} Found */

/**
 * @param {import("./model.js").Story} story @param {any} work @param {import("./model.js").Active[]|undefined} active @param {import("./model.js").State} model @param {number} now
 * @returns {Found|null}
 */
function differs(story, work, active, model, now) {
  const is = story.status_class;
  const changed = story.updated_at ?? work?.done_at ?? 0;
  const last = work?.last ?? null;
  const note = work?.note ?? null;
  const status = `${story.status}${changed ? `, ${span(Math.max(0, now - changed))} ago` : ""}`;
  if (is === "done") {
    // A commit, or another look, begins after the word; what began before it should have ended by now.
    const open = active?.find((one) => family(one.command) !== "commit" && one.started_at < changed && now - changed >= LAG_MS);
    if (open) return { kind: "done-open", at: open.started_at, status, file: LOG, says: `${shortCommand(open.command)} was begun ${span(now - open.started_at)} ago and has not ended`, trust: now - changed > STALE_MS ? STATUS : "" };
    if (active) return null;
    if (last?.failed && now - last.at >= LAG_MS) return { kind: "done-failed", at: last.at, status, file: LOG, says: lastWords(last, now), trust: changed > last.at + LAG_MS ? STATUS : LOG };
    if (note && FAILED_WORD.test(note.word) && now - (note.at ?? 0) >= LAG_MS && changed <= (note.at ?? 0) + LAG_MS && !(last && last.at > (note.at ?? 0))) return { kind: "noted-failed", at: note.at, status, file: NOTES, says: `“${note.word}”`, trust: "" };
    return null;
  }
  if (active || !["backlog", "ready-for-dev", "in-progress", "review"].includes(is)) return null;
  // Who changes the word after the log's last line has decided it.
  const after = last !== null && changed > last.at + LAG_MS;
  const well = last?.type === "end" && !last.failed && last.status !== "left-open";
  if (last && well && !after && now - last.at >= LONG_MS && family(last.command) === "commit") return { kind: "committed", at: last.at, status, file: LOG, says: lastWords(last, now), trust: LOG };
  if (note && DONE_WORD.test(note.word) && now - (note.at ?? 0) >= LONG_MS && changed <= (note.at ?? now) + LAG_MS && !(last && last.at > (note.at ?? 0) + LAG_MS)) return { kind: "noted", at: note.at, status, file: NOTES, says: `“${note.word}”${note.at ? `, ${span(now - note.at)} ago` : ""}`, trust: STATUS };
  if (last && well && !after && now - last.at >= LONG_MS && ["backlog", "ready-for-dev"].includes(is) && ["dev", "code-review"].includes(family(last.command))) return { kind: "behind", at: last.at, status, file: LOG, says: lastWords(last, now), trust: LOG };
  const idle = !model.batch && !model.active.length && !(model.agents ?? []).length;
  if (is === "in-progress" && idle && !last?.failed && now - Math.max(changed, work?.last_at ?? 0) >= STALE_MS) {
    return { kind: "stale", at: work?.last_at ?? changed, status, file: LOG, says: last ? lastWords(last, now) : "has no line about it", trust: "" };
  }
  return null;
}

/** @param {import("./model.js").Story} story @param {Found} found @returns {Difference} */
const difference = (story, { at, status, file, says, trust }) => ({
  story_key: story.story_key, story_id: story.story_id, title: storyTitle(story), at, sides: [{ file: STATUS, says: status }, { file, says }],
  trust: trust ? `${trust} is the likelier one` : "", href: `#issues?${new URLSearchParams({ detail: story.story_key })}`,
});

/** A key that is no story has events, and nothing else. @param {string} key */
const link = (key) => `#activity?${new URLSearchParams({ story: key })}`;

/** @param {any} last @param {number} now */
function lastWords({ type, command, status, failed, message, at }, now) {
  const what = type === "start" ? "begun" : type === "progress" ? "under way" : failed ? String(status ?? "failed") : status === "left-open" ? "left open" : "ended well";
  const said = failed && message ? `: ${String(message).replace(/\\n|\s+/g, " ").slice(0, 120)}` : "";
  return `${shortCommand(command)} ${what} ${span(Math.max(0, now - at))} ago${said}`;
}

/** The whole in one line, or null: for where there is room for no more. @param {{count: number, kinds: Kind[]}} found */
export function disagreementLine({ count, kinds }) {
  if (!count) return null;
  const [first] = kinds;
  const text = count === 1 ? `the files disagree about ${first.items[0].story_id ?? first.items[0].story_key}` : `the files disagree about ${plural(count, "story", "stories")}`;
  const detail = kinds.map((one) => `${count > 1 ? `${told(one.count)} ` : ""}${one.title[0].toLowerCase()}${one.title.slice(1)}`).slice(0, 3).join("; ");
  return { tone: /** @type {const} */ ("warn"), text, detail, href: "#issues" };
}
