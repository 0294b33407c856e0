/** The page's items: each a head that is always there and a body that is made when it is opened. */
import { copy } from "../js/copy.js";
import { h, text } from "../js/render.js";
import { commandLine, hasParts, resolve } from "./document.js";
import { kind, prose, tree } from "./schema.js";

/** @typedef {{id: string, el: any, words: string, open: () => void}} Item */

/** Tells how a copy went, on the button itself and to who listens. @param {string} label @param {() => string} what */
function copyButton(label, what) {
  /** @type {any} */ let timer;
  const el = h("button", { class: "button is-small", type: "button", on: { click: async () => {
    const done = await copy(what());
    text(el, done ? "Copied" : "Not copied");
    text(/** @type {HTMLElement} */ (document.getElementById("said")), done ? `${label}: copied` : `${label}: the browser did not let it be copied`);
    clearTimeout(timer);
    timer = setTimeout(() => text(el, label), 2000);
  } } }, label);
  return el;
}

/** @param {string} id */
const address = (id) => new URL(`#${id}`, location.href).href;

/**
 * @param {string} id @param {string} words what a filter looks in @param {any[]} head @param {() => any[]} fill
 * @returns {Item}
 */
function item(id, words, head, fill) {
  const body = h("div", { class: "ref-body" });
  const make = () => { if (!body.firstChild) body.append(...fill().filter(Boolean), h("p", { class: "ref-actions" }, copyButton("Copy link", () => address(id)))); };
  const el = h("details", { class: "ref-item", id, on: { toggle: (/** @type {Event} */ event) => { if (event.target === el && el.open) make(); } } }, h("summary", { class: "ref-head" }, ...head), body);
  return { id, el, words, open: () => { make(); el.open = true; } };
}

/** @param {string} title @param {...any} more */
const part = (title, ...more) => h("section", { class: "ref-part" }, h("h4", {}, title), ...more);

/** A line to be copied. @param {string} line @param {string} label */
const command = (line, label) => h("div", { class: "ref-command" }, h("pre", { tabindex: 0, role: "group", "aria-label": label }, h("code", {}, line)), copyButton("Copy", () => line));

/** @param {any} value @param {string} label */
const json = (value, label) => h("pre", { class: "ref-json", tabindex: 0, role: "group", "aria-label": label }, h("code", {}, JSON.stringify(value, null, 2)));

/** @param {any} document @param {import("./document.js").Operation} operation @param {URL} base @returns {Item} */
export function operation(document, operation, base) {
  const head = [
    h("span", { class: "ref-method", "data-method": operation.method }, operation.method),
    h("h3", { class: "ref-path" }, operation.path),
    h("span", { class: "ref-summary" }, operation.summary),
  ];
  return item(operation.id, operation.words, head, () => [
    operation.about && h("p", {}, ...prose(operation.about)),
    command(commandLine(document, operation, base), operation.path === "/ws" ? "In a browser" : "In a terminal"),
    operation.parameters.length > 0 && part("Parameters", h("ul", { class: "ref-tree" }, ...operation.parameters.map((one) => parameter(document, one)))),
    operation.body && part("Body", operation.body.description && h("p", { class: "ref-about" }, ...prose(operation.body.description)), media(document, operation.body.content)),
    part("Answers", ...operation.answers.map(([status, answer]) => answered(document, status, resolve(document, answer)))),
  ]);
}

/** @param {any} document @param {any} one */
const parameter = (document, one) => h("li", { class: "ref-leaf" },
  h("div", { class: "ref-line" }, h("span", { class: "ref-field" }, one.name), kind(document, one.schema), h("span", { class: "ref-tag" }, `in the ${one.in}`), one.required ? h("span", { class: "ref-tag is-needed" }, "needed") : null, Object.hasOwn(one.schema ?? {}, "default") ? h("span", { class: "ref-tag" }, `default ${one.schema.default}`) : null),
  one.description ? h("p", { class: "ref-about" }, ...prose(one.description)) : null);

/** @param {any} document @param {string} status @param {any} answer */
function answered(document, status, answer) {
  const headers = Object.entries(answer.headers ?? {});
  const head = [h("span", { class: "ref-status", "data-good": Number(status) < 400 }, status), h("span", {}, ...prose(answer.description ?? ""))];
  const below = [
    headers.length > 0 && h("p", { class: "ref-more" }, "Headers: ", ...headers.flatMap(([name], i) => [i ? ", " : "", h("code", {}, name)])),
    answer.content && media(document, answer.content),
  ].filter(Boolean);
  if (below.length === 0) return h("div", { class: "ref-answer" }, h("div", { class: "ref-line" }, ...head));
  const body = h("div", { class: "ref-below" });
  const el = h("details", { class: "ref-answer", open: status === "200", on: { toggle: fill } }, h("summary", { class: "ref-line" }, ...head), body);
  function fill() { if (el.open && !body.firstChild) body.append(...below); }
  fill();
  return el;
}

/** @param {any} document @param {Record<string, any>} [content] */
function media(document, content = {}) {
  return h("div", {}, ...Object.entries(content).map(([type, told]) => {
    const carried = told["x-message"] ?? told["x-line"];
    const schema = told.schema ?? {};
    return h("div", { class: "ref-media" },
      h("p", { class: "ref-more" }, h("code", {}, type), " ", schema.description ? h("span", {}, ...prose(schema.description)) : kind(document, schema)),
      carried ? h("p", { class: "ref-more" }, "each: ", kind(document, carried)) : null,
      hasParts(document, schema) ? tree(document, schema) : null);
  }));
}

/** @param {any} document @param {import("./document.js").EventType} one @returns {Item} */
export function eventType(document, one) {
  return item(one.id, one.words, [h("h3", { class: "ref-path" }, one.kind), h("span", { class: "ref-summary" }, ...prose(one.about))], () => [
    part("Payload", tree(document, one.schema.properties?.payload)),
    one.example && part("Example", json(one.example, `Example of ${one.kind}`)),
  ]);
}

/** @param {any} document @param {{id: string, name: string, schema: any, words: string}} one @returns {Item} */
export const schema = (document, one) => item(one.id, one.words, [h("h3", { class: "ref-path" }, one.name), h("span", { class: "ref-summary" }, ...prose(one.schema.description ?? ""))], () => [tree(document, one.schema)]);

/** What a stream carries and what may be said on it, from its own document. @param {any} streams @param {string} name @param {any} channel @returns {Item} */
export function channel(streams, name, channel) {
  const operations = Object.values(streams.operations ?? {}).filter((/** @type {any} */ one) => one.channel?.$ref === `#/channels/${name}`);
  const query = channel.bindings?.ws?.query ?? operations.map((/** @type {any} */ one) => one.bindings?.http?.query).find(Boolean);
  const words = `${name} ${channel.address} ${channel.title} stream`.toLowerCase();
  return item(`stream.${name}`, words, [h("h3", { class: "ref-path" }, channel.address), h("span", { class: "ref-summary" }, channel.title ?? "")], () => [
    channel.description && h("p", {}, ...prose(channel.description)),
    query && part("Query", tree(streams, query)),
    ...operations.map((/** @type {any} */ one) => part(one.action === "send" ? "From the server" : "From the client",
      h("p", { class: "ref-about" }, ...prose(one.summary ?? "")),
      h("ul", { class: "ref-messages" }, ...one.messages.map((/** @type {any} */ message) => said(streams, message.$ref.split("/").at(-1)))))),
  ]);
}

/** @param {any} streams @param {string} name */
function said(streams, name) {
  const message = streams.components?.messages?.[name] ?? {};
  const known = name.startsWith("Event.");
  return h("li", {}, known ? h("a", { href: `#event.${name.slice("Event.".length)}` }, h("code", {}, message.title)) : h("code", {}, message.title ?? name), known ? null : h("span", { class: "ref-more" }, " ", ...prose(message.summary ?? "")));
}
