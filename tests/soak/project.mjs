/** The throw-away project of a soak: its files, its make-believe agents, and the server on it. */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const AGENTS = resolve(dirname(fileURLToPath(import.meta.url)), "../../fixtures/agents");
/** Stories that batches work on, and stories that somebody edits by hand beside them. */
export const MANAGED = Array.from({ length: 12 }, (_, i) => `1-${i + 1}-managed-${i + 1}`);
export const EDITED = Array.from({ length: 12 }, (_, i) => `9-${i + 1}-edited-${i + 1}`);

const STATUS = `project: soak
development_status:
  # Epic 1: What the batches do
  epic-1: in-progress
${MANAGED.map((key) => `  ${key}: backlog\n`).join("")}  # Epic 9: What a person edits
  epic-9: in-progress
${EDITED.map((key) => `  ${key}: backlog\n`).join("")}`;

/** Mostly the scripted agent of the binary; now and then one that fails, hangs, floods or has descendants. */
const agent = (bin) => `#!/bin/sh
case $(($$ % 12)) in
    0) exec '${AGENTS}/crash' "$@" ;;
    1) exec '${AGENTS}/hang' "$@" ;;
    2) exec '${AGENTS}/three-levels' "$@" ;;
    3) exec '${AGENTS}/ignores-term' "$@" ;;
    4) exec '${AGENTS}/stderr-flood' "$@" ;;
    5 | 6) exec '${AGENTS}/quick' "$@" ;;
    *) exec '${bin}' scripted-agent --pace 0.2 ;;
esac
`;

/** @param {string} bin */
export function project(bin) {
  const dir = mkdtempSync(join(tmpdir(), "sprint-runner-soak-"));
  const artifacts = join(dir, "_bmad-output", "implementation-artifacts");
  const planning = join(dir, "_bmad-output", "planning-artifacts");
  mkdirSync(artifacts, { recursive: true });
  mkdirSync(planning);
  const status = join(artifacts, "sprint-status.yaml");
  writeFileSync(status, STATUS);
  writeFileSync(join(planning, "project-context.md"), "The project in a few words.\n");
  const program = join(dir, "agent");
  writeFileSync(program, agent(bin));
  chmodSync(program, 0o755);
  writeFileSync(join(dir, "sprint-runner.toml"), `observed_idle_minutes = 0.5
[agents.claude]
program = ${JSON.stringify(program)}
timeout_minutes = 1
[workflow]
retry_seconds = 0.5
stop_grace_seconds = 1
timeout_grace_seconds = 1
result_grace_seconds = 1
`);
  return {
    dir,
    status,
    csv: join(artifacts, "sprint-runner.csv"),
    database: join(dir, ".sprint-runner", "sprint-runner.db"),
    /** As editors save: a temporary file and a rename. @param {string} text */
    save(text) {
      writeFileSync(`${status}.tmp`, text);
      renameSync(`${status}.tmp`, status);
    },
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Starts the server and waits for its first line. @param {string} bin @param {string} dir */
export async function serve(bin, dir) {
  const child = spawn(bin, ["serve", "-C", dir, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  const noise = { text: "", panics: 0 };
  child.stderr.setEncoding("utf8").on("data", (data) => {
    noise.panics += data.split("panicked at").length - 1;
    noise.text = (noise.text + data).slice(-4000);
  });
  const ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  const line = await new Promise((good, bad) => {
    createInterface(child.stdout).once("line", good);
    ended.then((end) => bad(new Error(`the server ended early: ${JSON.stringify(end)} ${noise.text}`)));
  });
  const port = Number(/:(\d+)\/$/.exec(String(line))?.[1]);
  return { child, pid: /** @type {number} */ (child.pid), port, ended, noise };
}
