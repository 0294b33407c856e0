/** What the page concludes, in a real browser: the next action, the away report, disagreement, the charts. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launch, open, PATIENCE_MS, project, serve, start, STATUS, until } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const json = async (url, path) => (await fetch(`${url}${path}`)).json();
const sees = (page, selector, text) => page.waitForFunction(([where, what]) => [...document.querySelectorAll(where)].some((el) => el.checkVisibility() && el.innerText.includes(what)), [selector, text], { timeout: PATIENCE_MS });
const seesNot = (page, selector) => page.waitForFunction((where) => ![...document.querySelectorAll(where)].some((el) => el.checkVisibility()), selector, { timeout: PATIENCE_MS });

/** A server on a project, a page, and nothing wrong in the end. @param {{status?: string, rows?: string[][], viewport?: any, view?: string, prepare?: (at: any) => Promise<any>}} stage */
async function scene({ status = STATUS, rows = [], viewport, view = "overview", prepare }, play) {
  const files = project(status);
  for (const row of rows) files.row(...row);
  const server = await serve(files.dir);
  let seen = null;
  try {
    seen = await prepare?.({ files, url: server.url });
    const shown = await open(browser, `${server.url}#${view}`, { viewport });
    // Somebody was here before: what was seen then is remembered, and the page opened anew.
    if (seen) {
      await shown.page.evaluate((one) => { localStorage.setItem("sprint-runner.seen", JSON.stringify(one)); }, seen);
      await shown.page.reload();
    }
    await play({ ...shown, files, url: server.url });
    assert.deepEqual(shown.wrong, []);
    assert.deepEqual(await shown.page.evaluate(() => window.violations), []);
    await shown.close();
  } finally {
    await server.end("SIGKILL");
    files.remove();
  }
}

/** The server has read so many events of this kind. */
async function told(url, type, n) {
  return until(async () => (await json(url, `api/events?limit=1000&type=${type}`)).events, (events) => events.length >= n, `${n} ${type}`);
}

/** A night in which everything went wrong, and somebody who left before it. */
async function failedNight({ files, url }) {
  const { epoch, last_event_id: id } = await json(url, "api/snapshot");
  for (const [task, n] of [["dev-story", 1], ["code-review-1", 1], ["code-review-2", 1], ["code-review-3", 1]]) {
    files.row("1", "1-2", task, "workflow", "start", "");
    files.row("1", "1-2", task, "workflow", task === "dev-story" ? "end" : "failed", n ? "3 CRITICAL, <b>tests</b> red" : "");
  }
  files.row("7", "7-9", "dev-story", "workflow", "start", "");
  files.row("7", "7-9", "dev-story", "workflow", "failed", "no such story");
  await told(url, "command:end", 5);
  files.status(STATUS.replace("rope-and-fender: in-progress", "rope-and-fender: blocked"));
  await told(url, "story:status", 5);
  return { epoch, id, at: Date.now() - 9 * 3_600_000 };
}

test("a failed night is told as one, can be put away and had again, and survives a reload", async () => {
  await scene({ prepare: failedNight }, async ({ page }) => {
    await sees(page, ".away-headline", "Nothing was finished; 2 are stuck.");
    await sees(page, ".next", "Look at 1-2");
    await sees(page, ".next", "It is blocked");
    const panel = page.getByRole("region", { name: "While you were away" });
    const words = await panel.innerText();
    assert.match(words, /9 h/);
    assert.match(words, /Stuck 2\s+1-2 blocked\s+7-9 failed/);
    assert.match(words, /code-review 3 times/);
    assert.match(words, /not told by the agents/);
    assert.match(words, /First: Look at 1-2/);
    assert.doesNotMatch(words, /goes on|were finished/);
    assert.equal(await page.locator(".away b, .next b b").count(), 0, "text of files is text");

    await panel.getByRole("button", { name: "Put the report away" }).press("Enter");
    await seesNot(page, ".away-headline");
    await page.waitForFunction(() => document.activeElement?.className.includes("away-open"));
    await page.reload();
    await sees(page, ".away-open", "While you were away");
    await seesNot(page, ".away-headline");
    await page.getByRole("button", { name: "While you were away" }).press("Enter");
    await sees(page, ".away-headline", "Nothing was finished");
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Put the report away");
    await panel.getByRole("link", { name: "Look at 1-2" }).click();
    await page.waitForFunction(() => location.hash === "#overview?detail=1-2-rope-and-fender");
  });
});

test("who was here a minute ago gets no report", async () => {
  await scene({ prepare: async (at) => ({ ...(await failedNight(at)), at: Date.now() - 60_000 }) }, async ({ page }) => {
    await sees(page, ".next", "Look at 1-2");
    await seesNot(page, ".away");
  });
});

test("where the files disagree stands under issues, and one line of it needs you", async () => {
  await scene({ prepare: failedNight, view: "issues" }, async ({ page }) => {
    // What was written a moment ago may be about to be written to the other file.
    await sees(page, "#disagreement", "The three files agree");
  });
  const past = Math.floor(Date.now() / 1000) - 7200;
  await scene({ prepare: async ({ files, url }) => {
    appendFileSync(`${files.artifacts}/sprint-runner.csv`, `${past},7,7-9-<img src=x>,dev-story,workflow,start,""\n${past + 60},7,7-9-<img src=x>,dev-story,workflow,end,""\n`);
    await told(url, "command:end", 1);
  } }, async ({ page }) => {
    await sees(page, ".needs", "the files disagree about 7-9-<img src=x>");
    await page.getByRole("link", { name: /the files disagree/ }).click();
    await sees(page, "#disagreement .apart-row", "7-9-<img src=x>");
    await sees(page, "#disagreement", "In the log, but not in the status file");
    assert.match(await page.locator("#disagreement .apart-row").first().innerText(), /sprint-status\.yaml\s+has no such story\s+sprint-runner\.csv\s+dev-story ended well/);
    assert.equal(await page.locator("#disagreement img").count(), 0);
  });
});

test("an empty project says how to begin, and each chart what it waits for", async () => {
  for (const viewport of [{ width: 1400, height: 900 }, { width: 320, height: 700 }]) {
    await scene({ status: "development_status:\n", viewport, view: "insights" }, async ({ page, url }) => {
      await sees(page, ".insights", "No stories");
      const words = await page.locator(".insights").innerText();
      for (const one of ["No story was finished yet", "No reviewed story is done yet", "Nobody told", "No command has run yet", "No story was worked on yet"]) assert.ok(words.includes(one), one);
      assert.doesNotMatch(words, /NaN|undefined|null|Infinity|1970/);
      await page.goto(`${url}#overview`);
      await sees(page, ".next", "Plan a sprint");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    });
  }
});

test("nasty keys: shown as they are, walked by keys, opened by their own address", async () => {
  const keys = ['1-7-test"story<img>', "__proto__", "2-8-rock & roll"];
  const status = `project: harbour\ndevelopment_status:\n${keys.map((key) => `  ${JSON.stringify(key)}: backlog\n`).join("")}`;
  const rows = keys.flatMap((key) => [["1", key, "code-review-2", "workflow", "start", ""], ["1", key, "code-review-2", "workflow", "failed", "<script>alert(1)</script>"]]);
  await scene({ status, rows, view: "insights" }, async ({ page }) => {
    await page.waitForFunction(() => document.querySelectorAll(".gauges.is-ranked .gauge-row").length >= 3);
    const titles = await page.locator(".gauges.is-ranked .gauge-name").evaluateAll((all) => all.map((el) => el.title));
    for (const key of keys) assert.ok(titles.includes(key), `${key} in ${titles}`);
    await page.keyboard.press("j");
    // A key that comes before the keyboard's code is not lost, but it may take a moment.
    await page.waitForFunction((all) => all.includes(document.activeElement?.title), keys);
    const key = await page.evaluate(() => document.activeElement?.title);
    await page.keyboard.press("Enter");
    await page.waitForFunction((wanted) => new URLSearchParams(location.hash.split("?")[1]).get("detail") === wanted, key);
    await page.goto(page.url().replace(/#.*/, "#overview"));
    await sees(page, ".next-text", "Nothing to do");
  });
});

test("the demo: something runs, nothing to do, and the charts fill; a past moment has its own", async () => {
  const demo = await start("demo", "--port", "0");
  const { page, wrong, close } = await open(browser, demo.url);
  try {
    await sees(page, ".next", "Nothing to do");
    assert.equal(await page.locator(".next").getAttribute("data-tone"), "live");
    await page.waitForFunction(() => /Epics done\s*\d+ of \d+[\s\S]*Current story\s*\S+[\s\S]*Active agents\s*\d/.test(document.querySelector(".totals")?.innerText ?? ""));
    await seesNot(page, ".away");
    await page.goto(`${demo.url}#insights`);
    await page.waitForFunction(() => document.querySelector(".burn-done")?.getAttribute("d") && document.querySelectorAll(".gauge-row[data-family]").length > 2);
    await sees(page, ".insights", "In total");
    await sees(page, ".insights", "Most of the time goes into");
    const table = page.getByRole("table", { name: "Stories done and all stories over time" });
    assert.ok((await table.getByRole("row").count()) > 10);
    assert.equal(await page.evaluate(() => [...document.querySelectorAll(".insights a, .insights button")].every((el) => el.textContent.trim())), true);
    assert.doesNotMatch(await page.locator(".insights").innerText(), /NaN|undefined|Infinity|1970/);

    assert.deepEqual(wrong, []);
    await page.goto(`${demo.url}?at=5#insights`);
    await sees(page, "#view-insights .toolbar-note", "as it was then");
    await page.goto(`${demo.url}?at=5#overview`);
    await page.waitForFunction(() => document.querySelector(".next-words .hidden-text")?.textContent.startsWith("What was to be done then"));
    assert.equal(await page.locator(".hero-control button").isVisible(), false);
    assert.equal(await page.locator(".next button:visible").count(), 0, "nothing can be started in the past");
    assert.deepEqual(wrong.filter((one) => one.startsWith("error")), []);
  } finally {
    await close();
    await demo.end("SIGKILL");
  }
});

test("the server gone: nothing is said to run", async () => {
  const files = project();
  const server = await serve(files.dir);
  const { page, close } = await open(browser, server.url);
  await sees(page, ".next", "Start a batch: 3 stories are open");
  await server.end("SIGKILL");
  await sees(page, ".next", "See whether the server still runs");
  assert.match(await page.locator(".next").innerText(), /last known/);
  await page.locator(".next").getByRole("button").click();
  await close();
  files.remove();
});
