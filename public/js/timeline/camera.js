/**
 * What of the time is looked at, and how zooming, panning and following change it. Pure.
 *
 * @typedef {"fit"|"hour"|"running"|"follow"|"free"} Mode
 * @typedef {{mode: Mode, from?: number, to?: number, z?: number}} Camera
 * @typedef {{scale: import("./axis.js").Scale, left: number, width: number, from: number, to: number}} Sight
 * @typedef {{axis: import("./axis.js").Axis, width: number, now: number, since: number|null}} Scene `since`: when the oldest of what runs began
 */
import { MOST_Z, scaleOf, zoomFor } from "./axis.js";

const HOUR = 3_600_000;
/** Room kept free at both ends. */
export const MARGIN = 20;
/** Where the present stands while it is followed. */
const NOW_AT = 0.88;

/** @param {Scene} scene */
const least = ({ axis, width }) => zoomFor(axis, axis.start, axis.end, Math.max(50, width - 2 * MARGIN), width) / 3;

/** @param {Scene} scene @param {number} z @param {number} left @returns {Sight} */
function sight(scene, z, left) {
  const { axis, width } = scene;
  const scale = scaleOf(axis, z, width);
  // Something of what there is stays in sight.
  const kept = Math.max(-0.85 * width, Math.min(scale.width - 0.15 * width, left));
  return { scale, left: kept, width, from: scale.t(kept), to: scale.t(kept + width) };
}

/** @param {Scene} scene @param {number} from @param {number} to @returns {Sight} */
function between(scene, from, to) {
  const z = zoomFor(scene.axis, from, Math.max(to, from + 1), scene.width);
  return sight(scene, z, scaleOf(scene.axis, z, scene.width).x(from));
}

/** With a margin at both ends. @param {Scene} scene @param {number} from @param {number} to */
function around(scene, from, to) {
  const { axis, width } = scene;
  const z = zoomFor(axis, from, Math.max(to, from + 1000), Math.max(50, width - 2 * MARGIN), width);
  return sight(scene, z, scaleOf(axis, z, width).x(from) - MARGIN);
}

/** @param {Camera} camera @param {Scene} scene @returns {Sight} */
export function look(camera, scene) {
  const { axis, now, width, since } = scene;
  const present = Math.min(now, axis.end);
  if (camera.mode === "hour") return around(scene, Math.max(axis.start, present - HOUR), present);
  if (camera.mode === "running" && since !== null) return around(scene, since, present);
  if (camera.mode === "follow" && camera.z) {
    const z = Math.min(MOST_Z, Math.max(least(scene), camera.z));
    return sight(scene, z, scaleOf(axis, z, width).x(present) - NOW_AT * width);
  }
  if (camera.mode === "free" && camera.from !== undefined && camera.to !== undefined && camera.to > camera.from) return between(scene, camera.from, camera.to);
  return around(scene, axis.start, axis.end);
}

/** @param {Sight} seen @returns {Camera} */
const free = (seen) => ({ mode: "free", from: seen.from, to: seen.to });

/** Nearer by a factor; the time under `at` stays there. @param {Camera} camera @param {Scene} scene @param {number} factor @param {number} [at] px from the left @returns {Camera} */
export function zoom(camera, scene, factor, at) {
  const seen = look(camera, scene);
  const z = Math.min(MOST_Z, Math.max(least(scene), seen.scale.z * factor));
  if (camera.mode === "follow" && at === undefined) return { mode: "follow", z };
  const px = at ?? scene.width / 2;
  const held = seen.scale.t(seen.left + px);
  const next = scaleOf(scene.axis, z, scene.width);
  return free(sight(scene, z, next.x(held) - px));
}

/** @param {Camera} camera @param {Scene} scene @param {number} px to the right in time @returns {Camera} */
export function pan(camera, scene, px) {
  const seen = look(camera, scene);
  return free(sight(scene, seen.scale.z, seen.left + px));
}

/** @param {Camera} camera @param {Scene} scene @returns {Camera} */
export const follow = (camera, scene) => ({ mode: "follow", z: look(camera, scene).scale.z });

/** So that this stretch is seen, moved no further than it must be. @param {Camera} camera @param {Scene} scene @param {number} from @param {number} to @returns {Camera} */
export function reveal(camera, scene, from, to) {
  const { scale, left, width } = look(camera, scene);
  const [a, b] = [scale.x(from), scale.x(to)];
  if (b > left + MARGIN && a < left + width - MARGIN && (a >= left || b <= left + width || b - a > width)) return camera;
  return free(sight(scene, scale.z, b - a > width - 2 * MARGIN || a < left ? a - 2 * MARGIN : b - width + 2 * MARGIN));
}

/** The camera as the address tells it. @param {URLSearchParams} params @returns {Camera} */
export function fromAddress(params) {
  const [from, to] = [Number(params.get("from")), Number(params.get("to"))];
  const span = params.get("span");
  if (span === "hour" || span === "running") return { mode: span };
  if (span === "follow") return { mode: "follow", z: Number(params.get("z")) || undefined };
  return Number.isFinite(from) && Number.isFinite(to) && to > from && from > 0 ? { mode: "free", from, to } : { mode: "fit" };
}

/** @param {Camera} camera @returns {Record<string, string|null>} */
export function toAddress(camera) {
  const isFree = camera.mode === "free";
  return {
    from: isFree ? String(Math.round(/** @type {number} */ (camera.from))) : null,
    to: isFree ? String(Math.round(/** @type {number} */ (camera.to))) : null,
    span: isFree || camera.mode === "fit" ? null : camera.mode,
    z: camera.mode === "follow" && camera.z ? camera.z.toPrecision(4) : null,
  };
}
