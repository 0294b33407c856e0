/** The timeline's pure parts: rows, lanes, the folded line of time, marks on it, what is in sight. Needs no browser. */
import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { axisOf, merged, MOST_Z, scaleOf, threshold, zoomFor } from "../../public/js/timeline/axis.js";
import { follow, fromAddress, look, pan, reveal, toAddress, zoom } from "../../public/js/timeline/camera.js";
import { LEAST, piecesOf, untilOf, worst } from "../../public/js/timeline/clip.js";
import { asOf, commandBase, fold, fromAnswer } from "../../public/js/timeline/fold.js";
import { ordinal, pack, storiesOf } from "../../public/js/timeline/lanes.js";
import { between, chosen, linesOf, ordered, stack } from "../../public/js/timeline/layout.js";
import { attemptWords, blockWords, groupWords } from "../../public/js/timeline/say.js";
import { stepFor, STEPS, ticksOf } from "../../public/js/timeline/ticks.js";

const T = 1_767_225_600_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Numbers that look thrown but are the same each time. @param {number} seed */
function dice(seed) {
  let s = seed >>> 0;
  return (n) => {
    s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((s / 2 ** 32) * n);
  };
}
const many = (law, n = 60) => { for (let seed = 1; seed <= n; seed += 1) law(dice(seed * 7919), seed); };
const row = (story_key, command, task_id, start, end, more = {}) => ({ story_key, epic_id: "1", command, task_id, attempt: 1, start, end, status: end === null ? "running" : "completed", batch_id: 1, ...more });

/** @param {(n: number) => number} roll */
function night(roll, n = 12) {
  let at = T;
  return Array.from({ length: n }, () => {
    at += roll(4) ? roll(5 * MINUTE) : roll(3 * HOUR);
    const from = at;
    if (roll(5)) at += roll(20 * MINUTE);
    return { from, to: roll(5) ? at : from + roll(40 * MINUTE) };
  });
}
/** @param {(n: number) => number} roll */
const someAxis = (roll) => {
  const spans = night(roll, 1 + roll(30));
  const start = spans[0].from - roll(2) * roll(HOUR);
  const end = Math.max(...spans.map((one) => one.to)) + roll(2) * roll(4 * HOUR);
  return { spans, axis: axisOf(spans, { start, end, fold: roll(6) > 0 }) };
};

group("the line of time", () => {
  test("what is merged is in order, doesn't touch, and covers the same", () => many((roll) => {
    const spans = night(roll, roll(20));
    const found = merged(spans);
    for (let i = 1; i < found.length; i += 1) assert.ok(found[i].from > found[i - 1].to);
    for (const one of spans) assert.ok(found.some((span) => span.from <= one.from && one.to <= span.to));
    for (const { from, to } of found) assert.ok(spans.some((one) => one.from === from) && spans.some((one) => one.to === to));
  }));

  test("only long stretches in which nothing ran are folded, and all of them", () => many((roll) => {
    const { spans } = someAxis(roll);
    const start = spans[0].from;
    const end = Math.max(...spans.map((one) => one.to)) + HOUR;
    const { gaps } = axisOf(spans, { start, end, longer: 10 * MINUTE });
    for (const gap of gaps) {
      assert.ok(gap.to - gap.from > 10 * MINUTE);
      assert.ok(!spans.some((one) => one.from < gap.to && one.to > gap.from));
    }
    const busy = merged(spans);
    const idle = busy.slice(1).map((one, i) => ({ from: busy[i].to, to: one.from })).concat({ from: busy.at(-1).to, to: end });
    assert.deepEqual(gaps, idle.filter((one) => one.to - one.from > 10 * MINUTE));
  }));

  test("from which length on is folded: a minute at least, a quarter of an hour at most", () => {
    assert.equal(threshold([{ from: 0, to: 1000 }]), MINUTE);
    assert.equal(threshold([{ from: 0, to: 2 * HOUR }]), 6 * MINUTE);
    assert.equal(threshold([{ from: 0, to: 90 * HOUR }]), 15 * MINUTE);
  });

  test("the map rises, holds everywhere, and can be turned round", () => many((roll) => {
    const { axis } = someAxis(roll);
    const width = 200 + roll(3000);
    const scale = scaleOf(axis, 10 ** -(1 + roll(6)), width);
    let [before, last] = [-Infinity, -Infinity];
    for (let i = -3; i < 60; i += 1) {
      const t = axis.start + ((axis.end - axis.start) * i) / 50;
      const x = scale.x(t);
      assert.ok(Number.isFinite(x) && (t <= last || x > before), `${t}: ${x}`);
      assert.ok(Math.abs(scale.t(x) - t) < 1 + (axis.end - axis.start) * 1e-9, "turned round");
      [before, last] = [x, t];
    }
    assert.equal(scale.x(axis.start), 0);
    assert.ok(Math.abs(scale.x(axis.end) - scale.width) < 1e-6);
    for (const gap of scale.gaps) {
      assert.ok(gap.width <= 56 && gap.width <= (gap.to - gap.from) * scale.z + 1e-6, "a fold is never wider than what it folds");
      assert.ok(Math.abs(scale.x(gap.to) - scale.x(gap.from) - gap.width) < 1e-3);
    }
  }));

  test("many folds never take more than about a third of what is seen", () => {
    const spans = Array.from({ length: 200 }, (_, i) => ({ from: T + i * HOUR, to: T + i * HOUR + 20 * MINUTE }));
    const axis = axisOf(spans, { start: T, end: T + 200 * HOUR });
    const z = zoomFor(axis, axis.start, axis.end, 3600);
    const folds = scaleOf(axis, z, 3600).gaps.reduce((sum, gap) => sum + gap.width, 0);
    assert.ok(folds <= 3600 * 0.36, String(folds));
  });

  test("the zoom for a stretch lets it fill the width", () => many((roll) => {
    const { axis } = someAxis(roll);
    const from = axis.start + roll(axis.end - axis.start - 1);
    const to = from + MINUTE + roll(axis.end - from + HOUR);
    const z = zoomFor(axis, from, to, 900);
    const scale = scaleOf(axis, z, 900);
    const folded = axis.gaps.some((gap) => gap.from <= from && gap.to >= to);
    assert.ok(folded || z === MOST_Z || Math.abs(scale.x(to) - scale.x(from) - 900) < 0.5, String(scale.x(to) - scale.x(from)));
  }));
});

group("what is looked at", () => {
  const sceneOf = (/** @type {(n: number) => number} */ roll) => {
    const { axis } = someAxis(roll);
    return { axis, width: 300 + roll(1500), now: roll(2) ? axis.end : axis.start + roll(axis.end - axis.start), since: roll(2) ? axis.start + roll(axis.end - axis.start) : null };
  };

  test("at first all of it is seen", () => many((roll) => {
    const scene = sceneOf(roll);
    const seen = look({ mode: "fit" }, scene);
    assert.ok(seen.from <= scene.axis.start && seen.to >= scene.axis.end);
    assert.ok(seen.scale.width > scene.width * 0.5 || seen.scale.z >= 0.19);
  }));

  test("zooming keeps the time under the pointer", () => many((roll) => {
    const scene = sceneOf(roll);
    let camera = { mode: "fit" };
    for (let i = 0; i < 12; i += 1) {
      const before = look(camera, scene);
      const px = roll(scene.width);
      const held = before.scale.t(before.left + px);
      camera = zoom(camera, scene, roll(2) ? 1.5 : 0.7, px);
      const after = look(camera, scene);
      const x = after.scale.x(held) - after.left;
      const pushed = after.left <= -0.84 * scene.width || after.left >= after.scale.width - 0.16 * scene.width;
      assert.ok(pushed || Math.abs(x - px) < 1, `${x} is not ${px}`);
    }
  }));

  test("there and back again is where one was", () => many((roll) => {
    const scene = sceneOf(roll);
    const first = zoom({ mode: "fit" }, scene, 3, scene.width / 2);
    const back = look(pan(pan(first, scene, 40), scene, -40), scene);
    const seen = look(first, scene);
    if (Math.abs(look(pan(first, scene, 40), scene).left - seen.left - 40) > 1) return;
    assert.ok(Math.abs(back.left - seen.left) < 1, `${back.left} is not ${seen.left}`);
    assert.ok(Math.abs(Math.log(back.scale.z / seen.scale.z)) < 1e-3, `${back.scale.z} is not ${seen.scale.z}`);
  }));

  test("what there is can't be lost out of sight", () => many((roll) => {
    const scene = sceneOf(roll);
    for (const px of [-1e9, 1e9]) {
      const seen = look(pan({ mode: "fit" }, scene, px), scene);
      assert.ok(seen.to > scene.axis.start && seen.from < scene.axis.end);
    }
  }));

  test("following, the present stays in its place; the last hour is an hour", () => many((roll) => {
    const scene = sceneOf(roll);
    const camera = follow(zoom({ mode: "fit" }, scene, 4), scene);
    const seen = look(camera, scene);
    const x = seen.scale.x(Math.min(scene.now, scene.axis.end)) - seen.left;
    assert.ok(Math.abs(x - 0.88 * scene.width) < 1, String(x));
    const hour = look({ mode: "hour" }, scene);
    assert.ok(hour.from <= Math.max(scene.axis.start, scene.now - HOUR) && hour.to >= Math.min(scene.now, scene.axis.end));
  }));

  test("what is to be shown comes into sight, and nothing moves when it is there", () => many((roll) => {
    const scene = sceneOf(roll);
    const near = zoom({ mode: "fit" }, scene, 6, 10);
    const from = scene.axis.start + roll(scene.axis.end - scene.axis.start);
    const to = Math.min(scene.axis.end, from + roll(10 * MINUTE));
    const shown = reveal(near, scene, from, to);
    const seen = look(shown, scene);
    assert.ok(seen.scale.x(to) > seen.left && seen.scale.x(from) < seen.left + seen.width);
    assert.equal(reveal(shown, scene, from, to), shown);
  }));

  test("the address restores it", () => {
    for (const camera of [{ mode: "fit" }, { mode: "hour" }, { mode: "running" }, { mode: "free", from: T, to: T + HOUR }, { mode: "follow", z: 0.0125 }]) {
      const params = new URLSearchParams(Object.entries(toAddress(camera)).filter(([, value]) => value));
      assert.deepEqual(fromAddress(params), camera);
    }
    for (const odd of ["from=x&to=3", "from=5&to=5", "from=9&to=1", "span=week", "from=-4&to=9"]) assert.deepEqual(fromAddress(new URLSearchParams(odd)), { mode: "fit" });
  });
});

group("marks of time", () => {
  const offset = () => 2 * HOUR;

  test("steps are round and wide enough", () => {
    for (const step of STEPS) assert.equal(stepFor(76 / step, 76), step);
    assert.ok(stepFor(1e-12, 76) * 1e-12 >= 76);
  });

  test("labels never touch, marks rise, stand at round times outside of folds", () => many((roll) => {
    const { axis } = someAxis(roll);
    const scene = { axis, width: 200 + roll(2000), now: axis.end, since: null };
    let camera = { mode: "fit" };
    for (let i = 0; i < 8; i += 1) {
      const seen = look(camera, scene);
      const { step, ticks } = ticksOf(seen, { offset });
      assert.ok(ticks.length < 2000);
      let [last, label] = [-Infinity, -Infinity];
      for (const tick of ticks) {
        assert.ok(tick.x > last && tick.x >= 0 && tick.x <= scene.width);
        assert.equal((tick.t + offset()) % step, 0);
        assert.ok(!axis.gaps.some((gap) => tick.t > gap.from && tick.t < gap.to), "a mark within a fold");
        if (tick.label) { assert.ok(tick.x - label >= 76); label = tick.x; }
        last = tick.x;
      }
      camera = zoom(camera, scene, 4, roll(scene.width));
    }
  }));

  test("each day is told once", () => {
    const axis = axisOf([{ from: T, to: T + 60 * HOUR }], { start: T, end: T + 60 * HOUR });
    const { ticks } = ticksOf(look({ mode: "fit" }, { axis, width: 1000, now: axis.end, since: null }), { offset: () => 0 });
    const days = ticks.filter((tick) => tick.day).map((tick) => Math.floor(tick.t / 86_400_000));
    assert.deepEqual(days, [...new Set(days)]);
    assert.equal(days.length, 3);
  });

  test("where clocks change, marks keep to round hours", () => {
    const change = T + 30 * HOUR;
    const berlin = (t) => (t < change ? HOUR : 2 * HOUR);
    const axis = axisOf([{ from: T, to: T + 60 * HOUR }], { start: T, end: T + 60 * HOUR });
    const { step, ticks } = ticksOf(look({ mode: "fit" }, { axis, width: 900, now: axis.end, since: null }), { offset: berlin });
    assert.equal(step, 6 * HOUR);
    for (const tick of ticks) assert.equal((tick.t + berlin(tick.t)) % step, 0, new Date(tick.t).toISOString());
  });
});

group("rows to lanes", () => {
  const S = "1-1-a";
  const one = (rows, end = T + 10 * HOUR) => storiesOf(rows, end)[0];

  test("a whole with its phases is one block", () => {
    const story = one([row(S, "dev-story", "workflow", T, T + 9 * MINUTE), row(S, "dev-story", "setup", T, T + MINUTE), row(S, "dev-story", "implement", T + MINUTE, T + 8 * MINUTE)]);
    assert.equal(story.blocks.length, 1);
    const [block] = story.blocks;
    assert.deepEqual([block.start, block.end, block.until, block.phases.map((phase) => phase.task)], [T, T + 9 * MINUTE, T + 9 * MINUTE, ["setup", "implement"]]);
  });

  test("an agent takes in the workflow it reports, and phases told to the second", () => {
    const story = one([row(S, "dev-story", "agent", T + 386, T + 9 * MINUTE), row(S, "dev-story", "workflow", T + 1000, T + 8 * MINUTE), row(S, "dev-story", "setup", T, T + 1000)]);
    assert.deepEqual(story.blocks.map((block) => [block.start, block.end, block.phases.length]), [[T + 386, T + 9 * MINUTE, 1]]);
  });

  test("phases without a whole that follow each other are one block, others are not", () => {
    const rows = [row(S, "dev-story", "setup", T, T + MINUTE), row(S, "dev-story", "tests", T + MINUTE + 5000, T + 3 * MINUTE), row(S, "dev-story", "tests", T + HOUR, T + HOUR + MINUTE)];
    assert.deepEqual(one(rows).blocks.map((block) => [block.start - T, block.end - T, block.run]), [[0, 3 * MINUTE, 1], [HOUR, HOUR + MINUTE, 2]]);
  });

  test("attempts and runs have their numbers", () => {
    const rows = [
      row(S, "dev-story", "agent", T, T + 5, { status: "failed" }), row(S, "dev-story", "agent", T + MINUTE, T + 2 * MINUTE),
      row(S, "code-review", "agent", T + 3 * MINUTE, T + 4 * MINUTE), row(S, "code-review", "agent", T + 5 * MINUTE, T + 6 * MINUTE, { attempt: 2 }), row(S, "code-review", "agent", T + 7 * MINUTE, null, { attempt: 2 }),
    ];
    const { blocks, running, failed } = one(rows);
    assert.deepEqual(blocks.map((block) => [block.command, ordinal(block), attemptWords(block)]),
      [["dev-story", null, ""], ["dev-story", 2, "run 2"], ["code-review", null, ""], ["code-review", 2, "attempt 2"], ["code-review", 2, "attempt 2, begun again"]]);
    assert.deepEqual([running, failed], [true, false]);
  });

  test("a command that nobody saw end is drawn to where the story went on, else to where all ended", () => {
    const rows = [row(S, "dev-story", "agent", T, null, { status: "lost" }), row(S, "dev-story", "setup", T + MINUTE, T + 2 * MINUTE), row(S, "dev-story", "agent", T + HOUR, null, { status: "lost" })];
    assert.deepEqual(one(rows, T + 3 * HOUR).blocks.map((block) => [block.end, block.until - T, block.sign - T]), [[null, HOUR, 2 * MINUTE], [null, 3 * HOUR, HOUR]]);
  });

  test("no row is lost or doubled, no two blocks of a track overlap, and no track is missing", () => many((roll) => {
    const rows = Array.from({ length: 1 + roll(60) }, () => {
      const start = T + roll(3 * HOUR);
      const end = roll(8) ? start + roll(30 * MINUTE) : null;
      return row(`1-${roll(4)}-x`, ["dev-story", "code-review", "commit"][roll(3)], ["agent", "workflow", "setup", "tests"][roll(4)], start, end, { attempt: 1 + roll(2), status: end === null ? ["running", "lost"][roll(2)] : ["completed", "failed"][roll(2)] });
    });
    const stories = storiesOf(rows, T + 4 * HOUR);
    assert.equal(stories.flatMap((story) => story.blocks.flatMap((block) => block.phases)).length, rows.filter((one) => !["agent", "workflow"].includes(one.task_id)).length);
    for (const story of stories) {
      assert.equal(new Set(story.blocks.map((block) => block.id)).size, story.blocks.length, "an id is taken twice");
      assert.deepEqual(story.commands.flatMap((command) => command.blocks).length, story.blocks.length);
      assert.equal(story.running, rows.some((one) => one.story_key === story.key && one.status === "running" ) && story.blocks.some((block) => block.status === "running"));
      for (const block of story.blocks) {
        assert.ok(block.track < block.tracks);
        for (const other of story.blocks) {
          if (other === block || other.track !== block.track) continue;
          const [a, b] = [block, other].map((each) => ({ from: each.start, to: each.until ?? Infinity }));
          assert.ok(a.to <= b.from || b.to <= a.from, "two blocks in one place");
        }
      }
    }
  }, 120));

  test("stories whose rows stayed are the same objects", () => {
    const kept = fromAnswer(1, { batch: { id: 1, status: "running" }, segments: [row("1-1-a", "dev-story", "agent", T, null), row("1-2-b", "dev-story", "agent", T, null)] });
    const memo = new Map();
    const [a, b] = storiesOf(kept.rows, T, kept.touched, memo);
    fold(kept, { id: 9, type: "command:end", timestamp: T + 5, batch_id: 1, payload: { story_key: "1-1-a", command: "dev-story", task_id: "agent", status: "end" } });
    const [c, d] = storiesOf(kept.rows, T + 5, kept.touched, memo);
    assert.ok(a !== c && b === d && c.blocks[0].end === T + 5);
  });

  test("on its own lane a command needs no room for those beside it", () => {
    const story = one([row(S, "create-story", "workflow", T, T + 50), row(S, "story-discovery", "workflow", T + 5, T + 40)]);
    assert.deepEqual(story.blocks.map((block) => block.tracks), [2, 2]);
    assert.ok(story.commands.every((command) => command.blocks.every((block) => block.tracks === 1)));
  });

  test("the packing of what stands alone needs one track", () => {
    const blocks = [[0, 5], [5, 9], [12, 20]].map(([start, until]) => ({ start, until, track: 9, tracks: 9 }));
    pack(/** @type {any} */ (blocks));
    assert.ok(blocks.every((block) => block.track === 0 && block.tracks === 1));
  });
});

group("rows kept up by events", () => {
  const begun = () => fold(fromAnswer("newest", { batch: null, segments: [] }), { id: 1, type: "batch:start", timestamp: T, batch_id: 1, payload: { batch_id: 1, started_at: T } });
  const event = (type, more, timestamp, batch_id = 1) => ({ id: 2, type: `command:${type}`, timestamp, batch_id, source: "csv", payload: { story_key: "1-1-a", story_id: "1-1", epic_id: "1", command: "code-review-2", task_id: "tests", ...more } });
  const plain = (kept) => kept.rows.map(({ command, attempt, start, end, status }) => [command, attempt, start - T, end === null ? null : end - T, status]);

  test("commands' names and attempts", () => {
    for (const [word, base, attempt] of [["code-review-2", "code-review", 2], ["sprint-code-review #3", "code-review", 3], ["dev-story", "dev-story", 1], ["-2", "-2", 1], ["", "", 1], ["step 12", "step", 12]]) {
      assert.deepEqual(commandBase(word), [base, attempt], word);
    }
  });

  test("start and end; a second start; an end without a start; a left-open one", () => {
    const kept = begun();
    for (const one of [event("start", {}, T + 1), event("start", {}, T + 2), event("end", { status: "failed" }, T + 3), event("end", { status: "zero-issues" }, T + 4), event("start", {}, T + 5), event("end", { status: "left-open" }, T + 6)]) fold(kept, one);
    assert.deepEqual(plain(kept), [["code-review", 2, 1, null, "lost"], ["code-review", 2, 2, 3, "failed"], ["code-review", 2, 4, 4, "completed"], ["code-review", 2, 5, null, "lost"]]);
  });

  test("a late row of a batch that has ended, and its late end", () => {
    const kept = begun();
    fold(kept, { id: 3, type: "batch:end", timestamp: T + 9, batch_id: 1, payload: { batch_id: 1, status: "completed" } });
    fold(kept, event("start", {}, T + 10));
    assert.deepEqual(plain(kept), [["code-review", 2, 10, null, "lost"]]);
    fold(kept, event("end", { status: "end" }, T + 12));
    assert.deepEqual(plain(kept), [["code-review", 2, 10, 12, "completed"]]);
    assert.deepEqual([kept.batch.ended_at, kept.batch.status], [T + 9, "completed"]);
  });

  test("rows of no batch, of another one, of the project context and imported ones are left alone", () => {
    const kept = begun();
    for (const one of [event("start", {}, T, null), event("start", {}, T, 7), event("start", { story_key: "context", epic_id: "context" }, T), event("start", { imported: true }, T)]) fold(kept, one);
    assert.deepEqual(kept.rows, []);
  });

  test("a new batch takes the place of the old one, unless another was asked for", () => {
    const next = { id: 9, type: "batch:start", timestamp: T + 99, batch_id: 2, payload: { batch_id: 2, started_at: T + 99 } };
    const [newest, first] = [fold(begun(), event("start", {}, T)), fold({ ...begun(), scope: 1 }, event("start", {}, T))];
    fold(newest, next);
    fold(first, next);
    assert.deepEqual([newest.batch.id, newest.rows.length, first.batch.id, first.rows.length], [2, 0, 1, 1]);
  });

  test("an event that the answer holds changes nothing, one that came later does, at whatever time", () => {
    const answer = { batch: { id: 1, status: "running" }, last_event_id: 7, segments: [row("1-1-a", "code-review", "tests", T, T + 5, { attempt: 2 }), row("1-1-a", "code-review", "tests", T + 6, null, { attempt: 2 })] };
    const kept = fromAnswer("newest", answer);
    const before = plain(kept);
    for (const [id, one] of [event("start", {}, T), event("end", { status: "end" }, T + 5), event("start", {}, T + 6)].entries()) fold(kept, { ...one, id: id + 5 });
    assert.deepEqual(plain(kept), before);
    fold(kept, { ...event("end", { status: "end" }, T + 6), id: 8 });
    fold(kept, { ...event("start", {}, T + 6), id: 9 });
    assert.deepEqual(kept.rows.map((one) => [one.start - T, one.end && one.end - T]), [[0, 5], [6, 6], [6, null]]);
  });

  test("of a moment only what had begun is there, and what ended later is open", () => {
    const rows = [row("a", "dev-story", "agent", T, T + 5), row("a", "dev-story", "agent", T + 6, T + 9), row("a", "dev-story", "agent", T + 11, T + 12)];
    assert.deepEqual(asOf(rows, T + 7).map((one) => [one.start - T, one.end && one.end - T, one.status]), [[0, 5, "completed"], [6, null, "running"]]);
    assert.deepEqual(asOf(rows, T + 100), rows);
  });
});

group("what is in sight", () => {
  test("lines between two heights, whatever their heights", () => many((roll) => {
    const lines = Array.from({ length: roll(80) }, () => ({ height: 1 + roll(90) }));
    const tops = stack(lines);
    const [from, to] = [roll(3000) - 200, roll(4000)].sort((a, b) => a - b);
    const [first, last] = between(tops, from, to);
    lines.forEach((_, i) => {
      const inside = tops[i + 1] > from && tops[i] < to;
      if (inside) assert.ok(i >= first && i < last);
    });
    assert.ok(first >= 0 && last <= lines.length && first <= last);
  }));

  test("however many blocks there are, few pieces are drawn, each in sight, none forgotten", () => many((roll) => {
    const blocks = Array.from({ length: 2000 }, (_, i) => ({ id: String(i), start: T + i * 10_000, until: roll(50) ? T + i * 10_000 + roll(9000) : T + i * 10_000, track: 0, tracks: 1, status: roll(40) ? "completed" : "failed" }));
    const axis = axisOf([{ from: T, to: T + 20_000_000 }], { start: T, end: T + 20_000_000 });
    const scene = { axis, width: 400 + roll(1200), now: axis.end, since: null };
    let camera = { mode: "fit" };
    for (let i = 0; i < 6; i += 1) {
      const seen = look(camera, scene);
      const pieces = piecesOf(/** @type {any} */ (blocks), seen, axis.end);
      assert.ok(pieces.length <= seen.width / (LEAST - 0.5) + 40, `${pieces.length} pieces`);
      for (const piece of pieces) assert.ok(piece.x >= -40 && piece.x <= seen.width + 1 && piece.width >= LEAST && piece.x + piece.width <= seen.width + 41 + LEAST);
      const drawn = new Set(pieces.flatMap((piece) => piece.blocks));
      for (const block of blocks) if (block.start >= seen.from && untilOf(/** @type {any} */ (block), axis.end) <= seen.to) assert.ok(drawn.has(/** @type {any} */ (block)));
      camera = zoom(camera, scene, 5, roll(scene.width));
    }
  }, 8));

  test("the worst of what is drawn together is told", () => {
    const of = (...words) => worst(/** @type {any} */ (words.map((status) => ({ status }))));
    assert.equal(of("completed", "failed", "running"), "failed");
    assert.equal(of("completed", "lost"), "lost");
    assert.equal(of("completed"), "completed");
  });

  test("filters, order, open stories", () => {
    const stories = storiesOf([
      row("1-2-b", "dev-story", "agent", T, T + 5, { status: "failed" }), row("1-1-a", "dev-story", "agent", T + 9, null),
      row("2-1-c", "code-review", "agent", T + 4, T + 5, { epic_id: "2" }), row("2-1-c", "code-review", "agent", T + 6, T + 7, { epic_id: "2", attempt: 2 }),
    ], T + 20);
    const keys = (choice) => chosen(stories, { q: "", epic: "", only: "", ...choice }, (key) => (key === "1-1-a" ? "Lantern <b>" : "")).map((story) => story.key);
    assert.deepEqual([keys({ q: "lantern <b>" }), keys({ epic: "2" }), keys({ only: "running" }), keys({ only: "failed" }), keys({ only: "retried" }), keys({ q: "review" })], [["1-1-a"], ["2-1-c"], ["1-1-a"], ["1-2-b"], ["2-1-c"], ["2-1-c"]]);
    const places = new Map([["2-1-c", 0], ["1-1-a", 1]]);
    assert.deepEqual([ordered(stories, "", places), ordered(stories, "sprint", places)].map((list) => list.map((story) => story.key)), [["1-2-b", "2-1-c", "1-1-a"], ["2-1-c", "1-1-a", "1-2-b"]]);
    const lines = linesOf(stories, { isOpen: (key) => key === "2-1-c", selected: stories[0].blocks[0].id, heights: { story: 34, command: 28, details: 100 } });
    assert.deepEqual(lines.map((line) => [line.kind, line.story.key]), [["story", "1-2-b"], ["details", "1-2-b"], ["story", "1-1-a"], ["story", "2-1-c"], ["command", "2-1-c"]]);
  });
});

group("what is said of it", () => {
  const block = (more) => /** @type {any} */ ({ command: "dev-story", attempt: 1, run: 1, start: T, end: T + 12 * MINUTE, until: T + 12 * MINUTE, status: "completed", sign: T + 12 * MINUTE, ...more });
  const clock = (t) => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(t);

  test("each block has a name that says all", () => {
    assert.equal(blockWords(block({ attempt: 2, status: "failed" }), T + HOUR), `dev-story attempt 2, failed, 12 min, ${clock(T)} to ${clock(T + 12 * MINUTE)}`);
    assert.equal(blockWords(block({ status: "running", end: null, until: null }), T + 90_000), `dev-story, running, 1 min so far, since ${clock(T)}`);
    assert.match(blockWords(block({ status: "running", end: null, until: null }), T + 90_000, true), /was running/);
    assert.match(blockWords(block({ status: "lost", end: null, sign: T + MINUTE }), T + HOUR), /left open, began .*, last sign /);
    assert.match(groupWords([block({}), block({ status: "failed" })], T + HOUR), /^2 commands, 1 failed, /);
  });
});
