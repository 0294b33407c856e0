/**
 * The settings as a form: what each is, what may be typed, what of it would be saved. Pure.
 *
 * @typedef {{key: string, value: number, default: number, min: number, max: number, source: string, in_force: number}} Fact as the server tells it
 * @typedef {{typed: string, base: number}} Entry what stands in a field that somebody has changed, and what the server had then
 * @typedef {Record<string, Entry>} Draft
 * @typedef {{key: string, label: string, unit: string, one: string, says: string}} Field
 */
import { count, sentence } from "./format.js";

/** @param {string} key @param {string} label @param {[one: string, many: string]} units @param {string} says @returns {Field} */
const field = (key, label, [one, unit], says) => ({ key, label, unit, one, says });

/** @type {{title: string, fields: Field[]}[]} */
export const GROUPS = [
  { title: "Batches", fields: [
    field("default_max_cycles", "Cycles of a batch", ["cycle", "cycles"], "How many cycles a batch has when nobody says how many; each takes one story, or two of the same epic."),
    field("max_code_review_attempts", "Code reviews at most", ["review", "reviews"], "How often a story is reviewed and mended before it is blocked for a person to look at."),
    field("haiku_after_review", "Small model from review", ["", ""], "From this code review of a story on, the agent's small model does the reviewing."),
  ] },
  { title: "What agents are given", fields: [
    field("project_context_max_age_hours", "Project context stays fresh for", ["hour", "hours"], "When the project context is older, an agent writes it anew as a batch begins."),
    field("injection_warning_kb", "Context: warn above", ["KiB", "KiB"], "An agent whose files together are larger begins all the same, with a warning."),
    field("injection_error_kb", "Context: refuse above", ["KiB", "KiB"], "An agent whose files together are larger is not started; the warning names the largest file."),
  ] },
  { title: "Server", fields: [
    field("server_port", "Port", ["", ""], "Where the server listens from its next start on, unless a flag, the environment or sprint-runner.toml names another port."),
    field("websocket_heartbeat_seconds", "Heartbeat", ["second", "seconds"], "The longest silence on a live stream, so that a dead line is noticed; it is never more than 15 seconds, whatever stands here."),
    field("default_batch_list_limit", "Batches on a page", ["batch", "batches"], "How many batches a list has when nobody says how many."),
  ] },
];

/** @type {Map<string, Field>} */
export const FIELDS = new Map(GROUPS.flatMap(({ fields }) => fields.map((one) => [one.key, one])));
const PAIR = ["injection_warning_kb", "injection_error_kb"];

/** @param {string} typed @returns {number|null} the number as the server takes it */
export const numberIn = (typed) => (/^\s*\d{1,15}\s*$/.test(typed) ? Number(typed) : null);

/** @param {Fact} fact @param {Draft} draft what its field shows */
export const shownIn = (fact, draft) => draft[fact.key]?.typed ?? String(fact.value);

/** Somebody has typed. What is equal to what the server has is no change. @param {Draft} draft @param {Fact} fact @param {string} typed @returns {Draft} */
export function type(draft, fact, typed) {
  const { [fact.key]: known, ...others } = draft;
  if (numberIn(typed) === fact.value) return others;
  return { ...others, [fact.key]: { typed, base: known?.base ?? fact.value } };
}

/** What would be sent: only what differs. @param {Fact[]} facts @param {Draft} draft @returns {Record<string, number>} */
export function changes(facts, draft) {
  /** @type {Record<string, number>} */
  const changed = {};
  for (const { key, value } of facts) {
    const number = draft[key] ? numberIn(draft[key].typed) : null;
    if (number !== null && number !== value) changed[key] = number;
  }
  return changed;
}

/** What is wrong, at each field it concerns. @param {Fact[]} facts @param {Draft} draft @returns {Record<string, string>} */
export function faults(facts, draft) {
  /** @type {Record<string, string>} */
  const wrong = {};
  /** @type {Record<string, number>} */
  const all = {};
  for (const fact of facts) {
    const number = numberIn(shownIn(fact, draft));
    if (number === null || number < fact.min || number > fact.max) wrong[fact.key] = `A whole number from ${count(fact.min)} to ${plainOr(fact)}.`;
    else all[fact.key] = number;
  }
  const [warning, error] = PAIR;
  if (all[warning] > all[error]) {
    wrong[warning] = `May not be greater than what is refused (${count(all[error])} KiB).`;
    wrong[error] = `May not be less than what is warned of (${count(all[warning])} KiB).`;
  }
  return wrong;
}

/** A port is a name: it has no thousands. @param {Fact} fact */
const plainOr = ({ key, max }) => (key === "server_port" ? String(max) : count(max));

/** The server's sentence, at the fields that it names; under "" where it names none. @param {string} message @returns {Record<string, string>} */
export function faultsOf(message) {
  const named = [...FIELDS.keys()].filter((key) => message.includes(key));
  const said = sentence(named.reduce((words, key) => words.replaceAll(`"${key}"`, `“${FIELDS.get(key)?.label}”`), message));
  return Object.fromEntries((named.length ? named : [""]).map((key) => [key, said]));
}

/** Was it changed by somebody else while it was being typed? @param {Fact} fact @param {Draft} draft */
export const elsewhere = (fact, draft) => !!draft[fact.key] && draft[fact.key].base !== fact.value;

/** The draft after the server's values have changed: what was typed stays; what became equal is no change any more. @param {Fact[]} facts @param {Draft} draft @returns {Draft} */
export function settle(facts, draft) {
  const held = new Map(facts.map((fact) => [fact.key, fact.value]));
  return Object.fromEntries(Object.entries(draft).filter(([key, { typed }]) => numberIn(typed) !== held.get(key)));
}

/** What others have changed, as `settings:changed` tells it. @param {Fact[]} facts @param {Record<string, [number, number]>} changed @returns {Fact[]} */
export function told(facts, changed) {
  return facts.map((fact) => {
    const now = Object.hasOwn(changed ?? {}, fact.key) ? changed[fact.key]?.[1] : undefined;
    if (typeof now !== "number") return fact;
    const named = ["flag", "environment", "file"].includes(fact.source);
    const in_force = fact.key === "server_port" ? fact.in_force : fact.key === "websocket_heartbeat_seconds" ? Math.min(now, 15) : now;
    return { ...fact, value: now, in_force, source: named ? fact.source : now === fact.default ? "default" : "saved" };
  });
}

/** @type {Record<string, string>} */
const NAMED = { flag: "the flag --port", environment: "SPRINT_RUNNER_PORT in the environment", file: "sprint-runner.toml" };

/** Where a value comes from. @param {Fact} fact @returns {{word: string, note: string}} */
export function sourceWords({ key, value, source, in_force }) {
  if (NAMED[source]) return { word: "overridden", note: `Overridden by ${NAMED[source]}: the server listens on ${in_force}. What is saved here counts once that is gone.` };
  const word = source === "saved" ? "saved here" : "default";
  if (key === "server_port" && in_force !== value) return { word, note: `In force after a restart; the server listens on ${in_force} now.` };
  if (in_force !== value) return { word, note: `${in_force} in force: it is never more.` };
  return { word, note: "" };
}

/** What is worth knowing of a number that may be saved. @param {string} key @param {number|null} number @param {number} held */
export function hint(key, number, held) {
  if (key !== "server_port" || number === null) return "";
  const low = number > 0 && number < 1024 ? "Ports below 1024 need root, or the right to bind them." : "";
  return [low, number === held ? "" : "Takes effect after a restart."].filter(Boolean).join(" ");
}
