/** What happens to the server meanwhile: rows, rotations, saves of the status file, batches, readers of the API. */
import { appendFileSync, copyFileSync, readFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { Agent, request } from "node:http";
import { fault } from "./clients.mjs";
import { EDITED, MANAGED } from "./project.mjs";

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const keepAlive = new Agent({ keepAlive: true, maxSockets: 4 });
const WORDS = ["backlog", "ready-for-dev", "in-progress", "review", "done"];
const BROKEN = ["development_status:\n  1-1-a: [", "project: a: b\n", "", "<<<<<<< HEAD\ndevelopment_status:\n", "\u0000\u0000"];

/** @param {number} port @param {string} path @param {string} [method] @param {unknown} [body] @returns {Promise<{status: number, text: string}>} */
export const ask = (port, path, method = "GET", body = undefined) => new Promise((good) => {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const headers = sent === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(sent) };
  const req = request({ port, path, method, headers, agent: keepAlive, host: "127.0.0.1", timeout: 30_000 }, (res) => {
    let text = "";
    res.setEncoding("utf8").on("data", (data) => (text += data)).once("end", () => good({ status: res.statusCode ?? 0, text }));
  });
  req.once("timeout", () => req.destroy(new Error("no answer for 30 s")));
  req.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
    // The server ends a connection that rests for ten seconds; who asks on it in that moment asks again, as
    // every client does. On a connection of its own no request may meet this.
    if (method === "GET" && req.reusedSocket && error.code === "ECONNRESET") good(ask(port, path));
    else good({ status: 0, text: `${req.reusedSocket ? "reused" : "new"} connection: ${error}` });
  });
  req.end(sent);
});

/** @param {{csv: string, status: string, save(text: string): void}} files @param {number} port @param {import("./log.mjs").Log} log @param {number} rotateMs between two rotations */
export function load(files, port, log, rotateMs) {
  const done = { rows: 0, renames: 0, truncations: 0, saves: 0, broken: 0, starts: 0, stops: 0, reads: 0 };
  let on = true;
  let rotating = false;
  /** Agents may be about, and append to the log themselves. */
  let agents = false;
  let old = 0;
  /** The first row after each rename, to tell a lost row by. */
  const renamedBefore = /** @type {number[]} */ ([]);

  const row = () => {
    done.rows += 1;
    const n = done.rows;
    const story = `9-${1 + (n % 12)}`;
    const more = n % 50 === 0 ? "x, \"\"y\"\", é ∙ ".repeat(100) : "all is well, so far";
    return `${Math.floor(Date.now() / 1000)},9,${story},dev-story,t${n % 5},${n % 3 ? "progress" : pick(["start", "end"])},"soak ${n} ${more}"\n`;
  };

  async function writer() {
    for (let turn = 0; on; turn += 1) {
      if (!rotating) {
        // From one row a second to thirty, in waves of two minutes, and once a minute a burst.
        const rate = 10 + 9 * Math.sin(Date.now() / 19_000);
        const text = Array.from({ length: turn % 600 === 599 ? 1000 : Math.max(1, Math.round(rate / 10)) }, row).join("");
        // Now and then a row comes in two halves; not while agents write as well, whose rows would stand inside it.
        const cut = turn % 20 === 7 && !agents ? Math.floor(text.length / 2) : text.length;
        appendFileSync(files.csv, text.slice(0, cut));
        if (cut < text.length) {
          await pause(60);
          appendFileSync(files.csv, text.slice(cut));
        }
        await pause(Math.max(50, 1000 / rate));
      } else await pause(50);
    }
  }

  async function rotations() {
    for (let turn = 0; on; turn += 1) {
      await pause(rotateMs);
      if (!on) return;
      rotating = true;
      await pause(150);
      if (turn % 2) {
        // What was not read before the cut is gone for any reader: so all must have been.
        await log.reaches(done.rows, 30_000);
        copyFileSync(files.csv, `${files.csv}.copy`);
        truncateSync(files.csv);
        done.truncations += 1;
      } else {
        renameSync(files.csv, `${files.csv}.${(old = (old + 1) % 3)}`);
        renamedBefore.push(done.rows + 1);
        appendFileSync(files.csv, row());
        done.renames += 1;
      }
      rotating = false;
    }
  }

  async function editor() {
    for (let turn = 1; on; turn += 1) {
      await pause(3000 + Math.random() * 2000);
      const text = readFileSync(files.status, "utf8");
      if (turn % 10 === 0) {
        files.save(pick(BROKEN));
        done.broken += 1;
        await pause(2000);
        files.save(text);
      } else files.save(text.replace(new RegExp(`(  ${pick(EDITED)}: ).*`), `$1${pick(WORDS)}`));
      done.saves += 1;
    }
  }

  /** @param {string} what @param {{status: number, text: string}} answer @param {number[]} allowed */
  const expect = (what, answer, allowed) => {
    if (!allowed.includes(answer.status)) fault(`${what}: ${answer.status} ${answer.text.slice(0, 120)}`);
  };

  async function batches() {
    for (let turn = 0; on; turn += 1) {
      const text = readFileSync(files.status, "utf8");
      // Work for the batch; the editor's broken saves are left alone.
      if (text.includes("epic-9")) files.save(MANAGED.reduce((all, key) => all.replace(new RegExp(`(  ${key}: ).*`), "$1backlog"), text));
      await pause(500);
      agents = true;
      const start = await ask(port, "/api/orchestrator/start", "POST", { batch_size: pick([1, 2, "all"]) });
      expect("start", start, [200, 409]);
      if (start.status === 200) done.starts += 1;
      await pause(4000 + Math.random() * 16_000);
      if (turn % 4 === 1) {
        const running = JSON.parse((await ask(port, "/api/agents")).text).agents ?? [];
        if (running.length) expect("stop one", await ask(port, `/api/agents/${pick(running).id}/stop`, "POST", {}), [200, 404, 409]);
      }
      const stop = await ask(port, "/api/orchestrator/stop", "POST", turn % 3 ? { mode: "now" } : {});
      expect("stop", stop, [200, 409]);
      if (stop.status === 200) done.stops += 1;
      // In its own time at most; then at once.
      for (let waited = 0; on && waited < 20; waited += 1) {
        await pause(500);
        if (JSON.parse((await ask(port, "/api/orchestrator/status")).text).status === "idle") break;
      }
      expect("stop now", await ask(port, "/api/orchestrator/stop", "POST", { mode: "now" }), [200, 409]);
      agents = false;
      await pause(3000);
    }
  }

  async function readers() {
    while (on) {
      const head = Math.max(1, log.head);
      const path = pick(["/api/snapshot", "/api/sprint-status", "/api/batches?limit=20", "/api/timeline", "/healthz", "/api/orchestrator-status",
        `/api/events?after=${Math.floor(Math.random() * head)}&limit=100`, `/api/events?q=soak+${Math.floor(Math.random() * head)}`, `/api/events?before=${head}&limit=50`, "/api/agents", "/", "/js/model.js"]);
      expect(path, await ask(port, path), [200]);
      done.reads += 1;
      await pause(400);
    }
  }

  const running = [writer(), rotations(), editor(), batches(), readers()];
  for (const one of running) one.catch((error) => fault(`load: ${error.stack}`));
  return {
    done,
    renamedBefore,
    async end() {
      on = false;
      await Promise.allSettled(running);
      rmSync(`${files.csv}.copy`, { force: true });
    },
    close: () => keepAlive.destroy(),
  };
}
