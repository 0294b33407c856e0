/**
 * The only place that builds document nodes. Everything that comes from files ends as a text node
 * or an attribute's value, never as markup.
 *
 * @typedef {string|number|Node|null|undefined|false} Child
 * @typedef {{class?: string, on?: Record<string, (event: any) => void>, vars?: Record<string, string|number>, [attribute: string]: any}} Props
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element: `h("p", {class: "note"}, "text", child)`.
 * @param {string} tag @param {Props} [props] @param {...Child} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  return dress(document.createElement(tag), props, children);
}

/** The same for SVG. @param {string} tag @param {Props} [props] @param {...Child} children @returns {any} */
export function s(tag, props = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), props, children);
}

/** @param {any} el @param {Props} props @param {Child[]} children */
function dress(el, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [type, listener] of Object.entries(value)) el.addEventListener(type, listener);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) el.style.setProperty(key, String(one));
    else attribute(el, name, value);
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) el.append(typeof child === "number" ? String(child) : child);
  return el;
}

/** Sets, changes or takes away an attribute; touches the document only when something differs. @param {Element} el @param {string} name @param {any} value */
export function attribute(el, name, value) {
  if (value === null || value === undefined || value === false) {
    if (el.hasAttribute(name)) el.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (el.getAttribute(name) !== text) el.setAttribute(name, text);
  }
}

/** @param {Element} el @param {string|number|null|undefined} value */
export function text(el, value) {
  const wanted = value === null || value === undefined ? "" : String(value);
  const first = el.firstChild;
  if (first && first === el.lastChild && first.nodeType === 3) {
    if (/** @type {Text} */ (first).data !== wanted) /** @type {Text} */ (first).data = wanted;
  } else if (first || wanted) {
    el.textContent = wanted;
  }
}

/** Shows or hides. @param {any} el @param {boolean} shown */
export function show(el, shown) {
  if (el.hidden === shown) el.hidden = !shown;
}

/** @typedef {{el: any, update: (item: any, app?: any) => void}} Part */
/** @type {WeakMap<Element, Map<string, Part>>} */
const lists = new WeakMap();

/**
 * Makes the children of `parent` follow `items`: one part per key, kept while the key stays, moved
 * only when it must be.
 * @template T
 * @param {Element} parent @param {T[]} items @param {(item: T) => string} keyOf @param {(item: T) => Part} make @param {any} [app] passed on to update
 */
export function keyed(parent, items, keyOf, make, app) {
  const old = lists.get(parent) ?? new Map();
  /** @type {Map<string, Part>} */
  const now = new Map();
  for (const item of items) {
    let key = keyOf(item);
    while (now.has(key)) key += "'";
    const part = old.get(key) ?? make(item);
    old.delete(key);
    now.set(key, part);
    part.update(item, app);
  }
  for (const part of old.values()) part.el.remove();
  let place = parent.firstElementChild;
  for (const { el } of now.values()) {
    if (place && el === place) place = place.nextElementSibling;
    else parent.insertBefore(el, place);
  }
  lists.set(parent, now);
}
