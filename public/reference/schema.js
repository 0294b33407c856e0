/** A schema as a tree that is opened by hand: what lies below a part is made when it is opened. */
import { h } from "../js/render.js";
import { kindOf, nameOf, partsOf, resolve } from "./document.js";

/** Words with `code` in them. @param {string} words @returns {any[]} */
export const prose = (words) => words.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** Its kind, with a link where it has a name. @param {any} document @param {any} schema */
export function kind(document, schema) {
  const name = nameOf(schema);
  return name && !name.startsWith("Event.") ? h("a", { class: "ref-kind", href: `#schema.${name}` }, name) : h("span", { class: "ref-kind" }, kindOf(document, schema));
}

/**
 * What lies below a value, as a list.
 * @param {any} document @param {any} schema @param {number} [depth]
 */
export function tree(document, schema, depth = 0) {
  const parts = partsOf(document, schema);
  if (parts.length === 0) return words(document, schema);
  return h("ul", { class: "ref-tree" }, ...parts.map((part) => branch(document, part, depth)));
}

/** @param {any} document @param {any} schema */
function words(document, schema) {
  const own = resolve(document, schema);
  return h("p", { class: "ref-plain" }, h("span", { class: "ref-kind" }, kindOf(document, own)), own.pattern ? h("span", { class: "ref-more" }, "pattern ", h("code", {}, own.pattern)) : null);
}

/** No document of ours is deeper; a schema that holds itself would go on for ever. */
const DEEPEST = 12;

/** @param {any} document @param {{name: string, schema: any, required: boolean, about: string}} part @param {number} depth */
function branch(document, part, depth) {
  const member = part.name === nameOf(part.schema) || part.name === kindOf(document, part.schema);
  const below = depth < DEEPEST ? opened(document, part.schema) : null;
  const head = [
    h("span", { class: member ? "ref-field is-member" : "ref-field" }, part.name),
    // A link within what opens could not be reached by itself: it stands below instead.
    member ? null : below ? h("span", { class: "ref-kind" }, kindOf(document, part.schema)) : kind(document, part.schema),
    part.required || member ? null : h("span", { class: "ref-tag" }, "may be absent"),
    Object.hasOwn(part.schema ?? {}, "default") ? h("span", { class: "ref-tag" }, `default ${JSON.stringify(part.schema.default)}`) : null,
  ];
  const about = part.about ? h("p", { class: "ref-about" }, ...prose(part.about)) : null;
  if (!below) return h("li", { class: "ref-leaf" }, h("div", { class: "ref-line" }, ...head), about);
  const body = h("div", { class: "ref-below" });
  const el = h("details", { on: { toggle: () => { if (el.open && !body.firstChild) body.append(...[entry(below), tree(document, below, depth + 1)].filter(Boolean)); } } }, h("summary", { class: "ref-line" }, ...head), body);
  return h("li", {}, el, about);
}

/** The way to a schema's own entry. @param {any} schema */
function entry(schema) {
  const name = nameOf(schema);
  return name && !name.startsWith("Event.") ? h("p", { class: "ref-more" }, h("a", { class: "ref-kind", href: `#schema.${name}` }, name)) : null;
}

/** The schema that is worth opening below a part: through lists and "or null". @param {any} document @param {any} schema @returns {any} */
function opened(document, schema) {
  let at = schema;
  for (let i = 0; i < DEEPEST; i += 1) {
    const own = resolve(document, at);
    if (own.items && !own.properties) { at = own.items; continue; }
    const union = own.oneOf ?? own.anyOf;
    if (union) {
      const real = union.filter((/** @type {any} */ one) => one?.type !== "null");
      if (real.length === 1) { at = real[0]; continue; }
    }
    const parts = partsOf(document, own);
    return parts.length > 0 && parts.some((part) => part.about || part.schema !== own) ? at : null;
  }
  return null;
}
