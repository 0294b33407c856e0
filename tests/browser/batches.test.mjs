/** The history of batches in a real browser. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, PATIENCE_MS, project, serve } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const HOUR = 3600;

/** Old runs, an hour and more apart: each becomes a batch of its own. */
async function scene(runs, play) {
  const files = project();
  const start = Math.floor(Date.now() / 1000) - (runs + 1) * 2 * HOUR;
  for (let run = 0; run < runs; run += 1) {
    const at = start + run * 2 * HOUR;
    const rows = [["start", 0], [run % 5 === 4 ? "failed" : "end", 60 + run]].map(([status, more]) => `${at + more},1,1-2,dev-story,workflow,${status},"run ${run}"\n`);
    appendFileSync(join(files.artifacts, "sprint-runner.csv"), rows.join(""));
  }
  const server = await serve(files.dir);
  const shown = await open(browser, `${server.url}#batches`);
  try {
    await play({ ...shown, files, server });
    assert.deepEqual(shown.wrong, []);
  } finally {
    await shown.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

test("the history is paged, the newest is told, two are compared, and a new batch comes in by itself", async () => {
  await scene(27, async ({ page, files }) => {
    await page.waitForFunction(() => document.querySelectorAll("#batches .batch-row").length === 20);
    assert.equal(await page.locator(".spark li").count(), 20);
    await page.getByRole("button", { name: "7 older – load more" }).click();
    await page.waitForFunction(() => document.querySelectorAll("#batches .batch-row").length === 27);
    await page.getByRole("heading", { name: "Batch 27: completed" }).waitFor();
    await page.getByText("Rope and fender").waitFor();
    await page.getByRole("combobox", { name: "Compare with" }).selectOption({ label: "Batch 25 · completed" });
    await page.waitForFunction(() => document.querySelectorAll(".compare tbody tr").length > 8);
    assert.match(await page.evaluate(() => location.hash), /sel=27&with=25/);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll(".compare tbody tr").length > 8);
    await page.getByRole("button", { name: "One batch only" }).click();
    files.row("1", "1-2", "code-review-1", "workflow", "start", "now");
    await page.waitForFunction(() => document.querySelector("#batches .batch-row")?.textContent.includes("Batch 28running"), null, { timeout: PATIENCE_MS });
  });
});

test("a project without batches says so", async () => {
  await scene(0, async ({ page }) => {
    await page.getByText("No batches yet").waitFor();
  });
});

test("a batch that is not there is told, with the way to the others", async () => {
  await scene(2, async ({ page, wrong }) => {
    await page.evaluate(() => { location.hash = "#batches?sel=99"; });
    await page.getByText("There is no batch 99").waitFor();
    await page.locator("#batches .batch-row").last().click();
    await page.getByRole("heading", { name: "Batch 1: completed" }).waitFor();
    wrong.splice(0, wrong.length, ...wrong.filter((one) => !/404/.test(one)));
  });
});
