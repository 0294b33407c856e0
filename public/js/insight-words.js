/** One sentence that says what a chart means, and nothing where there is nothing to say. Pure. */
import { count, plural, span } from "./format.js";

const SMALL = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
/** @param {number} n */
const spoken = (n) => SMALL[n] ?? count(n);
/** @param {number} share */
export const percent = (share) => (share > 0 && share < 0.01 ? "under 1 %" : `${Math.round(share * 100)} %`);

const weekday = new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric", month: "short" });
/** @param {number} day */
export const dayWord = (day) => weekday.format(day);
/** A moment to come: the clock, and the day once it is not today. @param {number} at @param {number} now */
export function when(at, now) {
  if (at - now > 20 * 86_400_000) return weekday.format(at);
  const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  return new Date(at).setHours(0, 0, 0, 0) === new Date(now).setHours(0, 0, 0, 0) ? clock : `${weekday.format(at)}, ${clock}`;
}

/** @param {number|null} tokens */
export function tokenWord(tokens) {
  if (tokens === null) return "–";
  if (tokens < 10_000) return count(Math.round(tokens));
  return tokens < 1_000_000 ? `${Math.round(tokens / 1000)} k` : `${(tokens / 1_000_000).toFixed(tokens < 10_000_000 ? 1 : 0)} M`;
}

/** From one time to another, or but one where they say the same. @param {string} a @param {string} b */
const between = (a, b) => (a === b ? `about ${a}` : `${a} to ${b}`);

/** @param {import("./forecast.js").Forecast} f @param {number} now */
export function forecastWords(f, now) {
  const aside = f.left_aside ? ` ${plural(f.left_aside, "story", "stories")} with a word of ${f.left_aside === 1 ? "its" : "their"} own ${f.left_aside === 1 ? "is" : "are"} not counted.` : "";
  if (f.state === "done") return f.done ? `No story is open.${aside}` : "";
  if (f.state === "unknown") return `${plural(f.open, "story is", "stories are")} open. ${f.reason}`;
  const { work, calendar, wall } = f;
  if (!work || !wall) return "";
  const much = `${plural(f.open, "open story needs", "open stories need")} ${between(span(work.p50), span(work.p85))} of work`;
  if (!calendar) return `The ${much}, ${between(span(wall.p50), span(wall.p85))} by the clock. ${f.why_no_calendar ?? ""}${aside}`.trim();
  const [p50, p85] = [when(calendar.p50, now), when(calendar.p85, now)];
  const same = p50 === p85;
  const end = `even odds for ${p50}${same ? "" : `, 85 % for ${p85}`}`;
  return `The ${much}: ${end}${calendar.basis === "batch" ? ", if work goes on without a pause" : ", at the pace of the days so far"}.${aside}`;
}

/** @param {{added: number, undated: number}} b */
export function scopeWords({ added, undated }) {
  return [added ? `${plural(added, "story was", "stories were")} added on the way.` : "", undated ? `${plural(undated, "story was", "stories were")} done before anybody watched.` : ""].filter(Boolean).join(" ");
}

/** @param {ReturnType<typeof import("./effort.js").effort>["days"]} days @param {number|null} perDay */
export function throughputWords({ list, total, best, active }, perDay) {
  if (!total || !best) return "";
  const most = list.length > 1 ? `; the best day was ${dayWord(best.day)} with ${spoken(best.done)}` : "";
  const pace = perDay !== null && list.length > 2 ? `, lately ${perDay >= 10 ? Math.round(perDay) : perDay.toFixed(1)} a day` : "";
  return `${plural(total, "story", "stories")} finished on ${active === 1 ? "one day" : `${spoken(active)} days`}${pace}${most}.`;
}

/** @param {ReturnType<typeof import("./effort.js").effort>["commands"]} commands */
export function commandWords({ list, total_ms, failed, runs }) {
  const most = list.reduce((/** @type {any} */ a, b) => (b.busy_ms > (a?.busy_ms ?? 0) ? b : a), null);
  if (!most || !total_ms) return "";
  const bad = failed ? ` ${plural(failed, "run")} of ${count(runs)} failed.` : " No run failed.";
  return `Most of the time goes into ${most.command}: ${percent(most.share)} of ${span(total_ms)}.${bad}`;
}

/** @param {ReturnType<typeof import("./effort.js").effort>["reviews"]} reviews */
export function reviewWords({ stories, median, most }) {
  if (!stories || median === null) return "";
  if (stories === 1) return `The one finished story needed ${spoken(most)} ${most === 1 ? "review" : "reviews"}.`;
  const half = Math.floor(median);
  if (most === 1) return `All ${spoken(stories)} finished stories passed their first review.`;
  return `Half of the ${spoken(stories)} finished stories needed ${spoken(half)} ${half === 1 ? "review" : "reviews or fewer"}; the most was ${spoken(most)}.`;
}

/** @param {ReturnType<typeof import("./effort.js").effort>["costs"]} costs */
export function costWords({ cost_usd, dearest, stories, story_cost }) {
  if (cost_usd === null) return "";
  const one = story_cost !== null && stories > 1 ? `Half of the finished stories cost ${dollars(story_cost)} or less. ` : "";
  return `${one}${dearest ? `${percent(dearest.share)} of the money went into ${dearest.command}.` : ""}`.trim();
}

/** @param {number} usd */
export const dollars = (usd) => (usd > 0 && usd < 0.01 ? "under $0.01" : `$${usd.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`);

/** @param {{slowest: import("./effort.js").Ranked[], typical_ms: number|null}} of */
export function slowWords({ slowest, typical_ms }) {
  const [first] = slowest;
  if (!first) return "";
  const name = first.story_id ?? first.story_key;
  if (typical_ms === null) return `${name} has taken ${span(first.n)} so far; no story is finished yet.`;
  return `Half of the finished stories took ${span(typical_ms)} or less; the longest, ${name}, ${first.status_class === "done" ? "took" : "is at"} ${span(first.n)}.`;
}

/** @param {import("./effort.js").Ranked[]} retried */
export function retryWords(retried) {
  const [first] = retried;
  if (!first) return "";
  return `${first.story_id ?? first.story_key} needed ${first.n === 1 ? "one more try" : `${spoken(first.n)} more tries`}; second and later reviews and failed commands count.`;
}

