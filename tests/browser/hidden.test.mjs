/** Tabs that nobody looks at: hidden in truth, frozen, kept in the back/forward cache. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { rawBrowser } from "./raw.mjs";
import { onceInThree, project, serve, until } from "./support.mjs";

/** @type {Awaited<ReturnType<typeof rawBrowser>>} */
let browser;
before(async () => { browser = await rawBrowser(); });
after(() => browser?.close());

const LIVE = 'document.querySelector("#line")?.dataset.transport === "ws"';
const RUNS = 'document.title.includes("running") && document.querySelector("#favicon").dataset.state === "running"';
const SILENT = '!document.title.includes("running") && document.querySelector("#favicon").dataset.state !== "running"';
const newest = (word) => `[...document.querySelectorAll("#latest .event-text")].some((el) => el.textContent.includes(${JSON.stringify(word)}))`;
const shares = (n) => `(document.querySelector("#line").title.match(/shared with (\\d+) other/)?.[1] ?? "0") === "${n}"`;

async function scene(play) {
  const files = project();
  const server = await serve(files.dir);
  const tabs = [];
  const tab = async () => {
    const one = await browser.tab(server.url);
    tabs.push(one);
    await one.until(LIVE);
    return one;
  };
  const streams = async () => (await (await fetch(`${server.url}healthz`)).json()).clients.ws;
  try {
    files.row("1", "1-2", "dev-story", "implement", "start", "tide");
    await play({ files, server, tab, streams, url: server.url, say: (word) => files.row("1", "1-2", "dev-story", "implement", "progress", word) });
  } finally {
    for (const one of tabs) await one.close().catch(() => {});
    await server.end("SIGKILL");
    files.remove();
  }
}

test("b45 a hidden tab's title is true within five seconds", async () => {
  await scene(async ({ server, tab }) => {
    const page = await tab();
    await page.until(RUNS);
    const cover = await browser.tab("about:blank");
    await page.until("document.hidden");
    try {
      // Standing still closes no socket: only a beat of the page's own can notice.
      await onceInThree(async () => {
        await page.until(RUNS);
        server.child.kill("SIGSTOP");
        try {
          await page.until(SILENT, 5000);
        } finally {
          server.child.kill("SIGCONT");
        }
      });
      await page.until(RUNS);
      await server.end("SIGKILL");
      await page.until(SILENT, 5000);
      assert.match(await page.see("document.title"), /^offline/);
    } finally {
      await cover.close();
    }
  });
});

test("the tab that is looked at has the line, the one behind it follows", async () => {
  await scene(async ({ tab, streams, say }) => {
    const first = await tab();
    const second = await tab();
    await first.until("document.hidden");
    await second.until(shares(1));
    say("knot 1");
    for (const one of [first, second]) await one.until(RUNS);
    for (let i = 2; i < 6; i += 1) {
      const front = i % 2 ? second : first;
      await front.front();
      await front.until("!document.hidden");
      say(`knot ${i}`);
      await front.until(newest(`knot ${i}`));
      await front.until(shares(1));
    }
    await until(streams, (n) => n === 1, "one stream");
  });
});

test("b45 a frozen tab does not say that anything runs, hands the line on, and has all when it wakes", async () => {
  await scene(async ({ tab, streams, say }) => {
    const first = await tab();
    await first.until(RUNS);
    const second = await tab();
    await first.until("document.hidden");
    await first.send("Page.setWebLifecycleState", { state: "frozen" });
    await first.until(SILENT, 5000);
    await second.until(shares(0));
    say("while it slept");
    await second.until(newest("while it slept"));
    await until(streams, (n) => n === 1, "one stream");
    await first.send("Page.setWebLifecycleState", { state: "active" });
    await first.front();
    await first.until(RUNS);
    await first.until(newest("while it slept"));
    await first.until(shares(1));
  });
});

test("a page from the back/forward cache has all that came meanwhile", async () => {
  await scene(async ({ tab, streams, say, url }) => {
    const first = await tab();
    const second = await tab();
    await first.front();
    await first.see("window.same = true; addEventListener('pageshow', (event) => { window.kept = event.persisted; })");
    await first.send("Page.navigate", { url: `${url}healthz` });
    await second.front();
    await second.until(shares(0));
    await until(streams, (n) => n === 1, "one stream");
    say("while it was away");
    await second.until(newest("while it was away"));
    const { currentIndex, entries } = await first.send("Page.getNavigationHistory");
    await first.front();
    await first.send("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
    await first.until(`${LIVE} && ${newest("while it was away")}`);
    assert.deepEqual([await first.see("window.same"), await first.see("window.kept")], [true, true], "nothing of ours keeps the page out of the cache");
    await first.until(shares(1));
    await first.until(RUNS);
  });
});
