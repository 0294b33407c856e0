/** The table of stories and a story's panel, in a real browser. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, open, project, serve, STATUS } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const NASTY = ['3-1-test"story<img src=x onerror=window.pwned=1>', "3-2-笔记-編集器", "3-3-a/b\\c", "3-4-100%25?x=1&y#z", "3-5-🚀-emoji", "3-6-שלום-עולם", "3-7-it's, \"quoted\"", `3-8-${"long-slug-".repeat(20)}`.slice(0, 165)];

async function scene({ status = STATUS, hash = "#stories", files: prepare = () => {}, ...options }, play) {
  const files = project(status);
  prepare(files);
  const server = await serve(files.dir);
  const view = await open(browser, `${server.url}${hash}`, options);
  try {
    await view.page.waitForFunction(() => !["loading", "offline"].includes(document.querySelector("#state")?.dataset.kind));
    await play({ ...view, files, url: server.url });
    assert.deepEqual(view.wrong.filter((one) => !/404|MIME/.test(one)), []);
  } finally {
    await view.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const shown = (page) => page.evaluate(() => [...document.querySelectorAll("#stories .rows .tr .story-link")].map((link) => link.dataset.story));
const panel = (page, key) => page.waitForFunction((wanted) => { const el = document.getElementById("detail"); return wanted === null ? el.hidden : !el.hidden && el.dataset.key === wanted; }, key);
const rows = (page, n) => page.waitForFunction((wanted) => document.querySelectorAll("#stories .rows .tr").length === wanted, n);

/** Two runs of commands, one failed, with a pause of no length. */
function work(files) {
  for (const [command, task, status, message] of [["dev-story", "setup", "start", ""], ["dev-story", "setup", "end", "clear"], ["dev-story", "tests", "start", ""], ["dev-story", "tests", "failed", "2 of 9 tests fail (tests:9)"],
    ["code-review-2", "workflow", "start", "reading"], ["code-review-2", "workflow", "end", "zero issues"]]) files.row("1", "1-2", command, task, status, message);
}

test("filters, sort and search meet in the address, are cleared at once and are found again", async () => {
  await scene({ status: STATUS.replace("1-3-tide-table: backlog", "1-3-tide-table: on hold") }, async ({ page, files, url }) => {
    await rows(page, 4);
    await page.getByLabel("Status", { exact: true }).selectOption({ label: "on hold" });
    await rows(page, 1);
    assert.deepEqual(await shown(page), ["1-3-tide-table"]);
    await page.waitForFunction(() => document.getElementById("announcer").textContent === "1 of 4 stories");
    await page.getByRole("button", { name: "Clear filters" }).click();
    await rows(page, 4);
    await page.getByLabel("Epic", { exact: true }).selectOption("2");
    await rows(page, 1);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByRole("button", { name: "Story", exact: true }).click();
    await page.getByRole("button", { name: "Story", exact: true }).click();
    await page.waitForFunction(() => document.querySelector("#stories .rows .story-link")?.dataset.story.startsWith("2-1"));
    await page.locator(".th-story[aria-sort=descending]").waitFor();
    await page.keyboard.press("3");
    await page.waitForFunction(() => location.hash.startsWith("#") && document.getElementById("view-stories").hidden);
    await page.getByRole("link", { name: /^Stories/ }).first().click();
    await page.waitForFunction(() => location.hash.includes("sort=-story"));
    await page.goto(`${url}#stories?sort=story`);
    await page.waitForFunction(() => document.querySelector("#stories .rows .story-link")?.dataset.story.startsWith("1-1"));
    work(files);
    await page.waitForFunction(() => [...document.querySelectorAll("#stories .tr")].some((row) => row.querySelector(".td-attempts")?.textContent === "2" && row.querySelector(".td-failures")?.textContent === "✕ 1"));
  });
});

test("a description is told on hover and on focus, and Esc puts it away", async () => {
  await scene({ files: (files) => writeFileSync(join(files.artifacts, "1-1-cast-iron-rings.md"), "# 1-1\n\n## Story\n\nAs a skipper I want <b>rings</b>.\n") }, async ({ page }) => {
    await rows(page, 4);
    const tip = page.getByRole("tooltip");
    await page.waitForFunction(() => { document.querySelector("#stories .rows .story-link").dispatchEvent(new PointerEvent("pointerover", { bubbles: true })); return document.querySelector(".tip")?.matches(":popover-open"); }, null, { polling: 500 });
    assert.equal(await tip.innerText(), "As a skipper I want <b>rings</b>.");
    await page.keyboard.press("Escape");
    await tip.waitFor({ state: "hidden" });
    await page.keyboard.press("j");
    await tip.waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-describedby")), "story-tip");
    await page.keyboard.press("j");
    await tip.waitFor({ state: "hidden" });
  });
});

test("the panel by keyboard alone: opened, walked through, closed, and the focus where it was", async () => {
  await scene({ files: (files) => writeFileSync(join(files.artifacts, "1-2-rope-and-fender.md"), "# 1-2\n\n## Story\n\nAs a skipper I want fenders.\n") }, async ({ page, files }) => {
    work(files);
    await rows(page, 4);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    // The first keys of all wait for the keyboard's code.
    await page.waitForFunction(() => document.activeElement?.dataset.story === "1-2-rope-and-fender");
    await page.keyboard.press("Enter");
    await panel(page, "1-2-rope-and-fender");
    await page.waitForFunction(() => document.activeElement.id === "detail-title" && document.querySelectorAll(".run").length === 2);
    const text = await page.locator("#detail").innerText();
    for (const words of ["As a skipper I want fenders.", "in-progress", "Epic 1", "1-2-rope-and-fender.md", "code-review-2", "dev-story", "failed – 2 of 9 tests fail"]) assert.ok(text.includes(words), words);
    await page.waitForFunction(() => document.querySelectorAll("#detail .detail-events .event").length >= 6);
    await page.keyboard.press("]");
    await panel(page, "1-3-tide-table");
    await page.keyboard.press("[");
    await page.keyboard.press("[");
    await panel(page, "1-1-cast-iron-rings");
    await page.keyboard.press("[");
    await panel(page, "1-1-cast-iron-rings");
    await page.keyboard.press("]");
    await panel(page, "1-2-rope-and-fender");
    await page.keyboard.press("Escape");
    await panel(page, null);
    await page.waitForFunction(() => document.activeElement.dataset.story === "1-2-rope-and-fender");
    assert.ok(!page.url().includes("detail"));
    files.row("1", "1-2", "commit", "workflow", "start", "now live");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => [...document.querySelectorAll(".run .command")].some((el) => el.textContent === "commit"));
    files.row("1", "1-2", "commit", "stage", "start", "");
    await page.waitForFunction(() => document.querySelector(".run[open]")?.textContent.includes("stage"));
  });
});

test("the panel stands beside any view, outlives a reload, and a phone makes it a dialog", async () => {
  await scene({ hash: "#epics?detail=1-2-rope-and-fender" }, async ({ page }) => {
    await panel(page, "1-2-rope-and-fender");
    await page.reload();
    await panel(page, "1-2-rope-and-fender");
    assert.equal(await page.locator("#view-epics").isVisible(), true);
    assert.equal(await page.evaluate(() => document.getElementById("detail").getAttribute("role")), null);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("dialog").waitFor();
    const box = await page.locator("#detail").boundingBox();
    assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, 390, 844]);
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.getElementById("detail").contains(document.activeElement)));
    }
    await page.getByRole("button", { name: "Close the story" }).click();
    await panel(page, null);
    assert.equal(await page.evaluate(() => document.querySelectorAll("[inert]").length), 0);
  });
});

describe("any key is shown as it is, linked, and opened", () => {
  for (const [n, key] of NASTY.entries()) {
    test(`key ${n + 1}: ${key.slice(0, 24)}`, async () => {
      const status = `${STATUS}${NASTY.map((one) => `  ${JSON.stringify(one)}: backlog\n`).join("")}`;
      await scene({ status }, async ({ page, files, url }) => {
        files.row("3", key, "dev-story", "implement", "start", "</script><img src=x onerror=window.pwned=3>");
        await rows(page, 12);
        await page.locator(`[data-story="${await page.evaluate((one) => CSS.escape(one), key)}"]`).first().click();
        await panel(page, key);
        await page.waitForFunction(() => document.querySelector(".run .command")?.textContent === "dev-story");
        await page.reload();
        await panel(page, key);
        await page.waitForFunction(() => document.querySelectorAll("#detail .detail-events .event").length >= 2);
        assert.equal(await page.locator(".detail-key").innerText(), key);
        await page.goto(`${url}#activity?${new URLSearchParams({ story: key })}`);
        await page.waitForFunction((one) => document.querySelectorAll("#activity .event").length === 2 && document.querySelector("#view-activity .filter-chip .mono")?.textContent === one, key);
        const found = await page.evaluate(() => ({ pwned: window.pwned, images: document.images.length, wide: document.documentElement.scrollWidth > innerWidth, violations: window.violations }));
        assert.deepEqual(found, { pwned: undefined, images: 0, wide: false, violations: [] });
      });
    });
  }
});

test("a story that only the log knows has a panel, and one that nobody knows says so", async () => {
  await scene({ hash: "#stories?detail=9-9" }, async ({ page, files, url }) => {
    files.row("9", "9-9", "dev-story", "workflow", "start", "off the list");
    await page.waitForFunction(() => document.querySelector("#detail .run .command")?.textContent === "dev-story");
    assert.match(await page.locator("#detail").innerText(), /not in the status file/);
    await rows(page, 5);
    assert.equal((await shown(page)).at(-1), "9-9");
    await page.waitForFunction(() => document.querySelector("#view-stories .toolbar-note")?.textContent === "4 stories, 1 only in the log");
    await page.locator("#view-stories").getByLabel("Status", { exact: true }).selectOption({ label: "only in the log" });
    await rows(page, 1);
    assert.equal(await page.locator("#stories .rows .status-word").innerText(), "only in the log");
    await page.goto(`${url}#stories?detail=8-8-nobody`);
    await page.waitForFunction(() => document.getElementById("detail").innerText.includes("The log holds nothing of it."));
  });
});

test("of 5,000 stories only those in sight exist", async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `  ${1 + Math.floor(i / 100)}-${i % 100}-story-number-${i}: ${["done", "backlog", "review", "on hold", "in-progress"][(i * 7) % 5]}\n`).join("");
  await scene({ status: `project: many\ndevelopment_status:\n  epic-1: in-progress\n${many}` }, async ({ page }) => {
    await page.waitForFunction(() => document.querySelector("#view-stories .toolbar-note")?.textContent === "5,000 stories");
    assert.ok((await shown(page)).length < 80);
    await page.evaluate(() => { document.getElementById("main").scrollTop = 1e9; });
    await page.waitForFunction(() => [...document.querySelectorAll("#stories .story-link")].some((link) => link.dataset.story === "50-99-story-number-4999"));
    assert.ok((await shown(page)).length < 80);
    await page.getByRole("searchbox", { name: "Search stories" }).fill("number-4321");
    await rows(page, 1);
    await page.getByRole("searchbox", { name: "Search stories" }).fill("");
    await page.waitForFunction(() => document.querySelector("#view-stories .toolbar-note")?.textContent === "5,000 stories");
    await page.getByRole("button", { name: "Worked" }).click();
    await page.waitForFunction(() => document.querySelector(".th-duration").getAttribute("aria-sort") === "descending");
  });
});
