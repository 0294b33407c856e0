/** The page against the real server, in a real browser. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { activity, launch, open, PATIENCE_MS, project, serve, start, STATUS } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Runs one story on a project, a server and a page, and clears up whatever happens. */
async function scene({ status, ...options }, play) {
  const files = project(status);
  let server = await serve(files.dir);
  const port = server.port;
  const view = await open(browser, `${server.url}#activity`, options);
  try {
    await play({ ...view, files, url: server.url, end: (signal) => server.end(signal), again: async () => { server = await serve(files.dir, port); } });
  } finally {
    await view.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

/** Three tasks of a story, the last one left open. */
function work(files, word = "tide") {
  files.row("1", "1-2", "dev-story", "setup", "start", `${word} 1`);
  files.row("1", "1-2", "dev-story", "setup", "end", `${word} 2`);
  files.row("1", "1-2", "dev-story", "implement", "start", `${word} 3`);
}

test("keys and messages are text, whatever they hold", async () => {
  const long = `3-9-${"a-slug-that-nobody-shortened-".repeat(6)}`.slice(0, 165);
  const keys = ['test"story<img src=x onerror=window.pwned=1>', "2-7-笔记-編集器-メモ", "2-8-rock & roll's <b>end</b>", long];
  const status = `${STATUS}${keys.map((key) => `  ${JSON.stringify(key)}: "won't <i>do</i>"\n`).join("")}`;
  await scene({ status }, async ({ page, files, url, wrong }) => {
    const script = "</script><script>window.pwned=2</script><img src=x onerror=window.pwned=3>";
    for (const key of keys) files.row("2", key, "dev-story", "implement", "start", script);
    await activity(page, "</script>", keys.length);
    for (const view of ["stories", "epics", "overview", "issues", "activity"]) {
      await page.goto(`${url}#${view}`);
      await page.waitForFunction((name) => !document.getElementById(`view-${name}`).hidden && document.getElementById(`view-${name}`).innerText.length > 40, view);
      if (view === "stories") await page.waitForFunction((all) => all.every((key) => [...document.querySelectorAll("#stories .story-link")].some((link) => link.title === key)), keys);
      if (view === "stories") assert.ok((await page.locator("#stories").innerText()).includes("won't <i>do</i>"));
      const found = await page.evaluate(() => ({ pwned: window.pwned, images: document.images.length, scripts: document.scripts.length, inline: document.querySelectorAll("i i, b b, [onerror]").length, violations: window.violations, wide: document.documentElement.scrollWidth > innerWidth || document.getElementById("main").scrollWidth > document.getElementById("main").clientWidth }));
      assert.deepEqual(found, { pwned: undefined, images: 0, scripts: 2, inline: 0, violations: [], wide: false }, view);
    }
    assert.deepEqual(wrong, []);
  });
});

test("the address keeps view and filters", async () => {
  await scene({}, async ({ page, files, url }) => {
    work(files);
    await page.goto(`${url}#stories`);
    await page.getByRole("searchbox", { name: "Search stories" }).fill("rope");
    await page.waitForFunction(() => location.hash.includes("q=rope") && document.querySelectorAll("#stories .rows .tr").length === 1);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll("#stories .rows .tr").length === 1);
    await page.locator("#stories .story-link").click();
    await page.waitForFunction(() => location.hash.includes("detail=1-2-rope") && location.hash.includes("q=rope"));
    await page.locator("#detail").getByRole("link", { name: "In the log" }).click();
    await page.waitForFunction(() => location.hash.startsWith("#activity?story=1-2-rope"));
    await activity(page, "tide", 3);
    await page.goBack();
    await page.goBack();
    await page.waitForFunction(() => location.hash.includes("q=rope"));
  });
});

test("a broken status file is told, and the last good state stays", async () => {
  await scene({}, async ({ page, files, url, wrong }) => {
    await page.goto(`${url}#overview`);
    await page.waitForFunction(() => document.querySelector(".hero-total")?.textContent.includes("4 stories"));
    files.status(`${STATUS}  broken: [\n`);
    await page.waitForFunction(() => document.querySelector(".needs:not([hidden])")?.textContent.includes("sprint-status.yaml"));
    await page.waitForFunction(() => document.querySelector("#favicon").dataset.state === "attention");
    await page.goto(`${url}#issues`);
    await page.waitForFunction(() => document.querySelector("#issues .issue .issue-place")?.textContent.startsWith("sprint-status.yaml:"));
    files.status(STATUS);
    await page.waitForFunction(() => !document.querySelector("#issues .issue[data-tone=bad]"));
    assert.deepEqual(wrong, []);
  });
});

test("the keyboard reaches every view, row and search", async () => {
  await scene({}, async ({ page, files, wrong }) => {
    work(files);
    await activity(page, "tide", 3);
    for (const [key, view] of [["1", "overview"], ["2", "run"], ["3", "timeline"], ["4", "epics"], ["5", "stories"], ["7", "batches"], ["8", "insights"], ["9", "issues"], ["6", "activity"]]) {
      await page.keyboard.press(key);
      await page.waitForFunction((name) => document.querySelector(".tab[aria-current]").getAttribute("href") === `#${name}` && !document.getElementById(`view-${name}`).hidden, view);
    }
    await page.keyboard.press("j");
    const focused = () => page.evaluate(() => [...document.querySelectorAll("#activity .event")].indexOf(document.activeElement.closest(".event")));
    assert.equal(await focused(), 0);
    for (let i = 0; i < 5; i += 1) await page.keyboard.press("j");
    await page.keyboard.press("k");
    assert.equal(await focused(), 4);
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keyboard" });
    await help.waitFor();
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "hidden" });
    await page.keyboard.press("/");
    await page.waitForFunction(() => document.activeElement?.matches("#view-activity input[type=search]"));
    await page.keyboard.type("implement tide");
    await page.waitForFunction(() => document.querySelectorAll("#activity .event").length === 1 && location.hash.includes("q=implement"));
    assert.deepEqual(wrong, []);
  });
});

test("the demo moves by itself", async () => {
  const server = await start("demo", "--port", "0");
  const { page, wrong, close } = await open(browser, server.url);
  try {
    await page.waitForFunction(() => document.title.includes("running") && document.querySelector("#operations .op"));
    const newest = () => page.evaluate(() => Number(document.querySelector("#latest .event")?.dataset.id));
    const first = await newest();
    await page.waitForFunction((id) => Number(document.querySelector("#latest .event")?.dataset.id) >= id + 5, first, { timeout: PATIENCE_MS });
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await server.end("SIGKILL");
  }
});
