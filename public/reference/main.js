/** The page at /api: the documents of the API, for people. */
import { base, get } from "../js/api.js";
import { theme, chooseTheme, THEMES } from "../js/look.js";
import { attribute, h, show, text } from "../js/render.js";
import { eventTypes, groups, matches, schemas } from "./document.js";
import { channel, eventType, operation, schema } from "./parts.js";
import { prose } from "./schema.js";

/** @typedef {{el: any, link: any, items: import("./parts.js").Item[]}} Section */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const nav = /** @type {HTMLElement} */ (document.getElementById("nav"));
const said = /** @type {HTMLElement} */ (document.getElementById("said"));

/** @type {Section[]} */
let sections = [];

const filter = h("input", { type: "search", id: "filter", placeholder: "Filter: a path, a field, a type", "aria-label": "Filter", "aria-keyshortcuts": "/", autocomplete: "off", spellcheck: "false", on: { input: () => narrow(filter.value.trim()) } });
const none = h("div", { class: "empty", hidden: true }, h("p", { class: "empty-title" }, "Nothing matches"), h("p", { class: "empty-hint" }, "The filter looks at paths, names, descriptions and fields. Escape clears it."));

function header() {
  const look = h("select", { "aria-label": "Theme", on: { change: () => chooseTheme(look.value) } }, ...THEMES.map((one) => h("option", { value: one }, one)));
  look.value = theme();
  addEventListener("themechange", () => { look.value = theme(); });
  document.getElementById("header")?.append(h("a", { class: "ref-home", href: base.href }, "Sprint Runner"), h("h1", {}, "API"), filter, look);
}

/** @param {string} id @param {string} title @param {string} about @param {import("./parts.js").Item[]} items */
function section(id, title, about, items) {
  const el = h("section", { class: "ref-section", "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), about ? h("p", { class: "ref-lead" }, ...prose(about)) : null, ...items.map((one) => one.el));
  const count = h("span", { class: "ref-count" }, items.length);
  const link = h("a", { href: `#${id}-title` }, title, count);
  main.append(el);
  nav.append(link);
  sections.push({ el, link, items });
}

/** @param {any} api @param {any} streams */
function build(api, streams) {
  main.replaceChildren();
  const words = [
    h("p", { class: "ref-version" }, `Version ${api.info?.version ?? ""} at `, h("code", {}, base.href)),
    h("p", { class: "ref-lead" }, ...prose(api.info?.description ?? "")),
    h("p", { class: "ref-lead" }, "The same for programs: ", h("a", { class: "ref-link", href: "api/openapi.json" }, "OpenAPI 3.1"), " and ", h("a", { class: "ref-link", href: "api/asyncapi.json" }, "AsyncAPI 3.0"), "."),
  ];
  main.append(h("div", { class: "ref-intro" }, ...words), none);
  for (const group of groups(api)) section(`tag.${group.name}`, group.name, group.about, group.operations.map((one) => operation(api, one, base)));
  section("streams", "streams", streams.info?.description ?? "", Object.entries(streams.channels ?? {}).map(([name, one]) => channel(streams, name, one)));
  const events = eventTypes(api);
  section("events", "event types", "What stands in the log and comes over the streams: `id`, `type`, `timestamp`, `batch_id`, `source` and a payload by its type.", events.map((one) => eventType(api, one)));
  section("schemas", "schemas", "The types of answers and bodies, by name.", schemas(api).map((one) => schema(api, one)));
}

/** Shows what matches, and says how much that is. @param {string} typed */
function narrow(typed) {
  let [shown, all] = [0, 0];
  for (const { el, link, items } of sections) {
    let here = 0;
    for (const item of items) {
      const fits = typed === "" || matches(item.words, typed);
      show(item.el, fits);
      here += Number(fits);
    }
    show(el, here > 0);
    show(link, here > 0);
    text(link.querySelector(".ref-count"), here);
    shown += here;
    all += items.length;
  }
  show(none, shown === 0);
  text(said, typed ? `${shown} of ${all} match` : "");
}

/** Opens what the address names, and goes there. @param {boolean} [focus] */
function follow(focus = true) {
  let id = "";
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return; // An address that somebody mistyped.
  }
  const found = sections.flatMap((one) => one.items).find((one) => one.id === id);
  if (found) {
    if (found.el.hidden) {
      filter.value = "";
      narrow("");
    }
    found.open();
  }
  const target = found?.el ?? (id ? document.getElementById(id) : null);
  if (!target) return;
  target.scrollIntoView({ block: "start" });
  if (found && focus) found.el.querySelector("summary").focus({ preventScroll: true });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const inField = event.target instanceof Element && event.target.matches("input, select, textarea");
  if (event.key === "/" && !inField && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    filter.focus();
    filter.select();
  } else if (event.key === "Escape" && event.target === filter && filter.value) {
    event.preventDefault();
    filter.value = "";
    narrow("");
  }
}

/** What is opened by hand stands in the address, so that it can be shared. @param {Event} event */
function opened(event) {
  const el = event.target;
  if (el instanceof HTMLDetailsElement && el.classList.contains("ref-item") && el.open && location.hash !== `#${el.id}`) history.replaceState(null, "", `#${el.id}`);
}

async function begin() {
  header();
  const wait = h("p", { class: "ref-wait note" }, "Reading the documents…");
  main.append(wait);
  addEventListener("keydown", pressed);
  addEventListener("hashchange", () => follow());
  main.addEventListener("toggle", opened, true);
  try {
    const [api, streams] = await Promise.all([get("api/openapi.json"), get("api/asyncapi.json")]);
    build(api, streams);
  } catch (error) {
    const words = error instanceof Error && / 401$/.test(error.message) ? "The server wants its token: open the dashboard with it first." : "The server did not send its documents. Is it still running?";
    main.replaceChildren(h("div", { class: "empty" }, h("p", { class: "empty-title" }, words), h("p", {}, h("button", { class: "button", type: "button", on: { click: () => location.reload() } }, "Try again"))));
    return;
  }
  attribute(main, "data-ready", true);
  follow();
}

void begin();
