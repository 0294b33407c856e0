/**
 * Chromium spoken to by its own protocol. Playwright makes every page believe that it is in sight; here a tab behind
 * another is hidden in truth, its timers are held back, and it can be frozen.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until, within } from "./support.mjs";

export async function rawBrowser() {
  const folder = mkdtempSync(join(tmpdir(), "sprint-runner-raw-"));
  const child = spawn(process.env.CHROMIUM ?? "/usr/bin/chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    // A hidden page's timers are held back for a minute after one second, not after five minutes.
    "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1", "--remote-debugging-pipe", `--user-data-dir=${folder}`, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const gone = new Promise((done) => child.once("exit", done));
  const [, , , to, from] = child.stdio;
  /** @type {Map<number, (answer: any) => void>} */
  const waiting = new Map();
  let last = 0;
  let rest = "";
  from.setEncoding("utf8").on("data", (text) => {
    const parts = (rest + text).split("\0");
    rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part);
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
  });
  const send = (method, params = {}, sessionId = undefined) => new Promise((good, bad) => {
    last += 1;
    waiting.set(last, ({ error, result }) => (error ? bad(new Error(`${method}: ${error.message}`)) : good(result)));
    to.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  });

  /** A tab; the newest stands in front. @param {string} url */
  async function tab(url) {
    const { targetId } = await send("Target.createTarget", { url });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const one = {
      send: (method, params) => send(method, params, sessionId),
      front: () => send("Target.activateTarget", { targetId }),
      close: () => send("Target.closeTarget", { targetId }),
      /** @param {string} expression */
      see: async (expression) => (await one.send("Runtime.evaluate", { expression, returnByValue: true })).result.value,
      /** Until the expression is true of the page. @param {string} expression @param {number} [ms] a bound that a behaviour names */
      until: (expression, ms) => (ms ? within(() => one.see(expression), ms, expression) : until(async () => [await one.see(expression), await one.see("document.title")], ([so]) => so, expression)),
    };
    return one;
  }
  return {
    tab,
    async close() {
      // In order, so that none of its processes goes on to write into the folder.
      send("Browser.close").catch(() => {});
      await gone;
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
