/** More projects than cards are good for, on one server, in Chromium: the table, its filter, its keys. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, PATIENCE_MS, project, start, STATUS } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Twelve: the last but one runs, the last is stuck. */
async function stage() {
  const all = Array.from({ length: 12 }, (_, i) => project(i === 11 ? STATUS.replace("1-3-tide-table: backlog", "1-3-tide-table: blocked") : STATUS));
  const server = await start("serve", "--port", "0", ...all.map((one, i) => `p${i + 1}=${one.dir}`));
  all[10].row("1", "1-2", "dev-story", "implement", "start", "at it");
  return { all, server, end: async () => { await server.end("SIGKILL"); all.forEach((one) => one.remove()); } };
}

const names = (page) => page.locator(".team-rows .team-link").allInnerTexts();
const first = (page, wanted) => page.waitForFunction((all) => JSON.stringify([...document.querySelectorAll(".team-rows .team-link")].slice(0, all.length).map((el) => el.textContent)) === JSON.stringify(all), wanted, { timeout: PATIENCE_MS });

test("many projects are a table: what waits for a person first, filtered by typing, walked through by keys", async () => {
  const { server, end } = await stage();
  const { page, wrong, close } = await open(browser, `${server.url}projects`);
  try {
    await first(page, ["p12", "p11", "p1", "p2", "p3"]);
    assert.equal(await page.locator("h1").innerText(), "Projects");
    assert.match(await page.locator(".team-needs").first().innerText(), /1 blocked/);
    const totals = (await page.locator(".team-totals").innerText()).replace(/\s+/g, " ");
    assert.match(totals, /^Projects 12 Running 1 Need you 1 Agents 0 Stories done 12 of 48/);
    assert.equal(await page.locator(".team-table").getAttribute("aria-rowcount"), "13");
    await page.keyboard.press("/");
    await page.keyboard.type("running");
    await first(page, ["p11"]);
    assert.equal((await names(page)).length, 1);
    assert.equal(new URL(page.url()).hash, "#q=running");
    assert.equal(await page.locator(".team-found").innerText(), "1 of 12");
    await page.reload();
    await first(page, ["p11"]);
    await page.locator(".team-filter").fill("no such thing");
    await page.waitForSelector(".team .empty:not([hidden])");
    await page.locator(".team-filter").focus();
    await page.keyboard.press("Escape");
    await first(page, ["p12", "p11"]);
    await page.keyboard.press("ArrowDown");
    const at = () => page.evaluate(() => document.activeElement?.textContent);
    assert.equal(await at(), "p12");
    await page.keyboard.press("j");
    assert.equal(await at(), "p11");
    await page.keyboard.press("End");
    assert.equal(await at(), "p10");
    assert.equal(await page.evaluate(() => document.activeElement.getBoundingClientRect().bottom <= innerHeight), true, "what is chosen is in sight");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowUp");
    assert.equal(await page.evaluate(() => document.activeElement.className), "team-filter");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}p/p12/#overview`);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await end();
  }
});

test("nothing changes its place while somebody has it in hand", async () => {
  const { all, server, end } = await stage();
  const { page, close } = await open(browser, `${server.url}projects`);
  try {
    await first(page, ["p12", "p11", "p1"]);
    await page.keyboard.press("j");
    all[4].row("1", "1-2", "dev-story", "implement", "start", "at it");
    await page.waitForFunction(() => [...document.querySelectorAll(".team-rows .team-row")].some((el) => el.querySelector(".team-link").textContent === "p5" && el.querySelector(".state").textContent === "running"), null, { timeout: PATIENCE_MS });
    assert.deepEqual((await names(page)).slice(0, 3), ["p12", "p11", "p1"]);
    await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
    await first(page, ["p12", "p5", "p11"]);
  } finally {
    await close();
    await end();
  }
});

test("a thousand rows: only those in sight exist, and each can be reached", async () => {
  const { server, end } = await stage();
  const { page, wrong, close } = await open(browser, `${server.url}projects`);
  try {
    // The server's own answer, as often as makes a thousand.
    await page.route("**/api/projects", async (route) => {
      const told = await (await route.fetch()).json();
      const projects = Array.from({ length: 1000 }, (_, i) => ({ ...told.projects[i % 12], name: `n${i}`, path: `p/n${i}/` }));
      await route.fulfill({ json: { ...told, projects } });
    });
    await page.reload();
    await page.waitForFunction(() => document.querySelector(".team-table")?.getAttribute("aria-rowcount") === "1001");
    const rows = page.locator(".team-rows .team-row");
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows`);
    await page.keyboard.press("j");
    await page.keyboard.press("End");
    assert.equal(await page.locator(".team-row:focus-within").getAttribute("aria-rowindex"), "1001");
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows at the end`);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await end();
  }
});
