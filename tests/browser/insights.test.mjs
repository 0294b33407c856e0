/** What the sprint has cost, and what the charts say of it. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { effort, median } from "../../public/js/effort.js";
import { forecast } from "../../public/js/forecast.js";
import { commandWords, costWords, forecastWords, percent, retryWords, reviewWords, scopeWords, slowWords, throughputWords, tokenWord } from "../../public/js/insight-words.js";
import { fromSnapshot } from "../../public/js/model.js";
import { ceiling, moments, ticks } from "../../public/js/views/charts.js";

const NOW = new Date(2026, 0, 10, 12, 0).getTime();
const MIN = 60_000;
const H = 60 * MIN;
const DAY = 24 * H;
const BLANK = { first_at: null, last_at: null, busy_ms: 0, busy_since: null, runs: 0, reviews: 0, failures: 0, last: null, done_at: null, note: null, input_tokens: 0, output_tokens: 0, cost_usd: 0 };

/** @param {Record<string, [string, any]>} stories word and work of each key @param {any[]} [commands] */
function model(stories, commands = []) {
  const made = fromSnapshot({ sprint: { stories: Object.entries(stories).map(([story_key, [word]]) => ({ story_key, story_id: story_key, epic_id: "1", title: null, status: word, status_class: word, updated_at: null })) } });
  made.work = new Map(Object.entries(stories).map(([key, [, work]]) => [key, { ...BLANK, ...work }]));
  made.effort = commands.map((one) => ({ runs: 0, failed: 0, busy_ms: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0, ...one }));
  return made;
}
const look = (made) => effort(made, { now: NOW });

group("what it has cost", () => {
  test("commands in the order of a story's way, with mean and share", () => {
    const { commands } = look(model({}, [{ command: "weather", runs: 1, busy_ms: H }, { command: "commit", runs: 2 }, { command: "dev-story", runs: 4, failed: 1, busy_ms: 3 * H }, { command: "create-story", runs: 0 }]));
    assert.deepEqual(commands.list.map(({ command, mean_ms, share }) => [command, mean_ms, share]), [["dev-story", 45 * MIN, 0.75], ["commit", null, 0], ["weather", H, 0.25]]);
    assert.deepEqual([commands.total_ms, commands.runs, commands.failed], [4 * H, 7, 1]);
    assert.equal(commandWords(commands), "Most of the time goes into dev-story: 75 % of 4 h. 1 run of 7 failed.");
  });

  test("reviews of the stories that are done", () => {
    const done = (reviews) => ["done", { reviews }];
    const { reviews } = look(model({ a: done(1), b: done(2), c: done(2), d: done(5), e: done(0), f: ["review", { reviews: 9 }] }));
    assert.deepEqual(reviews.columns.map(({ stories }) => stories), [1, 2, 0, 0, 1]);
    assert.equal(reviewWords(reviews), "Half of the four finished stories needed two reviews or fewer; the most was five.");
    assert.equal(reviewWords(look(model({ a: done(1), b: done(1) })).reviews), "All two finished stories passed their first review.");
    assert.equal(reviewWords(look(model({ a: done(3) })).reviews), "The one finished story needed three reviews.");
    assert.equal(reviewWords(look(model({})).reviews), "");
    const many = look(model({ a: done(99), b: done(8) })).reviews;
    assert.deepEqual([many.columns.length, many.columns.at(-1).stories, many.most], [8, 2, 99], "the last column takes all the rest");
  });

  test("each day its stories, gaps included, until today; another day's clock is today's", () => {
    const at = (days) => ["done", { done_at: NOW - days * DAY }];
    const { days } = look(model({ a: at(3), b: at(3), c: at(1), d: at(-40), e: ["review", { done_at: NOW }], f: ["done", {}] }));
    assert.deepEqual(days.list.map(({ done }) => done), [2, 0, 1, 1]);
    assert.deepEqual([days.total, days.active], [4, 3]);
    assert.match(throughputWords(days, 1.234), /^4 stories finished on three days, lately 1\.2 a day; the best day was Wed, Jan 7 with two\.$/);
    assert.equal(throughputWords(look(model({})).days, null), "");
    assert.ok(look(model({ a: ["done", { done_at: 1 }], b: at(0) })).days.list.length <= 367, "bounded");
  });

  test("tokens and money: what nobody told is not nothing", () => {
    const none = look(model({ a: ["done", {}] }, [{ command: "dev-story", runs: 1 }])).costs;
    assert.deepEqual([none.cost_usd, none.input_tokens, none.story_cost, none.dearest], [null, null, null, null]);
    assert.equal(costWords(none), "");
    const some = look(model({ a: ["done", { cost_usd: 1 }], b: ["done", { cost_usd: 3, output_tokens: 50 }], c: ["backlog", { cost_usd: 9 }] }, [{ command: "dev-story", cost_usd: 9, input_tokens: 10 }, { command: "commit", cost_usd: 1 }])).costs;
    assert.deepEqual([some.cost_usd, some.input_tokens, some.output_tokens, some.story_cost], [10, 10, null, 2]);
    assert.equal(costWords(some), "Half of the finished stories cost $2.00 or less. 90 % of the money went into dev-story.");
  });

  test("the longest and the most retried, bounded", () => {
    const stories = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`1-${i}`, ["done", { busy_ms: (i + 1) * MIN, reviews: i % 4, failures: i === 7 ? 3 : 0 }]]));
    stories["2-1"] = ["in-progress", { busy_ms: MIN, busy_since: NOW - 2 * H }];
    const { slowest, retried, typical_ms } = look(model(stories));
    assert.deepEqual([slowest.length, slowest[0].story_key, slowest[0].n], [6, "2-1", 2 * H + MIN]);
    assert.deepEqual([retried[0].story_key, retried[0].n], ["1-7", 5]);
    assert.equal(slowWords({ slowest, typical_ms }), "Half of the finished stories took 20 min or less; the longest, 2-1, is at 2 h 1 min.");
    assert.match(retryWords(retried), /^1-7 needed five more tries/);
    assert.equal(retryWords([]), "");
  });

  test("numbers that are none do no harm", () => {
    const e = look(model({ a: ["done", { busy_ms: NaN, reviews: null, done_at: Infinity, cost_usd: "9" }], __proto__x: ["done", { busy_ms: -5 }] }, [{ command: "dev-story", runs: 1, busy_ms: Infinity, cost_usd: null }]));
    assert.deepEqual([e.slowest, e.retried, e.days.list, e.costs.cost_usd, e.commands.total_ms], [[], [], [], null, 0]);
  });

  test("a model without any of it", () => {
    const bare = fromSnapshot();
    delete bare.work;
    delete bare.effort;
    assert.deepEqual([look(bare).commands.list, look(bare).slowest], [[], []]);
  });
});

group("in words", () => {
  const f = (durations, open, how = {}) => {
    const made = model(Object.fromEntries([...durations.map((busy_ms, i) => [`d${i}`, ["done", { busy_ms, first_at: NOW - (i + 1) * DAY - busy_ms, last_at: NOW - (i + 1) * DAY, done_at: NOW - (i + 1) * DAY }]]), ...Array.from({ length: open }, (_, i) => [`o${i}`, ["backlog", {}]])]));
    Object.assign(made, how);
    return forecastWords(forecast({ model: made, now: NOW, seed: 1 }), NOW);
  };
  const active = [{ story_key: "o0", story_id: "o0", epic_id: "1", command: "dev-story", task_id: "w", started_at: NOW, attempt: 1 }];
  test("the forecast", () => {
    assert.equal(f([], 0), "");
    assert.equal(f([H], 0), "No story is open.");
    assert.match(f([H, H], 3), /^3 stories are open\. A forecast needs 3 finished stories whose working time is known; 2 are known, 1 more to go\.$/);
    assert.equal(f([H, H, H], 2, { active }), "The 2 open stories need about 2 h of work: even odds for 14:00, if work goes on without a pause.");
    assert.match(f([H, H, H], 2), /^The 2 open stories need about 2 h of work: even odds for .*, at the pace of the days so far\.$/);
    assert.match(f([H, 2 * H, 3 * H, H], 1, { active }), /The 1 open story needs .* to .* of work: even odds for \d\d:\d\d, 85 % for \d\d:\d\d/);
  });
  test("scope, shares, tokens", () => {
    assert.equal(scopeWords({ added: 1, undated: 2 }), "1 story was added on the way. 2 stories were done before anybody watched.");
    assert.equal(scopeWords({ added: 0, undated: 0 }), "");
    assert.deepEqual([0, 0.004, 0.5, 1].map(percent), ["0 %", "under 1 %", "50 %", "100 %"]);
    assert.deepEqual([null, 12, 9999, 10_000, 1_240_000, 31_000_000].map(tokenWord), ["–", "12", "9,999", "10 k", "1.2 M", "31 M"]);
    assert.deepEqual([median([]), median([3]), median([4, 1]), median([9, 1, 2])], [null, 3, 2.5, 2]);
  });
});

group("axes", () => {
  test("a round number above, in whole and equal steps", () => {
    for (let n = 1; n < 20_000; n += 1 + Math.floor(n / 7)) {
      const top = ceiling(n);
      const marks = ticks(top);
      assert.ok(top >= n && top <= Math.max(5, n * 2), `${n}: ${top}`);
      assert.ok(marks.length <= 6 && marks[0] === 0 && marks.at(-1) === top && marks.every(Number.isInteger), `${top}: ${marks}`);
    }
    assert.deepEqual([1, 3, 16, 18, 5000].map(ceiling), [1, 3, 16, 20, 5000]);
  });
  test("moments within the span, never many, for a minute and for years", () => {
    for (const ms of [0, 1000, 5 * MIN, H, 7 * H, DAY, 9 * DAY, 100 * DAY, 2000 * DAY]) {
      const { list } = moments(NOW - ms, NOW, 6);
      assert.ok(list.length >= 1 && list.length <= 8, `${ms}: ${list.length}`);
      assert.ok(list.every((at) => at >= NOW - ms && at <= NOW));
    }
  });
});
