/** How long filtering and sorting of 5,000 stories takes: `node bench-stories.mjs`. Only told, never asserted. */
import { select, SORTS } from "../../public/js/stories-select.js";

const WORDS = ["done", "backlog", "review", "on hold", "in-progress"];
const CLASSES = ["done", "backlog", "review", "other", "in-progress"];
const stories = Array.from({ length: 5000 }, (_, i) => ({
  story_key: `${1 + Math.floor(i / 100)}-${i % 100}-story-number-${i}`, story_id: `${1 + Math.floor(i / 100)}-${i % 100}`, epic_id: String(1 + Math.floor(i / 100)),
  title: i % 3 ? null : `The story of ${i} lanterns`, status: WORDS[(i * 7) % 5], status_class: CLASSES[(i * 7) % 5], updated_at: (i * 7919) % 100_000,
}));
const work = new Map(stories.map((story, i) => [story.story_key, { busy_ms: (i * 104_729) % 3_600_000, busy_since: null, runs: i % 9, reviews: i % 5, failures: i % 3, last: { at: (i * 31) % 9999 } }]));
const about = Object.fromEntries(stories.map((story, i) => [story.story_key, `As a reader of ${i} books I want light, so that I can go on. `.repeat(5)]));

console.log("5,000 stories, filter and sort, milliseconds: first time, then the worst and the median of 50");
for (const [name, choice] of [...SORTS.map((sort) => [`sort ${sort}`, { sort }]), ["search", { q: "number 4" }], ["search with descriptions, sorted", { q: "light 12", sort: "-duration" }], ["class and epic", { class: "done", epic: "7", sort: "story" }]]) {
  const times = Array.from({ length: 51 }, () => {
    const begun = performance.now();
    select(stories, choice, work, 0, about);
    return performance.now() - begun;
  });
  const [first, ...rest] = times;
  rest.sort((a, b) => a - b);
  console.log(`${name.padEnd(34)} ${first.toFixed(1).padStart(7)} ${rest[rest.length - 1].toFixed(1).padStart(7)} ${rest[25].toFixed(1).padStart(7)}`);
}
