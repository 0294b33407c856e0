/**
 * A long list of which only the rows in sight exist. Rows are all `--row` high; room for the others
 * is kept by padding, so the document's order stays the reading order.
 */
import { attribute, keyed } from "./render.js";

const SPARE = 12;

/**
 * @param {HTMLElement} list @param {() => void} changed asks for a new commit @param {(item: any) => import("./render.js").Part} make
 */
export function windowed(list, changed, make) {
  const scroller = /** @type {HTMLElement} */ (list.closest(".main"));
  scroller.addEventListener("scroll", changed, { passive: true });
  new ResizeObserver(changed).observe(scroller);
  let height = 0;
  let seenWidth = -1;

  /** @param {any[]} items @param {(item: any) => string} keyOf @param {any} app */
  return function update(items, keyOf, app) {
    if (seenWidth !== scroller.clientWidth) {
      seenWidth = scroller.clientWidth;
      height = Number.parseFloat(getComputedStyle(list).getPropertyValue("--row")) || 36;
    }
    const top = scroller.getBoundingClientRect().top - list.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(items.length, Math.floor(top / height) - SPARE));
    const last = Math.max(first, Math.min(items.length, Math.ceil((top + scroller.clientHeight) / height) + SPARE));
    keyed(list, items.slice(first, last), keyOf, make, app);
    list.style.setProperty("padding-top", `${first * height}px`);
    list.style.setProperty("padding-bottom", `${(items.length - last) * height}px`);
    let index = first;
    for (const row of list.children) if (row.role === "row") attribute(row, "aria-rowindex", (index += 1));
  };
}
