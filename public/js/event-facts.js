/**
 * An event's payload as a list that can be read: names in words, times and durations as such. Pure.
 *
 * @typedef {{name: string, value: string, kind: "text"|"number"|"time"|"list"|"none", at?: number}} Fact
 */
import { count, exact, took } from "./format.js";

/** So many are listed; the raw JSON holds the rest. */
const MOST = 60;
const LONGEST = 4000;

/** @param {any} payload @returns {{facts: Fact[], more: number}} */
export function factsOf(payload) {
  const all = Object.entries(payload && typeof payload === "object" ? payload : {});
  return { facts: all.slice(0, MOST).map(([name, value]) => fact(name, value)), more: Math.max(0, all.length - MOST) };
}

/** @param {string} name @param {any} value @returns {Fact} */
function fact(name, value) {
  const label = name.replaceAll("_", " ");
  if (value === null || value === undefined) return { name: label, value: "–", kind: "none" };
  if (typeof value === "number") {
    // Times lie after 2001; a count by such a name does not.
    if (/(^|_)(at|until|timestamp|since)$/.test(name) && value > 1e12) return { name: label, value: exact(value), kind: "time", at: value };
    if (/_ms$/.test(name)) return { name: label.replace(/ ms$/, ""), value: took(value), kind: "number" };
    if (/_usd$/.test(name)) return { name: label.replace(/ usd$/, ""), value: `$${value.toFixed(value < 1 ? 4 : 2)}`, kind: "number" };
    return { name: label, value: /(^|_)(id|pid|code|signal|line|column|attempt)$/.test(name) ? String(value) : count(value), kind: "number" };
  }
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return { name: label, value: cut(value.length ? value.join("\n") : "none"), kind: value.length ? "list" : "none" };
  if (typeof value === "object") return { name: label, value: cut(Object.entries(value).map(([key, one]) => `${key}: ${typeof one === "object" ? JSON.stringify(one) : one}`).join("\n") || "none"), kind: "list" };
  return { name: label, value: cut(String(value)), kind: "text" };
}

/** @param {string} text */
const cut = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${count(text.length - LONGEST)} more characters)` : text);
