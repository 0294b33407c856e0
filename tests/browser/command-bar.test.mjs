/** The command bar: what it offers, in which order, and what pressing Enter does. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import { commandsOf, remember, weightOf } from "../../public/js/commands.js";
import { launch, open, PATIENCE_MS, project, serve } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const run = (more = {}) => ({ kind: "none", phase: "idle", batch_id: null, ...more });
const app = ({ live = {}, ...more } = {}) => ({ loaded: true, past: null, line: { live: true, ever: true }, control: { readOnly: null }, model: { epics: [] }, ...more,
  live: { run: run(), verdict: { kind: "idle" }, model: { agents: [] }, ...live } });
const known = (one, more = {}) => ({ views: [["stories", "Stories", "g s"]], app: one, theme: "system", notify: { kind: "off", words: "" }, batches: [], here: () => "#", address: (view) => `#${view}`, ...more });
const why = (id, one, more) => commandsOf(known(one, more), {}).find((command) => command.id === id)?.why ?? null;

describe("what cannot be done says why", () => {
  const managed = { live: { run: run({ kind: "managed", batch_id: 7, phase: "running" }) } };
  for (const [name, id, one, reason, more] of [
    ["start while idle", "start 2", app(), null],
    ["start while one runs", "start all", app(managed), /Batch 7 is running already/],
    ["start on a read-only server", "start 1", app({ control: { readOnly: "Read-only." } }), /Read-only/],
    ["start while offline", "start 1", app({ line: { live: false, ever: true } }), /not reached/],
    ["start while somebody else's is busy", "start 1", app({ live: { run: run({ kind: "observed", batch_id: 3 }), verdict: { kind: "running" } } }), /run by someone else/],
    ["stop while idle", "stop now", app(), /No batch is running/],
    ["stop while one runs", "stop graceful", app(managed), null],
    ["stop somebody else's", "stop now", app({ live: { run: run({ kind: "observed", batch_id: 3 }) } }), /can only be stopped there/],
    ["the theme that is worn", "theme system", app(), /already/],
    ["notifications that are refused", "notify", app(), /refuse/, { notify: { kind: "denied", words: "told to refuse" } }],
    ["a test while they are off", "notify test", app(), /off/],
  ]) {
    test(name, () => {
      if (reason === null) assert.equal(why(id, one, more), null);
      else assert.match(why(id, one, more), reason);
    });
  }
});

test("every command has its own id; what costs or ends something is asked twice", () => {
  const all = commandsOf(known(app({ past: { batch: 7 } }), { batches: [{ id: 1, status: "completed", duration_seconds: 60 }] }), {});
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  assert.deepEqual(all.filter(({ confirm }) => confirm).map(({ id }) => id), ["start 1", "start 2", "start all", "stop graceful", "stop now"]);
  assert.ok(all.some(({ id }) => id === "live") && !all.some(({ id }) => id === "past"));
  assert.equal(all.filter(({ group }) => group === "Setting").length, 9);
});

test("what was used lately is kept once, newest first, and not for ever", () => {
  let recent = [];
  for (let i = 0; i < 40; i += 1) recent = remember(recent, `one ${i % 15}`);
  assert.equal(recent.length, 12);
  assert.equal(recent[0], "one 9");
  assert.equal(new Set(recent).size, 12);
  assert.ok(weightOf(recent, { id: "one 9", group: "x" }) > weightOf(recent, { id: "one 8", group: "x" }));
});

async function scene(options, play) {
  const files = project(options.status);
  if (options.agent) writeFileSync(join(files.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = ${JSON.stringify(fileURLToPath(new URL(`../../fixtures/agents/${options.agent}`, import.meta.url)))}\n`);
  const server = await serve(files.dir);
  const shown = await open(browser, `${server.url}#overview`);
  try {
    await shown.page.waitForFunction(() => !["loading", undefined].includes(document.querySelector("#state")?.dataset.kind) && document.querySelector(".chord"));
    await play({ ...shown, files, url: server.url });
    assert.deepEqual(shown.wrong, []);
    assert.deepEqual(await shown.page.evaluate(() => window.violations), []);
  } finally {
    await shown.close();
    await server.end("SIGTERM");
    files.remove();
  }
}

/** Opens it, types, and waits for what comes first. */
async function ask(page, query, first) {
  await page.keyboard.press("Control+k");
  await page.waitForSelector(".cmd[open]");
  await page.keyboard.type(query);
  await page.waitForFunction((wanted) => document.querySelector("[role=option][aria-selected=true] .cmd-name")?.textContent === wanted, first, { timeout: PATIENCE_MS });
}
const closed = (page) => page.waitForFunction(() => !document.querySelector("dialog[open]"));
const at = (page, hash) => page.waitForFunction((wanted) => location.hash === wanted, hash, { timeout: PATIENCE_MS });

test("by its letters to a view, a story, a setting; arrows, Escape and the focus", async () => {
  await scene({}, async ({ page }) => {
    await ask(page, "act", "Activity");
    await page.keyboard.press("Enter");
    await at(page, "#activity");
    await ask(page, "rope", "1-2 Rope and fender");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.includes("detail=1-2-rope-and-fender"));
    await page.goto(`${page.url().split("#")[0]}#overview`);
    await ask(page, "port", "Port");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "set-server_port");
    await page.keyboard.press("Control+k");
    await page.waitForSelector(".cmd[open]");
    const chosen = () => page.locator("[role=option][aria-selected=true]").getAttribute("id");
    assert.equal(await page.getByRole("combobox", { name: "Command", exact: true }).getAttribute("aria-activedescendant"), "cmd-0");
    await page.keyboard.press("ArrowUp");
    assert.notEqual(await chosen(), "cmd-0", "a step up from the first is the last");
    await page.keyboard.press("ArrowDown");
    assert.equal(await chosen(), "cmd-0");
    await page.keyboard.press("Escape");
    await closed(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), "set-server_port", "the focus is where it was");
    // What was used lately comes first where nothing is asked.
    await page.keyboard.press("Control+k");
    await page.waitForFunction(() => document.querySelector(".cmd[open] .cmd-group")?.textContent === "used lately");
    await page.keyboard.type("zzzzzz");
    await page.getByText("Nothing is called so.").waitFor();
  });
});

test("a disabled action says why and stays; starting is asked twice", async () => {
  await scene({ agent: "slow" }, async ({ page }) => {
    await ask(page, "batch now", "Stop the batch now");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".cmd-said")?.textContent === "No batch is running.");
    await page.keyboard.press("Escape");
    await closed(page);
    await ask(page, "start 1", "Start a batch: 1 cycle");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".cmd-said")?.textContent.includes("Press Enter again"));
    await page.keyboard.press("Enter");
    await at(page, "#run");
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "running");
    await ask(page, "stop", "Stop the batch after the running command");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /\d+ agents? will be ended at once/.test(document.querySelector(".cmd-said")?.textContent));
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "idle");
  });
});

test("a key that is markup is text, and is found", async () => {
  await scene({ status: `project: x\ndevelopment_status:\n  epic-1: backlog\n  'test"story<img>': backlog\n` }, async ({ page }) => {
    await ask(page, "<img", 'test"story<img>');
    assert.equal(await page.locator(".cmd img").count(), 0);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => new URLSearchParams(location.hash.split("?")[1]).get("detail") === 'test"story<img>');
  });
});

test("among 5,000 stories the one with that key comes first", async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `  ${1 + Math.floor(i / 100)}-${i % 100}-story-number-${i}: backlog\n`).join("");
  await scene({ status: `project: many\ndevelopment_status:\n${many}` }, async ({ page }) => {
    await ask(page, "17-42", "17-42 Story number 1642");
  });
});
