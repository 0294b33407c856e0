/** What happened while nobody looked: good and bad nights, and who counts as away. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { awayReport } from "../../public/js/away.js";
import { apply, fromSnapshot } from "../../public/js/model.js";
import { absence, AWAY_MS, isThere, nobody, seenBy, SETTLED_MS, signed } from "../../public/js/presence.js";

const SINCE = new Date(2026, 0, 9, 22, 0).getTime();
const UNTIL = new Date(2026, 0, 10, 7, 0).getTime();
const MIN = 60_000;
const H = 60 * MIN;

/** A night: events with ids that rise. */
function night() {
  let id = 100;
  const events = [];
  const put = (type, at, payload, batch_id = 7) => events.push({ id: (id += 1), type, timestamp: SINCE + at, batch_id, source: "csv", payload });
  const command = (key, name, at, ms, status = "end", message = "") => {
    put("command:start", at, { story_key: key, story_id: key.slice(0, 3), command: name, task_id: "workflow" });
    if (status) put("command:end", at + ms, { story_key: key, story_id: key.slice(0, 3), command: name, task_id: "workflow", status, message, duration_ms: ms });
  };
  const status = (key, at, was, is) => put("story:status", at, { story_key: key, story_id: key.slice(0, 3), epic_id: "1", old_status: was, new_status: is, status_class: ["done", "review", "in-progress", "backlog"].includes(is) ? is : "other" });
  return { events, put, command, status };
}
const at = { since: SINCE - 1, until: UNTIL };
const agent = (put, when, more) => put("agent:end", when, { agent_id: "1", exit_code: 0, ...more });

group("the away report", () => {
  test("nothing happened: no report", () => {
    assert.equal(awayReport([], at), null);
    const { events, put } = night();
    put("source:state", 0, { file: "sprint-status.yaml", state: "ok" });
    put("settings:changed", 1, { changed: {} });
    put("story:status", 2, { story_key: "1-1-a", old_status: null, new_status: "backlog", status_class: "backlog" });
    assert.equal(awayReport(events, at), null, "reading a file anew is nothing that happened");
  });

  test("a good night", () => {
    const { events, put, command, status } = night();
    put("batch:start", 0, { batch_id: 7, origin: "managed", started_at: SINCE });
    for (const [i, key] of ["1-1-a", "1-2-b", "1-3-c"].entries()) {
      command(key, "dev-story", i * H, 30 * MIN);
      command(key, "code-review-1", i * H + 30 * MIN, 10 * MIN);
      status(key, i * H + 40 * MIN, "review", "done");
      agent(put, i * H + 41 * MIN, { input_tokens: 1000, output_tokens: 10, cost_usd: 0.5 });
    }
    put("batch:end", 3 * H, { batch_id: 7, status: "completed", reason: "all_done", cycles_completed: 3 });
    const report = awayReport(events, at);
    assert.equal(report.headline, "3 stories were finished.");
    assert.equal(report.tone, "good");
    assert.deepEqual(report.done.map((one) => one.story_id), ["1-1", "1-2", "1-3"]);
    assert.deepEqual([report.stuck, report.retried, report.first], [[], [], null]);
    assert.deepEqual([report.input_tokens, report.output_tokens, report.cost_usd, report.agents], [3000, 30, 1.5, 3]);
    assert.equal(report.worked_ms, 2 * H);
    assert.deepEqual(report.silence, { ms: 30 * MIN, from: SINCE, to: SINCE + 30 * MIN });
    assert.deepEqual(report.batches.map(({ id, status: word, ended_at }) => [id, word, ended_at]), [[7, "completed", SINCE + 3 * H]]);
    assert.match(report.sentences.join(" "), /Batch 7 was completed at 01:00: no open story is left.*Work went on for 2 h.*Nothing was heard since 01:00/i);
  });

  test("a failed night reads as one", () => {
    const { events, put, command } = night();
    put("batch:start", 3 * H, { batch_id: 7, origin: "managed", started_at: SINCE + 3 * H });
    command("1-1-a", "create-story", 3 * H, MIN, "failed", "Invalid API key");
    put("batch:end", 3 * H + 12 * MIN, { batch_id: 7, status: "error", reason: "agent: create-story failed: Invalid API key · Please run /login", cycles_completed: 0 });
    const report = awayReport(events, at);
    assert.equal(report.headline, "Nothing was finished; 1 is stuck. The batch ended at 01:12 with an error: Create-story failed: Invalid API key · Please run /login.");
    assert.equal(report.tone, "bad");
    assert.match(report.first.text, /Log the agent in/);
    assert.deepEqual([report.input_tokens, report.output_tokens, report.cost_usd], [null, null, null], "what nobody told is not nothing");
    assert.doesNotMatch(`${report.headline} ${report.sentences}`, /goes on|yet/);
    const bare = awayReport(events.filter(({ type }) => type.startsWith("batch")), at);
    assert.match(bare.headline, /^Nothing was finished\. The batch ended at 01:12 with an error: /);
  });

  test("a batch that was lost with commands left open", () => {
    const { events, put, command } = night();
    put("batch:start", 0, { batch_id: 7, origin: "observed", started_at: SINCE });
    command("1-1-a", "dev-story", 0, 0, null);
    put("command:end", H, { story_key: "1-1-a", story_id: "1-1", command: "dev-story", task_id: "workflow", status: "left-open" });
    put("batch:end", H, { batch_id: 7, status: "lost", reason: null });
    const report = awayReport(events, at);
    assert.match(report.headline, /^Nothing was finished\. The batch was lost at 23:00\./);
    assert.equal(report.worked_ms, 0, "nobody knows when it died");
  });

  test("stuck, retried, left in review; taken up again is not stuck", () => {
    const { events, command, status } = night();
    command("1-1-a", "code-review-3", H, MIN, "failed", "3 CRITICAL (issues:3)");
    status("1-1-a", H + 2 * MIN, "review", "blocked");
    command("1-2-b", "dev-story", 2 * H, MIN, "error", "tests red");
    command("1-3-c", "dev-story", 3 * H, MIN);
    status("1-3-c", 3 * H + MIN, "in-progress", "review");
    command("1-4-d", "dev-story", 4 * H, MIN, "failed");
    command("1-4-d", "dev-story", 4 * H + 2 * MIN, MIN);
    command("1-5-e", "code-review #2", 5 * H, MIN);
    const report = awayReport(events, at);
    assert.deepEqual(report.stuck.map(({ story_id, why }) => [story_id, why]), [["1-1", "blocked"], ["1-2", "failed"], ["1-3", "review"]]);
    assert.match(report.stuck[1].detail, /dev-story error: tests red/);
    assert.deepEqual(report.retried.map(({ story_id, command: name, attempts }) => [story_id, name, attempts]), [["1-1", "code-review", 3], ["1-5", "code-review", 2]]);
    assert.equal(report.headline, "Nothing was finished; 2 are stuck, 1 was left in review.");
    assert.match(report.first.text, /Look at 1-1/);
  });

  test("what became of it since then counts", () => {
    const { events, status, command } = night();
    command("1-1-a", "dev-story", H, MIN, "failed");
    status("1-2-b", 2 * H, "in-progress", "review");
    const model = [...events].reduce(apply, fromSnapshot());
    apply(model, { id: 900, type: "command:start", timestamp: UNTIL - MIN, batch_id: 8, payload: { story_key: "1-1-a", story_id: "1-1", command: "dev-story", task_id: "workflow" } });
    model.byKey.get("1-2-b").status_class = model.byKey.get("1-2-b").status = "done";
    const report = awayReport(events, { ...at, model });
    assert.deepEqual(report.stuck, []);
    assert.equal(report.going, true);
    assert.match(report.headline, /Nothing was finished yet\./);
    assert.equal(report.idle_since, null);
  });

  test("done and opened again", () => {
    const { events, status } = night();
    status("1-1-a", H, "review", "done");
    status("1-1-a", 2 * H, "done", "in-progress");
    status("1-2-b", 2 * H, "done", "review");
    const report = awayReport(events, at);
    assert.deepEqual(report.done, []);
    assert.deepEqual(report.reopened.map((one) => one.story_id), ["1-2"]);
  });

  test("a parked batch is not silent", () => {
    const { events, put, command } = night();
    put("batch:start", 0, { batch_id: 7, origin: "managed", started_at: SINCE });
    command("1-1-a", "dev-story", 0, 10 * MIN);
    put("batch:warning", 11 * MIN, { batch_id: 7, warning_type: "usage_limit", state: "waiting", parked_until: SINCE + 4 * H });
    put("batch:warning", 4 * H, { batch_id: 7, warning_type: "usage_limit_over", state: "running" });
    command("1-1-a", "code-review-1", 4 * H, 6 * MIN);
    const report = awayReport(events, at);
    assert.equal(report.parked_ms, 4 * H - 11 * MIN);
    assert.equal(report.silence.ms, 10 * MIN, "the time of a command that says nothing");
    assert.match(report.sentences.join(" "), /parked for 3 h 49 min/);
  });

  test("a status file that broke", () => {
    const { events, put } = night();
    put("source:state", H, { file: "a/sprint-status.yaml", state: "invalid", line: 4, message: "bad indent" });
    const report = awayReport(events, at);
    assert.match(report.headline, /^sprint-status\.yaml cannot be read since 23:00\.$/);
    assert.match(report.first.text, /Mend sprint-status\.yaml, line 4/);
    put("source:state", 2 * H, { file: "a/sprint-status.yaml", state: "ok" });
    assert.equal(awayReport(events, at), null, "and was mended");
  });

  test("a part of the events says that it is one", () => {
    const { events, status } = night();
    status("1-1-a", H, "review", "done");
    const report = awayReport(events, { ...at, left_out: 1234 });
    assert.match(report.headline, /Not all events of that time were read/);
    assert.match(report.sentences.at(-1), /At most 1,234 events/);
    assert.match(awayReport([], { ...at, left_out: 5 }).headline, /Not all events/);
  });

  test("by ids, old rows read late are news; by times they are not; imported ones never", () => {
    const { events, status } = night();
    status("1-1-a", -5 * H, "review", "done");
    assert.equal(awayReport(events, at), null);
    assert.equal(awayReport(events, { ...at, after: 100 }).done.length, 1);
    assert.equal(awayReport(events, { ...at, after: 101 }), null);
    events[0].payload.imported = true;
    assert.equal(awayReport(events, { ...at, after: 100 }), null);
  });

  test("laws: clocks that jump, any order, 20,000 events, nasty keys", () => {
    const { events, put, command, status } = night();
    for (let i = 0; i < 5000; i += 1) command(`${i}-1-x`, "dev-story", ((i * 7919) % 500) * MIN - H, i % 3 ? MIN : -MIN, i % 4 ? "end" : "failed");
    for (const key of ['t"<img>', "__proto__", "constructor"]) { command(key, "code-review-2", H, MIN); status(key, 2 * H, "review", "done"); }
    put("command:end", H, { story_key: null, command: null, task_id: null, status: null });
    put("agent:end", H, { input_tokens: null, cost_usd: "much" });
    put("weather:report", H, undefined);
    const report = awayReport(events, { ...at, after: 0 });
    assert.ok(report.worked_ms >= 0 && report.worked_ms <= UNTIL - SINCE);
    assert.equal(report.done.length, 3);
    assert.equal(report.cost_usd, null);
    assert.deepEqual(awayReport([...events].reverse(), { ...at, after: 0 }), report, "order is by id");
  });
});

group("who is there", () => {
  const E = "aaaa0000";
  test("ten minutes without a sign", () => {
    const { state, came } = signed(nobody(), { id: 5, at: SINCE, visible: true });
    assert.equal(came, true);
    assert.equal(isThere(state, SINCE + AWAY_MS - 1), true);
    assert.equal(isThere(state, SINCE + AWAY_MS), false, "the page is still visible, nobody is there");
    assert.equal(signed(state, { id: 6, at: SINCE + AWAY_MS - 1, visible: true }).came, false);
    assert.equal(signed(state, { id: 6, at: SINCE + AWAY_MS, visible: true }).came, true);
  });
  test("a glance has seen nothing", () => {
    let { state } = signed(nobody(), { id: 5, at: SINCE, visible: true });
    assert.equal(seenBy(state, E), null);
    ({ state } = signed(state, { id: 7, at: SINCE + SETTLED_MS - 1, visible: true }));
    assert.equal(seenBy(state, E), null);
    ({ state } = signed(state, { id: 9, at: SINCE + SETTLED_MS, visible: true }));
    assert.deepEqual(seenBy(state, E), { epoch: E, id: 9, at: SINCE + SETTLED_MS });
  });
  test("who leaves the page was there until then; who left it open was not", () => {
    const begun = signed(signed(nobody(), { id: 5, at: SINCE, visible: true }).state, { id: 6, at: SINCE + 5 * MIN, visible: true }).state;
    assert.deepEqual(seenBy(signed(begun, { id: 9, at: SINCE + 9 * MIN, visible: false }).state, E), { epoch: E, id: 9, at: SINCE + 9 * MIN });
    assert.deepEqual(seenBy(signed(begun, { id: 99, at: UNTIL, visible: false }).state, E), { epoch: E, id: 6, at: SINCE + 5 * MIN });
    assert.equal(isThere(signed(begun, { id: 9, at: SINCE + 6 * MIN, visible: false }).state, SINCE + 6 * MIN), false);
  });
  test("an absence is worth a word only when long, of the same log, and with news", () => {
    const seen = { epoch: E, id: 5, at: SINCE };
    const now = { epoch: E, id: 9, at: UNTIL };
    assert.deepEqual(absence(seen, now), { epoch: E, since: { id: 5, at: SINCE }, until: { id: 9, at: UNTIL } });
    for (const [why, one] of Object.entries({ short: [seen, { ...now, at: SINCE + AWAY_MS - 1 }], other: [seen, { ...now, epoch: "b" }], quiet: [{ ...seen, id: 9 }, now], first: [null, now], nonsense: [{}, now] })) assert.equal(absence(one[0], one[1]), null, why);
  });
});
