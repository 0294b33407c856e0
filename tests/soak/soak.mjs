/**
 * The soak: SPRINT_RUNNER_BIN=target/release/sprint-runner node tests/soak/soak.mjs [--minutes 60] [--clients 200] [--rotate 20] [--keep]
 * A server on a throw-away project; clients that come and go, a writer, rotations, saves, batches, readers. At the end
 * nothing may be lost or doubled anywhere, and memory, descriptors and threads must be where they were after a quarter.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Client, fault, totals } from "./clients.mjs";
import { load } from "./load.mjs";
import { Log } from "./log.mjs";
import { cpu, descendants, measure } from "./measure.mjs";
import { project, serve } from "./project.mjs";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "60" }, clients: { type: "string", default: "200" }, rotate: { type: "string", default: "20" }, keep: { type: "boolean", default: false } } });
const [minutes, count] = [Number(values.minutes), Number(values.clients)];
const bin = resolve(process.env.SPRINT_RUNNER_BIN ?? "target/release/sprint-runner");
if (!(minutes > 0) || !(count > 0) || !existsSync(bin)) {
  console.error(`usage: SPRINT_RUNNER_BIN=… node tests/soak/soak.mjs [--minutes N] [--clients N] [--rotate SECONDS] [--keep]; the binary is ${bin}`);
  process.exit(2);
}
const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const COLUMNS = ["minute", "rss", "peak", "threads", "descriptors", "files", "children", "db", "wal", "events", "clients", "deliveries", "cut", "cpu", "own_cpu", "errors"];
const line = (/** @type {unknown[]} */ cells) => cells.map((cell) => String(cell).padStart(11)).join(" ");

const files = project(bin);
const server = await serve(bin, files.dir);
const log = new Log(server.port);
console.log(`${bin}\n${files.dir}, process ${server.pid}, port ${server.port}: ${count} clients for ${minutes} minutes`);
console.log(line(COLUMNS));

/** @type {Record<string, number>[]} */
const curve = [];
const begun = Date.now();
let before = { at: begun, server: cpu(server.pid), own: process.cpuUsage(), deliveries: 0 };
/** @type {Client[]} */
let clients = [];
async function note() {
  await log.read();
  const [now, used] = [Date.now(), process.cpuUsage(before.own)];
  const seconds = (now - before.at) / 1000;
  const share = (/** @type {number} */ time) => Math.round((time / seconds) * 1000) / 1000;
  const sample = {
    minute: Math.round((now - begun) / 6000) / 10,
    ...measure(server.pid, files.database),
    events: log.ids.length,
    clients: clients.filter((client) => client.open).length,
    deliveries: totals.deliveries - before.deliveries,
    cut: totals.cutByServer,
    cpu: share(cpu(server.pid) - before.server),
    own_cpu: share((used.user + used.system) / 1e6),
    errors: totals.errors,
  };
  before = { at: now, server: cpu(server.pid), own: process.cpuUsage(), deliveries: totals.deliveries };
  console.log(line(COLUMNS.map((name) => sample[name])));
  return sample;
}

const fresh = await note();
const work = load(files, server.port, log, Number(values.rotate) * 1000);
clients = Array.from({ length: count }, (_, i) => {
  const manner = i % 20 === 18 ? "slow" : i % 20 === 19 ? "stuck" : "live";
  return new Client(i, server.port, i % 2 ? "ws" : "sse", manner, i % 10 === 4 || i % 10 === 5);
});
for (const client of clients) client.begin();

const every = Math.min(60_000, (minutes * 60_000) / 12);
while (Date.now() + every / 2 < begun + minutes * 60_000) {
  await pause(every);
  curve.push(await note());
  if (server.child.exitCode !== null) throw new Error(`the server has ended: ${server.noise.text}`);
}

console.log("the load ends; everybody reads up to the end");
await work.end();
await log.reaches(work.done.rows, 30_000);
// What ends by itself: agents that are being stopped, the silence after the last row of an observed batch.
for (const end = Date.now() + 60_000; Date.now() < end && descendants(server.pid).length;) await pause(500);
for (const client of clients) client.hurry();
const behind = () => clients.filter((client) => !client.filtered && client.last < log.head);
for (const end = Date.now() + 60_000; Date.now() < end;) {
  await log.read();
  if (!behind().length) break;
  await pause(300);
}
for (const client of behind()) fault(`${client.name}: at ${client.last}, the log at ${log.head}`);
await Promise.all(clients.map((client) => client.end()));
await log.read();
for (const client of clients) log.checkClient(client);
const rows = log.checkRows(work.done.rows);
if (rows.lost || rows.doubled) console.log(`the first rows after a rename: ${work.renamedBefore}`);
const again = new Log(server.port);
await again.read();
if (again.ids.length < log.ids.length || log.ids.some((id, at) => again.ids[at] !== id)) fault("the log read once more is another one");
work.close();

console.log("all clients are gone");
await pause(Math.min(20_000, every));
const rest = await note();
if (rest.children) fault(`${rest.children} child processes are left`);
if (rest.descriptors > fresh.descriptors + 20) fault(`${rest.descriptors} descriptors after all have gone, ${fresh.descriptors} before they came`);
work.close();

const stopped = Date.now();
server.child.kill("SIGTERM");
const end = await Promise.race([server.ended, pause(15_000).then(() => undefined)]);
const took = Date.now() - stopped;
if (!end) server.child.kill("SIGKILL");
if (!end || end.code !== 0 || took >= 5000) fault(`the server's end: ${JSON.stringify(end)} after ${took} ms`);
if (server.noise.panics) fault(`${server.noise.panics} panics: ${server.noise.text}`);

/** The middle one of the second and of the last quarter: the first quarter is for settling. */
const quarter = (/** @type {number} */ n, /** @type {string} */ name) => {
  const part = curve.slice(Math.floor((curve.length * (n - 1)) / 4), Math.floor((curve.length * n) / 4)).map((sample) => sample[name]).sort((a, b) => a - b);
  return part[Math.floor(part.length / 2)] ?? NaN;
};
/** @type {[string, (early: number) => number][]} */
const bounds = [["rss", (early) => early * 1.2 + 8], ["files", (early) => early + 10], ["threads", (early) => early + 4]];
console.log(`\nafter settling, at the end, allowed${minutes < 20 ? " (not judged: it takes 20 minutes to settle)" : ""}`);
for (const [name, bound] of bounds) {
  const [early, late] = [quarter(2, name), quarter(4, name)];
  console.log(`${name.padEnd(12)} ${early} ${late} ${Math.round(bound(early) * 10) / 10}`);
  // Until the newest events fill their room in memory, it grows as it should.
  if (minutes >= 20 && !(late <= bound(early))) fault(`${name} grows: ${early} after settling, ${late} at the end`);
}
console.log(JSON.stringify({ ...work.done, ...rows, connections: totals.connections, resumes: totals.resumes, deliveries: totals.deliveries, cutByServer: totals.cutByServer, events: log.ids.length, endMs: took }));
for (const text of totals.faults) console.log(`fault: ${text}`);
if (!values.keep) files.remove();
console.log(totals.errors ? `FAILED: ${totals.errors} faults` : `ok: nothing lost, nothing doubled${minutes < 20 ? "" : ", nothing grows"}`);
process.exit(totals.errors ? 1 : 0);
