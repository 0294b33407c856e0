/** A batch from the page's side: the real server, make-believe agents, a real browser. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, open, PATIENCE_MS, project, start, told } from "./support.mjs";

const AGENTS = fileURLToPath(new URL("../../fixtures/agents/", import.meta.url));
/** What the browser itself says of answers that are meant to be refusals. */
const REFUSAL = /status of (403|409)/;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** @param {{agent?: string, script?: string, gate?: boolean, env?: Record<string, string>, args?: string[], toml?: string, view?: string}} stage */
async function scene({ agent = "slow", script, gate = false, env = {}, args = [], toml = "", view = "run" }, play) {
  const files = project();
  const plans = join(files.dir, "_bmad-output", "planning-artifacts");
  mkdirSync(plans, { recursive: true });
  // A fresh one: no agent is sent for it first.
  writeFileSync(join(plans, "project-context.md"), "# Harbour\n");
  let program = join(AGENTS, agent);
  if (script || gate) {
    // An agent that waits for the gate, so that what is looked at goes on as long as it is looked at.
    const waits = `#!/bin/sh\nwhile [ ! -e ${files.dir}/open ]; do sleep 0.05; done\nexec ${program} "$@"\n`;
    program = join(files.dir, "agent.sh");
    writeFileSync(program, script ?? waits);
    chmodSync(program, 0o755);
  }
  writeFileSync(join(files.dir, "sprint-runner.toml"), `[agents.claude]\nprogram = ${JSON.stringify(program)}\n${toml}`);
  const kept = Object.fromEntries(Object.keys(env).map((key) => [key, process.env[key]]));
  Object.assign(process.env, env);
  const server = await start("serve", "--port", "0", "-C", files.dir, ...args);
  for (const [key, value] of Object.entries(kept)) if (value === undefined) delete process.env[key]; else process.env[key] = value;
  const shown = await open(browser, `${server.url}#${view}`);
  try {
    await play({ ...shown, files, url: server.url, run: shown.page.locator("#view-run"), lift: () => writeFileSync(join(files.dir, "open"), "") });
    assert.deepEqual(shown.wrong.filter((one) => !REFUSAL.test(one)), []);
    assert.deepEqual(await shown.page.evaluate(() => window.violations), []);
  } finally {
    await shown.close();
    await server.end("SIGTERM");
    files.remove();
  }
}

/** Starts a batch from the form in the view. */
async function begin(page, size = "1") {
  const form = page.locator("#view-run .start-form");
  if (size === "all") await form.getByRole("radio", { name: /All open stories/ }).check();
  else await form.getByRole("spinbutton").fill(size);
  await form.getByRole("button", { name: "Start" }).click();
}

const sees = (page, text, selector = "#view-run") => page.waitForFunction(([where, what]) => [...document.querySelectorAll(where)].some((el) => el.checkVisibility() && el.innerText.includes(what)), [selector, text], { timeout: PATIENCE_MS });
const agentAtWork = (page) => page.waitForFunction(() => document.querySelector("#agents .agent:not([data-over]) .agent-facts")?.textContent.includes("pid"));
const later = async (page, ms) => { const then = Date.now(); await page.waitForFunction(([t, wait]) => Date.now() - t > wait, [then, ms]); };

test("a batch is started from the page, watched, and its end told", async () => {
  await scene({ agent: "good", gate: true, view: "overview" }, async ({ page, url, lift }) => {
    await page.getByRole("button", { name: "Start a batch", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Start a batch" });
    await dialog.waitFor();
    assert.equal(await dialog.getByRole("spinbutton").inputValue(), "2", "the setting's number");
    await dialog.getByRole("spinbutton").fill("1");
    await dialog.getByRole("button", { name: "Start" }).click();
    await page.waitForFunction(() => location.hash === "#run");
    await dialog.waitFor({ state: "hidden" });
    await sees(page, "Cycle 1 of 1");
    await page.waitForFunction(() => /^running \d\/\d/.test(document.title) && document.querySelector("#favicon")?.dataset.state === "running");
    await sees(page, "Rope and fender", ".now-stories");
    await agentAtWork(page);
    await page.waitForFunction(() => document.querySelector(".cycle-bar [class*=is-here]"));
    lift();
    await sees(page, "Batch 1: completed", ".end-card");
    await sees(page, "All its cycles are done", ".end-card");
    assert.equal((await told(page)).state, "idle");
    await page.waitForFunction(() => [...document.querySelectorAll("#agents .agent[data-over]")].length >= 3);
    await page.goto(`${url}#stories?q=rope`);
    await sees(page, "done", "#stories .rows .tr");
  });
});

test("the log of an agent opens inline, is text, follows, holds still, and is bounded", async () => {
  const script = `#!/bin/sh
cat > /dev/null
printf '%s\\n' '{"type":"system","subtype":"init","model":"m-1"}'
i=0
while [ $i -lt 2600 ]; do i=$((i + 1)); printf '{"type":"assistant","message":{"content":[{"type":"text","text":"line %s <b>\\\\u001b[31mred\\\\u001b[0m</b>"}]}}\\n' $i; done
while :; do i=$((i + 1)); printf 'a word on the side\\n' >&2; printf '{"type":"assistant","message":{"content":[{"type":"text","text":"tick %s"}]}}\\n' $i; sleep 0.2; done
`;
  await scene({ script }, async ({ page }) => {
    await begin(page);
    await agentAtWork(page);
    await page.getByRole("button", { name: /^Log of / }).first().click();
    await page.waitForFunction(() => /[?&]log=1-1/.test(location.hash));
    await sees(page, "tick", ".log-box");
    await sees(page, "stderr a word on the side", ".log-box");
    const state = () => page.evaluate(() => {
      const box = document.querySelector(".log-box");
      return { lines: box.querySelectorAll(".log-line").length, marked: box.querySelectorAll("b").length, escape: box.textContent.includes("\u001b"), text: box.innerText, end: box.scrollHeight - box.scrollTop - box.clientHeight };
    });
    const first = await state();
    assert.ok(first.lines > 100 && first.lines <= 2000, String(first.lines));
    assert.equal(first.marked, 0);
    assert.ok(!first.escape && first.text.includes("<b>red</b>") , first.text.slice(-300));
    assert.ok(first.end < 24);
    // Held while one reads further up; the end is offered with what is new.
    await page.locator(".log-box").evaluate((box) => { box.scrollTop = box.scrollHeight / 2; });
    await page.waitForFunction(() => /\d+ new lines?/.test(document.querySelector(".log-fresh:not([hidden])")?.textContent ?? ""));
    const held = await page.locator(".log-box").evaluate((box) => box.scrollTop);
    const said = await page.locator(".log-fresh").innerText();
    await page.waitForFunction((old) => document.querySelector(".log-fresh").innerText !== old, said);
    assert.equal(await page.locator(".log-box").evaluate((box) => box.scrollTop), held);
    await page.locator(".log-fresh").click();
    await page.waitForFunction(() => { const box = document.querySelector(".log-box"); return document.querySelector(".log-fresh").hidden && box.scrollHeight - box.scrollTop - box.clientHeight < 24; });
    // The address keeps it open, the key closes it.
    await page.reload();
    await sees(page, "tick", ".log-box");
    await page.getByRole("button", { name: "Raw" }).click();
    await sees(page, '{"type":"assistant"', ".log-box");
    await page.getByRole("button", { name: /^Log of / }).first().click();
    await page.waitForFunction(() => !document.querySelector(".log-box") && !location.hash.includes("log="));
  });
});

test("one agent is stopped, with its receipt; the batch goes on with other stories", async () => {
  await scene({ env: { AGENT_SECONDS: "60" } }, async ({ page }) => {
    await begin(page, "3");
    await agentAtWork(page);
    const row = page.locator("#agents .agent").first();
    const id = await row.getAttribute("data-agent");
    await row.getByRole("button", { name: "Stop this one" }).click();
    await row.getByRole("button", { name: "Keep" }).click();
    await row.getByRole("button", { name: "Stop this one" }).click();
    await row.getByRole("button", { name: "Stop it" }).click();
    await page.waitForFunction((one) => /process(es)? ended.*none left/.test(document.querySelector(`[data-agent="${one}"][data-over] .agent-said:not([hidden])`)?.textContent ?? ""), id);
    await page.waitForFunction((one) => document.querySelector("#agents .agent:not([data-over])") && document.querySelector("#agents .agent:not([data-over])").dataset.agent !== one, id);
    assert.notEqual((await told(page)).state, "idle");
  });
});

test("a graceful stop lets the running command end, and says so meanwhile", async () => {
  await scene({ agent: "good", gate: true }, async ({ page, lift }) => {
    await begin(page, "all");
    await agentAtWork(page);
    await sees(page, "(unlimited)");
    await page.keyboard.press("b");
    const dialog = page.getByRole("dialog", { name: "Stop batch 1?" });
    await dialog.getByRole("button", { name: /^After the running command/ }).click();
    await page.waitForFunction(() => /Stopping… \d/.test(document.querySelector("#control .stop-clock")?.innerText ?? "") && document.querySelector("#state")?.dataset.kind === "stopping");
    await sees(page, "Nothing more begins", "#control");
    await page.keyboard.press("Escape");
    await sees(page, "Stopping…");
    lift();
    await sees(page, "Batch 1: stopped", ".end-card");
    await sees(page, "Stopped after the running command", ".end-card");
    await page.waitForFunction(() => document.querySelectorAll("#agents .agent").length === 1 && document.querySelector("#agents .agent-exit")?.innerText === "done");
  });
});

test("a stop now counts its grace down, then shows its receipt", async () => {
  await scene({ agent: "ignores-term", toml: "[workflow]\nstop_grace_seconds = 8\n" }, async ({ page }) => {
    await begin(page);
    await page.waitForFunction(() => document.querySelector("#agents .agent:not([data-over]) .agent-sign")?.textContent.includes("output"));
    await page.getByRole("button", { name: "Stop the batch" }).click();
    await page.getByRole("dialog").getByRole("button", { name: /^Now/ }).click();
    await page.waitForFunction(() => /Ending .*… \d/.test(document.querySelector("#control .stop-clock")?.innerText ?? "") && /is killed/.test(document.querySelector("#control .stop-says")?.innerText ?? ""));
    await page.waitForFunction(() => /^\W*\d+ process(es)? ended, \d+ had to be killed, none left\.$/.test(document.querySelector("#control .receipt:not([hidden])")?.innerText ?? ""));
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await sees(page, "none left", ".end-card .receipt");
    await sees(page, "Batch 1: stopped", ".end-card");
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "idle");
  });
});

test("a start that is refused says why at the control, and keeps what was typed", async () => {
  await scene({ agent: "no-such-program" }, async ({ page, run }) => {
    await begin(page, "7");
    await page.waitForFunction(() => /no-such-program/.test(document.querySelector("#view-run .start-form .trouble")?.innerText ?? ""));
    assert.equal(await run.getByRole("spinbutton").inputValue(), "7");
    assert.ok(await run.getByRole("button", { name: "Start" }).isEnabled());
    assert.equal((await told(page)).state, "idle");
    // What the page can tell itself is not asked of the server.
    await run.getByRole("spinbutton").fill("0");
    await run.getByRole("button", { name: "Start" }).click();
    await sees(page, "A whole number of cycles, 1 or more.");
    assert.equal(await run.getByRole("spinbutton").getAttribute("aria-invalid"), "true");
  });
});

test("a broken status file refuses the start with its place; mended, it starts", async () => {
  await scene({ agent: "good" }, async ({ page, files, run }) => {
    await run.getByRole("button", { name: "Start" }).waitFor();
    files.status("project: harbour\ndevelopment_status: [\n");
    await page.waitForFunction(() => document.querySelector("#favicon")?.dataset.state === "attention");
    await begin(page);
    await page.waitForFunction(() => /sprint-status\.yaml/.test(document.querySelector("#view-run .start-form .trouble")?.innerText ?? ""));
    files.status("project: harbour\ndevelopment_status:\n  1-2-rope-and-fender: review\n");
    await page.waitForFunction(() => document.querySelector("#favicon").dataset.state !== "attention");
    await begin(page);
    await sees(page, "Batch 1: completed", ".end-card");
  });
});

test("a read-only server says so, and the control stays shut", async () => {
  await scene({ args: ["--read-only"] }, async ({ page, run }) => {
    await sees(page, "read-only", ".start-form .reason");
    assert.ok(await run.getByRole("button", { name: "Start" }).isDisabled());
  });
});

test("a batch run by someone else is shown without a control", async () => {
  await scene({}, async ({ page, files }) => {
    files.row("1", "1-2", "dev-story", "implement", "start", "splicing");
    await sees(page, "run by someone else");
    await sees(page, "splicing", "#view-run .op");
    assert.equal(await page.locator("#view-run .start-form:visible, #view-run .is-stop:visible").count(), 0);
    await page.keyboard.press("b");
    await sees(page, "can only be stopped where it was started", "#control");
    assert.equal(await page.locator("#control .level:visible, #control .is-primary:visible").count(), 0);
  });
});

test("a parked batch tells until when, and a notice tells why", async () => {
  await scene({ agent: "usage-limit", env: { AGENT_RESET_SECONDS: "3600" } }, async ({ page }) => {
    await begin(page);
    await page.waitForFunction(() => /^parked/i.test(document.querySelector("#state")?.innerText) && /goes on by itself at \d\d:\d\d.*in \d+ min/i.test(document.querySelector(".run-hero")?.innerText));
    const toast = page.getByRole("region", { name: "Notices" }).locator(".toast[data-tone=warn]", { hasText: "Usage limit" });
    await toast.waitFor();
    await page.waitForFunction(() => !/\brunning\b/.test(document.title));
    await toast.getByRole("button", { name: /Dismiss/ }).click();
    await toast.waitFor({ state: "detached" });
  });
});

test("the agents are asked for only while somebody looks and something runs", async () => {
  await scene({ env: { AGENT_SECONDS: "60" } }, async ({ page, url, run }) => {
    let asked = 0;
    page.on("request", (request) => { if (request.url().endsWith("/api/agents")) asked += 1; });
    await run.getByRole("button", { name: "Start" }).waitFor();
    await later(page, 2600);
    assert.ok(asked <= 2, `idle: ${asked}`);
    await begin(page);
    await agentAtWork(page);
    const before = asked;
    await page.waitForRequest((request) => request.url().endsWith("/api/agents"));
    await page.goto(`${url}#overview`);
    await page.waitForFunction(() => !document.getElementById("view-overview").hidden);
    const left = asked;
    await later(page, 4600);
    assert.ok(asked <= left + 1, `elsewhere: ${asked - left}`);
    assert.ok(left > before);
  });
});
