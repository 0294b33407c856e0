/**
 * A long list of which only the rows in sight exist. Rows are all `--row` high, but for a few that are opened;
 * room for the others is kept by padding, so the document's order stays the reading order.
 *
 * @typedef {{index: number, more: number}} Tall an opened row: how much higher than the others
 */
import { attribute, keyed } from "./render.js";

const SPARE = 12;

/** Where a row begins. @param {number} index @param {number} height @param {Tall[]} tall ascending */
export const offsetOf = (index, height, tall) => tall.reduce((sum, one) => sum + (one.index < index ? one.more : 0), index * height);

/** Which row lies at a height. @param {number} y @param {number} height @param {Tall[]} tall ascending */
export function indexAt(y, height, tall) {
  let over = 0;
  for (const { index, more } of tall) {
    const top = index * height + over;
    if (y < top + height) break;
    if (y < top + height + more) return index;
    over += more;
  }
  return Math.floor((y - over) / height);
}

/**
 * @param {HTMLElement} list @param {() => void} changed asks for a new commit @param {(item: any) => import("./render.js").Part} make
 */
export function windowed(list, changed, make) {
  const scroller = /** @type {HTMLElement} */ (list.closest(".main"));
  scroller.addEventListener("scroll", () => { if (list.offsetParent) changed(); }, { passive: true });
  new ResizeObserver(changed).observe(scroller);
  let height = 0;
  let seenWidth = -1;

  /** @param {any[]} items @param {(item: any) => string} keyOf @param {any} app @param {Tall[]} [tall] */
  function update(items, keyOf, app, tall = []) {
    if (seenWidth !== scroller.clientWidth) {
      seenWidth = scroller.clientWidth;
      height = Number.parseFloat(getComputedStyle(list).getPropertyValue("--row")) || 36;
    }
    const top = scroller.getBoundingClientRect().top - list.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(items.length, indexAt(top, height, tall) - SPARE));
    const last = Math.max(first, Math.min(items.length, indexAt(top + scroller.clientHeight, height, tall) + 1 + SPARE));
    keyed(list, items.slice(first, last), keyOf, make, app);
    list.style.setProperty("padding-top", `${offsetOf(first, height, tall)}px`);
    list.style.setProperty("padding-bottom", `${offsetOf(items.length, height, tall) - offsetOf(last, height, tall)}px`);
    let index = first;
    for (const row of list.children) if (row.role === "row") attribute(row, "aria-rowindex", (index += 1));
  }
  /** Scrolls so that a row stands in the upper third. @param {number} index @param {Tall[]} [tall] */
  update.show = (index, tall = []) => {
    const here = list.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
    scroller.scrollTop = Math.max(0, here + offsetOf(index, height, tall) - scroller.clientHeight / 3);
  };
  update.height = () => height;
  return update;
}
