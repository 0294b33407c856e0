/** Marks that tell by shape what colour tells too. */
import { s } from "./render.js";

/** @param {string} view what the mark is drawn on, as a class @param {...any} shapes */
const svg = (view, ...shapes) => s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", class: view }, ...shapes);
const path = (/** @type {string} */ d, props = {}) => s("path", { d, ...props });
const ring = (props = {}) => s("circle", { cx: 8, cy: 8, r: 5.5, ...props });
const solid = { fill: "currentColor", stroke: "none" };

/** @type {Record<string, () => any[]>} */
const STATUS = {
  done: () => [ring({ fill: "currentColor" }), path("M5.4 8.2l1.8 1.8 3.4-3.8", { class: "cut" })],
  review: () => [ring(), ring({ r: 2.6, ...solid })],
  "in-progress": () => [ring(), path("M8 4.6a3.4 3.4 0 0 1 0 6.8z", solid)],
  "ready-for-dev": () => [ring(), path("M6.8 5.8L10 8l-3.2 2.2z", solid)],
  backlog: () => [ring()],
  optional: () => [ring({ "stroke-dasharray": "2 2.3" })],
  other: () => [s("rect", { x: 3, y: 3, width: 10, height: 10, rx: 2.5 }), path("M8 5.5v3M8 10.6v.01")],
};

/** @param {string|null} statusClass */
export const statusIcon = (statusClass) => svg(`status-icon is-${statusClass ?? "none"}`, ...(Object.hasOwn(STATUS, statusClass ?? "optional") ? STATUS[statusClass ?? "optional"] : STATUS.other)());

/** @type {Record<string, () => any[]>} */
const MARKS = {
  start: () => [path("M5.5 4l6 4-6 4z", solid)],
  progress: () => [s("circle", { cx: 8, cy: 8, r: 2, ...solid })],
  end: () => [path("M3.8 8.4l2.7 2.8 5.7-6.2")],
  failed: () => [path("M4.6 4.6l6.8 6.8M11.4 4.6l-6.8 6.8")],
  change: () => [path("M3 8h9M8.8 4.8L12 8l-3.2 3.2")],
  batch: () => [path("M8 3l5 5-5 5-5-5z")],
  note: () => [path("M4 5h8M4 8h8M4 11h5")],
  file: () => [path("M4.5 2.8h4.7l2.6 2.6v7.8H4.5z"), path("M9 3v2.7h2.7")],
  warning: () => [path("M8 3l5.6 9.7H2.4z"), path("M8 6.7v2.5M8 11v.01")],
  other: () => [s("circle", { cx: 8, cy: 8, r: 1.4 })],
};
/** @param {string} name @param {string} [tone] */
export const mark = (name, tone = "plain") => svg(`mark tone-${tone}`, ...(MARKS[name] ?? MARKS.other)());

/** @type {Record<string, string[]>} */
const SIGNS = {
  overview: ["M2.5 13V8.5M6.2 13V3M9.8 13V6.5M13.5 13V4.5"],
  run: ["M5 3.2l7.5 4.8L5 12.8z"],
  stop: ["M4.2 4.2h7.6v7.6H4.2z"],
  epics: ["M2.5 3.5h11v3.5h-11zM2.5 9.5h7v3.5h-7z"],
  stories: ["M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01"],
  activity: ["M1.5 8.5h3l2-5 3 9 2-4h3"],
  issues: ["M8 2.8l6 10.4H2z", "M8 6.6v3M8 11.3v.01"],
  timeline: ["M2.5 4h6M5.5 8h7M3.5 12h4M10 12h3.5"],
  batches: ["M3 3.5h10v3H3zM3 9.5h10v3H3zM5 5h.01M5 11h.01"],
  insights: ["M2.5 13L6 8.5l2.5 2L13.5 4", "M10 4h3.5v3.5"],
  settings: ["M8 5.8a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 0 0 0-4.4z", "M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6L5 5M11 11l1.4 1.4M12.4 3.6L11 5M5 11l-1.4 1.4"],
  past: ["M2.6 8.4a5.5 5.5 0 1 0 1.5-4.2", "M2.5 2.8v3h3", "M8 5v3.2l2.2 1.4"],
  pause: ["M5.5 4v8M10.5 4v8"],
  back: ["M10 4L6 8l4 4"],
  "failure-back": ["M13 4.5L9.5 8l3.5 3.5", "M2.5 5.5l4.5 5M7 5.5l-4.5 5"],
  "failure-on": ["M3 4.5L6.5 8 3 11.5", "M9 5.5l4.5 5M13.5 5.5L9 10.5"],
  save: ["M8 2.5v7M4.8 6.5L8 9.7l3.2-3.2", "M3 12.8h10"],
  more: ["M3.5 8h.01M8 8h.01M12.5 8h.01"],
  theme: ["M8 2.5a5.5 5.5 0 1 0 0 11z", "M8 2.5a5.5 5.5 0 0 1 0 11"],
  find: ["M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4z", "M10.2 10.2l3.2 3.2"],
  help: ["M5.8 6.2a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.8-1.1 1.6", "M8 12.2v.01"],
  older: ["M8 3v9M4.5 9L8 12.5 11.5 9"],
  up: ["M8 13V4M4.5 7L8 3.5 11.5 7"],
  close: ["M4.5 4.5l7 7M11.5 4.5l-7 7"],
  open: ["M6 4l4 4-4 4"],
};
/** @param {string} name */
export const sign = (name) => svg(`sign sign-${name}`, ...(SIGNS[name] ?? []).map((d) => path(d)));

/** The page's own mark: three lanes of a track. @returns {any} */
export const brand = () => s("svg", { viewBox: "0 0 20 20", class: "brand-mark", "aria-hidden": "true" },
  path("M3 15.5L8.5 4.5", { class: "lane lane-1" }), path("M8 15.5l3.5-7", { class: "lane lane-2" }), path("M13 15.5L17 7.5", { class: "lane lane-3" }));
