/** The page by keyboard alone: every view is reached, the focus is seen and never lost, nothing holds it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CHORDS, chordOf, keyOf } from "../../public/js/keys.js";
import { launch, open, PATIENCE_MS, project, serve, SLOW_FINGERS } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

async function scene(options, play) {
  const files = project(options.status);
  for (const row of options.rows ?? []) files.row(...row);
  const server = await serve(files.dir);
  const shown = await open(browser, `${server.url}#${options.hash ?? "overview"}`, { first: SLOW_FINGERS, ...options });
  try {
    await shown.page.waitForFunction(() => !["loading", undefined].includes(document.querySelector("#state")?.dataset.kind) && document.querySelector(".chord"));
    await play({ ...shown, files, url: server.url });
    assert.deepEqual(shown.wrong, []);
  } finally {
    await shown.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const ROWS = [["1", "1-2", "dev-story", "setup", "start", "one"], ["1", "1-2", "dev-story", "setup", "end", "two"], ["1", "1-2", "dev-story", "implement", "start", "three"]];
const shownView = (page, view) => page.waitForFunction((id) => { const el = document.getElementById(id); return el && !el.hidden && el.childElementCount > 0; }, `view-${view}`, { timeout: PATIENCE_MS });
const closed = (page) => page.waitForFunction(() => !document.querySelector("dialog[open]"));
/** The page draws when it finds time; at a turn it draws at once. */
const settled = (page) => page.evaluate(() => {
  dispatchEvent(new Event("hashchange"));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
});
const hash = (page) => page.evaluate(() => location.hash);

describe("the key that was meant", () => {
  for (const [key, code, meant] of [["g", "KeyG", "g"], ["G", "KeyG", "G"], ["п", "KeyG", "g"], ["?", "Minus", "?"], ["/", "Digit7", "/"], ["é", "Digit2", "é"], ["ö", "Semicolon", "ö"], ["Escape", "Escape", "Escape"], [",", "Comma", ","]]) {
    test(`${key} on ${code}`, () => assert.equal(keyOf({ key, code }), meant));
  }
});

test("every view has a chord of its own", async () => {
  assert.equal(new Set(Object.values(CHORDS)).size, Object.keys(CHORDS).length);
  assert.equal(chordOf("settings"), "g ,");
  await scene({}, async ({ page }) => {
    const views = await page.evaluate(async () => Object.keys((await import(new URL("js/views.js", document.baseURI).href)).VIEWS));
    assert.deepEqual([...views].sort(), Object.values(CHORDS).sort());
    for (const [key, view] of Object.entries(CHORDS)) {
      await page.keyboard.press("g");
      await page.waitForSelector(".chord:not([hidden])");
      await page.keyboard.press(key);
      await shownView(page, view);
      assert.ok(await page.evaluate(() => document.querySelector(".chord").hidden));
    }
    for (let i = 1; i <= Math.min(9, views.length); i += 1) {
      await page.keyboard.press(String(i));
      await shownView(page, views[i - 1]);
    }
    await page.keyboard.press("g");
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    assert.equal(await hash(page), `#${views[8]}`, "a chord that was let go leads nowhere");
  });
});

test("nothing fires while something is typed, with modifiers, or under a dialog", async () => {
  await scene({ hash: "stories", rows: ROWS }, async ({ page }) => {
    await shownView(page, "stories");
    await page.keyboard.press("/");
    await page.waitForFunction(() => document.activeElement?.matches("#view-stories input[type=search]"));
    await page.keyboard.type("gob?t1/");
    assert.equal(await page.evaluate(() => document.activeElement.value), "gob?t1/");
    assert.equal(await page.locator("dialog[open]").count(), 0);
    assert.equal(await page.evaluate(() => location.search), "");
    assert.match(await hash(page), /^#stories/);
    for (let i = 0; i < 7; i += 1) await page.keyboard.press("Backspace");
    await page.keyboard.press("Escape");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || !document.activeElement.matches("input")));
    await page.keyboard.press("Alt+b");
    await page.keyboard.press("Control+Shift+k");
    assert.equal(await page.locator("dialog[open]").count(), 0);
    await page.keyboard.press("?");
    await page.waitForSelector("#help[open]");
    await page.keyboard.press("2");
    await page.keyboard.press("b");
    assert.equal(await page.locator("dialog[open]").count(), 1);
    assert.match(await hash(page), /^#stories/);
    await page.keyboard.press("Escape");
    await closed(page);
    // Where there is nothing to search in, the search is the stories'.
    await page.keyboard.press("1");
    await shownView(page, "overview");
    await page.keyboard.press("/");
    await page.waitForFunction(() => document.activeElement?.matches("#view-stories:not([hidden]) input[type=search]"), undefined, { timeout: PATIENCE_MS });
  });
});

test("the list of keys names every chord, and gives the focus back", async () => {
  await scene({}, async ({ page }) => {
    const opener = page.getByRole("button", { name: "Keyboard shortcuts" });
    await opener.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Keyboard" });
    await dialog.waitFor();
    const said = await dialog.innerText();
    for (const word of ["command bar", "overview", "settings", "timeline", "next and previous row", "this list"]) assert.ok(said.includes(word), word);
    await page.keyboard.press("Escape");
    await closed(page);
    assert.ok(await opener.evaluate((el) => el === document.activeElement));
    for (const [name, there] of [["Start a batch", "#control[open]"], ["Command bar", ".cmd[open]"]]) {
      const button = page.getByRole("button", { name, exact: true }).first();
      await button.focus();
      await page.keyboard.press("Enter");
      await page.waitForSelector(there);
      await page.keyboard.press("Escape");
      await closed(page);
      assert.ok(await button.evaluate((el) => el === document.activeElement), name);
    }
  });
});

test("the first stop is the skip link, and it leads to the content", async () => {
  await scene({}, async ({ page }) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    assert.ok(await page.evaluate(() => document.activeElement.getBoundingClientRect().top >= 0), "it is seen");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "main" || document.getElementById("main").contains(document.activeElement));
    assert.equal(await page.evaluate(() => document.getElementById("view-overview").hidden), false);
  });
});

test("j and k walk the rows of every view that has some", async () => {
  await scene({ rows: ROWS }, async ({ page }) => {
    for (const view of Object.values(CHORDS)) {
      await page.evaluate((name) => { location.hash = name; }, view);
      await shownView(page, view);
      await settled(page);
      const rows = await page.locator(".view:not([hidden]) [data-row]:visible").count();
      if (rows < 2) continue;
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("j");
      const first = await page.evaluate(() => [...document.querySelectorAll(".view:not([hidden]) [data-row]")].filter((el) => el.checkVisibility()).findIndex((el) => el.contains(document.activeElement)));
      await page.keyboard.press("j");
      const second = await page.evaluate(() => [...document.querySelectorAll(".view:not([hidden]) [data-row]")].filter((el) => el.checkVisibility()).findIndex((el) => el.contains(document.activeElement)));
      await page.keyboard.press("k");
      const back = await page.evaluate(() => [...document.querySelectorAll(".view:not([hidden]) [data-row]")].filter((el) => el.checkVisibility()).findIndex((el) => el.contains(document.activeElement)));
      assert.ok(first >= 0 && second === first + 1 && back === first, `${view}: ${first} ${second} ${back} of ${rows}`);
    }
  });
});

/** Tab after tab through the page: what has the focus, and whether it is seen. */
async function walk(page, most) {
  /** @type {{id: number, what: string, seen: boolean, marked: boolean, main: boolean}[]} */
  const stops = [];
  for (let i = 0; i < most; i += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const el = /** @type {HTMLElement} */ (document.activeElement);
      if (!el || el === document.body) return null;
      window.stops ??= new Map();
      if (!window.stops.has(el)) window.stops.set(el, window.stops.size);
      const { top, left, bottom, right, width, height } = el.getBoundingClientRect();
      // What stands over it is its own, or a frame of it: the focus itself must not be covered whole.
      const inside = width > 0 && height > 0 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
      const style = getComputedStyle(el);
      const outlined = (one) => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) > 0 || one.boxShadow !== "none";
      let marked = outlined(style) || outlined(getComputedStyle(el, "::after"));
      for (let up = el.parentElement, n = 0; !marked && up && n < 3; up = up.parentElement, n += 1) marked = outlined(getComputedStyle(up)) && up.matches(":focus-within");
      return { id: window.stops.get(el), what: `${el.tagName.toLowerCase()}.${el.className?.baseVal ?? el.className} ${el.getAttribute("aria-label") ?? el.textContent?.trim().slice(0, 30)}`, seen: inside, marked, main: document.getElementById("main").contains(el) };
    });
    if (!stop) break;
    if (stops.length && stop.id === stops[0].id) break;
    stops.push(stop);
  }
  return stops;
}

for (const [width, height] of [[1400, 900], [390, 844]]) {
  test(`Tab goes through every view, seen at each stop, and out again, at ${width} px`, async () => {
    await scene({ rows: ROWS, viewport: { width, height } }, async ({ page, url }) => {
      const faults = [];
      for (const view of Object.values(CHORDS)) {
        await page.goto(`${url}#${view}`);
        await page.reload();
        await shownView(page, view);
        await page.waitForFunction(() => !["loading", undefined].includes(document.querySelector("#state")?.dataset.kind));
        await settled(page);
        const stops = await walk(page, 160);
        const ids = stops.map(({ id }) => id);
        if (stops.length < 4) faults.push(`${view}: only ${stops.length} stops`);
        if (stops.length >= 160) faults.push(`${view}: no end`);
        if (new Set(ids).size !== ids.length) faults.push(`${view}: comes back to ${stops.find(({ id }, i) => ids.indexOf(id) !== i)?.what}`);
        for (const { what, seen, marked } of stops) if (!seen || !marked) faults.push(`${view}: ${what} ${seen ? "has the focus unmarked" : "has the focus out of sight"}`);
      }
      assert.deepEqual(faults, []);
    });
  });
}

test("a link to another view leaves the focus in the page, not nowhere", async () => {
  await scene({ rows: ROWS }, async ({ page }) => {
    await page.evaluate(() => { location.hash = "stories"; });
    await shownView(page, "stories");
    await page.waitForSelector("#view-stories [data-row]");
    await page.keyboard.press("j");
    assert.ok(await page.evaluate(() => document.getElementById("view-stories").contains(document.activeElement)));
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await shownView(page, "epics");
    await page.waitForFunction(() => document.activeElement?.id === "main");
  });
});

test("keys and clicks that are faster than the page's code are not lost", async () => {
  await scene({}, async ({ page }) => {
    let free = () => {};
    const held = new Promise((done) => { free = done; });
    await page.route("**/js/keys.js", async (route) => { await held; await route.continue(); });
    await page.reload();
    await page.waitForFunction(() => !["loading", undefined].includes(document.querySelector("#state")?.dataset.kind));
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
    free();
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await shownView(page, "stories");
  });
});
