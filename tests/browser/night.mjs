/** A made-up night: forty stories, nine hours, gaps, retries and failures, as a log somebody else's agents wrote. */
const MINUTE = 60;

/** @param {number} [stories] @param {number} [seed] @returns {{status: string, csv: string, start: number, end: number}} times in seconds */
export function night(stories = 40, seed = 7, hours = 9) {
  let s = seed;
  const roll = (/** @type {number} */ n) => {
    s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((s / 2 ** 32) * n);
  };
  const names = ["lantern", "harbour", "tide-table", "night-lights", "rope-and-fender", "chart-room", "fog-signal", "pilot-boat", "dry-dock", "cast-iron-rings"];
  const keys = Array.from({ length: stories }, (_, i) => `${1 + Math.floor(i / 8)}-${1 + (i % 8)}-${names[i % 10]}${i >= 10 ? `-${names[(i * 3 + 1) % 10]}` : ""}`);
  /** @type {[number, string][]} */
  const rows = [];
  const scale = (hours * 60) / stories / 17;
  const row = (/** @type {number} */ at, /** @type {string} */ key, /** @type {string} */ command, /** @type {string} */ task, /** @type {string} */ status, message = "") =>
    rows.push([Math.round(at), `${Math.round(at)},${key.split("-")[0]},${key.split("-").slice(0, 2).join("-")},${command},${task},${status},"${message}"`]);
  const length = (/** @type {number} */ minutes) => Math.max(20, minutes * MINUTE * scale * (0.5 + roll(100) / 100));

  /** @param {number} at @param {string} key @param {string} command @param {number} minutes @param {{failed?: boolean, lost?: boolean, tasks?: string[], said?: string}} [how] */
  const run = (at, key, command, minutes, { failed, lost, tasks = ["setup", "implement", "tests"], said = "all pass (files:4, lines:182)" } = {}) => {
    const long = length(minutes);
    row(at, key, command, "workflow", "start");
    tasks.forEach((task, i) => {
      const [from, to] = [at + (long * (i ? 0.1 + 0.3 * i : 0.01)), at + long * (0.1 + 0.3 * (i + 1)) - 4];
      row(from, key, command, task, "start", `${task} of ${key.split("-").slice(2).join(" ")}`);
      if (!lost || i === 0) row(Math.min(to, at + long - 3), key, command, task, failed && i === tasks.length - 1 ? "failed" : "end", "done");
    });
    if (!lost) row(at + long, key, command, "workflow", failed ? "failed" : "end", failed ? "3 of 41 tests fail: tide table is off by one after midnight" : said);
    return at + long;
  };

  let at = 0;
  keys.forEach((key, i) => {
    if (i === Math.floor(stories * 0.35)) at += 95 * MINUTE;
    if (i === Math.floor(stories * 0.7)) at += 47 * MINUTE;
    const begin = at;
    at = run(begin, key, "create-story", 2.5, { tasks: ["setup", "write"], said: "6 AC, 8 tasks" });
    run(begin + 4, key, "story-discovery", 2, { tasks: ["explore"], said: "14 sources read (files:14)" });
    at = run(at + 3, key, "story-review-1", 1.5, { tasks: ["analyze"], said: "2 MEDIUM" });
    if (i % 3 === 0) {
      at = run(at + 3, key, "create-tech-spec", 2, { tasks: ["setup", "write"] });
      at = run(at + 3, key, "tech-spec-review-1", 1, { tasks: ["analyze"] });
    }
    if (i % 9 === 4) at = run(at + 3, key, "dev-story", 3, { failed: true }) + 40;
    if (i % 13 === 6) at = run(at + 3, key, "dev-story", 4, { lost: true }) + 8 * MINUTE;
    at = run(at + 3, key, "dev-story", i % 11 === 5 ? 14 : 6, { tasks: ["setup", "implement", "tests"] });
    const reviews = 1 + (i % 7 === 3 ? 3 : i % 3 === 1 ? 1 : 0);
    for (let n = 1; n <= reviews; n += 1) at = run(at + 3, key, `code-review-${n}`, 2, { failed: i % 20 === 17 && n === reviews, tasks: ["analyze", "fix", "tests"], said: n === reviews ? "zero issues" : "1 CRITICAL, 3 LOW" });
    at = run(at + 3, key, "commit", 0.4, { tasks: ["stage"] });
    // The next story begins while this one is still being committed.
    at -= (i % 4 === 1 ? 4 : 0) * MINUTE * scale;
  });
  const end = Math.floor(Date.now() / 1000) - 20 * MINUTE;
  const shift = end - Math.round(Math.max(...rows.map(([t]) => t)));
  const csv = rows.sort((a, b) => a[0] - b[0]).map(([t, line]) => line.replace(/^\d+/, String(t + shift))).join("\n");
  const epics = Array.from({ length: Math.ceil(stories / 8) }, (_, i) => `  # Epic ${i + 1}: ${names[(i * 4) % 10].replaceAll("-", " ")}\n  epic-${i + 1}: in-progress\n`);
  const status = `project: harbour\ndevelopment_status:\n${epics.map((line, i) => line + keys.slice(i * 8, i * 8 + 8).map((key) => `  ${key}: done\n`).join("")).join("")}`;
  return { status, csv: `${csv}\n`, start: rows[0][0] + shift, end };
}
