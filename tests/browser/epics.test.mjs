/** The board of epics in a real browser: it never reorders under the pointer or the focus. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, project, serve } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const STATUS = `project: harbour
development_status:
  loose-end: review
  epic-1: in-progress
  1-1-rings: done
  1-2-rope: in-progress
  epic-1-retrospective: optional
  epic-5-sr: backlog
  5-sr-3-core-loop: backlog
  epic-笔记: parked for now
  epic-9: done
  epic-9-retrospective: completed
`;

async function scene(play, options = {}) {
  const files = project(STATUS);
  const server = await serve(files.dir);
  const view = await open(browser, `${server.url}#epics`, options);
  try {
    await view.page.waitForFunction(() => document.querySelectorAll("#board [data-epic]").length === 5);
    await play({ ...view, files });
    assert.deepEqual(view.wrong.filter((one) => !/404|MIME/.test(one)), []);
  } finally {
    await view.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const laneOf = (page, key, lane) => page.waitForFunction(([epic, wanted]) => document.querySelector(`[data-epic="${CSS.escape(epic)}"]`)?.closest("[data-lane]").dataset.lane === wanted, [key, lane]);
const places = (page) => page.evaluate(() => [...document.querySelectorAll("#board [data-epic]")].map((el) => [el.dataset.epic, Math.round(el.getBoundingClientRect().left), Math.round(el.getBoundingClientRect().top)]));

test("every shape of epic has its card in the column of its status", async () => {
  await scene(async ({ page }) => {
    for (const [key, lane] of [["epic-1", "in-progress"], ["epic-5-sr", "backlog"], ["epic-笔记", "other"], ["epic-9", "done"], ["~", "none"]]) await laneOf(page, key, lane);
    const text = await page.locator("#board").innerText();
    for (const words of ["retrospective", "optional", "completed", "parked for now", "Stories without an epic", "1 of 2 stories done"]) assert.ok(text.includes(words), words);
  });
});

test("what is opened stays so, and leads to its stories", async () => {
  await scene(async ({ page }) => {
    const card = page.locator('[data-epic="epic-5-sr"]');
    await card.locator("summary").click();
    await card.getByText("Core loop").waitFor();
    await page.reload();
    await card.getByText("Core loop").waitFor();
    await page.locator('[data-epic="epic-1"] summary').click();
    await page.reload();
    await page.waitForFunction(() => document.querySelector('[data-epic="epic-1"]') && !document.querySelector('[data-epic="epic-1"] details').open);
    await card.getByText("Core loop").click();
    await page.waitForFunction(() => document.getElementById("detail").dataset.key === "5-sr-3-core-loop" && !document.getElementById("view-epics").hidden);
  });
});

for (const kind of ["pointer", "focus"]) {
  test(`under the ${kind} nothing moves; when it has left, everything does`, async () => {
    await scene(async ({ page, files }) => {
      const card = page.locator('[data-epic="epic-5-sr"] summary');
      if (kind === "pointer") await card.hover();
      else await card.focus();
      const before = await places(page);
      files.status(STATUS.replace("epic-5-sr: backlog", "epic-5-sr: done").replace("epic-9: done", "epic-9: in-progress"));
      await page.getByRole("button", { name: "2 cards moved – sort now" }).waitFor();
      assert.deepEqual(await places(page), before);
      assert.match(await page.locator('[data-epic="epic-5-sr"]').innerText(), /moved[\s\S]*done/);
      if (kind === "pointer") await page.mouse.move(700, 20);
      else await page.getByRole("searchbox", { name: "Search epics" }).focus();
      await laneOf(page, "epic-5-sr", "done");
      await laneOf(page, "epic-9", "in-progress");
      await page.getByRole("button", { name: /moved – sort now/ }).waitFor({ state: "hidden" });
    });
  });
}

test("filters narrow the board, and a phone has one list", async () => {
  await scene(async ({ page }) => {
    await page.getByRole("searchbox", { name: "Search epics" }).fill("笔记");
    await page.waitForFunction(() => document.querySelectorAll("#board [data-epic]").length === 1 && document.querySelectorAll("#board .lane").length === 1);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.waitForFunction(() => document.querySelectorAll("#board [data-epic]").length === 5);
    await page.getByLabel("Epic status").selectOption("backlog");
    await page.waitForFunction(() => document.querySelectorAll("#board [data-epic]").length === 1);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForFunction(() => new Set([...document.querySelectorAll("#board [data-epic]")].map((el) => Math.round(el.getBoundingClientRect().left))).size === 1);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  });
});
