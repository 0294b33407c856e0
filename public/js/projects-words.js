/** What is said of a project in few words, on the overview of all and in the switcher. Pure. */
import { ago, count, minute, plural, sentence } from "./format.js";
import { tokenWord } from "./insight-words.js";

/** @typedef {import("./projects-poll.js").Project} Project */
/** @typedef {{kind: string, word: string, detail: string}} Said kind: as the header's state word has it */
/** @typedef {{tone: "bad"|"warn", text: string, view: string}} Need */

const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });

/** The one word. Nothing is said to go on while nobody knows. @param {Project} one @param {boolean} live @param {number} now @returns {Said} */
export function stateOf(one, live, now) {
  if (!live) return { kind: "offline", word: "unknown", detail: "the server is not reached" };
  switch (one.state) {
    case "running": return { kind: "running", word: "running", detail: one.active_count ? plural(one.active_count, "command") : one.agents ? plural(one.agents, "agent") : "between two commands" };
    case "stopping": return { kind: "stopping", word: "stopping", detail: "" };
    case "parked": return { kind: "waiting", word: "parked", detail: one.batch?.parked_until ? `until ${minute(one.batch.parked_until, now)}` : "" };
    case "waiting": return { kind: "waiting", word: "waiting", detail: "no command under way" };
    case "finished": return { kind: "finished", word: "finished", detail: "every story is done" };
    case "empty": return { kind: "idle", word: "no sprint", detail: "no stories are known" };
    case "unreachable": return { kind: "unreachable", word: "unreachable", detail: one.since === null ? "" : `since ${minute(one.since, now)}` };
    case "down": return { kind: "offline", word: "not served", detail: "" };
    default: return { kind: "idle", word: "idle", detail: "" };
  }
}

/** What wants a person, the worst first; where it is looked at. @param {Project} one @returns {Need[]} */
export function needsOf({ reasons, stories, issues, state, silent, reviews_waiting: waiting }) {
  /** @type {Need[]} */
  const all = reasons.map((reason) => ({ tone: /** @type {const} */ ("bad"), text: sentence(reason), view: state === "down" ? "" : "overview" }));
  if (stories.blocked) all.push({ tone: "bad", text: `${count(stories.blocked)} blocked`, view: "overview" });
  if (stories.stuck) all.push({ tone: "bad", text: `${count(stories.stuck)} stuck after a failure`, view: "overview" });
  if (silent) all.push({ tone: "bad", text: `${plural(silent, "command")} silent`, view: "overview" });
  if (waiting) all.push({ tone: "bad", text: `${plural(waiting, "review")} waiting for a day`, view: "stories" });
  if (issues.errors) all.push({ tone: "bad", text: `${plural(issues.errors, "error")} in files`, view: "issues" });
  if (issues.warnings) all.push({ tone: "warn", text: `${plural(issues.warnings, "remark")} on files`, view: "issues" });
  return all;
}

/** @param {Project} one */
export const isNeedy = (one) => needsOf(one).some(({ tone }) => tone === "bad");

/** What waits for a person first, then what nobody hears, then what runs, then what could. @param {Project} one */
function rank(one) {
  if (isNeedy(one)) return 0;
  return { unreachable: 1, running: 2, stopping: 2, parked: 3, waiting: 3, idle: 4, empty: 5, finished: 5, down: 0 }[one.state] ?? 4;
}

/** In the order in which they are looked at. @param {Project[]} all @returns {Project[]} */
export function ordered(all) {
  const ranked = all.map((one) => ({ one, rank: rank(one) }));
  return ranked.sort((a, b) => a.rank - b.rank || byName.compare(a.one.name ?? "", b.one.name ?? "")).map(({ one }) => one);
}

/** Those in whose name, title, host, folder, branch or state each of the words stands. @param {Project[]} all @param {string} typed */
export function filtered(all, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return all;
  return all.filter((one) => {
    const text = [one.name, one.project, one.server?.host, one.folder, one.branch, one.state, isNeedy(one) ? "needs you" : ""].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** What all come to. @param {Project[]} all @param {boolean} live @returns {[string, string][]} */
export function totalsOf(all, live) {
  const sum = (/** @type {(one: Project) => number} */ of) => all.reduce((total, one) => total + of(one), 0);
  const stories = sum((one) => one.stories.total);
  /** @type {[string, string][]} */
  const told = [["Projects", count(all.length)]];
  if (live) told.push(["Running", count(all.filter(runs).length)], ["Need you", count(all.filter(isNeedy).length)]);
  if (live && all.some((one) => one.server)) told.push(["Unreachable", count(all.filter((one) => one.state === "unreachable").length)]);
  if (live) told.push(["Agents", count(sum((one) => one.agents))]);
  if (stories) told.push(["Stories done", `${count(sum((one) => one.stories.done))} of ${count(stories)}`]);
  const cost = costOf({ cost_usd: all.some((one) => one.cost_usd !== null) ? sum((one) => one.cost_usd ?? 0) : null, input_tokens: sum((one) => one.input_tokens ?? 0), output_tokens: sum((one) => one.output_tokens ?? 0) });
  if (cost) told.push(["Cost", cost]);
  return told;
}

/** @param {Project} one */
const runs = ({ state }) => state === "running" || state === "stopping";
const byName = new Intl.Collator("en", { numeric: true });

/** Where a project is: a machine, or a folder of this one. @param {Project} one */
export const whereOf = ({ server, folder }) => (server ? server.host ?? "not heard yet" : folder);

/** Since when it is so. @param {Project} one @param {number} now */
export const sinceOf = ({ since, state }, now) => (since === null ? "" : state === "idle" || state === "finished" || state === "empty" || state === "waiting" ? `last sign ${minute(since, now)}` : `since ${minute(since, now)}`);

/** Where there is little room. @param {{batch: import("./projects-poll.js").Batch|null}} one */
function shortBatch({ batch }) {
  if (!batch) return "";
  const { id, origin, cycles_completed: done, max_cycles: most } = batch;
  return `batch ${count(id)} · ${origin === "managed" ? (most ? `${done} of ${plural(most, "cycle")}` : plural(done, "cycle")) : "by someone else"}`;
}

/** What goes on in it, in two short lines; of one that is not heard: what was last known. @param {Project} one @param {boolean} live @returns {{first: string, second: string, old: boolean}} */
export function workOf(one, live) {
  const { last_known: then } = one;
  if (then) {
    const at = [then.agents ? plural(then.agents, "agent") : "", then.active_count ? plural(then.active_count, "command") : ""].filter(Boolean).join(", ");
    return { first: shortBatch(then), second: at ? `last known: ${at}` : "last known", old: true };
  }
  const [first] = one.active;
  const more = one.active_count > 1 ? ` + ${count(one.active_count - 1)}` : "";
  return { first: shortBatch(one), second: first ? `${first.story_id || first.story_key} ${first.command}${more}` : "", old: !live };
}

/** What it has cost, as far as agents told. @param {{cost_usd: number|null, input_tokens: number|null, output_tokens: number|null}} one */
export function costOf({ cost_usd, input_tokens, output_tokens }) {
  const tokens = (input_tokens ?? 0) + (output_tokens ?? 0);
  return [cost_usd === null ? "" : dollars.format(cost_usd), tokens ? `${tokenWord(tokens)} tokens` : ""].filter(Boolean).join(" · ");
}

/** How old its last sign is. @param {Project} one @param {number} now */
export const signOf = ({ last_activity_at: at }, now) => (at === null ? "no sign of life yet" : `last sign ${ago(at, now)}`);

/** How far a batch is. @param {{batch: import("./projects-poll.js").Batch|null}} one */
export function batchOf({ batch }) {
  if (!batch) return "";
  const { id, origin, cycles_completed: done, max_cycles: most } = batch;
  return origin === "managed" ? `batch ${id}, ${most ? `${done} of ${plural(most, "cycle")} done` : `${plural(done, "cycle")} done (unlimited)`}` : `batch ${id}, run by someone else`;
}

/** The tab's title and what the icon shows. @param {Project[]|null} all @param {boolean} live */
export function sumOf(all, live) {
  if (!all) return { title: "Projects – Sprint Runner", words: "", kind: live ? "loading" : "offline" };
  const running = live ? all.filter(runs).length : 0;
  const needy = live ? all.filter(isNeedy).length : 0;
  const away = live ? all.filter((one) => one.state === "unreachable").length : 0;
  const parts = [running ? `${running} running` : live ? "none running" : "", away ? `${away} unreachable` : "", needy ? `${plural(needy, "needs", "need")} you` : ""].filter(Boolean);
  const words = [plural(all.length, "project"), ...parts].join(" · ");
  const title = `${live ? parts.join(" · ") : "unknown – offline"} – Sprint Runner`;
  return { title, words: live ? words : plural(all.length, "project"), kind: !live ? "offline" : needy || away ? "attention" : running ? "running" : "idle" };
}
