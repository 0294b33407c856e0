/** The settings against the real server, in a real browser. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, PATIENCE_MS, project, start } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** @param {{args?: string[], toml?: string, env?: Record<string, string>, hash?: string}} stage */
async function scene({ args = [], toml, env = {}, hash = "settings" }, play) {
  const files = project();
  if (toml) writeFileSync(join(files.dir, "sprint-runner.toml"), toml);
  Object.assign(process.env, env);
  const server = await start("serve", "-C", files.dir, ...(toml || Object.keys(env).length ? [] : ["--port", "0"]), ...args).finally(() => { for (const key of Object.keys(env)) delete process.env[key]; });
  const shown = await open(browser, `${server.url}#${hash}`);
  /** @type {any[]} */
  const sent = [];
  shown.page.on("request", (request) => { if (request.method() === "PUT") sent.push(request.postDataJSON()); });
  try {
    if (hash === "settings") await shown.page.waitForSelector(".set-form:not([hidden])");
    await play({ ...shown, files, server, url: server.url, sent, field: (name) => shown.page.getByLabel(name, { exact: true }), row: (key) => shown.page.locator(`.set[data-key=${key}]`) });
    assert.deepEqual(shown.wrong.filter((one) => !/status of (400|403)/.test(one)), []);
    assert.deepEqual(await shown.page.evaluate(() => window.violations), []);
  } finally {
    await shown.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const put = (url, body) => fetch(`${url}api/settings`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((answer) => answer.json());
const sums = (page, text) => page.waitForFunction((wanted) => document.querySelector(".set-sum")?.textContent.includes(wanted), text, { timeout: PATIENCE_MS });
const holds = (page, key, value) => page.waitForFunction(([id, wanted]) => document.getElementById(id).value === wanted, [`set-${key}`, value], { timeout: PATIENCE_MS });

test("only what was changed is sent; it holds after a reload", async () => {
  await scene({}, async ({ page, sent, field, row, url }) => {
    assert.equal(await page.getByRole("button", { name: "Save", exact: true }).getAttribute("aria-disabled"), "true");
    await field("Cycles of a batch").fill("5");
    await field("Heartbeat").fill("40");
    await field("Heartbeat").fill("30");
    await sums(page, "1 change not saved");
    await page.getByRole("button", { name: "Save 1 change" }).click();
    await sums(page, "Saved");
    assert.deepEqual(sent, [{ default_max_cycles: 5 }]);
    assert.equal(await row("default_max_cycles").getAttribute("data-source"), "saved here");
    await page.reload();
    await page.waitForSelector(".set-form:not([hidden])");
    assert.equal(await field("Cycles of a batch").inputValue(), "5");
    await page.getByRole("button", { name: "Reset to 2: Cycles of a batch" }).click();
    await page.keyboard.press("Control+s");
    await sums(page, "Saved");
    assert.deepEqual(sent[1], { default_max_cycles: 2 });
    const all = await fetch(`${url}api/settings`).then((answer) => answer.json());
    assert.equal(Object.keys(all).length, 9);
    assert.ok(Object.values(all).every(Number.isInteger));
  });
});

test("what is wrong is told at its field, and nothing is sent", async () => {
  await scene({}, async ({ page, sent, field, row }) => {
    await field("Code reviews at most").fill("101");
    await field("Context: warn above").fill("151");
    await page.getByRole("button", { name: /^Save/ }).click();
    await row("max_code_review_attempts").getByText("A whole number from 1 to 100.").waitFor();
    await row("injection_warning_kb").getByText("May not be greater than what is refused (150 KiB).").waitFor();
    await row("injection_error_kb").getByText("May not be less than what is warned of (151 KiB).").waitFor();
    assert.equal(await field("Code reviews at most").getAttribute("aria-invalid"), "true");
    assert.equal(await page.evaluate(() => document.activeElement.id), "set-max_code_review_attempts", "the first of them has the focus");
    await field("Code reviews at most").fill("11");
    await field("Context: refuse above").fill("200");
    await page.waitForFunction(() => !document.querySelector("[aria-invalid]"));
    assert.deepEqual(sent, []);
    await page.keyboard.press("Control+s");
    await sums(page, "Saved");
    assert.deepEqual(sent, [{ max_code_review_attempts: 11, injection_warning_kb: 151, injection_error_kb: 200 }]);
  });
});

test("what only the server refuses comes to its field too, and what was typed stays", async () => {
  await scene({}, async ({ page, field, row }) => {
    await page.route("**/api/settings", (route) => route.fulfill({ status: 400, contentType: "application/json", body: JSON.stringify({ error: '"server_port" must be a whole number from 1 to 65535', code: "bad_request" }) }));
    await field("Port").fill("9000");
    await page.keyboard.press("Control+s");
    await row("server_port").getByText("“Port” must be a whole number from 1 to 65535.").waitFor();
    assert.equal(await field("Port").inputValue(), "9000");
    await page.unroute("**/api/settings");
    await field("Port").fill("9001");
    await page.waitForFunction(() => !document.querySelector("[aria-invalid]"));
    await page.keyboard.press("Control+s");
    await sums(page, "Saved");
  });
});

test("port 80 is taken, with its hint", async () => {
  await scene({}, async ({ page, field, row, sent, server }) => {
    await field("Port").fill("80");
    await row("server_port").getByText(/below 1024 need root.*after a restart/).waitFor();
    await page.keyboard.press("Control+s");
    await sums(page, "Saved");
    assert.deepEqual(sent, [{ server_port: 80 }]);
    await row("server_port").getByText(`Overridden by the flag --port: the server listens on ${server.port}.`).waitFor();
  });
});

for (const [name, stage, word] of [["the file", { toml: "port = 0\n" }, /sprint-runner\.toml: the server listens on \d+/], ["the environment", { env: { SPRINT_RUNNER_PORT: "0" } }, /SPRINT_RUNNER_PORT in the environment: the server listens on \d+/]]) {
  test(`the port that ${name} names is told as such`, async () => {
    await scene(stage, async ({ row }) => {
      assert.equal(await row("server_port").getAttribute("data-source"), "overridden");
      await row("server_port").getByText(word).waitFor();
    });
  });
}

test("somebody else's change comes in, and never over what is being typed", async () => {
  await scene({}, async ({ page, field, row, url, sent }) => {
    await page.waitForFunction(() => document.querySelector("#line")?.dataset.transport === "ws");
    await field("Cycles of a batch").fill("7");
    await put(url, { default_max_cycles: 5, haiku_after_review: 3 });
    await row("default_max_cycles").getByText("Changed elsewhere to 5.").waitFor();
    await page.waitForFunction(() => document.querySelector("#set-haiku_after_review").value === "3");
    assert.equal(await field("Cycles of a batch").inputValue(), "7");
    await page.getByRole("button", { name: "Keep mine: Cycles of a batch" }).click();
    await row("default_max_cycles").getByText("Changed elsewhere").waitFor({ state: "hidden" });
    await put(url, { default_max_cycles: 6 });
    await page.getByRole("button", { name: "Take it: Cycles of a batch" }).click();
    await holds(page, "default_max_cycles", "6");
    await sums(page, "Everything is saved");
    assert.deepEqual(sent, []);
  });
});

test("a read-only server shows its settings and says why they cannot be changed", async () => {
  await scene({ args: ["--read-only"] }, async ({ page, field, sent }) => {
    await page.getByText("This server was started read-only").waitFor();
    assert.equal(await page.locator(".set-input:not([readonly])").count(), 0);
    await field("Port").focus();
    await page.keyboard.type("9");
    await page.keyboard.press("Control+s");
    assert.equal(await page.getByRole("button", { name: "Save", exact: true }).getAttribute("title"), "The server is read-only.");
    assert.deepEqual(sent, []);
  });
});

test("leaving with changes asks; what was typed is kept, saved, or let go", async () => {
  await scene({}, async ({ page, field, sent }) => {
    await field("Port").fill("9000");
    await page.getByRole("link", { name: "Overview" }).first().click();
    const dialog = page.getByRole("dialog", { name: "1 setting is not saved" });
    await dialog.getByRole("button", { name: "Back to settings" }).click();
    await page.waitForFunction(() => location.hash === "#settings");
    assert.equal(await field("Port").inputValue(), "9000");
    await page.getByRole("link", { name: "Overview" }).first().click();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "hidden" });
    assert.deepEqual(sent, [{ server_port: 9000 }]);
    await page.goto(`${page.url().split("#")[0]}#settings`);
    await field("Port").fill("9002");
    assert.equal(await page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true }))), true, "the browser asks too");
    await page.getByRole("button", { name: "Discard" }).click();
    await holds(page, "server_port", "9000");
    assert.equal(await page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true }))), false);
  });
});

test("the page's own preferences: the theme holds, and nobody is asked for notifications unasked", async () => {
  await scene({}, async ({ page }) => {
    await page.getByRole("radio", { name: "Dark" }).check();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    assert.equal(await page.getByRole("button", { name: "Theme: dark" }).count(), 1, "the header follows");
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.waitForSelector(".set-form:not([hidden])");
    assert.ok(await page.getByRole("radio", { name: "Dark" }).isChecked());
  });
});

/** A stand-in that remembers what the page does with it. @param {string} permission @param {string} answer */
const fakeNotification = ({ permission, answer }) => {
  window.sent = [];
  window.asked = 0;
  window.Notification = class {
    static permission = permission;
    static async requestPermission() { window.asked += 1; return (window.Notification.permission = answer); }
    constructor(title, options) { window.sent.push({ title, ...options }); }
    close() {}
  };
};

test("notifications: asked for by a click only, tested by a button, denied with its reason", async () => {
  await scene({ hash: "overview" }, async ({ page, url }) => {
    await page.addInitScript(fakeNotification, { permission: "default", answer: "granted" });
    await page.goto(`${url}#settings`);
    await page.reload();
    await page.waitForSelector(".set-form:not([hidden])");
    assert.equal(await page.evaluate(() => window.asked), 0);
    assert.equal(await page.getByRole("button", { name: "Send a test" }).count(), 0);
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.getByRole("button", { name: "Send a test" }).click();
    assert.deepEqual(await page.evaluate(() => [window.asked, window.sent.length]), [1, 1]);
    await page.getByRole("button", { name: "Turn off" }).click();
    await page.getByRole("button", { name: "Turn on" }).waitFor();
    await page.evaluate(() => { window.Notification.permission = "denied"; dispatchEvent(new Event("themechange")); });
    await page.getByText("This browser was told to refuse them").waitFor();
    assert.equal(await page.getByRole("button", { name: "Turn on" }).count(), 0);
  });
});

test("a hidden page calls once for a story that is blocked, whatever the number of tabs; a page in sight does not", async () => {
  await scene({ hash: "overview" }, async ({ page, url, files }) => {
    const context = page.context();
    const hide = () => { window.looked = true; Object.defineProperty(document, "hidden", { get: () => !window.looked }); };
    const tabs = [page, await context.newPage(), await context.newPage()];
    for (const tab of tabs) {
      await tab.addInitScript(fakeNotification, { permission: "granted", answer: "granted" });
      await tab.addInitScript(hide);
      await tab.addInitScript(() => localStorage.setItem("sprint-runner.notify", "true"));
      await tab.goto(`${url}#settings`);
      await tab.reload();
      await tab.waitForSelector(".set-form:not([hidden])");
      await tab.waitForFunction(() => document.querySelector("#line")?.dataset.transport === "ws");
    }
    const sent = () => Promise.all(tabs.map((tab) => tab.evaluate(() => window.sent))).then((all) => all.flat());
    for (const tab of tabs) await tab.evaluate(() => { window.looked = false; });
    const text = (await import("./support.mjs")).STATUS;
    files.status(text.replace("1-3-tide-table: backlog", "1-3-tide-table: blocked"));
    await Promise.race(tabs.map((tab) => tab.waitForFunction(() => window.sent.length > 0)));
    // The others had their turn once their locks are refused: a second event of theirs would be later than this.
    for (const tab of tabs) await tab.evaluate(async () => { for (let i = 0; i < 20; i += 1) await navigator.locks.query(); });
    assert.deepEqual((await sent()).map(({ title }) => title), ["1-3 is blocked"]);
    // Somebody looks at one of them: nobody is called.
    await tabs[1].evaluate(() => { window.looked = true; });
    files.status(text.replace("1-2-rope-and-fender: in-progress", "1-2-rope-and-fender: blocked").replace("1-3-tide-table: backlog", "1-3-tide-table: blocked"));
    await tabs[0].waitForFunction(async () => (await navigator.locks.query()).held.filter(({ name }) => name.startsWith("sprint-runner.notify")).length >= 2);
    assert.equal((await sent()).length, 1);
  });
});

test("over plain HTTP from the network they are told to be unavailable, with the reason", async () => {
  await scene({ hash: "overview" }, async ({ page, url }) => {
    await page.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false }));
    await page.goto(`${url}#settings`);
    await page.reload();
    await page.getByText("Browsers allow notifications only over HTTPS").waitFor();
    assert.equal(await page.getByRole("button", { name: "Turn on" }).count(), 0);
  });
});
