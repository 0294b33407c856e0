/** What the page says of its line. Needs no browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ageWords, barWords, believed, lineWords, unreached } from "../../public/js/line-words.js";

const NOW = 1_700_000_000_000;
const well = { live: true, ever: true, transport: "ws", offline: false, lostAt: null, retryAt: null, barred: null, tabs: 1, server: null, caughtUp: null };
const lost = { ...well, live: false, lostAt: NOW - 1000 };
const bar = (line, last = NOW - 120_000) => { const say = barWords(line, last, NOW, NOW); return say && [say.kind, say.text, say.more.replace(/at .*/, "at …")]; };

test("nothing is said when all is well", () => {
  assert.equal(bar(well), null);
  assert.equal(bar({ ...well, tabs: 3, transport: "sse" }), null);
  assert.equal(bar({ ...well, live: false, ever: false }), null, "nor before anything was known");
});

test("each trouble has its words, the transport and the last event's age", () => {
  const more = "WebSocket, last event 2 min ago, at …";
  for (const [line, kind, text, rest = more] of [
    [lost, "reconnecting", "Reconnecting…"],
    [{ ...lost, offline: true }, "offline", "Offline for 1 s – trying now"],
    [{ ...lost, lostAt: NOW - 60_000 }, "offline", "Offline for 1 min – trying now"],
    [{ ...lost, offline: true, retryAt: NOW + 3500 }, "offline", "Offline for 1 s – next try in 4 s"],
    [{ ...lost, barred: "signed-out" }, "offline", "Signed out – open the address with its token again"],
    [{ ...lost, barred: "stranger" }, "offline", "Something else answers at this address now"],
    [{ ...lost, ever: false, barred: "signed-out" }, "offline", "Signed out – open the address with its token again", "last event 2 min ago, at …"],
    [{ ...well, transport: "poll" }, "slow", "Streams don't get through here – asking every two seconds", "last event 2 min ago, at …"],
  ]) assert.deepEqual(bar(line), [kind, text, rest], text);
});

test("what ails the server is said while it can be reached, before all lesser things", () => {
  const say = (line) => { const { kind, text } = barWords(line, null, NOW, NOW, "The disk is full.") ?? {}; return [kind, text]; };
  assert.deepEqual(say(well), ["degraded", "The disk is full."]);
  assert.deepEqual(say({ ...well, caughtUp: { events: 3, fresh: false, at: NOW } }), ["degraded", "The disk is full."]);
  assert.deepEqual(say(lost), ["reconnecting", "Reconnecting…"]);
});

test("what came while away is told for a while", () => {
  const back = (events, fresh = false, at = NOW) => bar({ ...well, caughtUp: { events, fresh, at } });
  assert.equal(back(37)[1], "Caught up, 37 events while away");
  assert.equal(back(1)[1], "Caught up, 1 event while away");
  assert.equal(back(0)[1], "Back, nothing was missed");
  assert.match(back(5, true)[1], /begun anew/);
  assert.equal(back(37, false, NOW - 10_000), null);
});

test("the header tells transport and company", () => {
  assert.deepEqual(lineWords(lost, NOW, NOW), { word: "", title: null });
  assert.deepEqual(lineWords(well, NOW, NOW), { word: "live", title: "Connected by WebSocket; last event just now" });
  assert.equal(lineWords({ ...well, transport: "sse", tabs: 2 }, null, NOW).title, "Connected by event stream, shared with 1 other tab; no events yet");
  assert.equal(lineWords({ ...well, transport: "poll", tabs: 4 }, null, NOW).title, "Connected by polling, shared with 3 other tabs; no events yet");
  assert.match(ageWords(NOW - 5000, NOW), /^last event 5 s ago, at /);
});

test("a project whose server a hub does not hear is as old as on a lost line", () => {
  const heard = { ...well, server: { host: "ada", unreachable_since: null, control: false } };
  assert.equal(believed(heard, NOW), heard);
  assert.equal(believed(well, NOW), well);
  const away = { ...well, server: { host: "ada", unreachable_since: NOW - 60_000, control: false } };
  const seen = believed(away, NOW);
  assert.deepEqual([seen.live, seen.far, away.live], [false, away.server, true]);
  assert.ok(Math.abs(Date.now() - 60_000 - seen.lostAt) < 10_000, "timers stand where it was heard last");
  assert.match(unreached(seen), /^The server on ada has not been heard since .*\.$/);
  const [kind, text] = bar(seen);
  assert.equal(kind, "unreachable");
  assert.match(text, /^The server on ada has not been heard since .*\. What you see is what was last known$/);
  assert.deepEqual(lineWords(seen, NOW, NOW), { word: "", title: null }, "no word says live");
  assert.match(bar(believed({ ...away, server: { host: null, unreachable_since: NOW, control: false } }, NOW))[1], /^Its server has not been heard/);
  // A line that is lost itself says so: nobody knows what the hub hears now.
  const lostBoth = { ...away, live: false, lostAt: NOW - 1000 };
  assert.equal(believed(lostBoth, NOW), lostBoth);
});
