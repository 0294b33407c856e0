/** Every view, state, theme and size, judged by axe-core; and none of them is wider than the window. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, open, PATIENCE_MS, project, serve, SLOW_FINGERS, start, STATUS } from "./support.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** The page draws when it finds time; at a turn it draws at once. */
const settled = (page) => page.evaluate(() => {
  dispatchEvent(new Event("hashchange"));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
});

/** The views there are, as the page itself has them. */
const viewsOf = (page) => page.evaluate(async () => Object.keys((await import(new URL("js/views.js", document.baseURI).href)).VIEWS));

/** Turns to a view and waits until it stands. */
async function turn(page, hash) {
  await page.evaluate((wanted) => { location.hash = wanted; }, hash);
  await page.waitForFunction((id) => { const el = document.getElementById(id); return el && !el.hidden && el.childElementCount > 0; }, `view-${hash.split("?")[0]}`, { timeout: PATIENCE_MS });
  await settled(page);
}

/** What axe finds, one line each. Motion is stood still: a half-faded colour is nobody's. */
async function judge(page, where) {
  let found = await ask(page);
  // What is only there until the next drawing, such as a part whose code has just come, is no fault.
  for (let i = 0; found.length && i < 3; i += 1) {
    await settled(page);
    found = await ask(page);
  }
  return found.map((one) => `${where}: ${one}`);
}

async function ask(page) {
  return await page.evaluate(async (tags) => {
    for (const one of document.getAnimations()) { try { one.finish(); } catch { one.cancel(); } }
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"], runOnly: { type: "tag", values: tags } });
    return violations.flatMap(({ id, impact, nodes }) => nodes.slice(0, 4).map(({ target, any, all, none }) => `${impact} ${id} ${target.join(" ")}: ${[...any, ...all, ...none].map(({ message }) => message).join("; ").slice(0, 160)}`));
  }, TAGS);
}

/** @param {string} url @param {{width: number, scheme: "light"|"dark"}} how @param {(page: import("playwright-core").Page, see: (where: string) => Promise<void>) => Promise<any>} play */
async function look(url, { width, scheme }, play) {
  const { page, close } = await open(browser, url, { viewport: { width, height: width < 720 ? 844 : 900 }, colorScheme: scheme, first: SLOW_FINGERS });
  // The page's own rules let no script in from elsewhere; this comes in by the door of the debugger.
  await page.evaluate(AXE);
  await page.waitForFunction(() => !["loading", undefined].includes(document.querySelector("#state")?.dataset.kind));
  /** @type {string[]} */
  const faults = [];
  await play(page, async (where) => { faults.push(...await judge(page, `${where} ${width} ${scheme}`)); });
  await close();
  return faults;
}

const BAD = `${STATUS}  1-4-oops: backlog: twice\n   x: [\n`;
/** @type {Record<string, () => Promise<{url: string, end: () => Promise<void>}>>} */
const STAGES = {
  demo: async () => {
    const server = await start("demo", "--port", "0");
    return { url: server.url, end: async () => { await server.end("SIGTERM"); } };
  },
  empty: () => still(""),
  failed: () => still(STATUS.replace("1-3-tide-table: backlog", "1-3-tide-table: blocked"), [["1", "1-2", "code-review-1", "workflow", "start", ""], ["1", "1-2", "code-review-1", "workflow", "failed", "2 CRITICAL left after three rounds"]]),
  "broken file": () => still(STATUS, [["1", "1-2", "dev-story", "setup", "start", ""]], BAD),
};

/** @param {string} status @param {string[][]} [rows] @param {string} [then] */
async function still(status, rows = [], then) {
  const files = project(status);
  for (const row of rows) files.row(...row);
  if (rows.length) writeFileSync(join(files.artifacts, "sprint-runner.csv"), "one,two\n", { flag: "a" });
  const server = await serve(files.dir);
  if (then) {
    const first = await fetch(`${server.url}api/snapshot`).then((answer) => answer.json());
    assert.ok(first.sprint.stories.length);
    files.status(then);
  }
  return { url: server.url, end: async () => { await server.end("SIGKILL"); files.remove(); } };
}

for (const [name, stage] of Object.entries(STAGES)) {
  describe(name, () => {
    /** @type {Awaited<ReturnType<typeof stage>>} */
    let scene;
    before(async () => { scene = await stage(); });
    after(() => scene?.end());
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
      for (const width of [1400, 390]) {
        test(`every view, ${width} px, ${scheme}`, async () => {
          const faults = await look(scene.url, { width, scheme }, async (page, see) => {
            for (const view of await viewsOf(page)) {
              await turn(page, view);
              await see(view);
            }
          });
          assert.deepEqual(faults, []);
        });
      }
    }
  });
}

describe("what opens over the page", () => {
  /** @type {Awaited<ReturnType<typeof STAGES.demo>>} */
  let scene;
  before(async () => { scene = await STAGES.demo(); });
  after(() => scene?.end());
  for (const scheme of /** @type {const} */ (["light", "dark"])) {
    for (const width of [1400, 390]) {
      test(`panel, dialogs, bar, notices, ${width} px, ${scheme}`, async () => {
        const faults = await look(scene.url, { width, scheme }, async (page, see) => {
          const shut = async () => { await page.keyboard.press("Escape"); await page.waitForFunction(() => !document.querySelector("dialog[open]")); };
          await turn(page, "stories");
          const key = await page.evaluate(() => fetch("api/snapshot").then((a) => a.json()).then((s) => s.sprint.stories[0].story_key));
          await turn(page, `stories?detail=${encodeURIComponent(key)}`);
          await page.waitForFunction(() => { const panel = document.getElementById("detail"); return panel && !panel.hidden && panel.childElementCount > 0; });
          await see("panel");
          await turn(page, "overview");
          for (const [what, press, there] of [["help", "?", "#help[open]"], ["control", "b", "#control[open]"], ["command bar", "Control+k", ".cmd[open]"]]) {
            await page.keyboard.press(press);
            await page.waitForSelector(there);
            await see(what);
            await shut();
          }
          await page.keyboard.press("g");
          await page.waitForSelector(".chord:not([hidden])");
          await see("chord");
          await page.keyboard.press("Escape");
          await turn(page, "settings");
          await page.getByLabel("Port", { exact: true }).fill("0");
          await page.keyboard.press("Control+s");
          await page.waitForSelector("[aria-invalid]");
          await see("settings with a fault");
          await page.evaluate(() => { location.hash = "overview"; });
          await page.waitForSelector(".set-leave[open]");
          await see("leaving settings");
          await page.getByRole("button", { name: "Discard" }).click();
          await page.evaluate(() => { history.pushState(null, "", "?at=3#overview"); dispatchEvent(new Event("hashchange")); });
          await page.waitForFunction(() => document.documentElement.classList.contains("is-past"));
          await settled(page);
          await see("the past");
        });
        assert.deepEqual(faults, []);
      });
    }
  }
});

test("no view is wider than its window, from 320 px to 2560 px", async () => {
  const long = `project: ${"a-very-long-project-name-".repeat(4)}\ndevelopment_status:\n  epic-1: in-progress\n  1-1-${"unbreakable".repeat(18)}: in-progress\n  1-2-short: ${"some-words-of-its-own-".repeat(5)}\n`;
  const scenes = [await STAGES.demo(), await STAGES.failed(), await still(long, [["1", `1-1-${"unbreakable".repeat(18)}`, "dev-story", "x".repeat(90), "start", "y".repeat(400)]])];
  /** @type {string[]} */
  const wide = [];
  for (const [i, { url, end }] of scenes.entries()) {
    const { page, close } = await open(browser, url);
    await page.waitForFunction(() => !["loading", undefined].includes(document.querySelector("#state")?.dataset.kind));
    for (const view of await viewsOf(page)) {
      await turn(page, view);
      for (const width of [320, 390, 700, 900, 1400, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        const over = await page.evaluate(() => {
          const main = document.getElementById("main");
          const header = document.getElementById("header");
          return [document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth, ...[...header.children].map((el) => Math.round(el.getBoundingClientRect().right) - innerWidth)].some((n) => n > 0);
        });
        if (over) wide.push(`${["demo", "failed", "long"][i]} ${view} ${width}`);
      }
    }
    await close();
    await end();
  }
  assert.deepEqual(wide, []);
});
