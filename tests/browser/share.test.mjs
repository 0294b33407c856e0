/**
 * Tabs that share one stream, without a browser: random interleavings of messages, deaths, sleeps, joins, steals,
 * restarts and deletions. The law: every tab sees each event once and in order, whatever happens, and in the end all.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMember } from "../../public/js/share-core.js";
import { createReader } from "../../public/js/share-reader.js";

/** Small, seeded, the same everywhere. */
function dice(seed) {
  let a = seed >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { upTo: (n) => Math.floor(next() * n), chance: (p) => next() < p, of: (list) => list[Math.floor(next() * list.length)] };
}

const soon = () => new Promise((done) => setImmediate(done));

/** A server, the browser's lock and channel, and any number of tabs. */
function world(seed) {
  const rnd = dice(seed);
  let clock = 1_000_000;
  let names = 0;
  const server = { epoch: "e1", events: [], head: 0, up: true };
  const tabs = [];
  /** Questions to the server that are not answered yet. */
  let open = [];
  const lock = { holder: null, queue: [] };

  const append = (n = 1) => {
    for (let i = 0; i < n; i += 1) {
      server.head += rnd.chance(0.2) ? 1 + rnd.upTo(5) : 1;
      server.events.push({ id: server.head, type: "x", epoch: server.epoch });
    }
  };
  const initOf = () => ({ type: "init", epoch: server.epoch, last_event_id: server.head });
  const question = (answer) => new Promise((good, bad) => open.push({ answer: () => (server.up ? good(answer()) : bad(new Error("down"))), fail: () => bad(new Error("lost")) }));

  function grantNext() {
    if (lock.holder) return;
    const next = lock.queue.shift();
    if (!next) return;
    lock.holder = next;
    next.inbox.push({ granted: true });
  }
  function release(tab) {
    lock.queue = lock.queue.filter((one) => one !== tab);
    if (lock.holder !== tab) return;
    lock.holder = null;
    grantNext();
  }

  function join() {
    const name = `t${(names += 1)}`;
    const cursor = { epoch: null, id: 0 };
    const line = { live: false, ever: false, transport: null, tabs: 1, lostAt: null };
    const tab = { name, seen: [], inbox: [], alive: true, frozen: false, shown: rnd.chance(0.5), leading: false, steals: 0, cursor, line };
    const to = {
      init: (message) => { tab.seen.push({ init: message.last_event_id, epoch: message.epoch }); tab.member?.begun(); },
      event: (event) => tab.seen.push(event),
    };
    tab.reader = createReader({
      cursor, to, failed: () => {},
      fresh: () => question(initOf),
      following: (at) => {
        const asked = { ...at };
        return question(() => {
          if (server.epoch !== asked.epoch) return null;
          if (!asked.id && !server.head) return [];
          const page = server.events.filter(({ id }) => id > Math.max(0, asked.id - 1)).slice(0, 7);
          if (page[0]?.id !== (asked.id || 1)) return null;
          return asked.id ? page.slice(1) : page;
        });
      },
    });
    tab.member = createMember({
      tab: name, cursor, line, reader: tab.reader, now: () => clock, visible: () => tab.shown, changed: () => {},
      say: (said) => {
        const copy = structuredClone(said);
        for (const one of tabs) if (one !== tab && one.alive && one.member.role !== "none") one.inbox.push({ said: copy });
      },
      lead: () => { tab.leading = true; }, resign: () => { tab.leading = false; }, retry: () => {},
      steal: () => {
        tab.steals += 1;
        const before = lock.holder;
        lock.queue = lock.queue.filter((one) => one !== tab);
        if (before && before !== tab) before.inbox.push({ stolen: true });
        lock.holder = tab;
        tab.inbox.push({ granted: true });
      },
    });
    /** What connection.js does with the stream: the next message of this tab's own line. */
    tab.stream = () => {
      if (!tab.leading || !server.up) {
        if (tab.leading && line.live) { line.live = false; tab.member.turned(); }
        return;
      }
      if (!line.live) { Object.assign(line, { live: true, ever: true, transport: "ws" }); tab.member.turned(); }
      const next = server.events.find(({ id }) => id > cursor.id);
      const first = server.events[0]?.id ?? server.head + 1;
      const gap = cursor.epoch && server.firstKept > cursor.id + 1 && first > cursor.id + 1;
      if (cursor.epoch !== server.epoch || gap) {
        tab.member.flush();
        Object.assign(cursor, { epoch: server.epoch, id: server.head });
        to.init(initOf());
      } else if (next) {
        const prev = cursor.id;
        cursor.id = next.id;
        tab.member.brought(next, prev);
        if (rnd.chance(0.4)) tab.member.flush();
        tab.seen.push(next);
      }
    };
    tab.enter = () => {
      tab.member.join();
      lock.queue.push(tab);
      grantNext();
    };
    tabs.push(tab);
    tab.enter();
    return tab;
  }

  /** One thing of what waits at a tab, in the channel's order. */
  function hear(tab) {
    if (!tab.alive || tab.frozen) return;
    const one = tab.inbox.shift();
    if (!one) return;
    if (one.granted) {
      // Stolen before it was told.
      if (lock.holder === tab) tab.member.granted();
    } else if (one.stolen) {
      // Taken back meanwhile, or never known to have been had: the browser tells of its own turn only.
      if (lock.holder === tab) return;
      tab.member.stolen();
      if (!lock.queue.includes(tab)) lock.queue.push(tab);
      grantNext();
    } else if (tab.member.role !== "none") tab.member.hear(one.said);
  }

  const living = () => tabs.filter((tab) => tab.alive);
  const acts = {
    append: () => append(1 + rnd.upTo(4)),
    burst: () => rnd.chance(0.1) && append(40),
    stream: () => living().forEach((tab) => !tab.frozen && tab.stream()),
    hear: () => hear(rnd.of(tabs)),
    hearAll: () => living().forEach((tab) => { for (let i = rnd.upTo(4); i > 0; i -= 1) hear(tab); }),
    answer: () => open.splice(rnd.upTo(open.length || 1), 1)[0]?.answer(),
    fail: () => rnd.chance(0.3) && open.splice(rnd.upTo(open.length || 1), 1)[0]?.fail(),
    tick: () => { clock += rnd.upTo(900); living().forEach((tab) => !tab.frozen && tab.member.tick()); },
    join: () => living().length < 5 && join(),
    // A tab that dies without a word: the browser gives its lock to the next.
    crash: () => { const tab = rnd.of(living()); if (tab && rnd.chance(0.4)) { tab.alive = false; release(tab); } },
    close: () => { const tab = rnd.of(living()); if (tab && !tab.frozen && tab.member.role !== "none" && rnd.chance(0.4)) { tab.member.leave(); tab.alive = false; release(tab); } },
    // Hung: neither hears nor says anything, and keeps its lock.
    freeze: () => { const tab = rnd.of(living()); if (tab && rnd.chance(0.3)) tab.frozen = !tab.frozen; },
    // Into the back/forward cache and out of it.
    sleep: () => {
      const tab = rnd.of(living());
      if (!tab || tab.frozen || !rnd.chance(0.3)) return;
      if (tab.member.role === "none") tab.enter();
      else { tab.member.leave(); tab.inbox = []; release(tab); }
    },
    look: () => { const tab = rnd.of(living()); if (tab && !tab.frozen && tab.member.role !== "none") { tab.shown = !tab.shown; tab.member.seen(); } },
    // Messages that a tab never got.
    drop: () => { const tab = rnd.of(living()); if (tab && rnd.chance(0.3)) tab.inbox = tab.inbox.filter((one) => !one.said); },
    outage: () => { if (rnd.chance(0.15)) server.up = !server.up; },
    replace: () => { if (rnd.chance(0.02)) Object.assign(server, { epoch: `${server.epoch}+`, events: [], head: 0, firstKept: 1 }); },
    purge: () => { if (rnd.chance(0.05) && server.events.length > 20) { server.events = server.events.slice(-rnd.upTo(10) - 1); server.firstKept = server.events[0].id; } },
  };
  return { server, tabs, living, acts, rnd, join, hear, append, lock, tick: (ms) => { clock += ms; }, open: () => open, clearOpen: () => { const all = open; open = []; return all; } };
}

/** @param {any} tab @param {Map<string, number[]>} logs every event that ever was, by epoch */
function check(tab, logs, seed) {
  let at = null;
  for (const one of tab.seen) {
    if ("init" in one) {
      assert.ok(!at || at.epoch !== one.epoch || one.init >= at.id, `seed ${seed}: ${tab.name} went back`);
      at = { epoch: one.epoch, id: one.init };
      continue;
    }
    assert.ok(at, `seed ${seed}: ${tab.name} got an event before a beginning`);
    assert.equal(one.epoch, at.epoch, `seed ${seed}: ${tab.name} mixed two logs`);
    assert.ok(one.id > at.id, `seed ${seed}: ${tab.name} saw ${one.id} after ${at.id}`);
    const between = logs.get(at.epoch).filter((id) => id > at.id && id < one.id);
    assert.deepEqual(between, [], `seed ${seed}: ${tab.name} missed ${between}`);
    at.id = one.id;
  }
  return at;
}

async function play(seed, steps) {
  const w = world(seed);
  const logs = new Map();
  const note = () => {
    const known = logs.get(w.server.epoch) ?? [];
    for (const { id } of w.server.events) if (!(known.at(-1) >= id)) known.push(id);
    logs.set(w.server.epoch, known);
  };
  w.server.firstKept = 1;
  w.append(w.rnd.upTo(10));
  w.join();
  w.join();
  const names = Object.keys(w.acts);
  const often = ["append", "stream", "stream", "hear", "hearAll", "hearAll", "answer", "answer", "tick"];
  for (let i = 0; i < steps; i += 1) {
    w.acts[w.rnd.chance(0.7) ? w.rnd.of(often) : w.rnd.of(names)]();
    note();
    await soon();
    const holders = w.tabs.filter((tab) => tab.alive && !tab.frozen && tab.leading && !tab.inbox.some((one) => one.stolen));
    assert.ok(holders.length <= 1, `seed ${seed}: ${holders.map((tab) => tab.name)} all lead`);
  }
  // Peace: all comes to an end, and everybody knows everything.
  w.server.up = true;
  if (!w.living().length) w.join();
  for (const tab of w.living()) {
    tab.frozen = false;
    if (tab.member.role === "none") tab.enter();
  }
  w.append(3);
  note();
  const settled = () => w.living().every((tab) => tab.cursor.epoch === w.server.epoch && tab.cursor.id === w.server.head && tab.line.live);
  for (let i = 0; i < 400 && !settled(); i += 1) {
    w.tick(300);
    for (const tab of w.living()) {
      tab.stream();
      tab.member.tick();
    }
    for (const tab of w.living()) while (tab.inbox.length) w.hear(tab);
    for (const one of w.clearOpen()) one.answer();
    await soon();
  }
  for (const tab of w.tabs) check(tab, logs, seed);
  for (const tab of w.living()) {
    assert.deepEqual([tab.cursor.epoch, tab.cursor.id], [w.server.epoch, w.server.head], `seed ${seed}: ${tab.name} (${tab.member.role}) does not know all`);
    assert.ok(tab.line.live, `seed ${seed}: ${tab.name} is not live`);
  }
  assert.equal(w.living().filter((tab) => tab.leading).length, 1, `seed ${seed}: one leads`);
  assert.ok(w.living().every((tab) => tab.line.tabs <= w.tabs.length));
}

describe("every tab sees each event once and in order", () => {
  const first = Number(process.env.SHARE_SEED ?? 1);
  for (const block of [0, 1, 2, 3]) {
    test(`random interleavings ${block + 1}`, async () => {
      for (let seed = first + block * 100; seed < first + block * 100 + 100; seed += 1) await play(seed, 250);
    });
  }
});

/** Two or three tabs that hear each other at once. */
function room(n, shown = () => true) {
  const w = world(7);
  w.server.firstKept = 1;
  w.append(5);
  const tabs = Array.from({ length: n }, (_, i) => { const tab = w.join(); tab.shown = shown(i); return tab; });
  const run = async (ms, dead = []) => {
    for (let t = 0; t < ms; t += 250) {
      w.tick(250);
      for (const tab of w.living()) if (!dead.includes(tab)) { for (let i = 0; i < 30; i += 1) tab.stream(); tab.member.flush(); tab.member.tick(); }
      for (let i = 0; i < 6; i += 1) {
        for (const tab of w.living()) if (!dead.includes(tab)) while (tab.inbox.length) w.hear(tab);
        for (const one of w.clearOpen()) one.answer();
        await soon();
      }
    }
  };
  return { w, tabs, run, leader: () => tabs.filter((tab) => tab.leading) };
}

test("two windows in sight never take the lead from each other", async () => {
  const { tabs, run } = room(3);
  await run(60_000);
  assert.deepEqual(tabs.map((tab) => tab.steals), [0, 0, 0]);
  assert.deepEqual(tabs.map((tab) => tab.line.tabs), [3, 3, 3]);
});

test("a tab in sight takes the lead from a hidden one, once", async () => {
  const { tabs, run, leader } = room(3);
  await run(2000);
  const [first] = leader();
  first.shown = false;
  first.member.seen();
  await run(60_000);
  assert.ok(!first.leading && leader().length === 1);
  assert.equal(first.steals, 0);
  assert.ok(tabs.reduce((sum, tab) => sum + tab.steals, 0) <= 2, "both may try at once, and that is all");
});

test("hidden tabs leave a hidden leader alone", async () => {
  const { tabs, run } = room(3, () => false);
  await run(60_000);
  assert.deepEqual(tabs.map((tab) => tab.steals), [0, 0, 0]);
});

test("a leader that gives no sign of life is not believed after three seconds and replaced after five", async () => {
  const { w, tabs, run, leader } = room(2);
  await run(2000);
  const [first] = leader();
  const other = tabs.find((tab) => tab !== first);
  w.append(3);
  await run(3500, [first]);
  assert.ok(!other.line.live && !other.leading);
  await run(2500, [first]);
  assert.ok(other.leading && other.line.live);
  await run(2000);
  assert.ok(!first.leading && first.line.live && first.cursor.id === w.server.head);
});

test("a hole is filled once while events go on to come", async () => {
  const { w, tabs, run, leader } = room(2);
  await run(2000);
  const other = tabs.find((tab) => tab !== leader()[0]);
  for (let i = 0; i < 50; i += 1) {
    w.append(5);
    if (i % 10 === 3) other.inbox = other.inbox.filter((one) => !one.said);
    await run(250);
  }
  await run(3000);
  assert.equal(other.cursor.id, w.server.head);
  assert.equal(other.seen.filter((one) => "init" in one).length, 1, "no hole needs a new beginning");
});
