/**
 * What a person should do now: one line and its reason, the most urgent first. Pure.
 *
 * It never says that something runs when nothing does, and never tells to wait for what will not come.
 *
 * @typedef {{tone: "bad"|"warn"|"live"|"good"|"plain", kind: string, text: string, reason: string, href: string|null, action: "start"|"retry"|null}} NextAction
 * @typedef {{model: import("./model.js").State|null, concerns?: import("./verdict.js").Concern[], run: import("./run.js").Run, ended?: any, now: number,
 *   line: {live: boolean, ever: boolean, offline?: boolean, lostAt?: number|null, far?: import("./connection.js").Owner}, readOnly?: string|null, past?: boolean, comeBack?: number|null}} Asked
 */
import { fileName, minute, plural, sentence, span, storyLink, storyTitle } from "./format.js";
import { silenceWords } from "./line-words.js";
import { endWords, shortCommand } from "./run.js";
import { isStatusFile } from "./verdict.js";

/** An agent that thinks is quiet for minutes; after so long it may be stuck. */
export const SILENT_MS = 25 * 60_000;
/** From one command to the next; after the longer time something may be wrong. */
const A_MOMENT_MS = 10_000;
const BREATH_MS = 10 * 60_000;
const MANY_FAILURES = 3;

/** The classes whose stories a batch takes up. */
export const OPEN = ["review", "in-progress", "ready-for-dev", "backlog"];
/** Words that need a person's decision. @param {{status: string}} story */
export const isStuckWord = ({ status }) => /^(blocked|failed)\b/i.test(status);

/** What a story is called in a line: its short id where it has one. @param {{story_key: string, story_id?: string|null}} story */
export const called = ({ story_key, story_id }) => story_id || story_key;

/** A sentence, but a file's or a key's name keeps its first letter. @param {string} reason */
const spoken = (reason) => (/^[\w-]*[._]\w/.test(reason) ? sentence(`X${reason}`).slice(1) : sentence(reason));

/** @param {NextAction["tone"]} tone @param {string} kind @param {string} text @param {string} [reason] @param {{href?: string, action?: NextAction["action"]}} [where] @returns {NextAction} */
const say = (tone, kind, text, reason = "", { href, action } = {}) => ({ tone, kind, text, reason: spoken(reason), href: href ?? null, action: action ?? null });

/** @param {Asked} asked @returns {NextAction} */
export function nextAction(asked) {
  const { model, line, past = false } = asked;
  if (past && !model) return say("plain", "loading", "One moment", "the past is being looked up");
  if (!past && (!line.live || !model)) return unreached(asked);
  const known = /** @type {Asked & {model: import("./model.js").State}} */ ({ ...asked, model });
  for (const look of [brokenFile, stopping, silence, running, badEnd, stuck, unreadable, start, undecided, finish]) {
    const found = look(known);
    if (found) return past ? { ...found, action: null } : found;
  }
  return begin(known);
}

/** @param {Asked} asked */
function unreached({ line, now }) {
  if (line.far) return say("bad", "unreachable", `See whether ${line.far.host ?? "its machine"} is awake and sprint-runner runs there`, silenceWords(line.far, now));
  if (!line.ever && !line.offline) return say("plain", "loading", "One moment", "the server is being asked for the sprint");
  const since = line.lostAt ? ` for ${span(now - line.lostAt)}` : "";
  return say("bad", "offline", "See whether the server still runs", `it has not answered${since}; ${line.ever ? "what stands here is what was last known" : "nothing is known yet"}`, { action: "retry" });
}

/** @type {Record<string, string>} */
const BROKEN = { invalid: "Mend", recovered: "Mend", refused: "Mend", "other-schema": "Put a BMAD status file in place of", missing: "Put back" };

/** @param {Asked & {model: import("./model.js").State}} asked */
function brokenFile({ model, now }) {
  const state = model.sprint_state ?? "";
  if (!Object.hasOwn(BROKEN, state) || (state === "missing" && !model.stories.length)) return null;
  const source = model.sources.find(isStatusFile);
  const issue = model.issues.find((one) => one.severity === "error" && isStatusFile(one));
  const row = source?.line ?? issue?.line ?? null;
  const name = fileName(source?.file ?? issue?.file ?? "sprint-status.yaml");
  if (!model.stories.length && /\bis empty\b|\bnothing below it\b/.test(source?.message ?? "")) return say("plain", "begin", "Plan a sprint", `${name} has no stories yet; sprint planning of BMAD fills it`, { href: "#issues" });
  const kept = model.stories.length ? `the last good state is shown${model.since ? `, ${span(now - model.since)} old` : ""}` : "no story can be shown until then";
  return say("bad", "status-file", `${BROKEN[state]} ${name}${row && state !== "other-schema" ? `, line ${row}` : ""}`, [String(source?.message ?? issue?.message ?? "").replace(/[.\s]+$/, ""), kept].filter(Boolean).join("; "), { href: "#issues" });
}

/** @param {Asked & {model: import("./model.js").State}} asked */
function stopping({ model, run }) {
  if (run.phase !== "stopping") return null;
  const n = model.agents?.length ?? 0;
  return say("plain", "stopping", "Wait until it has stopped", n ? `${plural(n, "agent")} still at work; nothing more begins` : "nothing more begins", { href: "#run" });
}

/** When a sign of this story was last seen. @param {import("./model.js").State} model @param {string} key @param {number} started */
const signOf = (model, key, started) => Math.max(started, model.work?.get(key)?.last_at ?? 0, ...model.active.filter((one) => one.story_key === key).map((one) => one.started_at));

/** @param {Asked & {model: import("./model.js").State}} asked */
function silence({ model, run, now }) {
  if (run.phase === "parked") return null;
  const quiet = model.active.map((one) => ({ one, ms: now - signOf(model, one.story_key, one.started_at) })).filter(({ ms }) => ms >= SILENT_MS).sort((a, b) => b.ms - a.ms);
  if (!quiet.length) return null;
  const { one, ms } = quiet[0];
  const ours = run.kind === "managed";
  const others = new Set(quiet.map(({ one: { story_key } }) => story_key)).size - 1;
  const more = others > 0 ? `; so ${others === 1 ? "is" : "are"} ${plural(others, "other story", "other stories")}` : "";
  return say("warn", "silent", `Look ${ours ? "at the log" : "after the agent"} of ${called(one)}: ${shortCommand(one.command)}`,
    `it has been silent for ${span(ms)}${more}; ${ours ? "stop it if it is stuck" : "somebody else started it, so it can only be stopped where it runs"}`,
    { href: storyLink(one.story_key, ours ? "run" : "overview") });
}

/** What goes on: only while something does. @param {Asked & {model: import("./model.js").State}} asked */
function running(asked) {
  const { model, run, now, comeBack, past } = asked;
  const { batch, active, agents = [] } = model;
  const at = active.length + agents.length;
  if (!batch && !at) return null;
  const stories = stuckStories(model);
  const meanwhile = stories.length ? lookAt(stories, model, "; the batch goes on with the others") : null;
  if (run.phase === "parked") {
    if (meanwhile) return meanwhile;
    const until = run.parked_until;
    if (until && until < now) return say("warn", "parked", "See why it does not go on", `batch ${run.batch_id} was parked until ${minute(until, now)}`, { href: "#run" });
    return say("plain", "parked", until ? `Nothing to do until ${minute(until, now)}` : "Nothing to do", `batch ${run.batch_id} is parked${until ? " and goes on by itself then" : ""}`, { href: "#run" });
  }
  const quiet = batch ? now - batch.last_activity_at : 0;
  if (at || quiet < BREATH_MS) {
    if (meanwhile) return meanwhile;
    const what = at ? doing(model) : quiet < A_MOMENT_MS ? "it is between two commands" : `no command has been under way for ${span(quiet)}; batch ${batch?.id} is still open`;
    const back = at && comeBack && comeBack > now && !past ? `Nothing to do: come back around ${round(comeBack, now)}` : "Nothing to do";
    return say(at || quiet < A_MOMENT_MS ? "live" : "plain", at || quiet < A_MOMENT_MS ? "running" : "between", back, what, { href: run.kind === "none" ? "#activity" : "#run" });
  }
  const heard = `no command is under way and nothing was heard for ${span(quiet)}`;
  if (run.kind === "managed") return say("warn", "quiet", `See what batch ${batch?.id} waits for`, heard, { href: "#run" });
  return say("warn", "quiet", `See whether batch ${batch?.id} still goes on`, `somebody else runs it; ${heard}`, { href: "#activity" });
}

/** @param {import("./model.js").State} model */
function doing({ active, agents = [], byKey }) {
  const keys = [...new Set([...active.map((one) => one.story_key), ...agents.flatMap((one) => one.story_keys)])];
  const first = active.at(-1) ?? agents.at(-1);
  const command = shortCommand(first?.command ?? "");
  if (!keys.length) return command ? `${command} is at work` : "an agent is at work";
  const name = (/** @type {string} */ key) => called(byKey.get(key) ?? active.find((one) => one.story_key === key) ?? { story_key: key });
  if (keys.length === 1) return `${name(keys[0])} is under way: ${command}`;
  return keys.length < 4 ? `${keys.slice(0, -1).map(name).join(", ")} and ${name(/** @type {string} */ (keys.at(-1)))} are under way` : `${plural(keys.length, "story", "stories")} are under way`;
}

/** To five minutes, upwards: nobody comes back to the minute. @param {number} at @param {number} now */
function round(at, now) {
  const step = (at - now > 3 * 3_600_000 ? 10 : 5) * 60_000;
  return minute(Math.ceil(at / step) * step, now);
}

/** How to go on after an end with an error, by what its reason says. @type {[RegExp, string][]} */
const CURES = [
  [/logged in|\blog ?in\b|api key|authenticat|unauthori[sz]ed|credential/i, "Log the agent in, then start again"],
  [/permissions? denied|not allowed/i, "Allow what the agent asked for, then start again"],
  [/cannot be started|no program|not found|not executable|no such file|is missing/i, "See that the agent's program is there, then start again"],
  [/unknown (flag|option|argument)|unexpected argument|unrecogni[sz]ed/i, "Mend the agent's arguments in sprint-runner.toml, then start again"],
  [/no space|disk|read-only file/i, "Make room on the disk, then start again"],
];

/** @param {string} reason */
export const cure = (reason) => CURES.find(([sign]) => sign.test(reason))?.[1] ?? null;

/** @param {Asked & {model: import("./model.js").State}} asked */
function badEnd({ model, ended, now }) {
  if (!ended || ended.status !== "error" && ended.status !== "lost" || !openStories(model).length) return null;
  const { text } = endWords(ended);
  const when = ended.ended_at ? ` at ${minute(ended.ended_at, now)}` : "";
  if (ended.status === "error") return say("bad", "error", cure(String(ended.reason ?? "")) ?? `See why batch ${ended.batch_id} ended`, `batch ${ended.batch_id} ended with an error${when}${text ? `: ${text}` : ""}`, { href: "#run" });
  const failing = stuckStories(model);
  if (failing.length) return null;
  return say("warn", "lost", "See how far it came, then start again", `batch ${ended.batch_id} was lost${when}${text ? `: ${text[0].toLowerCase()}${text.slice(1)}` : ""}`, { href: "#activity" });
}

/** Stories that will not come on by themselves: blocked ones first, then those that failed again and again. @param {import("./model.js").State} model */
function stuckStories(model) {
  const busy = new Set(model.active.map((one) => one.story_key));
  const blocked = model.stories.filter((story) => isStuckWord(story) && !busy.has(story.story_key));
  const failing = !model.work?.size ? [] : model.stories.filter((story) => {
    const work = model.work.get(story.story_key);
    return OPEN.includes(story.status_class) && !busy.has(story.story_key) && !!work?.last?.failed && work.failures >= MANY_FAILURES;
  });
  return [...blocked, ...failing];
}

/** @param {import("./model.js").Story[]} stories @param {import("./model.js").State} model @param {string} [tail] */
function lookAt(stories, model, tail = "") {
  const [first] = stories;
  const work = model.work?.get(first.story_key);
  const why = isStuckWord(first) ? `it is ${first.status}` : `it failed ${work?.failures} times`;
  const said = work?.last?.failed && work.last.message ? `: ${oneLine(work.last.message)}` : "";
  const more = stories.length > 1 ? `; ${plural(stories.length - 1, "other story is", "other stories are")} stuck too` : "";
  return say("bad", "stuck", `Look at ${called(first)} ${storyTitle(first) === called(first) ? "" : `– ${storyTitle(first)}`}`.trim(), `${why}${said}${more}${tail}`, { href: storyLink(first.story_key) });
}

/** @param {string} text */
function oneLine(text) {
  const line = text.replace(/\\n|\s+/g, " ").trim().replace(/[.;]+$/, "");
  return line.length > 140 ? `${line.slice(0, 139).trimEnd()}…` : line;
}

/** @param {Asked & {model: import("./model.js").State}} asked */
function stuck({ model }) {
  const stories = stuckStories(model);
  if (!stories.length) return null;
  const left = openStories(model).filter((story) => !stories.includes(story)).length;
  return lookAt(stories, model, left ? `; ${plural(left, "other story is", "other stories are")} open` : "");
}

/** @param {Asked & {model: import("./model.js").State}} asked */
function unreadable({ model, concerns = [] }) {
  const source = model.sources.find((one) => !isStatusFile(one) && ["invalid", "unreadable"].includes(one.state));
  if (!source) return null;
  const told = concerns.find((one) => one.href === "#issues" && one.text.startsWith(fileName(source.file)));
  return say("bad", "file", `Make ${fileName(source.file)} readable`, told?.detail || source.message || "what is written there is not seen", { href: "#issues" });
}

/** @param {import("./model.js").State} model */
export const openStories = (model) => model.stories.filter((story) => OPEN.includes(story.status_class));

/** @param {Asked & {model: import("./model.js").State}} asked */
function start({ model, readOnly, ended }) {
  const open = openStories(model);
  if (!open.length) return null;
  const n = (/** @type {string} */ one) => open.filter((story) => story.status_class === one).length;
  const parts = [[n("review"), "in review"], [n("in-progress"), "in progress"], [n("ready-for-dev"), "ready"], [n("backlog"), "in the backlog"]];
  const told = parts.filter(([many]) => many).map(([many, words]) => `${many} ${words}`).join(", ");
  const failed = open.find((story) => model.work?.get(story.story_key)?.last?.failed);
  const again = failed ? `; ${called(failed)} failed last and would be tried again` : "";
  const after = ended?.status === "stopped" ? `; batch ${ended.batch_id} was stopped` : "";
  if (readOnly) return say("plain", "start", `Start a batch from another place: ${plural(open.length, "story is", "stories are")} open`, `this page may only look (${told})`, {});
  return say(failed ? "warn" : "plain", "start", `Start a batch: ${plural(open.length, "story is", "stories are")} open`, `nothing runs${after}; ${told}${again}`, { action: "start", href: "#run" });
}

/** Words that mean that nothing more is to come. */
const DROPPED = /^(cancel|supersed|skip|won.?t|drop|moved|split|defer|obsolete|removed|duplicate|abandon|done\b)/i;

/** @param {Asked & {model: import("./model.js").State}} asked */
function undecided({ model }) {
  const own = model.stories.filter((story) => story.status_class === "other" && !DROPPED.test(story.status));
  if (!own.length) return null;
  const words = [...new Set(own.map((story) => story.status))];
  return say("plain", "undecided", `Decide what becomes of ${plural(own.length, "story", "stories")}`, `no batch takes up ${own.length === 1 ? "a story" : "stories"} that ${own.length === 1 ? "is" : "are"} “${words.slice(0, 3).join("”, “")}”${words.length > 3 ? " …" : ""}; all others are done`, { href: "#stories?class=other" });
}

/** @param {Asked & {model: import("./model.js").State}} asked */
function finish({ model }) {
  if (!model.stories.length) return null;
  const commits = (model.effort ?? []).some((one) => /^commit/.test(one.command) && one.runs > 0);
  const uncommitted = model.stories.filter((story) => {
    const last = model.work?.get(story.story_key)?.last;
    return story.status_class === "done" && last && (/^(sprint-)?commit/.test(last.command) ? last.failed : commits && last.type === "end");
  });
  if (uncommitted.length) {
    const failed = uncommitted.filter((story) => model.work.get(story.story_key)?.last?.failed).length;
    return say("warn", "commit", uncommitted.length === 1 ? `Commit ${called(uncommitted[0])}` : `Commit ${plural(uncommitted.length, "story", "stories")}`, `every story is done, but ${failed ? "a commit failed" : `the log shows no commit of ${uncommitted.slice(0, 3).map(called).join(", ")}`}`, { href: storyLink(uncommitted[0].story_key) });
  }
  const open = model.epics.filter((epic) => epic.retrospective !== null && !/^(done|completed?)$/i.test(epic.retrospective));
  if (open.length) return say("good", "retrospective", `Hold the retrospective of ${open.length === 1 ? open[0].epic_key : plural(open.length, "epic")}`, `every story is done; ${open.length === 1 ? "it is" : "they are"} still open`, { href: "#epics" });
  const epics = model.epics.filter((epic) => epic.status !== null && epic.status_class !== "done");
  if (epics.length) return say("good", "epic", `Set ${epics.length === 1 ? epics[0].epic_key : plural(epics.length, "epic")} to done`, `every story is done; sprint-status.yaml still says ${epics[0].status}`, { href: "#epics" });
  return say("good", "finished", "Nothing is left to do", `${model.stories.length === 1 ? "the one story is" : `all ${plural(model.stories.length, "story", "stories")} are`} done or put aside`, {});
}

/** @param {Asked & {model: import("./model.js").State}} asked */
function begin({ model }) {
  const there = model.sources.some((one) => isStatusFile(one) && one.state !== "missing");
  if (there || model.epics.length) return say("plain", "begin", "Add stories to sprint-status.yaml", model.epics.length ? "it names epics, but no stories yet" : "it names no stories yet; sprint planning of BMAD fills it", { href: "#issues" });
  return say("plain", "begin", "Plan a sprint", "no sprint-status.yaml was found; sprint planning of BMAD writes it, and it shows here as soon as it exists", { href: "#issues" });
}
