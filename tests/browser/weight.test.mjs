/** What a first visit loads: little, and from this server alone. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, project, serve } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const MOST = 150_000;

test("until the overview stands less than 150 kB were loaded, uncompressed and beside icons", async () => {
  const files = project();
  const server = await serve(files.dir);
  // Nothing that follows once the page stands counts: it is asked for a good second later.
  const { page, wrong, close } = await open(browser, server.url);
  try {
    // Counted in the very moment in which it stands.
    const loaded = await (await page.waitForFunction(() => {
      if (!document.querySelector(".hero-total")?.textContent || !document.querySelector("#latest .event")) return null;
      const stood = performance.getEntriesByType("resource").filter((one) => /\.(js|css|html)$/.test(new URL(one.name).pathname) || one.entryType === "navigation");
      const first = performance.getEntriesByType("navigation")[0];
      return [...stood.map((one) => ({ name: new URL(one.name).pathname, bytes: one.decodedBodySize })), { name: "/", bytes: first.decodedBodySize }];
    })).jsonValue();
    const bytes = loaded.reduce((sum, one) => sum + one.bytes, 0);
    assert.ok(loaded.length > 20 && bytes > 50_000 && bytes < MOST, `${bytes} bytes: ${loaded.sort((a, b) => b.bytes - a.bytes).map((one) => `${one.name} ${one.bytes}`).join(", ")}`);
    assert.deepEqual(wrong, []);
  } finally {
    await close();
    await server.end("SIGKILL");
    files.remove();
  }
});
