/** Several projects on one server, in Chromium: the overview, the switcher, and what each page keeps for itself. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { launch, onceInThree, open, PATIENCE_MS, project, start, STATUS, within } from "./support.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A calm one, one in which something runs, one that is stuck; one that is not there. */
async function stage(...flags) {
  const all = [project(), project(STATUS.replace("harbour", "lighthouse")), project(STATUS.replace("1-3-tide-table: backlog", "1-3-tide-table: blocked"))];
  const server = await start("serve", "--port", "0", ...flags, ...["calm", "busy", "stuck"].map((name, i) => `${name}=${all[i].dir}`), `away=${all[0].dir}-missing`);
  all[1].row("1", "1-2", "dev-story", "implement", "start", "at it");
  return { all, server, end: async () => { await server.end("SIGKILL"); all.forEach((one) => one.remove()); } };
}

const card = (page, name) => page.locator(".all-card", { has: page.locator(`h2 a:text-is("${name}")`) });
const word = async (page, name, wanted) => page.waitForFunction(([n, w]) => [...document.querySelectorAll(".all-card")].some((el) => el.querySelector(".all-link").textContent === n && el.querySelector(".state").textContent.startsWith(w)), [name, wanted], { timeout: PATIENCE_MS });

test("the overview tells of all, live, and never of something running that is not", async () => {
  const { all, server, end } = await stage();
  const { page, wrong, close } = await open(browser, `${server.url}projects`);
  try {
    await word(page, "busy", "running");
    await word(page, "calm", "idle");
    await word(page, "stuck", "idle");
    await word(page, "away", "not served");
    assert.equal(await card(page, "busy").locator(".all-works").innerText().then((text) => /1-2\s*dev-story\s*\d+:\d\d/.test(text)), true);
    assert.match(await card(page, "busy").locator(".all-title").innerText(), /lighthouse/);
    assert.match(await card(page, "stuck").locator(".all-needs").innerText(), /1 blocked/);
    assert.match(await card(page, "away").locator(".all-needs").innerText(), /Its folder is not there\./);
    assert.equal(await page.title(), "1 running · 2 need you – Sprint Runner");
    assert.equal(await page.locator("#favicon").getAttribute("data-state"), "attention");
    assert.equal(await card(page, "busy").getAttribute("data-stale"), null);
    // What ends in its files ends here, without a reload.
    all[1].row("1", "1-2", "dev-story", "implement", "end", "done");
    await page.waitForFunction(() => ![...document.querySelectorAll(".all-works")].some((el) => !el.hidden));
    // A folder that is removed is told; the others go on.
    rmSync(all[2].dir, { recursive: true });
    await page.waitForFunction(() => document.body.innerText.includes("Its folder is gone"));
    all[0].row("1", "1-2", "dev-story", "implement", "start", "at it");
    await word(page, "calm", "running");
    assert.deepEqual(wrong, []);
    await server.end("SIGKILL");
    await within(() => page.evaluate(() => !/running/.test(document.body.innerText + document.title)), 5000, "nothing said to be running");
    assert.equal(await page.title(), "unknown – offline – Sprint Runner");
    assert.equal(await page.locator("#favicon").getAttribute("data-state"), "offline");
    assert.match(await page.locator(".all-lost").innerText(), /not been reached for/);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  } finally {
    await close();
    await end();
  }
});

test("b45 a server that stands still: the overview says so within five seconds", async () => {
  const { server, end } = await stage();
  const { page, close } = await open(browser, `${server.url}projects`);
  try {
    await onceInThree(async () => {
      await word(page, "busy", "running");
      server.child.kill("SIGSTOP");
      try {
        await within(() => page.evaluate(() => !/running/.test(document.body.innerText + document.title)), 5000, "nothing said to be running");
      } finally {
        server.child.kill("SIGCONT");
      }
    });
    await word(page, "busy", "running");
  } finally {
    await close();
    await end();
  }
});

test("the overview asks with one connection, and quietly while nothing changes", async () => {
  const { server, end } = await stage();
  const { page, close } = await open(browser, `${server.url}projects`);
  try {
    let unchanged = 0;
    /** @type {(value: unknown) => void} */ let enough = () => {};
    const quiet = new Promise((resolve, reject) => { enough = resolve; setTimeout(() => reject(new Error("no answer without a body")), PATIENCE_MS).unref(); });
    // What the browser has kept is checked with its version: what goes over the line is seen by the debugger alone.
    const seer = await page.context().newCDPSession(page);
    await seer.send("Network.enable");
    const asked = new Set();
    seer.on("Network.requestWillBeSent", ({ request: { url } }) => asked.add(new URL(url).pathname));
    seer.on("Network.responseReceivedExtraInfo", ({ statusCode }) => { if (statusCode === 304 && (unchanged += 1) === 2) enough(null); });
    await page.waitForFunction(() => document.querySelectorAll(".all-card").length === 4);
    await quiet;
    assert.deepEqual([...asked].filter((path) => !/\.(js|css|svg)$/.test(path)), ["/api/projects"]);
  } finally {
    await close();
    await end();
  }
});

test("the switcher leads to the same view of another project, by mouse and by keyboard alone", async () => {
  const { all, server, end } = await stage();
  const { page, wrong, close } = await open(browser, `${server.url}p/calm/#stories?status=done`);
  try {
    await page.waitForSelector(".switch-button");
    assert.match(await page.locator(".switch-button").innerText(), /harbour\s+calm/);
    // Once the project calls itself what the server calls it, it is said once.
    all[0].status(STATUS.replace("harbour", "Calm"));
    await page.waitForFunction(() => document.querySelector(".switch-button").innerText.trim() === "Calm");
    all[0].status(STATUS);
    await page.waitForFunction(() => /harbour\s+calm/.test(document.querySelector(".switch-button").innerText));
    await page.keyboard.press("p");
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-current") === "page" && document.activeElement.closest("#switch"));
    assert.deepEqual(await page.locator("#switch .switch-name").allInnerTexts(), ["calm", "busy", "stuck", "away"]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}p/busy/#stories`);
    await page.waitForFunction(() => document.querySelector(".brand-name")?.textContent === "lighthouse");
    await page.waitForSelector("#view-stories:not([hidden])");
    await page.waitForSelector(".switch-button");
    await page.click(".switch-button");
    await page.waitForSelector("#switch:popover-open .switch-list a");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("#switch:popover-open"));
    assert.equal(await page.evaluate(() => document.activeElement?.className), "brand switch-button", "the focus comes back");
    await page.keyboard.press("Control+k");
    await page.waitForSelector(".cmd[open]");
    await page.keyboard.type("switch to stuck");
    await page.waitForFunction(() => document.querySelector(".cmd-row[aria-selected='true']")?.textContent.includes("Switch to stuck"));
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}p/stuck/#stories`);
    await page.waitForSelector(".switch-button");
    await page.keyboard.press("p");
    await page.waitForSelector("#switch:popover-open .switch-all");
    await page.click("#switch .switch-all");
    await page.waitForURL(`${server.url}projects`);
    await page.waitForFunction(() => document.querySelectorAll(".all-card").length === 4);
    await page.click(".all-needs a");
    await page.waitForURL(/\/p\/stuck\/#overview$/);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await end();
  }
});

test("projects in one browser keep their own preferences and streams; the theme is everybody's", async () => {
  const { all, server, end } = await stage();
  const { page, wrong, close } = await open(browser, `${server.url}p/calm/#stories?status=done`);
  try {
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "idle");
    const other = await page.context().newPage();
    await other.goto(`${server.url}p/busy/`);
    await other.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "running");
    // Without a word about what to show, the other begins with its own first view, not with what was shown here.
    assert.equal(await other.evaluate(() => location.hash), "#overview");
    const keys = await page.evaluate(() => Object.keys(localStorage).filter((key) => key !== "sprint-runner.theme"));
    assert.ok(keys.some((key) => key === "sprint-runner.p.calm.view"), keys.join());
    assert.ok(keys.every((key) => key.startsWith("sprint-runner.p.calm.") || key.startsWith("sprint-runner.p.busy.")), keys.join());
    // Tabs of two projects share no stream: what happens in one is not told in the other.
    all[0].row("1", "1-3", "create-story", "setup", "start", "only in calm");
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "running");
    assert.equal(await other.evaluate(() => document.body.innerText.includes("only in calm")), false);
    assert.equal(await other.evaluate(() => fetch("api/events?limit=1000").then((a) => a.text()).then((t) => t.includes("only in calm"))), false);
    await page.evaluate(() => import(new URL("js/look.js", document.baseURI).href).then(({ chooseTheme }) => chooseTheme("dark")));
    await other.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await end();
  }
});

/** What stands between: everything below `/tools/sprint/` goes to the server, as nginx does it. */
async function proxy() {
  let port = 0;
  const inside = (path) => path.replace(/^\/tools\/sprint/, "");
  const server = createServer((from, to) => {
    if (!from.url.startsWith("/tools/sprint/")) return to.writeHead(404).end("another program");
    const asked = request({ port, path: inside(from.url), method: from.method, headers: { ...from.headers, host: `127.0.0.1:${port}` } }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
    });
    asked.on("error", () => to.destroy());
    from.pipe(asked);
  });
  server.on("upgrade", (from, socket, head) => {
    const up = connect(port, "127.0.0.1", () => {
      const lines = Object.entries({ ...from.headers, host: `127.0.0.1:${port}` }).map(([name, value]) => `${name}: ${value}`);
      up.write(`GET ${inside(from.url)} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      up.write(head);
      socket.pipe(up).pipe(socket);
    });
    for (const end of [up, socket]) end.on("error", () => { up.destroy(); socket.destroy(); });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/tools/sprint/`, host: `127.0.0.1:${server.address().port}`, to: (at) => { port = Number(at); }, close: () => { server.closeAllConnections(); server.close(); } };
}

test("all of it works below a prefix of a proxy's own", async () => {
  const between = await proxy();
  const { server, end } = await stage("--allow-host", between.host);
  between.to(server.port);
  const { page, wrong, close } = await open(browser, between.url);
  try {
    // The root is the first.
    await page.waitForURL(`${between.url}p/calm/#overview`);
    await page.waitForSelector(".switch-button");
    await page.goto(`${between.url}projects`);
    await word(page, "busy", "running");
    await page.click(".all-card h2 a:text-is('busy')");
    await page.waitForURL(`${between.url}p/busy/`);
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "running");
    await page.waitForFunction(() => document.querySelector("#line")?.dataset.transport === "ws");
    await page.waitForSelector(".switch-button");
    await page.click(".switch-button");
    await page.click("#switch .switch-name:text-is('calm')");
    await page.waitForURL(`${between.url}p/calm/#overview`);
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "idle");
    // Without the slash at its end as well.
    await page.goto(`${between.url}p/calm`);
    await page.waitForURL(`${between.url}p/calm/#overview`);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    between.close();
    await end();
  }
});

test("a server of one project has no switcher and asks for none", async () => {
  const files = project();
  const server = await start("serve", "--port", "0", files.dir);
  const { page, wrong, close } = await open(browser, server.url);
  try {
    const asked = [];
    page.on("request", (one) => asked.push(new URL(one.url()).pathname));
    await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "idle");
    await page.keyboard.press("p");
    await page.keyboard.press("?");
    await page.waitForSelector("#help[open]");
    assert.equal((await page.locator("#help").innerText()).includes("switch the project"), false);
    assert.equal(await page.locator(".switch-button").count(), 0);
    assert.ok(!asked.some((path) => /projects|switcher/.test(path)), asked.join());
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await server.end("SIGKILL");
    files.remove();
  }
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  for (const width of [1400, 390]) {
    test(`overview and switcher, judged by axe, ${width} px, ${colorScheme}`, async () => {
      const { server, end } = await stage();
      const { page, close } = await open(browser, `${server.url}projects`, { viewport: { width, height: 844 }, colorScheme });
      const judge = (one, where = "html") => one.evaluate(async ([tags, part]) => {
        for (const one of document.getAnimations()) { try { one.finish(); } catch { one.cancel(); } }
        const { violations } = await window.axe.run(part, { resultTypes: ["violations"], runOnly: { type: "tag", values: tags } });
        return violations.flatMap(({ id, nodes }) => nodes.slice(0, 4).map(({ target, any, all, none }) => `${id} ${target.join(" ")}: ${[...any, ...all, ...none].map(({ message }) => message).join("; ").slice(0, 160)}`));
      }, /** @type {const} */ ([TAGS, where]));
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      try {
        await page.evaluate(AXE);
        await word(page, "busy", "running");
        assert.deepEqual(await judge(page), []);
        for (const w of [width, 320]) {
          await page.setViewportSize({ width: w, height: 844 });
          assert.ok(await wide() <= 0, `wider than ${w}`);
        }
        await page.setViewportSize({ width, height: 844 });
        await page.goto(`${server.url}p/busy/`);
        await page.evaluate(AXE);
        await page.waitForSelector(".switch-button");
        await page.click(".switch-button");
        await page.waitForSelector("#switch:popover-open .switch-list a");
        assert.deepEqual(await judge(page), []);
        assert.ok(await wide() <= 0);
        const [over, header] = await page.evaluate(() => [document.querySelector("#switch").getBoundingClientRect().right - innerWidth, Math.max(...[...document.getElementById("header").children].filter((el) => el.id !== "switch").map((el) => el.getBoundingClientRect().right)) - innerWidth]);
        assert.ok(over <= 0 && header <= 0, `${over} ${header}`);
        const whole = await page.context().newPage();
        await whole.setViewportSize({ width, height: 844 });
        await whole.goto(`${server.url}projects`);
        await word(whole, "busy", "running");
        await server.end("SIGKILL");
        await page.bringToFront();
        await page.waitForSelector(".switch-lost:not([hidden])");
        assert.deepEqual(await judge(page, "#switch"), []);
        await whole.bringToFront();
        await whole.waitForSelector(".all-lost:not([hidden])");
        await whole.evaluate(AXE);
        assert.deepEqual(await judge(whole), []);
      } finally {
        await close();
        await end();
      }
    });
  }
}
