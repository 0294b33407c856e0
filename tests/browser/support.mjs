/** A temporary project, the real server on it, and a real browser: what the browser tests stand on. */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** How long anything may take on a busy machine before a test gives up. */
export const PATIENCE_MS = 60_000;

/** More than this between two looks is a hold-up of the machine, not time that the page had. */
const LOOK_MS = 100;

/**
 * Waits for what has to be so within a time that a behaviour names. Only time in which the page answers counts: what
 * a held-up machine takes between two looks does not, as long as the whole stays within patience.
 * @param {() => Promise<any>} look @param {number} ms @param {string} what
 */
export async function within(look, ms, what) {
  const begun = performance.now();
  for (let had = 0, last = begun; ;) {
    if (await look()) return;
    const now = performance.now();
    had += Math.min(now - last, LOOK_MS);
    last = now;
    if (had > ms || now - begun > PATIENCE_MS) throw new Error(`${what}: not within ${ms} ms (${Math.round(now - begun)} ms by the clock)`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/**
 * Three tries for what has to be so in time after the server fell silent: a part of the browser that is held up just
 * then brings its last words late, and no look can see that. What the page itself does too late it does each time.
 * @param {() => Promise<any>} play leaves all as it found it, also when it fails
 */
export async function onceInThree(play) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await play();
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

/** Asks until the answer is good, and gives it back. @template T @param {() => Promise<T>|T} look @param {(answer: T) => any} [good] @param {string} [what] @returns {Promise<T>} */
export async function until(look, good = Boolean, what = "") {
  for (const end = performance.now() + PATIENCE_MS; ;) {
    const answer = await look();
    if (good(answer)) return answer;
    if (performance.now() > end) throw new Error(`waited in vain${what && ` for ${what}`}: ${JSON.stringify(answer)?.slice(0, 400)}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

export const STATUS = `project: harbour
development_status:
  # Epic 1: Moorings
  epic-1: in-progress
  1-1-cast-iron-rings: done
  1-2-rope-and-fender: in-progress
  1-3-tide-table: backlog
  epic-1-retrospective: optional
  epic-2: backlog
  2-1-night-lights: backlog
`;

/** @param {string} [status] the text of sprint-status.yaml @param {string} [name] of its folder */
export function project(status = STATUS, name) {
  const around = mkdtempSync(join(tmpdir(), "sprint-runner-browser-"));
  const dir = name ? join(around, name) : around;
  const artifacts = join(dir, "_bmad-output", "implementation-artifacts");
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, "sprint-status.yaml"), status);
  const csv = join(artifacts, "sprint-runner.csv");
  const quoted = (field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return {
    dir,
    artifacts,
    /** @param {...string} fields epic, story, command, task, status, message */
    row: (...fields) => appendFileSync(csv, `${Math.floor(Date.now() / 1000)},${fields.slice(0, 5).map(quoted).join(",")},"${(fields[5] ?? "").replaceAll('"', '""')}"\n`),
    status: (text) => writeFileSync(join(artifacts, "sprint-status.yaml"), text),
    remove: () => rmSync(around, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Starts the binary and waits for its first line. @param {string[]} args */
export async function start(...args) {
  const bin = process.env.SPRINT_RUNNER_BIN;
  if (!bin) throw new Error("SPRINT_RUNNER_BIN must name the sprint-runner binary to test");
  const child = spawn(bin, args, { stdio: ["ignore", "pipe", "pipe"] });
  let noise = "";
  child.stderr.on("data", (data) => (noise += data));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const line = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    ended.then((end) => reject(new Error(`${args[0]} ended early: ${JSON.stringify(end)} ${noise}`)));
    child.once("error", reject);
  });
  const url = /^Sprint Runner listening on (http:\/\/127\.0\.0\.1:\d+\/)$/.exec(String(line))?.[1];
  if (!url) throw new Error(`unexpected first line: ${line}`);
  return {
    url,
    port: new URL(url).port,
    child,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}

export const serve = (dir, port = "0") => start("serve", "--port", port, "-C", dir);

const BLOCK = {
  WebSocket: () => {
    window.WebSocket = class extends EventTarget {
      readyState = 3;
      constructor() {
        super();
        setTimeout(() => { this.onerror?.(new Event("error")); this.onclose?.(new Event("close")); });
      }
      close() {}
      send() {}
    };
    window.WebSocket.OPEN = 1;
  },
  EventSource: () => {
    window.EventSource = class extends EventTarget {
      readyState = 2;
      constructor() {
        super();
        setTimeout(() => this.onerror?.(new Event("error")));
      }
      close() {}
    };
    window.EventSource.OPEN = 1;
  },
};

/**
 * Opens the page and keeps a record of everything it should not do.
 * @param {import("playwright-core").Browser} browser @param {string} url
 * @param {{block?: string[], first?: string, prepare?: (context: import("playwright-core").BrowserContext) => Promise<void>, viewport?: {width: number, height: number}, colorScheme?: "light"|"dark"}} [options]
 */
export async function open(browser, url, { block = [], first = "", prepare = async () => {}, viewport = { width: 1400, height: 900 }, colorScheme = "light" } = {}) {
  const context = await browser.newContext({ viewport, colorScheme });
  await prepare(context);
  if (first) await context.addInitScript(first);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const wrong = [];
  const origin = new URL(url).origin;
  page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith("data:") && new URL(request.url()).origin !== origin) wrong.push(`other host: ${request.url()}`); });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  for (const name of block) await page.addInitScript(BLOCK[name]);
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** What the page says of itself. @param {import("playwright-core").Page} page */
export const told = (page) => page.evaluate(() => ({
  title: document.title,
  state: document.querySelector("#state").dataset.kind,
  favicon: document.querySelector("#favicon").dataset.state,
  transport: document.querySelector("#line").dataset.transport,
  body: document.body.innerText,
}));

/**
 * Before the page's own code: the second key of a chord is waited for as long as a test may take. How long it is in
 * truth is for fingers; between two keys of a test a machine may stand still.
 */
export const SLOW_FINGERS = `{ const real = setTimeout; window.setTimeout = (does, ms, ...rest) => real(does, ms === 3000 ? ${PATIENCE_MS} : ms, ...rest); }`;

export const transport = (page, kind) => page.waitForFunction((wanted) => document.querySelector("#line")?.dataset.transport === wanted, kind);

/** Waits for this many events with this text, all told by the activity list. @param {import("playwright-core").Page} page */
export async function activity(page, word, n) {
  await page.waitForFunction(([w, many]) => [...document.querySelectorAll("#activity .event-text")].filter((el) => el.textContent.includes(w)).length >= many, [word, n], { timeout: PATIENCE_MS });
  return page.evaluate((w) => [...document.querySelectorAll("#activity .event")].map((el) => ({ id: Number(el.dataset.id), text: el.querySelector(".event-text").textContent })).filter((one) => one.text.includes(w)), word);
}
