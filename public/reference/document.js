/** What the API's documents say, sorted for a page: no document nodes here. */

/**
 * @typedef {Record<string, any>} Schema
 * @typedef {{id: string, method: string, path: string, tag: string, summary: string, about: string, parameters: any[], body: any, answers: [string, any][], words: string}} Operation
 * @typedef {{name: string, about: string, operations: Operation[]}} Group
 * @typedef {{id: string, kind: string, about: string, schema: Schema, example: any, words: string}} EventType
 */

const REFERENCE = "#/components/";

/** What a reference leads to; a schema itself otherwise. @param {any} document @param {any} value @returns {any} */
export function resolve(document, value) {
  const target = value?.$ref;
  if (typeof target !== "string" || !target.startsWith("#/")) return value ?? {};
  let found = document;
  for (const part of target.slice(2).split("/")) found = Object.hasOwn(found ?? {}, part) ? found[part] : undefined;
  return found ?? {};
}

/** The name of the schema that a reference leads to. @param {any} schema @returns {string|null} */
export function nameOf(schema) {
  const target = schema?.$ref;
  return typeof target === "string" && target.startsWith(`${REFERENCE}schemas/`) ? target.slice(`${REFERENCE}schemas/`.length) : null;
}

/** Every operation by its tag, in the document's order; HEAD is as GET and not listed. @param {any} document @returns {Group[]} */
export function groups(document) {
  /** @type {Map<string, Group>} */
  const all = new Map();
  for (const tag of document.tags ?? []) all.set(tag.name, { name: tag.name, about: tag.description ?? "", operations: [] });
  for (const [path, methods] of Object.entries(document.paths ?? {})) {
    for (const [method, told] of Object.entries(/** @type {Record<string, any>} */ (methods))) {
      if (method === "head") continue;
      const tag = told.tags?.[0] ?? "other";
      if (!all.has(tag)) all.set(tag, { name: tag, about: "", operations: [] });
      const parameters = (told.parameters ?? []).map((/** @type {any} */ one) => resolve(document, one));
      const names = parameters.map((/** @type {any} */ one) => one.name).join(" ");
      all.get(tag)?.operations.push({
        id: told.operationId, method: method.toUpperCase(), path, tag, summary: told.summary ?? "", about: told.description ?? "",
        parameters, body: told.requestBody ?? null, answers: Object.entries(told.responses ?? {}),
        words: `${method} ${path} ${told.operationId} ${told.summary} ${told.description ?? ""} ${names} ${tag}`.toLowerCase(),
      });
    }
  }
  return [...all.values()].filter((group) => group.operations.length > 0);
}

/** The types of events, in the document's order. @param {any} document @returns {EventType[]} */
export function eventTypes(document) {
  const mapping = document.components?.schemas?.KnownEvent?.discriminator?.mapping ?? {};
  return Object.entries(mapping).map(([kind, target]) => {
    const schema = resolve(document, { $ref: target });
    const payload = resolve(document, schema.properties?.payload);
    const about = schema.description ?? payload.description ?? "";
    return { id: `event.${kind.replaceAll(":", ".")}`, kind, about, schema, example: schema.examples?.[0] ?? null, words: `${kind} ${about} ${fieldWords(payload)}`.toLowerCase() };
  });
}

/** All schemas but the members of the union of events, which have a list of their own. @param {any} document @returns {{id: string, name: string, schema: Schema, words: string}[]} */
export function schemas(document) {
  const all = /** @type {[string, Schema][]} */ (Object.entries(document.components?.schemas ?? {}));
  return all.filter(([name]) => !name.startsWith("Event.")).map(([name, schema]) => ({ id: `schema.${name}`, name, schema, words: `${name} ${schema.description ?? ""} ${fieldWords(schema)}`.toLowerCase() }));
}

/** @param {Schema} schema */
const fieldWords = (schema) => Object.entries(schema.properties ?? {}).map(([name, one]) => `${name} ${/** @type {any} */ (one)?.description ?? ""}`).join(" ");

/** Whether all the words that somebody types stand in a text. @param {string} words @param {string} typed */
export const matches = (words, typed) => typed.toLowerCase().split(/\s+/).every((one) => words.includes(one));

/** What may stand for a value, in a few words: `integer ≥ 1`, `Snapshot`, `text or null`. @param {any} document @param {any} schema @returns {string} */
export function kindOf(document, schema) {
  const name = nameOf(schema);
  if (name) return name;
  if (!schema || typeof schema !== "object" || Object.keys(schema).length === 0) return "anything";
  if (Object.hasOwn(schema, "const")) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((/** @type {any} */ one) => JSON.stringify(one)).join(" | ");
  const union = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(union)) return [...new Set(union.map((/** @type {any} */ one) => kindOf(document, one)))].join(" or ");
  if (Array.isArray(schema.allOf) && schema.allOf.length > 0) return schema.allOf.map((/** @type {any} */ one) => kindOf(document, one)).join(" and ");
  const kinds = Array.isArray(schema.type) ? schema.type : [schema.type ?? "anything"];
  return kinds.map((/** @type {string} */ kind) => one(document, schema, kind)).join(" or ");
}

/** @param {any} document @param {any} schema @param {string} kind */
function one(document, schema, kind) {
  if (kind === "array") return schema.items ? `list of ${kindOf(document, schema.items)}` : "list";
  if (kind === "object" && schema.additionalProperties && typeof schema.additionalProperties === "object" && !schema.properties) return `map of ${kindOf(document, schema.additionalProperties)}`;
  const limits = bounds(schema, kind);
  return (kind === "string" ? "text" : kind) + (limits ? ` ${limits}` : "");
}

/** Bounds beyond what a number can be anyway are not worth a word. @param {any} schema @param {string} kind */
function bounds(schema, kind) {
  if (kind === "integer" || kind === "number") {
    const { minimum, maximum } = schema;
    const small = typeof maximum === "number" && maximum <= Number.MAX_SAFE_INTEGER;
    if (typeof minimum === "number" && small) return `${minimum} to ${maximum}`;
    if (typeof minimum === "number") return `≥ ${minimum}`;
    return small ? `≤ ${maximum}` : "";
  }
  if (kind === "string" && typeof schema.maxLength === "number") return `of at most ${schema.maxLength} characters`;
  return "";
}

/**
 * What lies below a value: the parts that a reader can open. A field of an object, a member of a union, an item of a list.
 * @param {any} document @param {any} schema @returns {{name: string, schema: any, required: boolean, about: string}[]}
 */
export function partsOf(document, schema) {
  const own = resolve(document, schema);
  /** @type {{name: string, schema: any, required: boolean, about: string}[]} */
  const parts = [];
  const add = (/** @type {string} */ name, /** @type {any} */ part, required = false) => parts.push({ name, schema: part, required, about: part?.description ?? (nameOf(part) ? resolve(document, part).description : "") ?? "" });
  for (const [name, part] of Object.entries(own.properties ?? {})) add(name, part, (own.required ?? []).includes(name));
  if (own.additionalProperties && typeof own.additionalProperties === "object") add("any key", own.additionalProperties);
  if (own.items) add("each", own.items, true);
  for (const [i, part] of (own.oneOf ?? own.anyOf ?? own.allOf ?? []).entries()) {
    if (part?.type === "null") continue;
    add(nameOf(part) ?? kindOf(document, part) ?? `${i + 1}`, part, true);
  }
  return parts;
}

/** Whether there is anything below it. @param {any} document @param {any} schema */
export const hasParts = (document, schema) => partsOf(document, schema).length > 0;

/** A text as one word of a shell. @param {string} text */
export const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/**
 * The line that asks for it in a terminal; for a WebSocket what a browser's console takes.
 * @param {any} document @param {Operation} operation @param {URL} base where the server answers
 */
export function commandLine(document, operation, base) {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => sample(document, operation.parameters.find((one) => one.name === name)));
  const query = operation.parameters.filter((one) => one.in === "query" && one.required).map((one) => `${one.name}=${sample(document, one)}`);
  const target = new URL(path.slice(1) + (query.length ? `?${query.join("&")}` : ""), base).href;
  if (operation.path === "/ws") return `new WebSocket(${JSON.stringify(target.replace(/^http/, "ws"))})`;
  const words = ["curl"];
  const streams = operation.answers.some(([, answer]) => Object.hasOwn(answer.content ?? {}, "text/event-stream"));
  if (streams) words.push("-N");
  if (operation.method !== "GET") words.push("-X", operation.method);
  const open = (document.security ?? []).some((/** @type {any} */ one) => Object.keys(one).length === 0);
  if (!open) words.push("-H", '"Authorization: Bearer $SPRINT_RUNNER_TOKEN"');
  if (operation.body) {
    const schema = resolve(document, operation.body.content?.["application/json"]?.schema);
    words.push("-H", "'Content-Type: application/json'", "-d", quoted(JSON.stringify(schema.examples?.[0] ?? {})));
  }
  return [...words, quoted(target)].join(" ");
}

/** Something that may stand there. @param {any} document @param {any} parameter */
function sample(document, parameter) {
  const schema = resolve(document, parameter?.schema);
  if (schema.type === "integer") return "1";
  return parameter?.name === "key" ? "1-1-story" : parameter?.name === "id" ? "1-1" : "x";
}
