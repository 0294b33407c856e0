/** The log in a real browser: following, searching all of it, links to events, and what an event holds. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, project, serve, until } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** @param {number} n so many older rows, each with its own word */
function fill(files, n) {
  const from = Math.floor(Date.now() / 1000) - n - 60;
  const rows = Array.from({ length: n }, (_, i) => `${from + i},1,1-2,dev-story,implement,${i % 500 === 250 ? "failed" : "progress"},"old${i} rope"\n`);
  appendFileSync(join(files.artifacts, "sprint-runner.csv"), rows.join(""));
}

async function scene({ old = 0, hash = "#activity", ...options }, play) {
  const files = project();
  if (old) fill(files, old);
  const server = await serve(files.dir);
  const head = async () => (await (await fetch(`${server.url}api/events?limit=1`)).json()).head;
  const indexed = async () => (await (await fetch(`${server.url}api/events?limit=1&q=old${old - 1}`)).json()).events.length;
  if (old) await until(async () => (await indexed()) && (await head()) >= old, Boolean, "the old rows");
  const view = await open(browser, `${server.url}${hash}`, options);
  try {
    await view.page.waitForFunction(() => !["loading", "offline"].includes(document.querySelector("#state")?.dataset.kind));
    await play({ ...view, files, url: server.url, head });
    assert.deepEqual(view.wrong.filter((one) => !/404|MIME/.test(one)), []);
  } finally {
    await view.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const say = (files, words) => files.row("1", "1-2", "dev-story", "implement", "progress", words);
/** Newest first, without what is said of the files. */
const top = (page) => page.evaluate(() => document.querySelector("#activity .event[data-type='command:progress'] .event-text")?.textContent);
const first = (page, words) => page.waitForFunction((wanted) => document.querySelector("#activity .event[data-type='command:progress'] .event-text")?.textContent === wanted, words);
const scroll = (page, y) => page.evaluate((to) => { document.getElementById("main").scrollTop = to; }, y);
const following = (page, yes) => page.waitForFunction((wanted) => document.querySelector(".is-toggle").getAttribute("aria-pressed") === String(wanted), yes);

test("it follows at the top, holds still when one scrolls, counts what is new, and goes on", async () => {
  await scene({ old: 300 }, async ({ page, files }) => {
    await first(page, "old299 rope");
    await following(page, true);
    say(files, "one more");
    await first(page, "one more");
    await scroll(page, 800);
    await following(page, false);
    const still = await page.evaluate(() => { const row = [...document.querySelectorAll("#activity .event")].find((el) => el.getBoundingClientRect().top > 300); return [row.dataset.id, Math.round(row.getBoundingClientRect().top)]; });
    for (let i = 0; i < 12; i += 1) say(files, `news ${i}`);
    await page.getByRole("button", { name: "↑ 12 new" }).waitFor();
    assert.equal(await page.evaluate(([id, y]) => Math.round(document.querySelector(`#activity .event[data-id="${id}"]`).getBoundingClientRect().top) - y, still), 0, "what is read has moved");
    await page.getByRole("button", { name: "↑ 12 new" }).click();
    await first(page, "news 11");
    await following(page, true);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("f");
    await following(page, false);
    say(files, "unseen");
    await page.getByRole("button", { name: "↑ 1 new" }).waitFor();
    assert.equal(await top(page), "news 11");
    await page.keyboard.press("f");
    await first(page, "unseen");
  });
});

test("a search looks through the whole log, and says how much it found", async () => {
  await scene({ old: 3000 }, async ({ page }) => {
    await first(page, "old2999 rope");
    const field = page.getByRole("searchbox", { name: "Search all events" });
    await field.fill("old17");
    await page.waitForFunction(() => document.querySelector("#view-activity .toolbar-note")?.textContent === "111 found");
    await field.fill("rope");
    await page.waitForFunction(() => /^\d[\d,]* found back to /.test(document.querySelector("#view-activity .toolbar-note")?.textContent));
    await page.waitForFunction(() => document.querySelector("#view-activity .older:not([hidden]) span")?.textContent === "Search further back");
    await field.fill("nothing-is-called-so");
    await page.getByText("Nothing in the whole log fits these filters.").waitFor();
    assert.equal(await page.locator("#view-activity .toolbar-note").innerText(), "0 found");
    await field.fill("%%%");
    await page.getByText("Nothing in the whole log fits these filters.").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await first(page, "old2999 rope");
    await page.waitForFunction(() => /older – load$/.test(document.querySelector("#view-activity .older:last-of-type span, #view-activity .list-end:not(.is-above) .older span")?.textContent));
  });
});

test("a link to an event is copied, found again after a reload, and brings its surroundings", async () => {
  await scene({ old: 3000 }, async ({ page, url, head }) => {
    await first(page, "old2999 rope");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator("#activity .event-time").nth(3).click();
    await page.waitForFunction(() => location.hash.includes("event="));
    const id = Number(new URLSearchParams((await page.evaluate(() => location.hash)).split("?")[1]).get("event"));
    await until(() => page.evaluate(() => navigator.clipboard.readText()), (text) => text === `${url}#activity?event=${id}`, "the link on the clipboard");
    await page.locator(`.entry[data-target] .entry-more`).waitFor();
    // Far from what is in memory.
    await page.goto("about:blank");
    await page.goto(`${url}#activity?event=77`);
    for (let turn = 0; turn < 2; turn += 1) {
      await page.locator(".entry[data-target] .event[data-id='77']").waitFor();
      await page.getByText("Around event 77: new events are not shown here.").waitFor();
      await until(() => page.evaluate(() => document.querySelector(".entry[data-target]").getBoundingClientRect().top), (y) => y > 60 && y < 860, "its place in the window");
      assert.ok(await page.locator(".event[data-id='76']").count() && await page.locator(".event[data-id='78']").count());
      await page.reload();
    }
    await page.getByRole("button", { name: "To the newest" }).click();
    await first(page, "old2999 rope");
    assert.ok(!page.url().includes("event="));
    await page.goto(`${url}#activity?event=${(await head()) + 5000}`);
    await page.getByText(/There is no event .* in this log/).waitFor();
  });
});

test("an event opens by keyboard and tells what it holds", async () => {
  await scene({}, async ({ page, files }) => {
    files.row("1", "1-2", "dev-story", "tests", "failed", '<b>"quoted"</b>\\nsecond (tests:9)');
    await page.waitForFunction(() => document.querySelector("#activity .event[data-tone=bad]"));
    await page.keyboard.press("n");
    await page.waitForFunction(() => document.activeElement.closest(".event")?.dataset.tone === "bad");
    await page.keyboard.press("Enter");
    const more = page.locator(".entry-more");
    await more.waitFor();
    assert.match(await more.innerText(), /<b>"quoted"<\/b>/);
    await more.getByRole("button", { name: "JSON", exact: true }).click();
    assert.match(await more.locator("pre").innerText(), /"story_key": "1-2-rope-and-fender"/);
    await following(page, false);
    await more.getByRole("button", { name: "Only this story" }).click();
    await page.waitForFunction(() => location.hash.includes("story=1-2-rope-and-fender"));
    await page.locator("#activity .event-what").first().click();
    await page.getByRole("link", { name: "Open the story" }).click();
    await page.waitForFunction(() => document.getElementById("detail").dataset.key === "1-2-rope-and-fender");
  });
});

test("failures are walked through, and the end of them is told", async () => {
  await scene({ old: 1200 }, async ({ page }) => {
    await first(page, "old1199 rope");
    const at = () => page.evaluate(() => document.activeElement.querySelector?.(".event-text")?.textContent ?? "");
    await page.getByRole("button", { name: /older – load/ }).click();
    await page.waitForFunction(() => document.querySelector("#view-activity .toolbar-note")?.textContent.startsWith("7"));
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("n");
    await page.waitForFunction(() => /old750/.test(document.activeElement.textContent));
    await page.keyboard.press("n");
    await page.locator(".toast-title", { hasText: "No further failure in what is loaded" }).waitFor();
    assert.match(await at(), /old750/);
  });
});

test("types that nobody knows appear quietly", async () => {
  await scene({}, async ({ page }) => {
    await page.waitForFunction(() => document.querySelector("#activity .event"));
    const found = await page.evaluate(async () => {
      const { describe } = await import("./js/words.js");
      return [null, {}, { a: { b: 1 }, c: "<i>" }].map((payload) => { const { tone, mark, text } = describe({ id: 1, type: "future:thing", timestamp: 1, payload }); return [tone, mark, text.startsWith("future:thing")]; });
    });
    assert.deepEqual(found, Array(3).fill(["plain", "other", true]));
  });
});
