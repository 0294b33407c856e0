/**
 * Time and place: a line of time on which long idle stretches are folded to a short mark. Pure.
 *
 * The map from ms to x is piecewise linear, rises strictly, holds for every moment (also before the first
 * and after the last) and can be turned round. How wide a fold is drawn doesn't depend on the zoom, except
 * that it is never wider than the idle time itself would be.
 *
 * @typedef {{from: number, to: number}} Span
 * @typedef {{start: number, end: number, gaps: Span[]}} Axis
 * @typedef {{z: number, width: number, x: (t: number) => number, t: (x: number) => number, gaps: {from: number, to: number, x: number, width: number}[]}} Scale
 */
const MINUTE = 60_000;
const GAP_PX = 56;
/** Finer than this no clock of ours tells: px for a millisecond. */
export const MOST_Z = 0.2;
const LEAST_Z = 1e-9;

/** Stretches in which something ran, in order, none touching another. @param {Span[]} spans @returns {Span[]} */
export function merged(spans) {
  const sorted = spans.filter((one) => one.to >= one.from).sort((a, b) => a.from - b.from);
  /** @type {Span[]} */
  const found = [];
  for (const { from, to } of sorted) {
    const last = found.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

/** From which length on an idle stretch is folded, by how much was done. @param {Span[]} busy */
export function threshold(busy) {
  const worked = busy.reduce((sum, { from, to }) => sum + to - from, 0);
  return Math.min(15 * MINUTE, Math.max(MINUTE, worked * 0.05));
}

/** @param {Span[]} spans what ran @param {{start: number, end: number, fold?: boolean, longer?: number}} how @returns {Axis} */
export function axisOf(spans, { start, end, fold = true, longer }) {
  const last = Math.max(end, start + 1000);
  if (!fold) return { start, end: last, gaps: [] };
  const busy = merged(spans);
  const least = longer ?? threshold(busy);
  /** @type {Span[]} */
  const gaps = [];
  let at = start;
  for (const { from, to } of [...busy, { from: last, to: last }]) {
    if (Math.min(from, last) - at > least) gaps.push({ from: at, to: Math.min(from, last) });
    at = Math.max(at, to);
  }
  return { start, end: last, gaps };
}

/** How wide a fold may be, so that many of them don't push out what ran. @param {Axis} axis @param {number} width */
const foldWidth = (axis, width) => Math.max(6, Math.min(GAP_PX, (0.35 * width) / Math.max(1, axis.gaps.length)));

/** The map at one zoom. @param {Axis} axis @param {number} z px for a millisecond @param {number} width of what is looked through @returns {Scale} */
export function scaleOf(axis, z, width) {
  const most = foldWidth(axis, width);
  // Knots: where the slope changes.
  const ts = [axis.start];
  const xs = [0];
  const slopes = [z];
  const gaps = [];
  for (const { from, to } of axis.gaps) {
    const x = xs[xs.length - 1] + (from - ts[ts.length - 1]) * z;
    const wide = Math.min(most, (to - from) * z);
    gaps.push({ from, to, x, width: wide });
    if (from > ts[ts.length - 1]) { ts.push(from); xs.push(x); slopes.push(0); }
    slopes[slopes.length - 1] = wide / (to - from);
    ts.push(to);
    xs.push(x + wide);
    slopes.push(z);
  }
  const place = (/** @type {number[]} */ list, /** @type {number} */ value) => {
    let [low, high] = [0, list.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (list[middle] <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const x = (/** @type {number} */ t) => {
    if (t < axis.start) return (t - axis.start) * z;
    const i = place(ts, t);
    return xs[i] + (t - ts[i]) * slopes[i];
  };
  const t = (/** @type {number} */ at) => {
    if (at < 0) return axis.start + at / z;
    const i = place(xs, at);
    return ts[i] + (at - xs[i]) / slopes[i];
  };
  return { z, width: x(axis.end), x, t, gaps };
}

/** The zoom at which this stretch fills this width. @param {Axis} axis @param {number} from @param {number} to @param {number} width @param {number} [window] of what is looked through */
export function zoomFor(axis, from, to, width, window = width) {
  const inside = axis.gaps.filter((gap) => gap.to > from && gap.from < to).map((gap) => ({ whole: gap.to - gap.from, seen: Math.min(to, gap.to) - Math.max(from, gap.from) }));
  const most = foldWidth(axis, window);
  const plain = Math.max(1, to - from - inside.reduce((sum, one) => sum + one.seen, 0));
  const wide = (/** @type {number} */ z) => plain * z + inside.reduce((sum, one) => sum + (Math.min(most, one.whole * z) * one.seen) / one.whole, 0);
  let [low, high] = [LEAST_Z, Math.max(MOST_Z, width / plain)];
  for (let i = 0; i < 80; i += 1) {
    const middle = Math.sqrt(low * high);
    if (wide(middle) < width) low = middle;
    else high = middle;
  }
  return Math.min(MOST_Z, high);
}
