/**
 * Blocks to what can be drawn: only those in sight, cut at its edges, and those too small to be told apart
 * put together. However many blocks there are, no more pieces come out than a track has room for. Pure.
 *
 * @typedef {import("./lanes.js").Block} Block
 * @typedef {{key: string, x: number, width: number, blocks: Block[], cutLeft: boolean, cutRight: boolean}} Piece `x` from the left of what is seen
 */

/** Drawn no further than this beyond the edges. */
const BEYOND = 40;
/** Narrower than this a block can't be told from its neighbour. */
export const LEAST = 3;

/** @param {Block} block @param {number} now */
export const untilOf = (block, now) => Math.max(block.start, block.until ?? now);

/** @param {Block[]} blocks by start @param {import("./camera.js").Sight} sight @param {number} now @returns {Piece[]} */
export function piecesOf(blocks, { scale, left, width, from, to }, now) {
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {Map<number, Piece>} the last piece of each track */
  const ends = new Map();
  for (const block of blocks) {
    const until = untilOf(block, now);
    if (block.start > now || until < from || block.start > to) continue;
    const a = scale.x(block.start) - left;
    const b = scale.x(until) - left;
    const x = Math.max(-BEYOND, a);
    const piece = { key: block.id, x, width: Math.max(LEAST, Math.min(width + BEYOND, b) - x), blocks: [block], cutLeft: a < -BEYOND, cutRight: b > width + BEYOND };
    const before = ends.get(block.track);
    const small = piece.width <= LEAST;
    // A tiny block that lies on the one before it is drawn with it.
    if (before && before.blocks[0].tracks === block.tracks && (x < before.x + before.width - 0.5) && (small || before.width <= LEAST * 1.5)) {
      before.blocks.push(block);
      before.width = Math.max(before.width, x + piece.width - before.x);
      before.cutRight ||= piece.cutRight;
      continue;
    }
    pieces.push(piece);
    ends.set(block.track, piece);
  }
  return pieces;
}

const ORDER = ["completed", "running", "lost", "failed"];
/** The worst that is in it. @param {Block[]} blocks */
export const worst = (blocks) => blocks.reduce((word, { status }) => (ORDER.indexOf(status) > ORDER.indexOf(word) ? status : word), blocks[0].status);
