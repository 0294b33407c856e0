/** What a process holds, as Linux tells it. */
import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";

const TICKS = 100;
const text = (/** @type {string} */ path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const size = (/** @type {string} */ path) => {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
};
const mebibytes = (/** @type {number} */ bytes) => Math.round((bytes / 1048576) * 10) / 10;

/** All below a process, however deep. @param {number} pid */
export function descendants(pid) {
  const parents = new Map();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = text(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const found = [];
  for (let next = parents.get(pid) ?? []; next.length; next = next.flatMap((child) => parents.get(child) ?? [])) found.push(...next);
  return found;
}

/** User and system time of a process so far, in seconds. @param {number} pid */
export function cpu(pid) {
  const stat = text(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** @param {number} pid @param {string} database */
export function measure(pid, database) {
  const status = text(`/proc/${pid}/status`);
  const number = (/** @type {string} */ name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  const descriptors = readdirSync(`/proc/${pid}/fd`);
  const sockets = descriptors.filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
  return {
    rss: mebibytes(number("VmRSS") * 1024),
    peak: mebibytes(number("VmHWM") * 1024),
    threads: number("Threads"),
    descriptors: descriptors.length,
    // What is no connection: these must not grow whoever comes and goes.
    files: descriptors.length - sockets,
    children: descendants(pid).length,
    db: mebibytes(size(database)),
    wal: mebibytes(size(`${database}-wal`)),
  };
}
