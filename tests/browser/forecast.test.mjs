/** The forecast and the burn-up: their laws. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { burnUp, forecast, scopeChanges } from "../../public/js/forecast.js";
import { fromSnapshot } from "../../public/js/model.js";

const NOW = Date.UTC(2026, 0, 10, 12, 0);
const MIN = 60_000;
const H = 60 * MIN;
const DAY = 24 * H;
const BLANK = { first_at: null, last_at: null, busy_ms: 0, busy_since: null, runs: 0, reviews: 0, failures: 0, last: null, done_at: null, note: null };

/** A generator of its own: the same numbers every time. @param {number} seed */
function random(seed) {
  let n = seed >>> 0 || 1;
  return () => ((n = (Math.imul(n, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}

/** @param {number[]} durations of finished stories @param {number} open @param {{words?: string[], more?: any, at?: (i: number) => number, work?: Record<string, any>}} [how] */
function model(durations, open, { words = ["backlog"], more = {}, at = (i) => NOW - (durations.length - i) * 2 * H, work = {} } = {}) {
  const row = (story_key, word) => ({ story_key, story_id: story_key, epic_id: "1", title: null, status: word, status_class: word, updated_at: null });
  const stories = [...durations.map((_, i) => row(`d-${i}`, "done")), ...Array.from({ length: open }, (_, i) => row(`o-${i}`, words[i % words.length]))];
  const made = fromSnapshot({ sprint: { stories, state: "ok" }, ...more });
  made.work = new Map(durations.map((busy_ms, i) => [`d-${i}`, { ...BLANK, busy_ms, first_at: at(i) - busy_ms, last_at: at(i), done_at: at(i) }]));
  for (const [key, one] of Object.entries(work)) made.work.set(key, { ...BLANK, ...one });
  return made;
}
const look = (made, more = {}) => forecast({ model: made, now: NOW, seed: 7, ...more });
const durationsOf = (seed, n) => { const next = random(seed); return Array.from({ length: n }, () => Math.round((5 + next() * 90) * MIN)); };
const SEEDS = Array.from({ length: 25 }, (_, i) => i + 1);

group("laws of the forecast", () => {
  test("the same seed says the same, another one nearly", () => {
    const made = model(durationsOf(1, 12), 30);
    assert.deepEqual(look(made), look(made));
    const [one, other] = [look(made).work.p50, look(made, { seed: 8 }).work.p50];
    assert.ok(Math.abs(one - other) / one < 0.1, `${one} ${other}`);
  });

  test("even odds are not later than 85 %", () => {
    for (const seed of SEEDS) {
      const f = look(model(durationsOf(seed, 3 + (seed % 9)), seed), { seed });
      for (const range of [f.work, f.wall, f.calendar]) if (range) assert.ok(range.p50 <= range.p85 && range.p50 > 0, JSON.stringify(range));
    }
  });

  test("one open story more never ends earlier, wherever it stands", () => {
    for (const seed of SEEDS) {
      let before = { p50: 0, p85: 0 };
      let clock = { p50: 0, p85: 0 };
      for (let open = 1; open <= 20; open += 1) {
        const made = model(durationsOf(seed, 6), open);
        if (open % 2) made.stories.reverse();
        const f = look(made, { seed });
        assert.ok(f.work.p50 > before.p50 && f.work.p85 > before.p85 && f.wall.p50 >= clock.p50 && f.wall.p85 >= clock.p85, `${seed} ${open}`);
        [before, clock] = [f.work, f.wall];
      }
    }
  });

  test("durations k times as long make a work k times as long", () => {
    for (const seed of SEEDS) {
      const durations = durationsOf(seed, 8);
      const one = look(model(durations, 10)).work;
      for (const k of [0.5, 2, 10]) {
        const scaled = look(model(durations.map((ms) => ms * k), 10)).work;
        for (const part of ["p50", "p85"]) assert.ok(Math.abs(scaled[part] / one[part] - k) < 1e-9, `${k} ${part}`);
      }
    }
  });

  test("and the whole of time k times as slow: by the clock as well", () => {
    const durations = durationsOf(3, 8);
    const slow = (k) => look(model(durations.map((ms) => ms * k), 10, { at: (i) => NOW - (8 - i) * 2 * H * k })).wall;
    assert.ok(Math.abs(slow(3).p85 / slow(1).p85 - 3) < 1e-9);
  });

  test("equal durations leave no doubt", () => {
    const { work } = look(model([H, H, H, H], 5));
    assert.deepEqual(work, { p50: 5 * H, p85: 5 * H });
  });

  test("what is half done takes half as long, and never nothing", () => {
    const half = look(model([H, H, H], 1, { work: { "o-0": { busy_ms: H / 2 } } })).work.p50;
    const over = look(model([H, H, H], 1, { work: { "o-0": { busy_ms: 9 * H } } })).work.p50;
    assert.ok(Math.abs(half - H / 2) < 1 && Math.abs(over - H / 10) < 1, `${half} ${over}`);
    const running = look(model([H, H, H], 1, { work: { "o-0": { busy_ms: 0, busy_since: NOW - H / 2 } } })).work.p50;
    assert.ok(Math.abs(running - H / 2) < 1);
  });

  test("outliers, nothing, and clocks that jumped spoil nothing", () => {
    const good = look(model([H, H, H, H, H], 10)).work.p85;
    const hung = look(model([H, H, H, H, 400 * H], 10)).work.p85;
    assert.ok(hung < 5 * good, "a command that hung over night");
    assert.equal(look(model([H, H, H, 0, -H, NaN, Infinity], 10)).work.p85, good);
    const made = model([H, H, H], 3);
    Object.assign(made.work.get("d-0"), { first_at: NOW + DAY, last_at: NOW - DAY });
    Object.assign(made.work.get("d-1"), { first_at: null, last_at: null, done_at: NOW + 9 * DAY });
    const f = look(made);
    assert.ok(Number.isFinite(f.wall.p50) && f.wall.p50 > 0 && f.pace > 0);
  });
});

group("what the forecast says of itself", () => {
  test("no open story: done", () => assert.deepEqual([look(model([H], 0)).state, look(fromSnapshot()).state, look(model([], 3, { words: ["done"] })).work], ["done", "done", null]));
  for (const [known, missing] of [[0, 3], [1, 2], [2, 1]]) {
    test(`${known} finished: ${missing} missing`, () => {
      const f = look(model(Array(known).fill(H), 4));
      assert.deepEqual([f.state, f.missing, f.work, f.calendar], ["unknown", missing, null, null]);
      assert.match(f.reason, new RegExp(`needs 3 finished stories.*${missing} more to go`));
    });
  }
  test("stories without a duration are no sample", () => assert.equal(look(model([H, H, 0, 0], 4)).missing, 1));
  test("blocked and own words are left aside, and counted so", () => {
    const f = look(model([H, H, H], 4, { words: ["backlog", "other"] }));
    assert.deepEqual([f.open, f.left_aside], [2, 2]);
  });
  test("no calendar while nothing runs and one day is all that is known", () => {
    const f = look(model([H, H, H], 2, { at: (i) => NOW - H - i * MIN }));
    assert.equal(f.calendar, null);
    assert.match(f.why_no_calendar, /two days/);
  });
  test("while something runs: by the clock from now", () => {
    const active = [{ story_key: "o-0", story_id: "o-0", epic_id: "1", command: "dev-story", task_id: "w", started_at: NOW, attempt: 1, source: "csv", message: null }];
    const f = look(model([H, H, H], 4, { more: { active }, at: (i) => NOW - (3 - i) * 2 * H }));
    assert.equal(f.calendar.basis, "batch");
    assert.equal(f.calendar.p50, NOW + f.wall.p50);
  });
  test("over days: slower than by the clock", () => {
    const f = look(model([H, H, H, H], 4, { at: (i) => NOW - (4 - i) * DAY }));
    assert.equal(f.calendar.basis, "days");
    assert.ok(f.calendar.p50 - NOW > 5 * f.wall.p50);
  });
  test("two at once are twice as fast, but the last one has nobody beside it", () => {
    const pairs = { at: (i) => NOW - Math.floor(i / 2) * 2 * H };
    const f = look(model([H, H, H, H, H, H], 10, pairs));
    assert.ok(Math.abs(f.pace - 2) < 1e-9);
    assert.ok(Math.abs(f.wall.p50 - 5 * H) < 1);
    assert.ok(Math.abs(look(model([H, H, H, H, H, H], 1, pairs)).wall.p50 - H) < 1);
  });
  test("a batch of so many cycles is over before the sprint is", () => {
    const batch = { id: 7, started_at: NOW - H, ended_at: null, max_cycles: 2, cycles_completed: 0, status: "running", origin: "managed", size: null, last_activity_at: NOW };
    const orchestrator = { status: "running", batch_id: 7, cycles_completed: 0, max_cycles: 2, current_stories: ["o-0"], batch_mode: "fixed", cycle_number: 1, parked_until: null };
    const f = look(model([H, H, H], 10, { more: { batch, orchestrator } }));
    assert.equal(f.batch.stories, 2);
    assert.ok(f.batch.p85 < f.calendar.p50);
    const whole = look(model([H, H, H], 10, { more: { batch: { ...batch, max_cycles: null }, orchestrator } }));
    assert.deepEqual([whole.batch.p50, whole.batch.p85], [whole.calendar.p50, whole.calendar.p85]);
  });
  test("5,000 stories", () => {
    const f = look(model(durationsOf(9, 5000), 5000));
    assert.deepEqual([f.open, f.samples], [5000, 5000]);
    assert.ok(f.work.p50 < f.work.p85);
  });
});

group("burn-up", () => {
  test("steps up at each end, from those done before", () => {
    const made = model([H, H, H], 2, { at: (i) => NOW - (3 - i) * DAY });
    made.work.get("d-0").done_at = null;
    const b = burnUp({ model: made, now: NOW });
    assert.equal(b.undated, 1);
    assert.deepEqual(b.done.map(({ n }) => n), [1, 2, 3, 3]);
    assert.deepEqual(b.scope.map(({ n }) => n), [5, 5]);
    assert.equal(b.to, NOW);
  });
  test("added and removed stories move the scope; it ends where it is", () => {
    const b = burnUp({ model: model([H], 4), now: NOW, changes: [{ at: NOW - 2 * H, by: 2 }, { at: NOW - H, by: -1 }, { at: NOW + H, by: 9 }] });
    assert.deepEqual(b.scope.map(({ n }) => n), [4, 6, 5, 5]);
    assert.equal(b.added, 2);
  });
  test("both lines go forward in time, end at now, are never negative and bounded, for 5,000 stories with jumping clocks", () => {
    const next = random(4);
    const b = burnUp({ model: model(durationsOf(4, 5000), 100, { at: () => NOW + (next() - 0.9) * 30 * DAY }), now: NOW, changes: Array.from({ length: 3000 }, () => ({ at: NOW - next() * 30 * DAY, by: next() < 0.5 ? 4 : -4 })) });
    for (const line of [b.done, b.scope]) {
      assert.ok(line.length <= 300);
      line.forEach(({ at, n }, i) => assert.ok(n >= 0 && at <= NOW && (i === 0 || at >= line[i - 1].at)));
      assert.equal(line.at(-1).at, NOW);
    }
    assert.deepEqual([b.done.at(-1).n, b.scope.at(-1).n], [5000, 5100]);
  });
  test("an empty sprint", () => assert.deepEqual(burnUp({ model: fromSnapshot(), now: NOW }).done, [{ at: NOW, n: 0 }, { at: NOW, n: 0 }]));
});

test("what the first reading found was there before", () => {
  const told = (timestamp, old_status, new_status, more = {}) => ({ id: 1, type: "story:status", timestamp, payload: { story_key: "a", old_status, new_status, ...more } });
  const events = [told(1, null, "backlog"), told(1, null, "done"), told(1, "backlog", "review"), told(5, null, "backlog"), told(6, "review", "done"), told(7, "backlog", null), told(8, null, "backlog", { imported: true })];
  assert.deepEqual(scopeChanges(events), [{ at: 5, by: 1 }, { at: 7, by: -1 }]);
  assert.deepEqual(scopeChanges([]), []);
});
