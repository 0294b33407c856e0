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
    case "down": return { kind: "offline", word: "not served", detail: "" };
    default: return { kind: "idle", word: "idle", detail: "" };
  }
}

/** What wants a person, the worst first; where it is looked at. @param {Project} one @returns {Need[]} */
export function needsOf({ reasons, stories, issues, state }) {
  /** @type {Need[]} */
  const all = reasons.map((reason) => ({ tone: /** @type {const} */ ("bad"), text: sentence(reason), view: state === "down" ? "" : "overview" }));
  if (stories.blocked) all.push({ tone: "bad", text: `${count(stories.blocked)} blocked`, view: "overview" });
  if (stories.stuck) all.push({ tone: "bad", text: `${count(stories.stuck)} stuck after a failure`, view: "overview" });
  if (issues.errors) all.push({ tone: "bad", text: `${plural(issues.errors, "error")} in files`, view: "issues" });
  if (issues.warnings) all.push({ tone: "warn", text: `${plural(issues.warnings, "remark")} on files`, view: "issues" });
  return all;
}

/** @param {Project} one */
export const isNeedy = (one) => needsOf(one).some(({ tone }) => tone === "bad");

/** What it has cost, as far as agents told. @param {Project} one */
export function costOf({ cost_usd, input_tokens, output_tokens }) {
  const tokens = (input_tokens ?? 0) + (output_tokens ?? 0);
  return [cost_usd === null ? "" : dollars.format(cost_usd), tokens ? `${tokenWord(tokens)} tokens` : ""].filter(Boolean).join(" · ");
}

/** How old its last sign is. @param {Project} one @param {number} now */
export const signOf = ({ last_activity_at: at }, now) => (at === null ? "no sign of life yet" : `last sign ${ago(at, now)}`);

/** How far a batch is. @param {Project} one */
export function batchOf({ batch }) {
  if (!batch) return "";
  const { id, origin, cycles_completed: done, max_cycles: most } = batch;
  return origin === "managed" ? `batch ${id}, ${most ? `${done} of ${plural(most, "cycle")} done` : `${plural(done, "cycle")} done (unlimited)`}` : `batch ${id}, run by someone else`;
}

/** The tab's title and what the icon shows. @param {Project[]|null} all @param {boolean} live */
export function sumOf(all, live) {
  if (!all) return { title: "Projects – Sprint Runner", words: "", kind: live ? "loading" : "offline" };
  const running = live ? all.filter((one) => one.state === "running" || one.state === "stopping").length : 0;
  const needy = live ? all.filter(isNeedy).length : 0;
  const parts = [running ? `${running} running` : live ? "none running" : "", needy ? `${plural(needy, "needs", "need")} you` : ""].filter(Boolean);
  const words = [plural(all.length, "project"), ...parts].join(" · ");
  const title = `${live ? parts.join(" · ") : "unknown – offline"} – Sprint Runner`;
  return { title, words: live ? words : plural(all.length, "project"), kind: !live ? "offline" : needy ? "attention" : running ? "running" : "idle" };
}
