/** The sprint run: started, watched and stopped from the page, against the real server and real children. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, open, project, serve, told } from "./support.mjs";

const AGENTS = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "fixtures", "agents");

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A project whose agent is what `which` says at the moment it is started; a server, and a page on its run. */
async function scene(agent, play, options = {}) {
  const files = project(options.status);
  const program = join(files.dir, "agent.sh");
  const which = (name) => writeFileSync(join(files.dir, "which"), name);
  writeFileSync(program, `#!/bin/sh\nAGENT_SECONDS=300 exec "${AGENTS}/$(cat "${files.dir}/which")"\n`);
  chmodSync(program, 0o755);
  which(agent);
  writeFileSync(join(files.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = "${options.program ?? program}"\n[workflow]\nstop_grace_seconds = 1\nretry_seconds = 0.1\n`);
  const server = await serve(files.dir);
  const view = await open(browser, `${server.url}#run`, options);
  try {
    await view.page.waitForSelector(".run-form .is-main:enabled");
    await play({ ...view, files, which, url: server.url });
  } finally {
    await view.close();
    await server.end("SIGTERM");
    files.remove();
  }
}

const start = async (page, cycles = "2") => {
  await page.fill(".run-size", cycles);
  await page.click(".run-form .is-main");
};
const ended = (page, how) => page.waitForFunction((word) => document.querySelector("#view-run .hero-detail")?.textContent.includes(`ended ${word}`), how);

describe("the sprint run", () => {
  test("a whole batch from the page: progress, agents, done stories", async () => {
    await scene("good", async ({ page, wrong }) => {
      await page.click("text=Run all");
      await page.waitForFunction(() => document.querySelectorAll(".agent").length > 3);
      await ended(page, "completed");
      assert.deepEqual(wrong, []);
      const { state } = await told(page);
      assert.ok(["idle", "finished"].includes(state), state);
      await page.click(".agent button[aria-expanded=false]");
      await page.waitForFunction(() => [...document.querySelectorAll(".agent-log-lines li")].some((li) => li.dataset.kind === "result"));
      assert.deepEqual(wrong, []);
    });
  });

  test("a running agent shows its log; stop now ends it and shows the receipt", async () => {
    await scene("slow", async ({ page, wrong }) => {
      await start(page);
      await page.waitForSelector(".agent[data-live]");
      await page.waitForFunction(() => document.title.startsWith("running"));
      await page.click(".agent[data-live] button[aria-expanded=false]");
      await page.waitForFunction(() => document.querySelector(".agent-log-lines")?.textContent.includes("a while"));
      await page.click("text=Stop…");
      await page.click("dialog[open] .choice.is-hard");
      await page.waitForSelector("#receipt:not([hidden])");
      const receipt = await page.innerText("#receipt");
      assert.match(receipt, /^\d+ process(es)? ended.*, none left\.$/);
      await ended(page, "stopped");
      await page.waitForFunction(() => !document.title.includes("running"));
      assert.deepEqual(wrong, []);
    });
  });

  test("a graceful stop waits for what runs, and can be made one at once", async () => {
    await scene("slow", async ({ page, wrong }) => {
      await start(page, "1");
      await page.waitForSelector(".agent[data-live]");
      await page.click("text=Stop…");
      await page.click("dialog[open] .choice >> nth=0");
      await page.waitForFunction(() => document.querySelector("#view-run .hero-word").textContent === "Stopping");
      assert.equal(await page.locator(".agent[data-live]").count(), 1);
      await page.click(".run-form >> text=Stop now");
      await ended(page, "stopped");
      assert.deepEqual(wrong, []);
    });
  });

  test("one agent is stopped, the batch goes on", async () => {
    await scene("slow", async ({ page, which, wrong }) => {
      await start(page, "1");
      await page.waitForSelector(".agent[data-live]");
      which("good");
      await page.click(".agent[data-live] .is-stop");
      await page.waitForFunction(() => document.querySelector("#receipt")?.textContent.includes("none left"));
      await ended(page, "completed");
      assert.deepEqual(wrong, []);
    });
  });

  test("a start that is refused says why, and the next one works", async () => {
    await scene("good", async ({ page, files }) => {
      files.status("development_status:\n  1-1-a: [\n");
      await start(page, "1");
      await page.waitForSelector(".run-refusal:not([hidden])");
      assert.match(await page.innerText(".run-refusal"), /sprint-status\.yaml/);
      files.status("development_status:\n  1-1-a: review\n");
      await start(page, "1");
      await ended(page, "completed");
    });
    await scene("good", async ({ page, files }) => {
      await start(page, "1");
      await page.waitForSelector(".run-refusal:not([hidden])");
      assert.match(await page.innerText(".run-refusal"), /no program "no-such-agent"/);
      assert.ok(!existsSync(join(files.artifacts, "sprint-runner.csv")));
    }, { program: "no-such-agent" });
  });

  test("what an agent prints stays text", async () => {
    await scene("good", async ({ page, files, wrong }) => {
      const nasty = `<img src=x onerror="document.title='owned'">`;
      const say = JSON.stringify({ type: "assistant", message: { content: [{ type: "text", text: `${nasty}\u001b[31mred` }] } });
      writeFileSync(join(files.dir, "agent.sh"), `#!/bin/sh\ncat >/dev/null\ncat <<'EOF'\n${say}\n{"type":"result","subtype":"success","is_error":false,"result":"ok"}\nEOF\n`);
      await start(page, "1");
      await page.waitForSelector(".agent");
      await page.click(".agent button[aria-expanded=false] >> nth=0");
      await page.waitForFunction((text) => [...document.querySelectorAll(".agent-log-lines")].some((lines) => lines.textContent.includes(`${text}red`)), nasty);
      assert.equal(await page.locator(".agent-log-lines img").count(), 0);
      assert.deepEqual(wrong, []);
    });
  });
});
