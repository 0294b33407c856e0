/**
 * Pictures of every view in every state, size and theme, to be looked at: `node screenshots.mjs FOLDER`.
 * Needs SPRINT_RUNNER_BIN, as the tests do.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, open, project, serve, start, STATUS } from "./support.mjs";

const folder = process.argv[2];
if (!folder) throw new Error("say where the pictures go: node screenshots.mjs FOLDER");
mkdirSync(folder, { recursive: true });

const SIZES = [[1400, 900], [900, 700], [390, 844]];
const VIEWS = ["overview", "run", "epics", "stories", "activity", "issues"];
const THEMES = /** @type {const} */ (["light", "dark"]);
const browser = await launch();

/** @param {string} name @param {string} url @param {string[]} [views] @param {(page: import("playwright-core").Page) => Promise<any>} [ready] */
async function shoot(name, url, views = VIEWS, ready = (page) => page.waitForFunction(() => document.querySelector("#state").dataset.kind !== "loading")) {
  for (const colorScheme of THEMES) {
    for (const [width, height] of SIZES) {
      const { page, close } = await open(browser, url, { viewport: { width, height }, colorScheme });
      for (const view of views) {
        await page.goto(`${url}#${view}`);
        await ready(page);
        await page.waitForFunction((id) => document.getElementById(`view-${id}`).childElementCount > 0, view);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        await page.screenshot({ path: join(folder, `${name}-${view}-${width}-${colorScheme}.png`) });
      }
      await close();
    }
  }
}

/** @param {string} name @param {string} status @param {{rows?: string[][], after?: string, views?: string[]}} [more] */
async function still(name, status, { rows = [], after, views } = {}) {
  const files = project(status);
  for (const row of rows) files.row(...row);
  const server = await serve(files.dir);
  if (after) {
    const { page, close } = await open(browser, server.url);
    await page.waitForFunction(() => document.querySelector(".hero-total")?.textContent);
    files.status(after);
    await page.waitForFunction(() => document.querySelector(".needs:not([hidden])"));
    await close();
  }
  await shoot(name, server.url, views);
  await server.end("SIGKILL");
  files.remove();
}

const demo = await start("demo", "--port", "0");
const lively = (page) => page.waitForFunction(() => document.title.includes("running") && (document.getElementById("view-overview").hidden || Number(document.querySelector("#latest .event")?.dataset.id) > 40));
await shoot("demo", demo.url, VIEWS, lively);
const { page, close } = await open(browser, demo.url);
await page.waitForFunction(() => document.title.includes("running"));
await demo.end("SIGKILL");
await page.waitForFunction(() => document.querySelector("#bar").dataset.kind === "offline");
await page.screenshot({ path: join(folder, "offline-overview-1400-light.png") });
await close();

/** A batch of make-believe agents. @param {string} name @param {string} agent @param {string} size @param {(page: import("playwright-core").Page) => Promise<any>} ready */
async function batch(name, agent, size, ready) {
  const files = project();
  writeFileSync(join(files.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = ${JSON.stringify(fileURLToPath(new URL(`../../fixtures/agents/${agent}`, import.meta.url)))}\n`);
  const server = await serve(files.dir);
  const answer = await fetch(`${server.url}api/orchestrator/start`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ batch_size: size }) });
  if (!answer.ok) throw new Error(await answer.text());
  await shoot(name, server.url, ["overview", "run"], ready);
  await server.end("SIGTERM");
  files.remove();
}

const word = (/** @type {string} */ kind) => (/** @type {import("playwright-core").Page} */ page) => page.waitForFunction((wanted) => document.querySelector("#state").innerText.includes(wanted), kind);
await batch("managed", "slow", "5", async (page) => {
  await word("running")(page);
  const log = page.locator("#view-run:not([hidden]) [aria-expanded=false]");
  if (await log.count()) await log.first().click();
});
process.env.AGENT_RESET_SECONDS = "3600";
await batch("parked", "usage-limit", "all", word("parked"));
await batch("ended", "good", "1", word("idle"));

await still("empty", "", { views: ["overview", "stories", "issues"] });
await still("finished", STATUS.replace(/(: )(in-progress|backlog)$/gm, "$1done"), { views: ["overview", "epics"] });
await still("failed", STATUS, { rows: [["1", "1-2", "code-review-1", "workflow", "start", ""], ["1", "1-2", "code-review-1", "workflow", "failed", "2 CRITICAL left after three rounds"]], views: ["overview", "activity"] });
await still("broken", STATUS, { after: `${STATUS}  1-4-oops: backlog: twice\n   x: [\n`, views: ["overview", "issues"] });
const many = Array.from({ length: 5000 }, (_, i) => `  ${1 + Math.floor(i / 100)}-${i % 100}-story-number-${i}: ${["done", "backlog", "review", "on hold", "in-progress"][(i * 7) % 5]}\n`).join("");
await still("many", `project: many\ndevelopment_status:\n  epic-1: in-progress\n${many}`, { views: ["overview", "epics", "stories"] });
await browser.close();
