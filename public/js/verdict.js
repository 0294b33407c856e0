/**
 * The one word for what goes on, and what needs a person. Pure, and honest: *running* is said only while
 * the line is live and a command is under way, or was a few seconds ago in a batch that goes on.
 *
 * @typedef {{kind: "loading"|"offline"|"recording"|"running"|"waiting"|"stopping"|"idle"|"finished"|"empty"|"unreachable", word: string, detail: string}} Verdict
 * @typedef {{tone: "bad"|"warn", text: string, detail: string, href: string}} Concern
 */
import { exact, fileName, minute, moment, plural, span, storyLink, storyTitle } from "./format.js";
import { endWords, runOf } from "./run.js";

/** From one command to the next: not worth another word. */
const BREATH_MS = 10_000;
const QUIET_MS = 10 * 60_000;

/**
 * @param {import("./model.js").State|null} model @param {import("./connection.js").Line} line @param {number} now
 * @returns {Verdict}
 */
export function verdict(model, line, now) {
  if (line.recorded) return { kind: "recording", word: "recording", detail: `taken on ${exact(line.recorded)}; nothing here is live` };
  if (line.far) return { kind: "unreachable", word: `unreachable since ${minute(line.far.unreachable_since ?? now, now)}`, detail: `${line.far.host ? `the server on ${line.far.host}` : "its server"} is not heard; what you see is what was last known` };
  if (!line.live || !model) {
    const first = !line.ever && !line.offline && !line.barred;
    if (first) return { kind: "loading", word: "connecting", detail: "asking the server for the sprint" };
    const detail = line.barred === "signed-out" ? "signed out" : line.ever ? "what you see is what was last known" : "the server does not answer";
    return { kind: "offline", word: "unknown – offline", detail };
  }
  const { batch, active, agents = [] } = model;
  const run = runOf(model);
  if (run.phase === "stopping") return { kind: "stopping", word: "stopping", detail: agents.length ? `${plural(agents.length, "agent")} still at work` : "nothing more begins" };
  if (run.phase === "parked") return { kind: "waiting", word: "parked", detail: run.parked_until ? `goes on at ${moment(run.parked_until, now)}` : "waits to go on" };
  if (active.length || agents.length) {
    const stories = new Set([...active.map((one) => one.story_key), ...agents.flatMap((one) => one.story_keys)]).size;
    return { kind: "running", word: "running", detail: stories ? plural(stories, "story", "stories") : plural(agents.length, "agent") };
  }
  if (batch) {
    const quiet = now - batch.last_activity_at;
    if (quiet < BREATH_MS) return { kind: "running", word: "running", detail: "between two commands" };
    return { kind: "waiting", word: "waiting", detail: `no command under way for ${span(quiet)}` };
  }
  if (!model.stories.length && !model.epics.length) return { kind: "empty", word: "no sprint", detail: "no stories are known" };
  if (model.stories.length && model.stories.every((story) => story.status_class === "done")) return { kind: "finished", word: "finished", detail: "every story is done" };
  return { kind: "idle", word: "idle", detail: "no batch is under way" };
}

/** @type {Record<string, string>} */
const SPRINT = {
  invalid: "cannot be read", recovered: "cannot be read", refused: "was refused",
  "other-schema": "has another tool's form", missing: "is missing",
};

/** Of the three files, the one that tells the sprint. @param {{file: string}} source */
export const isStatusFile = ({ file }) => /\.ya?ml$/i.test(file);

/** When did this operation, or another of its story, last give a sign? @param {import("./model.js").Active} one @param {import("./model.js").WireEvent|undefined} last */
export const signOf = (one, last) => Math.max(one.started_at, last?.timestamp ?? 0);

/**
 * @param {import("./model.js").State} model @param {Map<string, import("./model.js").WireEvent>} lastOf
 * @param {import("./model.js").WireEvent[]} failures @param {number} now
 * @param {any} [ended] the payload of the last batch's end, while no other has begun
 * @returns {Concern[]} the worst first
 */
export function concerns(model, lastOf, failures, now, ended = null) {
  /** @type {Concern[]} */
  const found = [];
  const say = (/** @type {"bad"|"warn"} */ tone, /** @type {string} */ text, detail = "", href = "#issues") => found.push({ tone, text, detail, href });

  if (model.sprint_state && SPRINT[model.sprint_state] && (model.stories.length || model.sprint_state !== "missing")) {
    const kept = model.stories.length ? "the last good state is shown" : "";
    const source = model.sources.find(isStatusFile);
    say("bad", `${fileName(source?.file ?? "sprint-status.yaml")} ${SPRINT[model.sprint_state]}`, [source?.message, model.since ? `for ${span(now - model.since)}` : "", kept].filter(Boolean).join("; "));
  }
  if (ended?.status === "error" && !model.batch) say("bad", `batch ${ended.batch_id} ended with an error`, endWords(ended).text, "#run");
  const run = runOf(model);
  if (run.phase === "parked") say("warn", `batch ${run.batch_id} is parked`, run.parked_until ? `until ${moment(run.parked_until, now)}` : "", "#run");
  for (const source of model.sources) {
    if (!isStatusFile(source) && ["invalid", "unreadable"].includes(source.state)) say("bad", `${fileName(source.file)} cannot be read`, source.message ?? "");
  }
  for (const story of model.stories) {
    if (/^(blocked|failed)\b/i.test(story.status)) say("bad", `${story.story_id ?? story.story_key} is ${story.status}`, storyTitle(story), storyLink(story.story_key));
  }
  const busy = new Set(model.active.map((one) => one.story_key));
  for (const { payload } of failures) {
    if (busy.has(payload.story_key) || model.byKey.get(payload.story_key)?.status_class === "done") continue;
    say("bad", `${payload.story_id ?? payload.story_key}: ${payload.command} ${payload.status}`, payload.message ?? "", storyLink(payload.story_key));
  }
  for (const one of model.active) {
    const silent = now - signOf(one, lastOf.get(one.story_key));
    if (silent > QUIET_MS) say("warn", `${one.story_id ?? one.story_key}: ${one.command} is silent`, `for ${span(silent)}`, storyLink(one.story_key));
  }
  /** @type {Map<string, number>} */
  const errors = new Map();
  const covered = (/** @type {string} */ file) => isStatusFile({ file }) && found.some((one) => one.text.startsWith(fileName(file)));
  for (const { severity, file } of model.issues) if (severity === "error" && !covered(file)) errors.set(file, (errors.get(file) ?? 0) + 1);
  for (const [file, n] of errors) say("bad", `${plural(n, "error")} in ${fileName(file)}`, "lines that could not be read");
  return found.sort((a, b) => Number(a.tone === "warn") - Number(b.tone === "warn"));
}
