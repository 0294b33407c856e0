/** The past on the page: real server, real log, real browser; and a recording, which has no server at all. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launch, open, PATIENCE_MS, project, serve, STATUS, until } from "./support.mjs";

const AGENTS = fileURLToPath(new URL("../../fixtures/agents/", import.meta.url));

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {any} */ let files;
/** @type {any} */ let server;
/** @type {any[]} the log when the batch had ended */
let log;

const api = async (path) => (await fetch(server.url + path)).json();

async function begin(size) {
  const answer = await fetch(`${server.url}api/orchestrator/start`, { method: "POST", headers: { "Content-Type": "application/json" }, body: `{"batch_size":${size}}` });
  assert.equal(answer.status, 200, await answer.text());
}

before(async () => {
  browser = await launch();
  files = project();
  const plans = join(files.dir, "_bmad-output", "planning-artifacts");
  mkdirSync(plans, { recursive: true });
  writeFileSync(join(plans, "project-context.md"), "# Harbour\n");
  // Quick, until told to take its time.
  const agent = join(files.dir, "agent.sh");
  writeFileSync(agent, `#!/bin/sh\n[ -e ${files.dir}/slowly ] && AGENT_SECONDS=900 exec ${AGENTS}slow "$@"\nexec ${AGENTS}good "$@"\n`);
  chmodSync(agent, 0o755);
  writeFileSync(join(files.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = ${JSON.stringify(agent)}\n`);
  server = await serve(files.dir);
  // First somebody else's batch, in which something fails; then one of ours; then one that goes on all the while.
  files.row("1", "1-3", "dev-story", "workflow", "start", "");
  files.row("1", "1-3", "dev-story", "workflow", "failed", "the tide came in");
  await until(async () => (await api("api/events?q=tide")).events.length > 0, Boolean, "the rows");
  await begin("1");
  await until(async () => (await api("api/batches/2").catch(() => null))?.batch?.status === "completed", Boolean, "the end of the batch");
  writeFileSync(join(files.dir, "slowly"), "");
  await begin('"all"');
  await until(async () => (await api("api/snapshot")).active.length > 0, Boolean, "the next batch's command");
  log = (await api("api/events?after=0&limit=1000")).events;
});
after(async () => {
  await browser?.close();
  await server?.end("SIGTERM");
  files?.remove();
});

const shows = (page, text, selector) => page.waitForFunction(([where, what]) => [...document.querySelectorAll(where)].some((el) => el.checkVisibility() && el.innerText.includes(what)), [selector, text], { timeout: PATIENCE_MS });
const place = (page) => page.waitForFunction(() => document.querySelector("#time:not([hidden]) .time-place")?.textContent).then((it) => it.jsonValue());
const comesTo = (page, text) => page.waitForFunction((wanted) => document.querySelector("#time:not([hidden]) .time-place")?.textContent === wanted, text, { timeout: PATIENCE_MS });
const searchIs = (page, wanted) => page.waitForFunction((text) => location.search === text, wanted, { timeout: PATIENCE_MS });
const frames = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** @param {string} address @param {(shown: Awaited<ReturnType<typeof open>>) => Promise<void>} play @param {any} [options] */
async function at(address, play, options) {
  const shown = await open(browser, server.url + address, options);
  try {
    await play(shown);
    assert.deepEqual(shown.wrong, []);
    assert.deepEqual(await shown.page.evaluate(() => window.violations), []);
  } finally {
    await shown.close();
  }
}

const first = () => log.find((one) => one.batch_id === 2).id;
const last = () => log.findLast((one) => one.batch_id === 2).id;
const underWay = () => log.find((one) => one.type === "command:start" && one.batch_id === 2 && one.id > first() + 3);

test("a past batch opens in the same views, timers stand, and back to live restores everything", async () => {
  await at(`?batch=2#run`, async ({ page }) => {
    await shows(page, "Batch 2 · completed", ".time-batch");
    await shows(page, "Batch 2: completed", ".end-card");
    await shows(page, "running", "#state");
    assert.equal(await place(page), `${last() - first() + 1} of ${last() - first() + 1}`);
    assert.equal(await page.getByRole("button", { name: "Start", exact: true }).filter({ visible: true }).count(), 0, "nothing is started in the past");

    // Into the middle of it: a command of then is under way, its clock stands, what came later is not there.
    const { id, payload } = underWay();
    await page.goto(`${server.url}?batch=2&at=${id}#overview`);
    await comesTo(page, `${id - first() + 1} of ${last() - first() + 1}`);
    await page.waitForFunction(() => document.querySelector("#view-overview .op-time")?.textContent);
    const clock = () => page.evaluate(() => [...document.querySelectorAll("#view-overview .op-time")].map((el) => el.textContent).join());
    const then = await clock();
    const began = await page.evaluate(() => performance.now());
    assert.match(await page.locator("#view-overview .hero-word").innerText(), /^was /i);
    assert.equal(await page.locator("#latest .event").first().getAttribute("data-id"), String(id));
    await page.goto(`${server.url}?batch=2&at=${id}#activity`);
    await page.waitForFunction((wanted) => document.querySelector("#activity .event")?.dataset.id === wanted, String(id));
    await page.evaluate(() => { location.hash = "#overview"; });
    // Something happens now: the past does not care.
    files.status(STATUS.replace("night-lights: backlog", "night-lights: trimmed"));
    await until(async () => (await api("api/events?limit=5&type=story:status")).events.some((one) => one.payload?.new_status === "trimmed"), Boolean, "the change");
    await page.waitForFunction((t) => performance.now() - t > 2500 || performance.now() < t, began);
    await page.waitForFunction(() => document.querySelector("#view-overview .op-time")?.checkVisibility());
    assert.equal(await clock(), then);
    assert.equal(await page.locator("#latest .event").first().getAttribute("data-id"), String(id));
    assert.ok(payload.command);

    await page.getByRole("button", { name: "Back to live" }).filter({ visible: true }).last().click();
    await searchIs(page, "");
    await page.waitForFunction(() => !document.documentElement.classList.contains("is-past") && document.querySelector("#time").hidden);
    await shows(page, "trimmed", "#latest");
    await page.waitForFunction(() => document.querySelector("#operations .op-time")?.checkVisibility());
    const ticking = await clock();
    await page.waitForFunction((was) => [...document.querySelectorAll("#view-overview .op-time")].map((el) => el.textContent).join() !== was, ticking, { timeout: PATIENCE_MS });
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  });
});

test("a moment is in the address: reload, sharing, back and forward", async () => {
  const { id } = underWay();
  const of = `${id} of `;
  await at("#overview", async ({ page }) => {
    await shows(page, "running", "#state");
    await page.getByRole("button", { name: "Look at the past" }).click();
    await page.waitForFunction(() => /^\?at=\d+$/.test(location.search));
    await place(page);
    await page.locator(".time-slider").fill(String(id));
    await page.waitForFunction((text) => document.querySelector(".time-place")?.textContent.startsWith(text), of);
    await searchIs(page, `?at=${id}`);
    const words = await page.locator(".time-when").innerText();
    await page.reload();
    await page.waitForFunction((text) => document.querySelector(".time-place")?.textContent.startsWith(text), of);
    assert.equal(await page.locator(".time-when").innerText(), words);
    await at(`?at=${id}#stories`, async ({ page: other }) => {
      await other.waitForFunction((text) => document.querySelector(".time-place")?.textContent.startsWith(text), of);
      assert.equal(await other.locator(".time-when").innerText(), words);
      assert.ok((await other.locator("#view-stories").innerText()).includes("Rope and fender"));
    });
    await page.goBack();
    await searchIs(page, "");
    await page.waitForFunction(() => !document.documentElement.classList.contains("is-past"));
    await page.goForward();
    await page.waitForFunction((text) => document.querySelector("#time:not([hidden]) .time-place")?.textContent.startsWith(text), of);
  });
});

test("the slider is walked by keyboard, says where it is, and Escape leads back", async () => {
  await at(`?at=${last()}#overview`, async ({ page }) => {
    const [, total] = /^\S+ of (\S+)$/.exec(await place(page));
    const slider = page.getByRole("slider", { name: "Moment" });
    await slider.focus();
    const go = async (key, to) => { await page.keyboard.press(key); await comesTo(page, `${to} of ${total}`); };
    await go("ArrowLeft", last() - 1);
    await go("ArrowLeft", last() - 2);
    await go("ArrowRight", last() - 1);
    await go("Home", 0);
    await go("ArrowUp", 1);
    await go("PageUp", 1 + Math.max(10, Math.round(Number(total) / 20)));
    await go("PageDown", 1);
    await go("End", Number(total));
    assert.match(await slider.getAttribute("aria-valuetext"), new RegExp(`${total} of ${total}: .`));
    await page.getByRole("button", { name: "Previous failure" }).click();
    const failed = log.find((one) => one.payload?.message === "the tide came in");
    await comesTo(page, `${failed.id} of ${total}`);
    await shows(page, "the tide came in", ".time-event");
    await page.getByRole("button", { name: "Previous failure" }).click();
    await shows(page, "No earlier failure", ".time-note");
    await page.getByRole("button", { name: "One event back" }).click();
    await comesTo(page, `${failed.id - 1} of ${total}`);
    await page.getByRole("button", { name: "Next failure" }).first().click();
    await comesTo(page, `${failed.id} of ${total}`);
    await page.keyboard.press("Escape");
    await searchIs(page, "");
  });
});

test("a batch is played from its beginning to its end, and paused", async () => {
  await at(`?batch=2&at=${first()}#run`, async ({ page }) => {
    await place(page);
    await page.getByRole("combobox", { name: "Speed" }).selectOption("600");
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await comesTo(page, `${last() - first() + 1} of ${last() - first() + 1}`);
    await page.waitForFunction(() => document.querySelector(".time-play").getAttribute("aria-label") === "Play");
    await searchIs(page, "?batch=2");
    await page.getByRole("combobox", { name: "Speed" }).selectOption("1");
    // It was a short batch: without time it does not end before it is paused.
    await page.evaluate(() => { const now = Date.now(); Date.now = () => now; });
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Play", exact: true }).waitFor();
  });
});

test("what cannot be loaded is said and tried again; no batch of that number is said too", async () => {
  const shown = await open(browser, `${server.url}#overview`);
  const { page, close } = shown;
  let broken = true;
  await page.route("**/api/snapshot?at=*", (route) => (broken ? route.fulfill({ status: 500, body: "{}" }) : route.continue()));
  await page.goto(`${server.url}?at=${last()}#overview`);
  await shows(page, "could not be loaded", ".time-event");
  broken = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForFunction((text) => document.querySelector(".time-place")?.textContent.startsWith(text), `${last()} of `);
  await page.goto(`${server.url}?batch=99#overview`);
  await shows(page, "There is no batch 99.", ".time-event");
  await page.keyboard.press("Escape");
  await searchIs(page, "");
  await close();
});

for (const [width, height] of [[1400, 900], [900, 700], [390, 844], [320, 640]]) {
  test(`at ${width} pixels nothing is cut off, and everything has a name`, async () => {
    await at(`?batch=2&at=${underWay().id}#overview`, async ({ page }) => {
      await place(page);
      await frames(page);
      const seen = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - innerWidth,
        out: [...document.querySelectorAll("#time *")].filter((el) => el.checkVisibility() && el.getBoundingClientRect().right > innerWidth + 1).map((el) => el.className),
        nameless: [...document.querySelectorAll("#time :is(button, a, input, select)")].filter((el) => el.checkVisibility() && !(el.getAttribute("aria-label") ?? el.textContent).trim()).length,
        main: document.querySelector("#main").getBoundingClientRect().height,
      }));
      assert.deepEqual([seen.wide <= 0, seen.out, seen.nameless], [true, [], 0]);
      assert.ok(seen.main > height / 3, `${seen.main} of ${height}`);
    }, { viewport: { width, height } });
  });
}

/** Watches that a page asks nothing of any server but for its own files. @param {import("playwright-core").Page} page */
function silence(page) {
  const asked = [];
  page.on("request", (request) => { if (/^\/(api\/|ws$|sse$|healthz$)/.test(new URL(request.url()).pathname)) asked.push(request.url()); });
  page.on("websocket", (socket) => asked.push(socket.url()));
  return asked;
}

/** What holds for a recording, wherever it comes from. @param {import("playwright-core").Page} page @param {number} n its events */
async function isRecording(page, n) {
  await shows(page, "recording", "#state");
  await comesTo(page, `${n} of ${n}`);
  assert.match(await page.title(), /^recording/);
  assert.equal(await page.evaluate(() => document.querySelector("#favicon").dataset.state), "recording");
  assert.ok(!/\b(live|offline|running)\b/i.test(await page.locator("#header").innerText()));
  assert.equal(await page.locator("#bar:not([hidden])").count(), 0);
  await page.getByRole("slider", { name: "Moment" }).focus();
  await page.keyboard.press("Home");
  await comesTo(page, `0 of ${n}`);
  await page.keyboard.press("ArrowRight");
  await comesTo(page, `1 of ${n}`);
  await page.keyboard.press("End");
  await comesTo(page, `${n} of ${n}`);
  await page.evaluate(() => { location.hash = "#activity?q=tide"; });
  await shows(page, "the tide came in", "#activity");
  await page.evaluate(() => { location.hash = "#stories"; });
  await shows(page, "Rope and fender", "#stories");
  assert.equal(await place(page), `${n} of ${n}`, "the moment is kept from view to view");
  await page.evaluate(() => { location.hash = "#batches"; });
  await page.waitForFunction(() => document.querySelectorAll("#view-batches .batch-list > li").length === 3);
  await page.getByRole("button", { name: "To the end" }).waitFor();
  await page.keyboard.press("Escape");
  await frames(page);
  assert.equal(await place(page), `${n} of ${n}`);
}

test("a recording made by hand: nothing is asked of a server", async () => {
  const base = await api("api/snapshot?at=0");
  const answers = { "api/batches": await api("api/batches"), "api/timeline": await api("api/timeline"), "api/settings": await api("api/settings") };
  const archive = { format: 1, exported_at: Date.now(), version: "0", epoch: base.epoch, first: 1, last: log.at(-1).id, base, events: log, answers };
  const json = JSON.stringify(archive).replaceAll("<", "\\u003c");
  const html = (await (await fetch(server.url)).text()).replace("</head>", () => `<link rel="stylesheet" href="css/time.css"><script type="application/json" id="archive">${json}</script></head>`);
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  await page.route(server.url, (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.route(`${server.url}?*`, (route) => route.fulfill({ contentType: "text/html", body: html }));
  const asked = silence(page);
  await page.goto(server.url);
  await isRecording(page, log.length);
  assert.deepEqual([asked, wrong], [[], []]);
  await context.close();
});

test("the exported file replays from the disk", async () => {
  const answer = await fetch(`${server.url}api/export?format=html`);
  assert.equal(answer.status, 200);
  const file = join(files.dir, "recording.html");
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  const n = (await api("api/events?after=0&limit=1000")).events.length;
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  const requests = [];
  page.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) requests.push(request.url()); });
  await page.goto(pathToFileURL(file).href);
  await isRecording(page, n);
  assert.deepEqual([requests, wrong], [[], []]);
  await context.close();
});
