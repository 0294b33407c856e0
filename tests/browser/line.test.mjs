/** The line to the server: its transports, its falls and returns, and many tabs on one stream. */
import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { activity, launch, onceInThree, open, PATIENCE_MS, project, start, STATUS, told, transport, until, within } from "./support.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** What the browser itself says of a line that is cut on purpose. */
const CUT = /ERR_|WebSocket connection|status of (401|404)/;

/** Notes in the page's own fold what it is given, and lets a test say that the page is hidden or its WebSocket barred. */
async function prepare(context) {
  await context.addInitScript(() => {
    window.given = [];
    window.sockets = [];
    let hidden = false;
    Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
    Object.defineProperty(Document.prototype, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
    window.hide = (yes) => { hidden = yes; document.dispatchEvent(new Event("visibilitychange")); };
    const Real = window.WebSocket;
    window.WebSocket = class extends EventTarget {
      static OPEN = 1;
      constructor(url) {
        if (!window.barred) {
          const real = new Real(url);
          window.sockets.push(real);
          return real;
        }
        super();
        setTimeout(() => this.onclose?.(new Event("close")));
      }
      close() {}
    };
  });
  await context.route(/\/js\/model\.js/, async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    const noted = text
      .replace(/export function apply\(state, ?event\) ?\{/, "$&\n  if (!location.search) window.given.push(event.id);")
      .replace(/export function fromSnapshot\(snapshot\) ?\{/, "$&\n  if (snapshot) window.given.push({ init: snapshot.last_event_id });");
    assert.ok(noted.match(/window\.given/g).length === 2, "the fold is noted");
    await route.fulfill({ response: answer, body: noted });
  });
}

/** A project, a server and a page, cleared up whatever happens. */
async function scene({ args = [], view = "activity", ...options }, play) {
  const files = project(options.status);
  if (options.toml) writeFileSync(join(files.dir, "sprint-runner.toml"), options.toml);
  let server = await start("serve", "--port", "0", "-C", files.dir, ...args);
  const { port, url } = server;
  const first = `${url}${options.query ?? ""}#${view}`;
  const shown = await open(browser, first, { ...options, prepare });
  const context = shown.page.context();
  let writer = null;
  let rows = 0;
  const stage = {
    ...shown, files, url, port, context,
    end: (signal) => server.end(signal),
    again: async () => { server = await start("serve", "--port", port, "-C", files.dir, ...args); },
    tab: async (name = view) => {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await page.goto(`${url}#${name}`);
      return page;
    },
    streams: async () => { const { clients } = await (await fetch(`${url}healthz`)).json(); return clients.ws + clients.sse; },
    /** Rows are written all the time, until `quiet`. */
    flow: () => { writer = setInterval(() => { rows += 1; files.row("1", "1-2", "dev-story", "implement", "progress", `knot ${rows}.`); }, 15); },
    quiet: () => { clearInterval(writer); return rows; },
  };
  try {
    await play(stage);
    assert.deepEqual(shown.wrong.filter((one) => !CUT.test(one)), []);
  } finally {
    clearInterval(writer);
    await shown.close();
    await server.end("SIGKILL");
    files.remove();
  }
}

/** Every event the server has. */
async function logOf(url) {
  const ids = [];
  for (let after = 0; after !== null;) {
    const page = await (await fetch(`${url}api/events?after=${after}&limit=1000`)).json();
    ids.push(...page.events.map(({ id }) => id));
    after = page.next;
  }
  return ids;
}

/** The law: the page was given every event after its beginning, once and in order, and all of them. */
async function gotAll(page, url, { inits = 1 } = {}) {
  const [given, log] = await until(async () => [await page.evaluate(() => window.given), await logOf(url)], ([seen, all]) => (seen.at(-1)?.init ?? seen.at(-1)) === all.at(-1));
  const starts = given.filter((one) => typeof one === "object");
  assert.equal(starts.length, inits, `begun ${JSON.stringify(starts)}`);
  assert.deepEqual(given.slice(given.indexOf(starts.at(-1)) + 1), log.filter((id) => id > starts.at(-1).init));
}

const live = (page) => page.waitForFunction(() => document.querySelector("#line")?.dataset.transport !== "none" && document.querySelector("#line")?.dataset.transport);
const shares = (page, n) => page.waitForFunction((many) => (document.querySelector("#line").title.match(/shared with (\d+) other/)?.[1] ?? "0") === String(many), n);
const bar = (page, words) => page.waitForFunction((text) => { const el = document.querySelector("#bar"); return !el.hidden && el.innerText.includes(text); }, words);
const silent = (page, ms = 5000) => within(() => page.evaluate(() => !/running/i.test(document.title + document.querySelector("#header").innerText + document.querySelector("#main").innerText) && document.querySelector("#favicon").dataset.state !== "running"), ms, "nothing said to be running");
const runs = (page) => page.waitForFunction(() => document.title.includes("running") && document.querySelector("#favicon")?.dataset.state === "running");
const oneStream = (stage) => until(stage.streams, (n) => n === 1);
const given = (page, n) => page.waitForFunction((many) => window.given.length >= many, n);

/** Three tasks of a story, the last one left open. */
function work(files, word = "tide") {
  files.row("1", "1-2", "dev-story", "setup", "start", `${word} 1`);
  files.row("1", "1-2", "dev-story", "setup", "end", `${word} 2`);
  files.row("1", "1-2", "dev-story", "implement", "start", `${word} 3`);
}

describe("appended rows appear", () => {
  for (const [kind, block] of [["ws", []], ["sse", ["WebSocket"]], ["poll", ["WebSocket", "EventSource"]]]) {
    test(`by ${kind}`, async () => {
      await scene({ block }, async ({ page, files, url }) => {
        await transport(page, kind);
        work(files);
        assert.equal((await activity(page, "tide", 3)).length, 3);
        await runs(page);
        await page.goto(`${page.url().split("#")[0]}#overview`);
        await page.waitForFunction(() => document.querySelector("#operations .op-task")?.textContent === "implement");
        const [before] = [await page.locator("#operations .op-time").innerText()];
        await page.waitForFunction((old) => document.querySelector("#operations .op-time").textContent !== old, before);
        files.status(STATUS.replace("1-2-rope-and-fender: in-progress", "1-2-rope-and-fender: done"));
        await page.waitForFunction(() => document.querySelector(".hero-number")?.textContent === "2");
        assert.equal((await told(page)).transport, kind);
        await gotAll(page, url);
      });
    });
  }
});

test("what few need is fetched when it is needed", async () => {
  const files = project();
  const server = await start("serve", "--port", "0", "-C", files.dir);
  const asked = [];
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("request", (request) => asked.push(request.url()));
  try {
    await page.goto(server.url);
    await transport(page, "ws");
    assert.deepEqual(asked.filter((one) => /transport-(sse|poll)/.test(one)), []);
  } finally {
    await context.close();
    await server.end("SIGKILL");
    files.remove();
  }
});

test("from a fallback back to the WebSocket", async () => {
  await scene({ first: "window.barred = true" }, async (stage) => {
    const { page, url } = stage;
    await transport(page, "sse");
    stage.flow();
    await page.evaluate(() => { window.barred = false; });
    // A person who looks brings the next try nearer.
    await page.waitForFunction(() => { dispatchEvent(new Event("focus")); return document.querySelector("#line")?.dataset.transport === "ws"; }, null, { polling: 250 });
    stage.quiet();
    await gotAll(page, url);
    await oneStream(stage);
  });
});

describe("a restart of the server while rows are written loses and doubles nothing", () => {
  for (const [signal, block, kind] of [["SIGTERM", [], "ws"], ["SIGKILL", [], "ws"], ["SIGKILL", ["WebSocket"], "sse"], ["SIGKILL", ["WebSocket", "EventSource"], "poll"]]) {
    test(`${signal}, over ${kind}`, async () => {
      await scene({ block }, async (stage) => {
        const { page, url } = stage;
        await transport(page, kind);
        stage.flow();
        await given(page, 20);
        await stage.end(signal);
        await page.waitForFunction(() => document.querySelector("#state")?.dataset.kind === "offline");
        // Said for some seconds only: looked for before it can be.
        const back = page.waitForFunction(() => document.querySelector("#bar")?.dataset.kind === "caught-up");
        await stage.again();
        await back;
        if (kind === "ws") {
          await stage.end(signal);
          await stage.again();
          await page.waitForFunction(() => document.querySelector("#line").dataset.transport !== "none");
        }
        const seen = await page.evaluate(() => window.given.length);
        await given(page, seen + 20);
        stage.quiet();
        await gotAll(page, url);
      });
    });
  }
});

test("the page says how many events came while it was away", async () => {
  await scene({}, async ({ page, files, url, end, again }) => {
    await transport(page, "ws");
    const before = (await logOf(url)).length;
    const lost = bar(page, "Reconnecting…");
    await end("SIGKILL");
    await lost;
    for (let i = 0; i < 37; i += 1) files.row("1", "1-2", "dev-story", "implement", "progress", `knot ${i}.`);
    // Read by a server that the page does not know of, so that all is there when its own is back.
    const meanwhile = await start("serve", "--port", "0", "-C", files.dir);
    const newest = async () => (await (await fetch(`${meanwhile.url}api/events?limit=1`)).json()).events[0].payload.message;
    await until(newest, (text) => text === "knot 36.");
    await meanwhile.end();
    const back = page.waitForFunction(() => { const words = document.querySelector("#bar:not([hidden]) .bar-words")?.innerText ?? ""; return words.includes("while away") && words; });
    await again();
    const said = await (await back).jsonValue();
    // The rows, and what follows from them: an observed batch began.
    const more = (await logOf(url)).length - before;
    assert.ok(more > 37);
    assert.equal(said, `Caught up, ${more} events while away`);
    assert.match(await page.locator("#line").getAttribute("title"), /^Connected by WebSocket; last event (just now|\d+ (s|min) ago, at \d)/);
  });
});

describe("never said to be running for more than five seconds", () => {
  test("b45 the server is killed", async () => {
    await scene({ view: "overview" }, async ({ page, files, end }) => {
      work(files);
      await runs(page);
      await page.waitForFunction(() => document.querySelector("#operations .op"));
      await end("SIGKILL");
      await silent(page);
      const { body, title, favicon } = await told(page);
      assert.match(body, /unknown – offline/i);
      assert.match(title, /^offline/);
      assert.equal(favicon, "offline");
      assert.ok(await page.evaluate(() => document.documentElement.classList.contains("is-stale")));
      const [life, known] = await page.evaluate(() => ["#tabs, header", "#view-overview"].map((one) => getComputedStyle(document.querySelector(one)).getPropertyValue("--accent")));
      assert.notEqual(known, life, "what was last known is not drawn in the colour of life");
      await bar(page, "Offline for");
      await bar(page, "WebSocket, last event");
      await page.getByRole("button", { name: "Retry now" }).waitFor();
      const timers = () => page.evaluate(() => [Date.now(), document.querySelector("#operations .op-time").textContent]);
      const [then, shown] = await timers();
      await page.waitForFunction((t) => Date.now() - t > 2100, then);
      assert.equal((await timers())[1], shown, "a timer goes on without a server");
    });
  });

  test("b45 the server is killed, three tabs look", async () => {
    await scene({ view: "overview" }, async (stage) => {
      const pages = [stage.page, await stage.tab("overview"), await stage.tab("run")];
      work(stage.files);
      for (const page of pages) await runs(page);
      await stage.end("SIGKILL");
      await Promise.all(pages.map((one) => silent(one)));
      await stage.again();
      await Promise.all(pages.map(runs));
      await oneStream(stage);
    });
  });

  test("b45 the server stands still", async () => {
    await scene({ view: "overview" }, async ({ page, files, end }) => {
      work(files);
      await onceInThree(async () => {
        await runs(page);
        end("SIGSTOP");
        try {
          await silent(page);
        } finally {
          end("SIGCONT");
        }
      });
      await runs(page);
    });
  });

  test("b45 the network is cut", async () => {
    await scene({ view: "overview" }, async ({ page, files, context, url }) => {
      work(files);
      await runs(page);
      const wire = await context.newCDPSession(page);
      await wire.send("Network.enable");
      const network = (offline) => wire.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
      await network(true);
      await silent(page);
      files.row("1", "1-2", "dev-story", "implement", "progress", "unseen");
      await network(false);
      await runs(page);
      await gotAll(page, url);
    });
  });

  test("b45 the files stop: after the idle limit", async () => {
    await scene({ view: "overview", toml: "observed_idle_minutes = 0.1\n" }, async ({ page, files, flow, quiet }) => {
      work(files);
      // Until the page has seen it run, however long that takes.
      flow();
      await runs(page);
      quiet();
      // The limit is six seconds here, and five are what the page has after it.
      await silent(page, 11_000);
      assert.match((await told(page)).body, /idle/i);
    });
  });

  test("b45 the agent is killed", async () => {
    const agents = fileURLToPath(new URL("../../fixtures/agents/", import.meta.url));
    process.env.AGENT_SECONDS = "60";
    await scene({ view: "run", toml: `[agents.claude]\nprogram = ${JSON.stringify(join(agents, "slow"))}\n` }, async ({ page, url }) => {
      delete process.env.AGENT_SECONDS;
      const post = (path, body) => fetch(`${url}api/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      assert.equal((await post("orchestrator/start", { batch_size: 1 })).status, 200);
      await runs(page);
      const agent = await until(async () => (await (await fetch(`${url}api/agents`)).json()).agents.find((one) => one.ended_at === null), Boolean);
      process.kill(agent.pid, "SIGKILL");
      await within(() => page.evaluate((id) => !document.querySelector(`#agents [data-agent="${CSS.escape(id)}"]`) || document.querySelector(`#agents [data-agent="${CSS.escape(id)}"][data-over]`), agent.agent_id), 5000, "the agent told as over");
      await post("orchestrator/stop", { mode: "now" });
      await silent(page);
    });
  });
});

describe("tabs share one stream", () => {
  test("three tabs, one stream, and one that comes late", async () => {
    await scene({}, async (stage) => {
      const { page, url } = stage;
      await live(page);
      stage.flow();
      const pages = [page, await stage.tab(), await stage.tab()];
      for (const one of pages) await given(one, 30);
      await oneStream(stage);
      for (const one of pages) await shares(one, 2);
      pages.push(await stage.tab());
      await given(pages[3], 10);
      for (const one of pages) await shares(one, 3);
      await oneStream(stage);
      await pages[2].close();
      await shares(pages[3], 2);
      stage.quiet();
      for (const one of [pages[0], pages[1], pages[3]]) await gotAll(one, url);
    });
  });

  test("the leader is closed again and again: the next takes over", async () => {
    await scene({}, async (stage) => {
      const { url } = stage;
      let pages = [await stage.tab(), await stage.tab(), await stage.tab(), await stage.tab()];
      for (const one of pages) await live(one);
      await stage.page.goto("about:blank");
      stage.flow();
      while (pages.length > 1) {
        const marks = await Promise.all(pages.map((one) => one.evaluate(() => window.given.length)));
        // Whoever leads is among the older ones: they queued first.
        await pages.shift().close();
        await Promise.all(pages.map((one, i) => given(one, marks[i + 1] + 20)));
        await oneStream(stage);
      }
      stage.quiet();
      await gotAll(pages[0], url);
      assert.ok(await pages[0].evaluate(() => document.querySelector("#bar").hidden), "nobody was told of a loss that was none");
    });
  });

  test("a leader that hangs is left after five seconds, and follows when it is back", async () => {
    await scene({}, async (stage) => {
      const { page, context, url } = stage;
      await live(page);
      const other = await stage.tab();
      await shares(other, 1);
      stage.flow();
      const wire = await context.newCDPSession(page);
      await wire.send("Debugger.enable");
      await wire.send("Debugger.pause");
      await until(stage.streams, (n) => n === 2);
      const mark = await other.evaluate(() => window.given.length);
      await given(other, mark + 20);
      await wire.send("Debugger.resume");
      await wire.send("Debugger.disable");
      await oneStream(stage);
      await shares(page, 1);
      stage.quiet();
      await gotAll(page, url);
      await gotAll(other, url);
    });
  });

  test("a tab in sight takes the line from a hidden one", async () => {
    await scene({}, async (stage) => {
      const { page, url } = stage;
      await live(page);
      const other = await stage.tab();
      await shares(other, 1);
      stage.flow();
      const holds = (one) => one.waitForFunction(() => window.sockets.at(-1)?.readyState === 1);
      const free = (one) => one.waitForFunction(() => window.sockets.every(({ readyState }) => readyState > 1));
      await holds(page);
      await free(other);
      await page.evaluate(() => window.hide(true));
      await Promise.all([free(page), holds(other)]);
      await page.evaluate(() => window.hide(false));
      await other.evaluate(() => window.hide(true));
      await Promise.all([free(other), holds(page)]);
      await other.evaluate(() => window.hide(false));
      const mark = await other.evaluate(() => window.given.length);
      await given(other, mark + 100);
      const opened = await Promise.all([page, other].map((one) => one.evaluate(() => window.sockets.length)));
      assert.deepEqual(opened, [2, 1], "in sight nobody takes it from the other");
      stage.quiet();
      await oneStream(stage);
      await gotAll(page, url);
      await gotAll(other, url);
    });
  });

  test("a page that is frozen hands the line on and has all when it wakes", async () => {
    await scene({}, async (stage) => {
      const { page, url, files } = stage;
      await live(page);
      const other = await stage.tab();
      await shares(other, 1);
      work(files);
      await runs(page);
      stage.flow();
      await page.evaluate(() => document.dispatchEvent(new Event("freeze")));
      assert.match(await page.title(), /^offline/);
      await shares(other, 0);
      await oneStream(stage);
      const mark = await other.evaluate(() => window.given.length);
      await given(other, mark + 20);
      await page.evaluate(() => document.dispatchEvent(new Event("resume")));
      await runs(page);
      await shares(page, 1);
      stage.quiet();
      await oneStream(stage);
      await gotAll(page, url);
      await gotAll(other, url);
    });
  });

  test("another log under the same address: all tabs begin anew", async () => {
    await scene({}, async (stage) => {
      const { page, files, url } = stage;
      await live(page);
      const other = await stage.tab();
      await shares(other, 1);
      for (let i = 0; i < 5; i += 1) files.row("1", "1-2", "dev-story", "implement", "progress", `knot ${i}.`);
      await gotAll(page, url);
      await gotAll(other, url);
      await stage.end("SIGKILL");
      rmSync(join(files.dir, ".sprint-runner"), { recursive: true });
      await stage.again();
      for (const one of [page, other]) await bar(one, "begun anew");
      files.row("1", "1-2", "dev-story", "implement", "progress", "after");
      for (const one of [page, other]) {
        await activity(one, "after", 1);
        await gotAll(one, url, { inits: 2 });
      }
    });
  });

  test("without locks each tab has a line of its own", async () => {
    await scene({ first: "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })" }, async (stage) => {
      await live(stage.page);
      const other = await stage.tab();
      await live(other);
      stage.flow();
      await given(other, 20);
      await until(stage.streams, (n) => n === 2);
      stage.quiet();
      await gotAll(stage.page, stage.url);
      await gotAll(other, stage.url);
    });
  });
});

describe("a server that does not let us in is not tried for ever", () => {
  test("signed out", async () => {
    await scene({ args: ["--token", "a-token-of-our-own"], query: "?token=a-token-of-our-own" }, async (stage) => {
      const { page, context, url } = stage;
      await live(page);
      const other = await stage.tab();
      await live(other);
      await context.clearCookies();
      await stage.end("SIGKILL");
      await stage.again();
      const words = "Signed out – open the address with its token again";
      for (const one of [page, other]) await bar(one, words);
      const tries = () => page.evaluate(() => window.sockets.length);
      const before = await tries();
      assert.ok(before > 0);
      const then = Date.now();
      await page.waitForFunction((t) => Date.now() - t > 4000, then);
      assert.equal(await tries(), before);
      assert.match(await page.title(), /^offline/);
      // Signed in again elsewhere: the next look is enough.
      const third = await context.newPage();
      await third.goto(`${url}?token=a-token-of-our-own`);
      await page.getByRole("button", { name: "Retry now" }).click();
      for (const one of [page, other, third]) await live(one);
      await oneStream({ streams: async () => (await (await fetch(`${url}healthz`, { headers: { Authorization: "Bearer a-token-of-our-own" } })).json()).clients.ws });
    });
  });

  test("b36 the server cannot store what it reads: the page says why, until it can", async () => {
    await scene({}, async ({ page, files, url }) => {
      await live(page);
      renameSync(join(files.dir, ".sprint-runner"), join(files.dir, "away"));
      work(files);
      await bar(page, "The log cannot be written: the database file is gone");
      assert.equal(await page.locator("#bar").getAttribute("data-kind"), "degraded");
      renameSync(join(files.dir, "away"), join(files.dir, ".sprint-runner"));
      await page.waitForFunction(() => document.querySelector("#bar").hidden);
      await gotAll(page, url);
    });
  });

  test("something else answers", async () => {
    await scene({}, async ({ page, port, end }) => {
      await live(page);
      await end("SIGKILL");
      const stranger = createServer((_, answer) => { answer.statusCode = 404; answer.end("who?"); });
      await new Promise((done) => stranger.listen(Number(port), "127.0.0.1", done));
      try {
        await bar(page, "Something else answers at this address now");
      } finally {
        stranger.closeAllConnections();
        await new Promise((done) => stranger.close(done));
      }
    });
  });
});
