/** A team's projects on a hub, in Chromium: who is not heard is unreachable, on every page, and never at work. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { natsServer, team } from "./nats.mjs";
import { launch, open, PATIENCE_MS, within } from "./support.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SIZES = [[1400, 900], [900, 700], [390, 844], [320, 640]];
/** What a silent server is given before it is told to be unreachable, and the beat before it. */
const SOON_MS = 20_000;
const VIEWS = ["overview", "run", "epics", "stories", "activity", "batches", "insights", "issues"];

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const kind = (page, wanted) => page.waitForFunction((word) => document.querySelector("#state")?.dataset.kind === word, wanted, { timeout: PATIENCE_MS });
const row = (page, name) => page.locator(".team-row", { has: page.locator(`.team-link:text-is("${name}")`) });
const inRow = (page, name, wanted) => page.waitForFunction(([n, w]) => [...document.querySelectorAll(".team-rows .team-row")].some((el) => el.querySelector(".team-link").textContent === n && el.querySelector(".state").textContent.startsWith(w)), [name, wanted], { timeout: PATIENCE_MS });
/** Lines that say that something runs, but for the words on what can be pressed. */
const running = (page) => page.evaluate(() => document.title + document.body.innerText.split("\n").filter((line) => /\brunning\b/i.test(line) && !/was running/i.test(line)).join());

test("a server that is killed is unreachable within 20 s on all pages, nothing of it runs, and it comes back", { skip: !natsServer && "nats-server is not installed" }, async () => {
  const lab = await team("harbour", "lantern", "billing");
  const { page, wrong, close } = await open(browser, `${lab.hub.url}p/harbour/`);
  try {
    lab.of("harbour").files.row("1", "1-2", "dev-story", "implement", "start", "at it");
    lab.of("lantern").files.row("1", "1-2", "code-review", "review", "start", "at it");
    await kind(page, "running");
    assert.equal(await page.locator(".is-control").isVisible(), false, "nothing is started from afar unless it is allowed");
    const all = await page.context().newPage();
    await all.goto(`${lab.hub.url}projects`);
    await inRow(all, "harbour", "running");
    await inRow(all, "billing", "idle");
    const follower = await page.context().newPage();
    await follower.goto(`${lab.hub.url}p/harbour/#stories`);
    await kind(follower, "running");

    await lab.of("harbour").server.end("SIGKILL");
    await within(async () => (await page.locator("#state").getAttribute("data-kind")) === "unreachable", SOON_MS, "unreachable");
    // Tabs that share the line, and the overview, know it as soon.
    await within(async () => (await follower.locator("#state").getAttribute("data-kind")) === "unreachable", 5000, "unreachable in another tab");
    await within(async () => /unreachable/.test(await row(all, "harbour").innerText()), 5000, "unreachable on the overview");
    assert.match(await page.title(), /^unreachable since \d\d:\d\d – harbour$/);
    assert.equal(await page.locator("#favicon").getAttribute("data-state"), "unreachable");
    assert.match(await page.locator("#bar").innerText(), /The server on .+ has not been heard since \d\d:\d\d\. What you see is what was last known/);
    assert.equal(await page.evaluate(() => document.documentElement.classList.contains("is-stale")), true);
    for (const view of VIEWS) {
      await page.evaluate((name) => { location.hash = name; }, view);
      await page.waitForSelector(`#view-${view}:not([hidden])`);
      await page.waitForFunction((name) => document.querySelector(`#view-${name}`)?.textContent, view);
      assert.equal(/\brunning\b/i.test(await running(page)), false, `${view}: ${await running(page)}`);
    }
    // No clock of it goes on.
    await page.evaluate(() => { location.hash = "overview"; });
    await page.waitForSelector("#view-overview:not([hidden]) .live");
    const clock = () => page.locator("#view-overview .live").textContent();
    const stood = await clock();
    await new Promise((done) => setTimeout(done, 2500));
    assert.equal(await clock(), stood);

    assert.equal(await row(all, "harbour").locator(".team-agents").innerText(), "–");
    assert.match(await row(all, "harbour").locator(".team-batch").innerText(), /last known: 1 command/);
    assert.equal(await all.locator(".team-rows .team-link").first().innerText(), "harbour", "what nobody hears stands before what runs");
    const told = (await lab.listed()).find((/** @type {any} */ one) => one.name === "harbour");
    assert.deepEqual([told.state, told.batch, told.agents, told.active_count, told.last_known.state], ["unreachable", null, 0, 0, "running"]);
    const get = async (/** @type {string} */ path) => (await fetch(`${lab.hub.url}p/harbour/${path}`)).text();
    assert.equal(JSON.parse(await get("api/orchestrator/status")).status, "unreachable");
    assert.deepEqual(JSON.parse(await get("api/agents")).agents, []);
    assert.match(JSON.parse(await get("healthz")).reasons[0], /has not been heard since/);
    const metrics = await get("metrics");
    for (const line of ['batch_running{origin="observed"} 0', "commands_active 0", "agents_running 0", 'degraded{cause="server"} 1']) assert.ok(metrics.includes(`sprint_runner_${line}\n`), line);

    // Who comes only now sees it so at once.
    const late = await page.context().newPage();
    await late.goto(`${lab.hub.url}p/harbour/`);
    await kind(late, "unreachable");
    assert.equal(/\brunning\b/i.test(await running(late)), false);

    await lab.again("harbour");
    await kind(page, "running");
    await kind(late, "running");
    await inRow(all, "harbour", "running");
    assert.equal(await page.evaluate(() => document.documentElement.classList.contains("is-stale")), false);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await lab.end();
  }
});

test("the team's overview: no fault for axe, no sideways scrolling, in every size and both themes", { skip: !natsServer && "nats-server is not installed" }, async () => {
  const lab = await team("harbour", "lantern");
  const { page, wrong, close } = await open(browser, `${lab.hub.url}projects`);
  try {
    await lab.of("lantern").server.end("SIGTERM");
    await inRow(page, "lantern", "unreachable");
    await inRow(page, "harbour", "idle");
    for (const path of ["projects", "p/lantern/"]) {
      await page.goto(lab.hub.url + path);
      if (path === "projects") await inRow(page, "lantern", "unreachable");
      else await kind(page, "unreachable");
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${path} ${width}`);
          await page.evaluate(AXE);
          const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags } }), TAGS);
          assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`), [], `${path} ${colorScheme} ${width}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await lab.end();
  }
});
