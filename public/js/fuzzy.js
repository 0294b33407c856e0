/**
 * Finding by a few letters. What begins so comes before a word that begins so, that before letters inside a word,
 * that before letters scattered in their order; all words asked for must be found. Pure.
 *
 * @typedef {{score: number, at: number[]}} Match the better the higher, and where the letters were found
 */

const PREFIX = 4000;
const WORD = 3000;
const INSIDE = 2000;
const SCATTERED = 1000;
const isLetter = (/** @type {string|undefined} */ c) => c !== undefined && /[\p{L}\p{N}]/u.test(c);

/** Without case and accents, place by place: what is found is marked in the original. @param {string} text */
export function plain(text) {
  let folded = "";
  for (let i = 0; i < text.length; i += 1) {
    const one = text[i];
    folded += one < "\u0080" ? one.toLowerCase() : (one.normalize("NFD")[0] ?? one).toLowerCase()[0];
  }
  return folded;
}

const range = (/** @type {number} */ from, /** @type {number} */ n) => Array.from({ length: n }, (_, i) => from + i);

/** @param {string} word both folded already @param {string} text @returns {Match|null} */
function one(word, text) {
  const late = (/** @type {number} */ at) => Math.min(at, 200) + Math.min(text.length, 200) / 100;
  let at = text.indexOf(word);
  if (at === 0) return { score: PREFIX - late(0) - (isLetter(text[word.length]) ? 50 : 0), at: range(0, word.length) };
  const inside = at;
  for (; at >= 0; at = text.indexOf(word, at + 1)) if (!isLetter(text[at - 1]) || !isLetter(word[0])) return { score: WORD - late(at), at: range(at, word.length) };
  if (inside >= 0) return { score: INSIDE - late(inside), at: range(inside, word.length) };
  /** @type {number[]} */
  const places = [];
  let gaps = 0;
  for (let from = 0, i = 0; i < word.length; i += 1) {
    const found = text.indexOf(word[i], from);
    if (found < 0) return null;
    if (places.length && found > from) gaps += isLetter(text[found - 1]) ? found - from + 2 : 1;
    places.push(found);
    from = found + 1;
  }
  // Letters strewn over a whole sentence are no find.
  return gaps > 12 + word.length * 4 ? null : { score: SCATTERED - gaps * 10 - late(places[0]), at: places };
}

/** @param {string} query @param {string} text @returns {Match|null} */
export function match(query, text) {
  const folded = plain(text);
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (!words.length) return { score: 0, at: [] };
  const whole = words.length > 1 ? one(words.join(" "), folded) : null;
  if (whole && whole.score > SCATTERED) return whole;
  let score = 0;
  /** @type {Set<number>} */
  const at = new Set();
  for (const word of words) {
    const found = one(word, folded);
    if (!found) return null;
    score += found.score;
    found.at.forEach((place) => at.add(place));
  }
  return { score: score / words.length - words.length, at: [...at].sort((a, b) => a - b) };
}

/**
 * The best of many. An item may have more than one text: the first is its name, the others help to find it.
 * @template T
 * @param {string} query @param {T[]} items
 * @param {{texts: (item: T) => string[], weight?: (item: T) => number, most?: number}} how weight: added to the score, for what was used lately
 * @returns {{item: T, at: number[]}[]} the best first; equal ones as they came
 */
export function rank(query, items, { texts, weight = () => 0, most = 50 }) {
  /** @type {{item: T, at: number[], score: number, order: number}[]} */
  const found = [];
  items.forEach((item, order) => {
    /** @type {Match|null} */ let best = null;
    let name = true;
    for (const text of texts(item)) {
      const hit = match(query, text);
      // Found by another text than its name: a little less, and nothing of the name is marked.
      if (hit && (!best || hit.score - (name ? 0 : 5) > best.score)) best = name ? hit : { score: hit.score - 5, at: [] };
      name = false;
    }
    if (best) found.push({ item, at: best.at, score: best.score + weight(item), order });
  });
  return found.sort((a, b) => b.score - a.score || a.order - b.order).slice(0, most).map(({ item, at }) => ({ item, at }));
}
