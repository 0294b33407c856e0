/** A nats-server of a test's own, the hub on it, and the servers that send to it: all of them real. */
import { spawn } from "node:child_process";
import { accessSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { project, start, until } from "./support.mjs";

/** The program; none where it is not installed. */
export const natsServer = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"].map((dir) => join(dir, "nats-server")).find((path) => {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
});

/** On a free port of loopback, with its own folder. */
async function startNats() {
  const dir = mkdtempSync(join(tmpdir(), "sprint-runner-nats-"));
  const child = spawn(String(natsServer), ["-js", "-sd", dir, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", dir], { stdio: "ignore" });
  const url = await until(() => {
    const file = readdirSync(dir).find((name) => name.endsWith(".ports"));
    try {
      return file && JSON.parse(readFileSync(join(dir, file), "utf8")).nats[0];
    } catch {
      return null;
    }
  }, Boolean, "nats-server");
  return { url, child, dir, end: () => { child.kill("SIGKILL"); rmSync(dir, { recursive: true, force: true, maxRetries: 5 }); } };
}

/** A team: a nats-server, a hub, and a server for each name. @param {...string} names */
export async function team(...names) {
  const nats = await startNats();
  /** @type {Map<string, {files: ReturnType<typeof project>, server: Awaited<ReturnType<typeof start>>}>} */
  const all = new Map();
  const serve = (/** @type {ReturnType<typeof project>} */ files) => start("serve", "--port", "0", "-C", files.dir, "--nats", nats.url, "--team", "lab");
  /** @type {Awaited<ReturnType<typeof start>>|null} */ let hub = null;
  async function end() {
    await hub?.end("SIGKILL");
    for (const { server, files } of all.values()) {
      await server.end("SIGKILL");
      files.remove();
    }
    nats.end();
  }
  try {
    hub = await begin();
  } catch (error) {
    // What was begun would keep the tests from ending.
    await end();
    throw error;
  }
  return { nats, hub, listed: () => listed(/** @type {any} */ (hub)), end, of: (/** @type {string} */ name) => /** @type {NonNullable<ReturnType<typeof all.get>>} */ (all.get(name)), again };

  /** Once more, after it was killed. @param {string} name */
  async function again(name) {
    const one = /** @type {any} */ (all.get(name));
    one.server = await serve(one.files);
  }
  async function begin() {
    hub = await start("hub", "--port", "0", "--nats", nats.url, "--team", "lab", "--cache", join(nats.dir, "hub"));
    for (const name of names) {
      const files = project(undefined, name);
      all.set(name, { files, server: await serve(files) });
    }
    const mine = hub;
    await until(() => listed(mine), (/** @type {any[]} */ list) => names.every((name) => list.some((one) => one.name === name && one.stories.total > 0)), "all projects");
    return mine;
  }
}

/** @param {{url: string}} hub */
const listed = async (hub) => (await (await fetch(`${hub.url}api/projects`)).json()).projects;
