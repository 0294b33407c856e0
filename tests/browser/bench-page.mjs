/**
 * A bench, not a test: how the page bears a flood of events. Prints figures.
 *
 * SPRINT_RUNNER_BIN=… node bench-page.mjs [--rate 1000] [--seconds 60] [--stories 40] [--views overview,activity,stories,run]
 *   [--public DIR] [--profile FILE.cpuprofile]
 *
 * Rows are appended to the CSV at the rate; a real server reads them, a real browser shows them. Frames are
 * counted by requestAnimationFrame; the heap is what is in use after a forced collection, every ten seconds.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, project, start } from "./support.mjs";

const { values: told } = parseArgs({ options: {
  rate: { type: "string", default: "1000" }, seconds: { type: "string", default: "60" }, stories: { type: "string", default: "40" },
  views: { type: "string", default: "overview,activity,stories,run" }, public: { type: "string" }, profile: { type: "string" }, tabs: { type: "string", default: "1" },
} });
const rate = Number(told.rate);
const seconds = Number(told.seconds);
const stories = Number(told.stories);
const PER_EPIC = Math.max(10, Math.ceil(stories / 60));
const STATUSES = ["done", "review", "in-progress", "ready-for-dev", "backlog"];
const COMMANDS = ["create-story", "dev-story", "code-review", "commit"];

const keyOf = (n) => `${Math.floor(n / PER_EPIC) + 1}-${(n % PER_EPIC) + 1}`;
function statusFile() {
  const lines = ["project: flood", "development_status:"];
  for (let n = 0; n < stories; n += 1) {
    if (n % PER_EPIC === 0) lines.push(`  epic-${Math.floor(n / PER_EPIC) + 1}: in-progress`);
    lines.push(`  ${keyOf(n)}-a-story-of-some-length: ${STATUSES[n % STATUSES.length]}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Rows as a busy sprint writes them: a few stories at once, each start → progress … → end. */
function* rows() {
  const busy = Array.from({ length: 6 }, (_, i) => ({ story: i, step: 0, command: 0 }));
  for (let n = 0; ; n += 1) {
    const one = busy[n % busy.length];
    const id = keyOf(one.story % stories);
    const command = COMMANDS[one.command];
    const status = one.step === 0 ? "start" : one.step === 9 ? "end" : "progress";
    yield `${Math.floor(Date.now() / 1000)},${id.split("-")[0]},${id},${command},implement,${status},"step ${n} of the work (files:2, lines:${n % 90})"\n`;
    one.step += 1;
    if (one.step < 10) continue;
    one.step = 0;
    one.command = (one.command + 1) % COMMANDS.length;
    if (!one.command) one.story += busy.length;
  }
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const mega = (bytes) => (bytes / 1e6).toFixed(1);

/** @param {import("playwright-core").Browser} browser @param {string} view */
async function measure(browser, view) {
  const files = project(statusFile());
  const csv = join(files.artifacts, "sprint-runner.csv");
  const server = await start("serve", "--port", "0", "-C", files.dir, ...(told.public ? ["--public", told.public] : []));
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  await context.route(/\/js\/model\.js/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace(/export function apply\(state, ?event\) ?\{/, "$&\n  window.got += 1;") });
  });
  await context.addInitScript(() => { window.got = 0; });
  const page = await context.newPage();
  const others = [];
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  try {
    await page.goto(`${server.url}#${view}`);
    await page.waitForFunction((name) => document.querySelector("#line")?.dataset.transport === "ws" && document.getElementById(`view-${name}`)?.childElementCount > 0, view);
    for (let i = 1; i < Number(told.tabs); i += 1) {
      const other = await context.newPage();
      await other.goto(`${server.url}#${view}`);
      others.push(other);
    }
    const wire = await context.newCDPSession(page);
    await wire.send("HeapProfiler.enable");
    const heap = async () => {
      await wire.send("HeapProfiler.collectGarbage");
      return (await wire.send("Runtime.getHeapUsage")).usedSize;
    };
    await page.evaluate(() => {
      window.frames_ = [];
      window.tasks = [];
      const step = (t) => { window.frames_.push(t); requestAnimationFrame(step); };
      requestAnimationFrame(step);
      new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => one.duration))).observe({ type: "longtask" });
    });
    const heaps = [await heap()];
    // In the thread's own time: what others do on a busy machine does not count.
    await wire.send("Performance.enable", { timeDomain: "threadTicks" });
    const costs = async () => Object.fromEntries((await wire.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
    // A collection is the bench's doing, not the page's: its frame is not counted.
    const pauses = [];
    if (told.profile) {
      await wire.send("Profiler.enable");
      await wire.send("Profiler.setSamplingInterval", { interval: 500 });
      await wire.send("Profiler.start");
    }
    const source = rows();
    const before = await costs();
    const base = await page.evaluate(() => window.got);
    const began = Date.now();
    let written = 0;
    await new Promise((done) => {
      let collected = 1;
      const timer = setInterval(async () => {
        const due = Math.min(rate * seconds, Math.floor(((Date.now() - began) / 1000) * rate));
        let text = "";
        for (; written < due; written += 1) text += source.next().value;
        if (text) appendFileSync(csv, text);
        if (Date.now() - began > collected * 10_000 && collected * 10 < seconds) {
          collected += 1;
          const from = await page.evaluate(() => performance.now());
          heaps.push(await heap());
          pauses.push([from, await page.evaluate(() => performance.now())]);
        }
        if (written >= rate * seconds) {
          clearInterval(timer);
          done();
        }
      }, 20);
    });
    const flood = await page.evaluate(() => ({ frames: window.frames_.slice(), tasks: window.tasks.slice(), got: window.got }));
    const after = await costs();
    const wall = (Date.now() - began) / 1000;
    const share = (name) => `${(((after[name] - before[name]) / wall) * 100).toFixed(0)} %`;
    const lag = written - (flood.got - base);
    let heard = flood.got;
    const log = async () => (await (await fetch(`${server.url}api/events?limit=1`)).json()).events.at(-1);
    for (const end = Date.now() + 60_000; Date.now() < end && heard - base < written;) heard = await page.evaluate(() => window.got);
    const drained = Date.now() - began;
    if (told.profile) writeFileSync(told.profile.replace(".cpuprofile", `-${view}.cpuprofile`), JSON.stringify((await wire.send("Profiler.stop")).profile));
    heaps.push(await heap());

    const gaps = [];
    const perSecond = new Map();
    for (let i = 1; i < flood.frames.length; i += 1) {
      const [a, b] = [flood.frames[i - 1], flood.frames[i]];
      if (pauses.some(([from, to]) => b > from && a < to)) continue;
      gaps.push(b - a);
      const second = Math.floor(b / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    for (const [from, to] of pauses) for (let s = Math.floor(from / 1000); s <= Math.floor(to / 1000); s += 1) perSecond.delete(s);
    gaps.sort((x, y) => x - y);
    const counts = [...perSecond.entries()].sort((x, y) => x[0] - y[0]).slice(1, -1).map(([, n]) => n).sort((x, y) => x - y);
    const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    console.log(`${view}: frames/s median ${(1000 / at(gaps, 0.5)).toFixed(0)}, p95 interval ${at(gaps, 0.95).toFixed(0)} ms, worst ${gaps.at(-1).toFixed(0)} ms; in any second ≥ ${counts[0]} (5th percentile ${at(counts, 0.05)})`);
    console.log(`  long tasks ${flood.tasks.length}, ${flood.tasks.reduce((sum, one) => sum + one, 0).toFixed(0)} ms in all, longest ${Math.max(0, ...flood.tasks).toFixed(0)} ms; ${nodes} elements`);
    console.log(`  main thread ${share("TaskDuration")} of a core: scripts ${share("ScriptDuration")}, styles ${share("RecalcStyleDuration")}, layout ${share("LayoutDuration")}; ${((after.LayoutCount - before.LayoutCount) / wall).toFixed(0)} layouts/s`);
    console.log(`  heap after collection, MB: ${heaps.map(mega).join(" → ")}`);
    console.log(`  rows written ${written}, events received ${heard - base} (the batch's own included); behind at the end ${Math.max(0, lag)}, all there after ${(drained / 1000).toFixed(1)} s; head ${(await log()).id}`);
    if (wrong.length) console.log(`  WRONG: ${wrong.slice(0, 3).join(" | ")}`);
    for (const other of others) console.log(`  another tab received ${await other.evaluate(() => window.got)}`);
  } finally {
    await context.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

const browser = await launch();
console.log(`${rate} rows/s for ${seconds} s, ${stories} stories, Chromium ${browser.version()}`);
try {
  for (const view of told.views.split(",")) await measure(browser, view);
} finally {
  await browser.close();
}
