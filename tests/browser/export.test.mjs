/** The sprint as one file, opened from disk: it asks nobody for anything, and holds the log it was made of. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { launch, PATIENCE_MS, project, serve, until } from "./support.mjs";

const run = promisify(execFile);
const EVIL = "begun </script><!--<script>alert(1)</script> \u2028 & 完了 🎉";

let browser, folder;
before(async () => {
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), "sprint-runner-export-"));
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The log as the command line gives it. @param {string} dir */
async function lines(dir) {
  const { stdout } = await run(process.env.SPRINT_RUNNER_BIN, ["export", "-C", dir], { maxBuffer: 1 << 28 });
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Opens a page from disk and keeps a record of all it should not do. @param {string} file */
async function openFile(file) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong = [];
  const own = pathToFileURL(file).href;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("websocket", (socket) => wrong.push(`socket: ${socket.url()}`));
  page.on("request", (request) => { if (request.url() !== own && !request.url().startsWith("data:")) wrong.push(`request: ${request.url()}`); });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  await page.goto(own);
  // The page stands when its modules have run: the header is theirs.
  await page.waitForFunction(() => document.querySelector("#header")?.childElementCount > 0);
  return { page, wrong };
}

test("the exported file asks for nothing, breaks no rule of its own and holds the log", async () => {
  const sprint = project();
  const server = await serve(sprint.dir);
  const file = join(folder, "sprint.html");
  try {
    sprint.row("1", "1-2", "dev-story", "implement", "start", EVIL);
    sprint.row("1", "1-2", "dev-story", "implement", "end", "done");
    const log = await until(() => lines(sprint.dir), (all) => all.some((event) => event.type === "command:end"), "the rows");
    await run(process.env.SPRINT_RUNNER_BIN, ["export", "--html", "-o", file, "-C", sprint.dir]);
    const { page, wrong } = await openFile(file);
    const archive = await page.evaluate(() => JSON.parse(document.querySelector("#archive").textContent));
    assert.equal(archive.format, 1);
    assert.deepEqual(archive.events, log);
    assert.equal(archive.events.find((event) => event.type === "command:start").payload.message, EVIL);
    assert.deepEqual([archive.first, archive.last, archive.left_out], [log[0].id, log.at(-1).id, 0]);
    assert.equal(archive.base.last_event_id, archive.first - 1);
    assert.deepEqual(archive.base.sprint.stories, []);
    for (const [path, query] of [["api/batches", "?limit=100"], ["api/timeline", "?batch_id=all"], ["api/settings", ""]]) {
      const answer = await (await fetch(`${server.url}${path}${query}`)).json();
      assert.deepEqual(archive.answers[path], answer, path);
    }
    // Every view's module is in the file, and every style; none is fetched.
    const failed = await page.evaluate(async () => {
      const map = JSON.parse(document.querySelector("script[type=importmap]").textContent).imports;
      const failed = [];
      for (const name of Object.keys(map)) await import(name).catch((error) => failed.push(`${name}: ${error.message}`));
      return failed;
    });
    assert.deepEqual(failed, []);
    assert.ok(await page.evaluate(() => document.querySelector('style[data-href="css/run.css"]')?.sheet.cssRules.length > 0));
    assert.equal(await page.evaluate(() => document.querySelectorAll("link[rel=stylesheet], script[src]").length), 0);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    assert.deepEqual(wrong, []);
    await page.close();
  } finally {
    await server.end();
    sprint.remove();
  }
});
