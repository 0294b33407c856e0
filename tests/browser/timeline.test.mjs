/** The timeline against the real server, in a real browser. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fold, fromAnswer } from "../../public/js/timeline/fold.js";
import { night } from "./night.mjs";
import { launch, open, project, serve, start, until } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const get = async (url, path) => (await fetch(url + path)).json();

/** A project with this log, a server and a page on its timeline. */
async function scene({ status, csv = "", hash = "#timeline", ...options }, play) {
  const files = project(status);
  writeFileSync(join(files.dir, "sprint-runner.toml"), "observed_idle_minutes = 240\n");
  if (csv) writeFileSync(join(files.artifacts, "sprint-runner.csv"), csv);
  const server = await serve(files.dir);
  const rows = csv.split("\n").filter((line) => /,workflow,start/.test(line)).length;
  await until(() => get(server.url, "api/timeline"), ({ segments }) => segments.filter((one) => one.task_id === "workflow").length >= rows);
  const view = await open(browser, `${server.url}${hash}`, options);
  try {
    await play({ ...view, files, url: server.url, end: (signal) => server.end(signal) });
  } finally {
    await view.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const small = () => night(6, 7, 1.2);
const blocks = (page) => page.waitForFunction(() => document.querySelectorAll(".tl-block").length > 3);
const flag = (page) => page.evaluate(() => Number(document.querySelector(".tl-flag").dataset.time));
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

test("law: the fold of the events is what the server answers, from the start and from any answer on", async () => {
  const steps = readFileSync(new URL("../../fixtures/demo/recording.jsonl", import.meta.url), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const lines = steps.filter((step) => step.do === "row").map((step) => `${Date.now() - 300_000 + step.at_ms},${step.epic},${step.story},${step.command},${step.task},${step.status},"${step.message.replaceAll('"', '""')}"\n`);
  const files = project(readFileSync(new URL("../../fixtures/demo/sprint-status.yaml", import.meta.url), "utf8"));
  const server = await serve(files.dir);
  const csv = join(files.artifacts, "sprint-runner.csv");
  const all = async () => {
    const events = [];
    for (let next = 0; next !== null;) {
      const page = await get(server.url, `api/events?after=${next}&limit=1000`);
      events.push(...page.events);
      next = page.next;
    }
    return events;
  };
  const commands = (events) => events.filter((event) => event.type.startsWith("command:")).length;
  const plain = (rows) => rows.map(({ batch_id, story_key, story_id, epic_id, command, task_id, attempt, start, end, status, source, message }) => JSON.stringify({ batch_id, story_key, story_id, epic_id, command, task_id, attempt, start, end, status, source, message: message ?? null })).sort();
  try {
    const half = Math.floor(lines.length * 0.55);
    appendFileSync(csv, lines.slice(0, half).join(""));
    const first = await until(all, (events) => commands(events) >= half);
    const then = await get(server.url, "api/timeline");
    assert.ok(then.segments.some((one) => one.status === "running"), "something is under way in the middle");
    appendFileSync(csv, lines.slice(half).join(""));
    const events = await until(all, (found) => commands(found) >= lines.length);
    const end = await get(server.url, "api/timeline");

    const whole = events.reduce((kept, event) => fold(kept, event), fromAnswer("newest", { batch: null, segments: [] }));
    assert.deepEqual(plain(whole.rows), plain(end.segments));
    // Whatever is heard once more, an answer takes of it only what it does not hold yet.
    assert.ok(then.last_event_id >= first.at(-1).id && then.last_event_id < end.last_event_id);
    for (const answer of [then, end]) {
      const heard = events.reduce((kept, event) => fold(kept, event), fromAnswer("newest", answer));
      assert.deepEqual(plain(heard.rows), plain(end.segments));
    }
  } finally {
    await server.end("SIGKILL");
    files.remove();
  }
});

test("in the demo what runs moves and grows, with less motion too, and new blocks come by themselves", async () => {
  const server = await start("demo", "--port", "0");
  const { page, wrong, close } = await open(browser, `${server.url}#timeline`);
  try {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.waitForFunction(() => document.querySelector('.tl-block[data-status="running"]'));
    const moved = () => page.evaluate(() => {
      const el = document.querySelector('.tl-block[data-status="running"]');
      return el ? { translate: getComputedStyle(el, "::before").translate, name: getComputedStyle(el, "::before").animationName } : null;
    });
    const before = await until(moved, (now) => now !== null);
    assert.equal(before.name, "tl-along");
    await until(moved, (now) => now !== null && now.translate !== before.translate);
    const many = await page.locator(".tl-block").count();
    await page.waitForFunction((n) => document.querySelectorAll(".tl-block").length > n, many);
    await page.getByRole("button", { name: "Follow now" }).click();
    const x = () => page.evaluate(() => Number.parseFloat(document.querySelector(".tl-now").style.translate));
    const width = await page.evaluate(() => document.querySelector(".tl-ruler").clientWidth);
    await until(x, (now) => Math.abs(now - 0.88 * width) < 4);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await server.end("SIGKILL");
  }
});

test("zooming keeps the time under the pointer, dragging and wheel move it, and the address follows at rest", async () => {
  await scene(small(), async ({ page, wrong }) => {
    await blocks(page);
    const ruler = await page.locator(".tl-ruler").boundingBox();
    await page.mouse.move(ruler.x + ruler.width * 0.3, ruler.y + 20);
    await page.waitForFunction(() => document.querySelector(".tl-flag")?.dataset.time);
    const held = await flag(page);
    const step = () => page.evaluate(() => document.querySelectorAll(".tl-rule").length && document.querySelector(".tl-map-window").style.width);
    const wide = await step();
    await page.keyboard.down("Control");
    for (let i = 0; i < 4; i += 1) await page.mouse.wheel(0, -120);
    await page.keyboard.up("Control");
    await page.waitForFunction((old) => document.querySelector(".tl-map-window").style.width !== old, wide);
    await settled(page);
    assert.ok(Math.abs(await flag(page) - held) < 3000, "the time under the pointer moved");
    await page.waitForFunction(() => /from=\d+/.test(location.hash) && /to=\d+/.test(location.hash));

    const left = await flag(page);
    const lane = await page.locator(".tl-lane").first().boundingBox();
    await page.mouse.move(lane.x + 400, lane.y + 8);
    await page.mouse.down();
    await page.mouse.move(lane.x + 300, lane.y + 8, { steps: 4 });
    await page.mouse.up();
    await until(() => flag(page), (now) => now !== left, "the time that was dragged here");
    assert.equal(await page.locator(".is-details").count(), 0, "a drag is no click");

    const range = await page.waitForFunction((old) => location.hash !== old && location.hash, "").then((handle) => handle.jsonValue());
    assert.match(range, /from=/);
    await page.keyboard.press("0");
    await page.waitForFunction(() => !location.hash.includes("from="));
    assert.deepEqual(wrong, []);
  });
});

test("a folded gap says how long nothing ran; unfolded it is as long as it was", async () => {
  await scene(night(), async ({ page }) => {
    await blocks(page);
    await page.waitForFunction(() => document.querySelector(".tl-pill-words"));
    const words = await page.locator(".tl-pill-words").allInnerTexts();
    assert.ok(words.some((one) => /^1 h 3\d min$/.test(one)), words.join());
    assert.match(await page.locator(".tl-pill").first().getAttribute("title"), /^Nothing ran for /);
    const fold = await page.locator(".tl-fold").first().boundingBox();
    assert.ok(fold.width <= 58);
    await page.mouse.move(fold.x + fold.width / 2, fold.y + 5);
    await page.waitForFunction(() => /^idle 1 h/.test(document.querySelector(".tl-flag")?.textContent));
    await page.getByText("Display", { exact: true }).click();
    await page.getByLabel("Fold idle time").uncheck();
    await page.waitForFunction(() => !document.querySelector(".tl-fold"));
    await page.reload();
    await blocks(page);
    assert.equal(await page.locator(".tl-fold").count(), 0, "the choice is kept");
  });
});

test("the keyboard goes through lines and blocks and opens the details under their story", async () => {
  await scene(small(), async ({ page, wrong }) => {
    await blocks(page);
    const at = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    // The first keys of all wait for the keyboard's code.
    await until(at, (name) => /1-2/.test(name ?? ""), "the second line");
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => document.activeElement?.matches(".tl-block"));
    assert.match(await at(), /^create-story, completed, .* to /);
    for (let i = 0; i < 3; i += 1) {
      const id = await page.evaluate(() => document.activeElement.dataset.id);
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction((old) => document.activeElement?.matches(".tl-block") && document.activeElement.dataset.id !== old, id);
    }
    const name = await at();
    assert.match(name, /^(dev-story|create-tech-spec|code-review)/);
    await page.keyboard.press("Enter");
    const details = page.locator(".is-details");
    await details.waitFor();
    assert.ok((await details.innerText()).includes(name.split(/[ ,]/)[0]));
    assert.match(await page.evaluate(() => document.querySelector(".is-details").previousElementSibling.textContent), /1-2/);
    const links = await details.locator("a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    assert.match(links[0], /^#activity\?story=1-2-harbour/);
    assert.match(links[1], /^#timeline\?.*detail=1-2-harbour/);
    await page.keyboard.press("Escape");
    await details.waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.matches(".tl-block"));
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.closest(".tl-line")?.textContent.includes("1-3"));
    await page.keyboard.press("f");
    await page.waitForFunction(() => /failed|left open/.test(document.querySelector(".is-details .tl-status")?.textContent ?? ""));
    assert.deepEqual(wrong, []);
  });
});

test("reload restores range, filters, open stories, what was chosen, and the width of the labels", async () => {
  await scene(small(), async ({ page, url }) => {
    await blocks(page);
    const { segments } = await get(url, "api/timeline");
    const [from, to] = [segments[0].start - 1000, segments[0].start + 20 * 60_000];
    await page.goto(`${url}#timeline?q=1-1&from=${from}&to=${to}`);
    await page.waitForFunction(() => document.querySelectorAll(".is-story").length === 1 && document.querySelectorAll(".tl-block").length > 1);
    await page.locator(".tl-toggle").click();
    await page.locator(".is-command .tl-block").first().click();
    await page.locator(".is-details").waitFor();
    const edge = page.getByRole("separator", { name: "Width of the labels" });
    await edge.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => document.querySelector(".tl-edge").getAttribute("aria-valuenow") === "280");
    const where = () => page.evaluate(() => ({ window: document.querySelector(".tl-map-window").style.cssText, hash: location.hash, label: document.querySelector(".tl-edge").getAttribute("aria-valuenow"), lines: [...document.querySelectorAll(".tl-line")].map((line) => line.className) }));
    const before = await where();
    await page.reload();
    await page.locator(".is-details").waitFor();
    await until(where, (now) => JSON.stringify(now) === JSON.stringify(before)).catch(async () => assert.deepEqual(await where(), before));
    await page.getByRole("button", { name: "Collapse all" }).click();
    await page.waitForFunction(() => !document.querySelector(".is-command"));
    await page.getByRole("searchbox", { name: "Filter stories" }).fill("nothing is called this");
    await page.getByRole("button", { name: "Show all stories" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".is-story").length === 6 && !location.hash.includes("q="));
  });
});

test("the map's window can be dragged, by keys too", async () => {
  await scene(small(), async ({ page }) => {
    await blocks(page);
    for (let i = 0; i < 4; i += 1) await page.getByRole("button", { name: "Zoom in" }).click();
    const x = () => page.evaluate(() => Number.parseFloat(document.querySelector(".tl-map-window").style.translate));
    const box = await page.locator(".tl-map-window").boundingBox();
    const before = await x();
    await page.mouse.move(box.x + box.width / 2, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 60, box.y + 10, { steps: 3 });
    await page.mouse.up();
    const moved = await until(x, (now) => Math.abs(now - before - 60) < 4);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "scrollbar");
    await page.keyboard.press("ArrowLeft");
    await until(x, (now) => now < moved - 1);
  });
});

test("keys and messages are text, whatever they hold", async () => {
  const keys = ['test"story<img src=x onerror=window.pwned=1>', "2-7-笔记-編集器-メモ", "2-8-rock & roll's <b>end</b>", `3-9-${"a-slug-that-nobody-shortened-".repeat(6)}`.slice(0, 165)];
  const status = `project: harbour\ndevelopment_status:\n${keys.map((key) => `  ${JSON.stringify(key)}: in-progress\n`).join("")}`;
  await scene({ status }, async ({ page, files, wrong }) => {
    const script = "</script><script>window.pwned=2</script><img src=x onerror=window.pwned=3>";
    for (const key of keys) files.row("2", key, "dev-story", "workflow", "start", script);
    await page.waitForFunction((n) => document.querySelectorAll(".is-story").length === n, keys.length);
    assert.deepEqual((await page.locator(".tl-toggle").evaluateAll((all) => all.map((one) => one.title))).sort(), [...keys].sort());
    await page.getByRole("button", { name: "Expand all" }).click();
    await page.locator(".is-command .tl-block").first().click();
    await page.waitForFunction((text) => document.querySelector(".tl-message")?.textContent.includes(text), script);
    assert.ok((await page.evaluate(() => decodeURIComponent(location.hash.replaceAll("+", " ")))).includes("sel="));
    await page.reload();
    await page.locator(".is-details").waitFor();
    for (const width of [1400, 900, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      await settled(page);
      const found = await page.evaluate(() => ({ pwned: window.pwned, images: document.images.length, violations: window.violations, wide: document.documentElement.scrollWidth > innerWidth || document.getElementById("main").scrollWidth > document.getElementById("main").clientWidth }));
      assert.deepEqual(found, { pwned: undefined, images: 0, violations: [], wide: false }, String(width));
    }
    assert.deepEqual(wrong, []);
  });
});

test("on a phone it is a list with times, and details open in it", async () => {
  await scene({ ...small(), viewport: { width: 390, height: 844 } }, async ({ page, wrong }) => {
    await page.waitForFunction(() => document.querySelectorAll(".tl-item.is-run").length > 5);
    assert.equal(await page.locator(".tl-block").count(), 0);
    await page.locator(".is-run button").nth(1).click();
    await page.locator(".is-details").waitFor();
    const times = await page.locator(".is-run button").evaluateAll((all) => all.map((one) => one.innerText));
    assert.ok(times.length > 5 && times.every((name) => /\d\d:\d\d/.test(name)), times.join());
    assert.deepEqual(wrong, []);
  });
});

test("of a past moment only what had begun is there, what runs then stands still, and there is no present", async () => {
  await scene(small(), async ({ page, url }) => {
    const { events } = await get(url, "api/events?after=0&limit=1000");
    const moment = events.find((event, i) => i > events.length / 2 && event.type === "command:start" && event.payload.task_id === "workflow");
    await page.goto(`${url}?at=${moment.id}#timeline`);
    await page.waitForFunction(() => document.querySelector('.tl-block[data-status="running"]'));
    const found = await page.evaluate(() => ({ stories: document.querySelectorAll(".is-story").length, now: document.querySelector(".tl-now").hidden, motion: getComputedStyle(document.querySelector('.tl-block[data-status="running"]'), "::before").animationName, name: document.querySelector('.tl-block[data-status="running"]').getAttribute("aria-label") }));
    assert.ok(found.stories < 6);
    assert.deepEqual([found.now, found.motion], [true, "none"]);
    assert.match(found.name, /was running/);
  });
});

test("nothing yet, not to be had, and cut off are told apart", async () => {
  await scene({}, async ({ page, files, end, url }) => {
    await page.waitForFunction(() => document.querySelector("#view-timeline .empty-title")?.textContent === "Nothing has run yet");
    const titles = () => page.locator("#view-timeline h1:visible").allInnerTexts();
    assert.deepEqual(await titles(), ["Timeline"]);
    await page.route("**/api/timeline*", (route) => route.abort());
    await page.goto("about:blank");
    await page.goto(`${url}#timeline`);
    await page.waitForFunction(() => document.querySelector("#view-timeline .empty-title")?.textContent === "The timeline could not be loaded");
    await page.unroute("**/api/timeline*");
    files.row("1", "1-2", "dev-story", "workflow", "start", "knots");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForFunction(() => document.querySelector('.tl-block[data-status="running"]'));
    assert.deepEqual(await titles(), ["Timeline"]);
    await end("SIGKILL");
    await page.waitForFunction(() => document.documentElement.classList.contains("is-stale"));
    const left = await page.evaluate(() => ({ blocks: document.querySelectorAll(".tl-block").length, motion: getComputedStyle(document.querySelector(".tl-block"), "::before").animationName }));
    assert.deepEqual(left, { blocks: 1, motion: "none" });
  });
});
