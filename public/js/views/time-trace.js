/** What lies along the slider: how lively it was, where something failed, where batches begin and end. */
import { plural } from "../format.js";
import { attribute, s } from "../render.js";

const [WIDE, HIGH] = [1000, 20];
const LEAST = 1.5;
/** More lines than this are one colour anyway. */
const MOST_LINES = 400;

export function timeTrace() {
  const bars = s("path", { class: "trace-bars" });
  const borders = s("path", { class: "trace-borders" });
  const failures = s("path", { class: "trace-failures" });
  const el = s("svg", { class: "time-trace", viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img" }, bars, borders, failures);
  /** @type {any} */ let drawn = null;
  let [from, to] = [0, 0];
  return {
    el,
    /** @param {ReturnType<typeof import("../playback.js").trace> & {of: any[], from: number, to: number}} trace */
    update(trace) {
      if (drawn === trace.of && from === trace.from && to === trace.to) return;
      [drawn, from, to] = [trace.of, trace.from, trace.to];
      const x = (/** @type {number} */ at) => ((from + at * (to - from)) * WIDE).toFixed(1);
      const n = trace.heights.length;
      attribute(bars, "d", trace.heights.map((height, i) => `M${x(i / n)} ${HIGH}V${(HIGH - LEAST - height * (HIGH - LEAST)).toFixed(1)}H${x((i + 0.86) / n)}V${HIGH}z`).join(""));
      const lines = (/** @type {number[]} */ spots) => thinned(spots).map((at) => `M${x(at)} 0V${HIGH}`).join("");
      attribute(borders, "d", lines(trace.borders.map(({ at }) => at)));
      attribute(failures, "d", lines(trace.failures));
      attribute(el, "aria-label", `${plural(drawn.length, "event")}, ${plural(trace.failures.length, "failure")}`);
    },
  };
}

/** @param {number[]} spots */
const thinned = (spots) => (spots.length <= MOST_LINES ? spots : spots.filter((_, i) => i % Math.ceil(spots.length / MOST_LINES) === 0));
