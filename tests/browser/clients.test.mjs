/**
 * Clients that nobody here wrote: each decodes the same JSON from the oddest messages, and has
 * everything once after the server was killed, by its own way of coming back where it has one.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { WebSocket } from "ws";
import { launch, PATIENCE_MS, project, start, STATUS, until } from "./support.mjs";

const scripts = fileURLToPath(new URL("../clients/", import.meta.url));
/** The Python that has what tests/clients/requirements.txt names; tests/run.sh makes it. */
const PYTHON = process.env.CLIENTS_PYTHON ?? "";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Texts of a log row: what is written, and what must arrive. */
const ROWS = [
  ["one\\ntwo", "one\ntwo"],
  ["data: forged"],
  ["id: 999"],
  ["  leading blanks"],
  ["\u2028line\u2029separators\u0085"],
  ["\u{1F680} and 笔记"],
  ["x\\n\\nid: 999\\ndata: {\"id\":999}\\n\\n", "x\n\nid: 999\ndata: {\"id\":999}\n\n"],
  ["<img src=x onerror=alert(1)>"],
  ["m".repeat(1_000_000)],
];
/** Words of a status file, where YAML can say every character. */
const WORDS = ["one\rtwo", "one\r\ntwo", "one\n\ntwo", "nul\0nul", "x\r\rdata: {}\r\rid: 999\r\rx", "x\n\nid: 1\0\ndata: forged\n\nx"];

const yaml = (text) => `"${[...text].map((c) => (c < " " ? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}` : c)).join("")}"`;

/** Every event of the log. */
async function logOf(url) {
  const events = [];
  for (let from = 0; from !== null;) {
    const page = await (await fetch(`${url}api/events?after=${from}&limit=1000`)).json();
    events.push(...page.events);
    from = page.next;
  }
  return events;
}

/**
 * Lets one client follow a server that is killed once meanwhile, and compares.
 * @param {(port: string, take: (json: any) => void) => Promise<() => unknown>} follow begins and gives its end
 */
async function followed(follow) {
  const files = project();
  let server = await start("serve", "--port", "0", "-C", files.dir);
  const { port, url } = server;
  const given = [];
  let end = () => {};
  try {
    end = await follow(port, (json) => given.push(json));
    await until(() => given.length, (n) => n > 0, "an init");
    const first = given.shift();
    assert.equal(first.type, "init");
    for (const [written] of ROWS) files.row("1", "1-2", "dev-story", "implement", "progress", written);
    for (const word of WORDS) {
      const status = join(files.artifacts, "sprint-status.yaml");
      writeFileSync(`${status}.new`, STATUS.replace("1-2-rope-and-fender: in-progress", `1-2-rope-and-fender: ${yaml(word)}`));
      renameSync(`${status}.new`, status);
      await until(() => logOf(url), (log) => log.some((one) => one.type === "story:status" && one.payload.new_status === word), JSON.stringify(word));
    }
    const newest = async () => (await logOf(url)).at(-1).id;
    await until(async () => [given.at(-1)?.id, await newest()], ([seen, head]) => seen === head, "everything");
    // Killed, and what is written meanwhile is there when it is back.
    await server.end("SIGKILL");
    for (let i = 0; i < 20; i += 1) files.row("1", "1-2", "dev-story", "implement", "progress", `away ${i}`);
    server = await start("serve", "--port", port, "-C", files.dir);
    const log = await until(() => logOf(url), (all) => all.some((one) => one.payload.message === "away 19"), "what was written meanwhile");
    await until(() => given.at(-1)?.id, (id) => id >= log.at(-1).id, "what was missed");
    const all = (await logOf(url)).filter((one) => one.id > first.last_event_id && one.id <= given.at(-1).id);
    assert.deepEqual(given.map((one) => one.id), all.map((one) => one.id), "nothing lost, doubled or forged");
    assert.deepEqual(given, all, "the same JSON");
    const messages = given.filter((one) => one.type === "command:progress").map((one) => one.payload.message);
    assert.deepEqual(messages.slice(0, ROWS.length), ROWS.map(([written, told]) => told ?? written));
  } finally {
    await end();
    await server.end("SIGKILL");
    files.remove();
  }
}

test("b09 npm eventsource decodes the same and comes back by itself", () => followed(async (port, take) => {
  const source = new EventSource(`http://127.0.0.1:${port}/sse`);
  source.onmessage = ({ data }) => take(JSON.parse(data));
  return () => source.close();
}));

test("b09 npm ws decodes the same and resumes by id", () => followed(async (port, take) => {
  let last = "";
  let over = false;
  let socket;
  const open = () => {
    socket = new WebSocket(`ws://127.0.0.1:${port}/ws${last ? `?last_event_id=${last}` : ""}`);
    socket.on("message", (data, isBinary) => {
      assert.equal(isBinary, false);
      const json = JSON.parse(data.toString());
      last = json.id ?? last;
      take(json);
    });
    socket.on("error", () => {});
    socket.on("close", () => over || setTimeout(open, 50));
  };
  open();
  return () => { over = true; socket.terminate(); };
}));

/** A page of ours in a real browser; the guard lets no foreign page in, so it is the server's own. */
async function page(port) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const tab = await context.newPage();
  // The server's own origin, without its own page: that has a stream of its own.
  await tab.goto(`http://127.0.0.1:${port}/healthz`);
  return { tab, close: () => context.close() };
}

test("b09 a browser's EventSource decodes the same and comes back by itself", () => followed(async (port, take) => {
  const { tab, close } = await page(port);
  await tab.exposeFunction("take", (text) => take(JSON.parse(text)));
  await tab.evaluate(() => {
    window.source = new EventSource("/sse");
    window.source.onmessage = ({ data }) => window.take(JSON.stringify(JSON.parse(data)));
  });
  return close;
}));

test("b09 a browser's WebSocket decodes the same and resumes by id", () => followed(async (port, take) => {
  const { tab, close } = await page(port);
  await tab.exposeFunction("take", (text) => take(JSON.parse(text)));
  await tab.evaluate(() => {
    let last = "";
    const open = () => {
      const socket = new WebSocket(`ws://${location.host}/ws${last ? `?last_event_id=${last}` : ""}`);
      socket.onmessage = ({ data }) => {
        const json = JSON.parse(data);
        last = json.id ?? last;
        window.take(JSON.stringify(json));
      };
      socket.onclose = () => setTimeout(open, 50);
    };
    open();
  });
  return close;
}));

test("b09 @microsoft/fetch-event-source in a browser decodes the same and comes back by itself", () => followed(async (port, take) => {
  const { tab, close } = await page(port);
  await tab.exposeFunction("take", (text) => take(JSON.parse(text)));
  const lib = join(dirname(createRequire(import.meta.url).resolve("@microsoft/fetch-event-source/package.json")), "lib/esm");
  await tab.route("**/lib/*", (route) => {
    const name = new URL(route.request().url()).pathname.split("/").at(-1);
    route.fulfill({ contentType: "text/javascript", body: readFileSync(join(lib, name.endsWith(".js") ? name : `${name}.js`), "utf8") });
  });
  await tab.evaluate(async () => {
    const { fetchEventSource } = await import("/lib/index.js");
    // Its own retries: an error handler that throws nothing asks for the next.
    fetchEventSource("/sse", {
      openWhenHidden: true,
      onmessage: ({ data }) => data && window.take(data),
      onclose: () => { throw new Error("again"); },
      onerror: () => 100,
    });
  });
  return close;
}));

/** A program that prints a line of JSON for each message. */
const printed = (program, args, read) => async (port, take) => {
  const child = spawn(program, args(port), { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
  let noise = "";
  child.stderr.on("data", (data) => (noise += data));
  const gone = new Promise((done) => child.once("exit", (code) => { if (code) console.error(noise); done(code); }));
  createInterface(child.stdout, { crlfDelay: Infinity }).on("line", (line) => read(line, take));
  return () => { child.kill("SIGKILL"); return gone; };
};

for (const [name, script] of [["httpx-sse", "with_httpx_sse.py"], ["websockets", "with_websockets.py"], ["aiohttp", "with_aiohttp.py"]]) {
  test(`b09 PyPI ${name} decodes the same and resumes by id`, { skip: existsSync(PYTHON) ? false : "CLIENTS_PYTHON names no Python" }, () =>
    followed(printed(PYTHON, (port) => [join(scripts, script), port], (line, take) => take(JSON.parse(line).json))));
}

/** Line readers split at more than LF: so blocks are cut out of the bytes here. */
function follow(port, last, take) {
  const child = spawn("curl", ["--silent", "--no-buffer", ...(last() ? ["--header", `Last-Event-ID: ${last()}`] : []), `http://127.0.0.1:${port}/sse`], { stdio: ["ignore", "pipe", "ignore"] });
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) take(block);
  });
  return child;
}

test("b09 curl shows the same, and a new one resumes by id", () => followed(async (port, take) => {
  let id = "";
  let over = false;
  let child;
  const open = () => {
    child = follow(port, () => id, (block) => {
      const field = (name) => block.split("\n").filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      const data = field("data");
      assert.ok(data.length <= 1, "data on one line");
      id = field("id")[0] ?? id;
      if (data.length) take(JSON.parse(data[0]));
    });
    child.once("exit", () => over || setTimeout(open, 50));
  };
  open();
  return () => { over = true; child.kill("SIGKILL"); };
}));

/** Who asks with plain HTTP is told what the address is. */
test("b09 curl on /ws is told what the address wants", async () => {
  const files = project();
  const server = await start("serve", "--port", "0", "-C", files.dir);
  try {
    const child = spawn("curl", ["--silent", "--write-out", "%{http_code}", `${server.url}ws`], { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (data) => (text += data));
    await new Promise((done) => child.once("close", done));
    assert.match(text, /426$/);
    assert.match(text, /WebSocket/);
  } finally {
    await server.end();
    files.remove();
  }
});
