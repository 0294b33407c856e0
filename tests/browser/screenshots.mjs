/**
 * Pictures of every view in every state, size and theme, to be looked at: `node screenshots.mjs FOLDER [STATE…]`.
 * Needs SPRINT_RUNNER_BIN, as the tests do.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VIEWS } from "../../public/js/router.js";
import { launch, open, project, serve, start, STATUS } from "./support.mjs";

const [folder, ...chosen] = process.argv.slice(2);
if (!folder) throw new Error("say where the pictures go: node screenshots.mjs FOLDER [STATE…]");
mkdirSync(folder, { recursive: true });

/** @typedef {import("playwright-core").Page} Page */
const SIZES = [[1400, 900], [900, 700], [390, 844]];
const THEMES = /** @type {const} */ (["light", "dark"]);
const browser = await launch();

const known = (/** @type {Page} */ page) => page.waitForFunction(() => document.querySelector("#state").dataset.kind !== "loading");
const says = (/** @type {string} */ word) => (/** @type {Page} */ page) => page.waitForFunction((wanted) => document.querySelector("#state")?.innerText.includes(wanted), word);
const settled = (/** @type {Page} */ page) => page.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 700)));

/**
 * @param {string} name @param {string} url
 * @param {{ready?: (page: Page) => Promise<any>, views?: string[], hash?: (view: string) => string, before?: () => Promise<any>, search?: string}} [how]
 */
async function shoot(name, url, { ready = known, views = VIEWS, hash = (view) => `#${view}`, before, search = "" } = {}) {
  const pages = [];
  for (const colorScheme of THEMES) for (const [width, height] of SIZES) pages.push({ name: `${width}-${colorScheme}`, ...(await open(browser, url + search, { viewport: { width, height }, colorScheme })) });
  for (const { page } of pages) await known(page);
  // What is fetched later must be there when the server no longer is.
  await pages[0].page.waitForFunction((all) => all.every((view) => document.getElementById(`view-${view}`).childElementCount > 0), VIEWS);
  for (const { page } of pages) await page.waitForFunction((all) => all.every((view) => document.getElementById(`view-${view}`).childElementCount > 0), VIEWS);
  await before?.();
  for (const { page, name: size, close, wrong } of pages) {
    for (const view of views) {
      await page.evaluate((address) => { location.hash = address; }, hash(view));
      await ready(page);
      await page.waitForFunction((id) => !document.getElementById(`view-${id}`).hidden, view);
      await settled(page);
      await page.screenshot({ path: join(folder, `${name}-${view}-${size}.png`) });
    }
    if (wrong.length && !before) console.error(name, size, wrong.slice(0, 3));
    await close();
  }
}

/** A batch of make-believe agents. @param {string} name @param {string} agent @param {string|number} size @param {(page: Page) => Promise<any>} ready @param {(files: ReturnType<typeof project>) => void} [prepare] */
async function batch(name, agent, size, ready, views = ["overview", "run"], prepare) {
  const files = project();
  prepare?.(files);
  writeFileSync(join(files.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = ${JSON.stringify(fileURLToPath(new URL(`../../fixtures/agents/${agent}`, import.meta.url)))}\n`);
  const server = await serve(files.dir);
  const answer = await fetch(`${server.url}api/orchestrator/start`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ batch_size: size }) });
  if (!answer.ok) throw new Error(await answer.text());
  await shoot(name, server.url, { ready, views });
  await server.end("SIGTERM");
  files.remove();
}

/** @param {string} name @param {string} status @param {{rows?: string[][], after?: string, ready?: (page: Page) => Promise<any>}} [more] */
async function still(name, status, { rows = [], after, ready } = {}) {
  const files = project(status);
  for (const row of rows) files.row(...row);
  const server = await serve(files.dir);
  await shoot(name, server.url, { ready, before: after ? async () => files.status(after) : undefined });
  await server.end("SIGKILL");
  files.remove();
}

const NIGHT = STATUS.replace("1-2-rope-and-fender: in-progress", "1-2-rope-and-fender: blocked");
const FAILED = ["create-story", "dev-story", "code-review-1", "code-review-2", "code-review-3"].flatMap((command) => [
  ["1", "1-2", command, "workflow", "start", ""], ["1", "1-2", command, "workflow", command.startsWith("code") ? "failed" : "end", command.startsWith("code") ? "2 CRITICAL left: the rope is not tied" : "done (files:3, lines:120)"],
]);
const MANY = Array.from({ length: 5000 }, (_, i) => `${i % 100 ? "" : `  epic-${1 + i / 100}: ${["done", "in-progress", "backlog"][Math.floor(i / 100) % 3]}\n`}  ${1 + Math.floor(i / 100)}-${i % 100}-story-number-${i}: ${["done", "backlog", "review", "on hold", "in-progress"][(i * 7) % 5]}\n`).join("");

/** Several projects on one server: one works, one rests, one is stuck, one is not there. */
async function several() {
  const agent = (/** @type {string} */ name) => fileURLToPath(new URL(`../../fixtures/agents/${name}`, import.meta.url));
  const all = {
    harbour: project(),
    lighthouse: project(STATUS.replace("harbour", "The lighthouse at the end of the long pier").replace(/(: )(in-progress|backlog)$/gm, "$1done").replace("2-1-night-lights: done", "2-1-night-lights: backlog")),
    "signal-box": project(NIGHT.replace("harbour", "signal-box")),
  };
  const files = Object.values(all);
  for (const [name, branch] of [["harbour", "main"], ["signal-box", "feature/points-and-levers-of-the-northern-junction"]]) {
    mkdirSync(join(all[name].dir, ".git"));
    writeFileSync(join(all[name].dir, ".git", "HEAD"), `ref: refs/heads/${branch}\n`);
  }
  for (const row of FAILED) all["signal-box"].row(...row);
  const plans = join(all.harbour.dir, "_bmad-output", "planning-artifacts");
  mkdirSync(plans);
  writeFileSync(join(plans, "project-context.md"), "# Harbour\n");
  writeFileSync(join(all.harbour.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = ${JSON.stringify(agent("slow"))}\n`);
  process.env.AGENT_SECONDS = "900";
  const server = await start("serve", "--port", "0", ...Object.entries(all).map(([name, { dir }]) => `${name}=${dir}`), `old-pier=${join(all.harbour.dir, "..", "old-pier-that-was-moved-away")}`);
  delete process.env.AGENT_SECONDS;
  const answer = await fetch(`${server.url}p/harbour/api/orchestrator/start`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ batch_size: 5 }) });
  if (!answer.ok) throw new Error(await answer.text());
  const told = (/** @type {Page} */ page) => page.waitForFunction(() => document.querySelectorAll(".all-card").length === 4 && document.querySelector(".all-works:not([hidden]) .all-time") && /stuck|blocked/.test(document.body.innerText));
  /** @type {{page: Page, close: () => Promise<void>, size: string}[]} */
  const left = [];
  for (const colorScheme of THEMES) {
    for (const [width, height] of SIZES) {
      const size = `${width}-${colorScheme}`;
      const { page, close, wrong } = await open(browser, `${server.url}projects`, { viewport: { width, height }, colorScheme });
      await told(page);
      await settled(page);
      await page.screenshot({ path: join(folder, `projects-overview-${size}.png`), fullPage: true });
      const inside = await open(browser, `${server.url}p/signal-box/#overview`, { viewport: { width, height }, colorScheme });
      await known(inside.page);
      await inside.page.click(".switch-button");
      await inside.page.waitForSelector("#switch:popover-open .switch-list a");
      await settled(inside.page);
      await inside.page.screenshot({ path: join(folder, `projects-switcher-${size}.png`) });
      if (wrong.length || inside.wrong.length) console.error("projects", size, [...wrong, ...inside.wrong].slice(0, 3));
      await inside.close();
      left.push({ page, close, size });
    }
  }
  await server.end("SIGTERM");
  for (const { page, close, size } of left) {
    await page.waitForSelector(".all-lost:not([hidden])");
    await settled(page);
    await page.screenshot({ path: join(folder, `projects-lost-${size}.png`), fullPage: true });
    await close();
  }
  for (const one of files) one.remove();
}

/** @type {Record<string, () => Promise<void>>} */
const STATES = {
  empty: () => still("empty", ""),
  async demo() {
    const server = await start("demo", "--port", "0");
    await shoot("demo", server.url, { ready: says("running") });
    await shoot("detail", server.url, { views: ["stories"], hash: (view) => `#${view}?detail=2-2-photo-attachments` });
    await shoot("past", server.url, { views: ["overview", "run", "timeline"], search: "?at=60" });
    await server.end("SIGKILL");
  },
  finished: () => still("finished", STATUS.replace(/(: )(in-progress|backlog)$/gm, "$1done")),
  failed: () => still("failed", NIGHT, { rows: FAILED }),
  async offline() {
    const server = await start("demo", "--port", "0");
    await shoot("offline", server.url, { before: () => server.end("SIGKILL"), ready: (page) => page.waitForFunction(() => document.querySelector("#bar")?.dataset.kind === "offline") });
  },
  broken: () => still("broken", STATUS, { after: `${STATUS}  1-4-oops: backlog: twice\n   x: [\n`, ready: (page) => page.waitForFunction(() => document.title.startsWith("needs you")) }),
  many: () => still("many", `project: many\ndevelopment_status:\n${MANY}`),
  managed: () => batch("managed", "slow", "5", async (page) => {
    await says("running")(page);
    const log = page.locator("#view-run:not([hidden]) [aria-expanded=false]");
    if (await log.count()) await log.first().click();
  }),
  async parked() {
    process.env.AGENT_RESET_SECONDS = "3600";
    await batch("parked", "usage-limit", "all", says("parked"));
  },
  projects: several,
  ended: () => batch("ended", "good", "1", says("idle"), ["overview", "run", "batches", "timeline", "insights"]),
};

for (const [name, make] of Object.entries(STATES)) if (!chosen.length || chosen.includes(name)) await make();
await browser.close();
