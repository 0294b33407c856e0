/** The page at /api: its pure parts on a small document, the page itself in Chromium on the real ones. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { commandLine, eventTypes, groups, kindOf, matches, partsOf, quoted, resolve } from "../../public/reference/document.js";
import { launch, open, project, serve, start } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {any} */
let files;
/** @type {any} */
let server;
before(async () => {
  browser = await launch();
  files = project();
  server = await serve(files.dir);
});
after(async () => {
  await browser?.close();
  await server?.end("SIGKILL");
  files?.remove();
});

const ready = (/** @type {any} */ page) => page.waitForSelector("main[data-ready]");
const opened = async (hash = "", options = {}) => {
  const all = await open(browser, `${server.url}api${hash}`, options);
  await ready(all.page);
  return all;
};

test("kinds, parts and lines of the terminal", () => {
  const document = {
    security: [{ bearer: [] }, {}],
    tags: [{ name: "log", description: "events" }],
    paths: { "/a/{id}": { get: { operationId: "a", tags: ["log"], summary: "one", parameters: [{ $ref: "#/components/parameters/Id" }], responses: {} }, head: { operationId: "aHead", responses: {} } } },
    components: {
      parameters: { Id: { name: "id", in: "path", required: true, schema: { type: "integer" } } },
      schemas: { Loop: { type: "object", required: ["self"], properties: { self: { $ref: "#/components/schemas/Loop" }, or: { anyOf: [{ $ref: "#/components/schemas/Loop" }, { type: "null" }] } } } },
    },
  };
  for (const [schema, expected] of /** @type {[any, string][]} */ ([
    [{ type: "integer", minimum: 1 }, "integer ≥ 1"],
    [{ type: "integer", minimum: 0, maximum: 18446744073709551615 }, "integer ≥ 0"],
    [{ type: "integer", minimum: 1, maximum: 9 }, "integer 1 to 9"],
    [{ type: ["string", "null"] }, "text or null"],
    [{ type: "string", maxLength: 500 }, "text of at most 500 characters"],
    [{ enum: ["a", "b"] }, "\"a\" | \"b\""],
    [{ const: "x" }, "\"x\""],
    [{ type: "array", items: { $ref: "#/components/schemas/Loop" } }, "list of Loop"],
    [{ type: "object", additionalProperties: { type: "string" } }, "map of text"],
    [{ anyOf: [{ $ref: "#/components/schemas/Loop" }, { type: "null" }] }, "Loop or null"],
    [{}, "anything"],
    [true, "anything"],
    [null, "anything"],
  ])) assert.equal(kindOf(document, schema), expected);
  assert.deepEqual(partsOf(document, { $ref: "#/components/schemas/Loop" }).map((one) => [one.name, one.required]), [["self", true], ["or", false]]);
  assert.deepEqual(resolve(document, { $ref: "#/components/schemas/constructor" }), {});
  const [{ operations }] = groups(document);
  assert.equal(operations.length, 1, "HEAD is not listed");
  const base = new URL("http://h:1/p/x/");
  assert.equal(commandLine(document, operations[0], base), "curl http://h:1/p/x/a/1");
  document.security.pop();
  assert.equal(commandLine(document, operations[0], base), "curl -H \"Authorization: Bearer $SPRINT_RUNNER_TOKEN\" http://h:1/p/x/a/1");
  assert.equal(quoted("it's"), "'it'\\''s'");
  assert.ok(matches("get /api/events story", "story API") && !matches("get", "story"));
  assert.deepEqual(eventTypes({}), []);
  assert.deepEqual(groups({}), []);
});

test("the page shows every address, every type of events with its example, every stream", async () => {
  const { page, wrong, close } = await opened();
  const api = await (await fetch(`${server.url}api/openapi.json`)).json();
  const operations = Object.values(api.paths).flatMap((methods) => Object.entries(methods).filter(([method]) => method !== "head").map(([, told]) => told.operationId));
  assert.ok(operations.length > 25);
  for (const id of operations) assert.equal(await page.locator(`#${id}`).count(), 1, id);
  const examples = readdirSync(new URL("../../fixtures/wire/events/", import.meta.url)).map((name) => JSON.parse(readFileSync(new URL(`../../fixtures/wire/events/${name}`, import.meta.url), "utf8")));
  assert.equal(examples.length, 30);
  for (const example of examples) {
    const item = page.locator(`[id="event.${example.type.replaceAll(":", ".")}"]`);
    await item.locator("> summary").click();
    assert.deepEqual(JSON.parse(await item.locator(".ref-json").innerText()), example);
    const shown = await item.locator(".ref-part").first().locator("> .ref-tree > li > .ref-line > .ref-field, > .ref-tree > li > details > summary > .ref-field").allInnerTexts();
    for (const key of Object.keys(example.payload)) assert.ok(shown.includes(key), `${example.type}: ${key} in ${shown}`);
  }
  for (const name of ["ws", "sse"]) {
    const item = page.locator(`[id="stream.${name}"]`);
    await item.locator("> summary").click();
    assert.ok((await item.innerText()).includes("last_event_id"));
    assert.equal(await item.locator(".ref-messages a").count(), 30);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).violations), []);
  await close();
});

test("a shared address opens its item, a link within leads on, an opened item stands in the address", async () => {
  const { page, wrong, close } = await opened("#getSnapshot");
  assert.equal(await page.locator("#getSnapshot").getAttribute("open"), "");
  assert.equal(await page.evaluate(() => document.activeElement?.parentElement?.id), "getSnapshot");
  await page.locator("#getSnapshot a.ref-kind", { hasText: /^Snapshot$/ }).click();
  await page.waitForFunction(() => document.getElementById("schema.Snapshot")?.hasAttribute("open") && document.activeElement?.parentElement?.id === "schema.Snapshot");
  await page.locator("#listEvents > summary").click();
  await page.waitForFunction(() => location.hash === "#listEvents");
  // Parts below are opened by keys alone.
  await page.locator("#listEvents .ref-below summary").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#listEvents .ref-below details[open] .ref-below")?.childElementCount);
  // An address that nobody knows, and one that is none.
  for (const hash of ["#nothing", "#%E0%A4%A"]) await page.evaluate((one) => { location.hash = one; }, hash);
  assert.deepEqual(wrong, []);
  await close();
});

test("the filter narrows, says how much is left, and an address behind it is still found", async () => {
  const { page, wrong, close } = await opened();
  await page.keyboard.press("/");
  await page.keyboard.type("parked_until");
  await page.waitForFunction(() => /^\d+ of \d+ match$/.test(document.getElementById("said")?.textContent ?? ""));
  const shown = await page.locator(".ref-item:visible").evaluateAll((all) => all.map((one) => one.id));
  assert.ok(shown.includes("event.batch.warning") && shown.includes("schema.OrchestratorStatus") && !shown.includes("getHealth"), String(shown));
  await page.evaluate(() => { location.hash = "#getHealth"; });
  await page.waitForFunction(() => document.activeElement?.parentElement?.id === "getHealth");
  assert.equal(await page.locator("#filter").inputValue(), "");
  await page.locator("#filter").fill("no such thing");
  await page.waitForSelector(".empty:visible");
  await page.keyboard.press("Escape");
  await page.waitForSelector(".empty", { state: "hidden" });
  assert.equal(await page.locator(".ref-item:visible").count(), await page.locator(".ref-item").count());
  assert.deepEqual(wrong, []);
  await close();
});

test("the line for the terminal is what is copied, and it works", async () => {
  const prepare = (/** @type {any} */ context) => context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { page, wrong, close } = await opened("#changeSettings", { prepare });
  await page.locator("#changeSettings .ref-command button").click();
  await page.waitForFunction(() => document.getElementById("said")?.textContent?.includes("copied"));
  const line = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(line, `curl -X PUT -H 'Content-Type: application/json' -d '{"default_max_cycles":3}' ${server.url}api/settings`);
  const { spawnSync } = await import("node:child_process");
  const ran = spawnSync("sh", ["-c", `${line} --silent --max-time 10`], { encoding: "utf8" });
  if (ran.status !== 127) assert.equal(JSON.parse(ran.stdout).default_max_cycles, 3);
  assert.deepEqual(wrong, []);
  await close();
});

test("what the documents say is never markup", async () => {
  const bad = "<img src=x onerror=\"window.hit=1\">`<script>window.hit=1</script>`";
  const prepare = async (/** @type {any} */ context) => {
    await context.route("**/api/openapi.json", async (/** @type {any} */ route) => {
      const told = await (await route.fetch()).json();
      told.info.description = bad;
      const events = told.paths["/api/events"].get;
      events.summary = bad;
      events.description = bad;
      events.parameters[0].name = bad;
      events.parameters[0].schema = { $ref: "javascript:alert(1)" };
      told.components.schemas.Epoch.description = bad;
      told.components.schemas[bad] = { type: "object", properties: { [bad]: { const: bad } } };
      await route.fulfill({ json: told });
    });
  };
  const { page, wrong, close } = await opened("#listEvents", { prepare });
  await page.evaluate(() => { for (const one of /** @type {any} */ (document.querySelectorAll(".ref-item"))) one.open = true; });
  await page.waitForFunction(() => [...document.querySelectorAll(".ref-item > .ref-body")].every((one) => one.childElementCount > 0));
  assert.ok((await page.locator("#main").innerText()).includes("onerror"));
  assert.equal(await page.locator("#main img, #main script").count(), 0);
  assert.equal(await page.locator("#main a[href^='javascript:']").count(), 0);
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).hit), undefined);
  assert.deepEqual(wrong, []);
  await close();
});

test("a server that wants its token shows the page to who signed in, and lines that carry the token", async () => {
  const own = project();
  const asked = await start("serve", "--port", "0", "-C", own.dir, "--token", "s3cret-s3cret-s3cret");
  const { page, close } = await open(browser, `${asked.url}?token=s3cret-s3cret-s3cret`);
  await page.goto(`${asked.url}api#getHealth`);
  await ready(page);
  assert.ok((await page.locator("#getHealth .ref-command pre").innerText()).includes("Authorization: Bearer $SPRINT_RUNNER_TOKEN"));
  assert.ok(!(await page.content()).includes("s3cret"));
  await close();
  await asked.end("SIGKILL");
  own.remove();
});

test("axe finds no fault, no window is too narrow", async () => {
  /** @type {string[]} */
  const faults = [];
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    for (const width of [1300, 390]) {
      const { page, wrong, close } = await opened("#listEvents", { viewport: { width, height: 844 }, colorScheme, prepare: async (/** @type {any} */ context) => context.addInitScript(axe) });
      for (const id of ["getSnapshot", "changeSettings", "getAgentLog", "event.command.end", "stream.ws", "schema.SprintStatus"]) await page.evaluate((one) => { /** @type {any} */ (document.getElementById(one)).open = true; }, id);
      await page.waitForFunction(() => document.querySelectorAll(".ref-item[open] > .ref-body > *").length > 12);
      await page.evaluate(() => { for (const one of /** @type {any} */ (document.querySelectorAll("#listEvents .ref-below details"))) one.open = true; });
      await page.waitForFunction(() => document.querySelectorAll("#listEvents .ref-below .ref-below").length > 0);
      // Everything is looked at, also what stands below the window's end.
      const found = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      for (const one of found.violations) faults.push(`${colorScheme} ${width}: ${one.id} ${one.nodes.slice(0, 3).map((/** @type {any} */ node) => node.html.slice(0, 160)).join(" | ")}`);
      for (const w of width === 390 ? [320, 390] : [720, 1300, 2560]) {
        await page.setViewportSize({ width: w, height: 844 });
        const over = await page.evaluate(() => { const main = /** @type {HTMLElement} */ (document.getElementById("main")); return [document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth]; });
        if (over.some((n) => n > 0)) faults.push(`${w} px is too narrow: ${over}`);
      }
      faults.push(...wrong);
      await close();
    }
  }
  assert.deepEqual(faults, []);
});
