/** Marks on the line of time: round steps from seconds to months, and labels that never touch. Pure. */

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
export const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
];

/** The smallest round step that gives every label its room. @param {number} z px for a millisecond @param {number} room px for a label */
export const stepFor = (z, room) => STEPS.find((step) => step * z >= room) ?? Math.ceil(room / z / DAY) * DAY;

/** How far local clocks are ahead. @param {number} t */
const localOffset = (t) => -new Date(t).getTimezoneOffset() * MINUTE;

/**
 * @typedef {{t: number, x: number, label: boolean, day: boolean}} Tick `x` from the left of what is seen; `day`: the first of its day in sight
 * @param {import("./camera.js").Sight} sight @param {{room?: number, offset?: (t: number) => number}} [how]
 * @returns {{step: number, ticks: Tick[]}}
 */
export function ticksOf({ scale, left, width }, { room = 76, offset = localOffset } = {}) {
  const step = stepFor(scale.z, room);
  /** @type {Tick[]} */
  const ticks = [];
  const dayOf = (/** @type {number} */ t) => Math.floor((t + offset(t)) / DAY);
  let lastX = -Infinity;
  let day = NaN;
  const folded = scale.gaps.filter((gap) => gap.x < left + width && gap.x + gap.width > left);
  const starts = [scale.t(left), ...folded.map((gap) => gap.to)];
  const ends = [...folded.map((gap) => gap.from), scale.t(left + width)];
  starts.forEach((from, i) => {
    const until = ends[i];
    let t = Math.ceil((from + offset(from)) / step) * step - offset(from);
    for (let n = 0; t <= until && n < 400; n += 1, t += step) {
      // Where the clocks change, the marks keep to the round hours.
      const shift = (t + offset(t)) % step;
      const at = shift && step > HOUR ? t - shift : t;
      const x = scale.x(at) - left;
      if (at < from || x < 0 || x > width || x - lastX < 1) continue;
      const label = x - (ticks.findLast((tick) => tick.label)?.x ?? -Infinity) >= room;
      ticks.push({ t: at, x, label, day: label && dayOf(at) !== day });
      if (label) day = dayOf(at);
      lastX = x;
    }
  });
  return { step, ticks };
}

const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

/** A mark's label. @param {number} t @param {number} step */
export const tickWords = (t, step) => (step >= DAY ? date : step >= MINUTE ? minute : second).format(t);
/** @param {number} t */
export const dayWords = (t) => weekday.format(t);
/** The time under the pointer, as exact as the zoom makes it worth. @param {number} t @param {number} z */
export function cursorWords(t, z) {
  const whole = second.format(t);
  return z > 0.02 ? `${whole}.${String(Math.floor(Math.max(0, t)) % 1000).padStart(3, "0").slice(0, z > 0.1 ? 3 : 1)}` : whole;
}
/** @param {number} t @param {number} now */
export const clockWords = (t, now) => (Math.abs(now - t) < 18 * HOUR ? second.format(t) : `${date.format(t)}, ${second.format(t)}`);
