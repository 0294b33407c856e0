/** From what the page knows to what the timeline draws, made anew only where something changed. Pure but for what it remembers. */
import { axisOf, merged } from "./axis.js";
import { untilOf } from "./clip.js";
import { storiesOf } from "./lanes.js";
import { chosen, ordered } from "./layout.js";

/** Long enough not to make the line of time anew for each frame. */
const BEAT_MS = 1000;

export function createPlan() {
  /** @type {import("./lanes.js").Memo} */
  let memo = new Map();
  /** @type {any} */ let of = null;
  /** @type {any} */ let made = null;
  let listed = "";

  /** @param {import("../main.js").App} app @param {{fold: boolean}} prefs */
  return function plan(app, prefs) {
    const { data, model, past, route } = app;
    const now = app.liveNow;
    const { kept } = data;
    const running = made?.running;
    const open = kept?.current != null || running;
    const stamp = JSON.stringify([data.revision, past ? now : null, open ? Math.floor(now / BEAT_MS) : 0, prefs.fold, app.line.live]);
    if (!made || of !== kept || made.stamp !== stamp) {
      if (of !== kept) memo = new Map();
      of = kept;
      made = { ...rowsToPlan(kept, data.rows(app), now, !!past, prefs.fold, memo), stamp };
      listed = "";
    }
    const choice = { q: route.params.get("q") ?? "", epic: route.params.get("epic") ?? "", only: /** @type {any} */ (route.params.get("only") ?? "") };
    const sort = route.params.get("sort") ?? "";
    const list = JSON.stringify([choice, sort, model.revision]);
    if (listed !== list) {
      listed = list;
      const titles = (/** @type {string} */ key) => model.byKey.get(key)?.title ?? "";
      const places = new Map(model.stories.map((story, i) => [story.story_key, i]));
      made.shown = ordered(chosen(made.stories, choice, titles), sort, places);
      made.keys = new Set(made.shown.map((/** @type {any} */ story) => story.key));
      made.troubles = made.shown.flatMap((/** @type {any} */ story) => story.blocks.filter((/** @type {any} */ block) => block.status === "failed" || block.status === "lost")).sort((/** @type {any} */ a, /** @type {any} */ b) => a.start - b.start);
      const known = new Map(model.epics.map((epic) => [epic.epic_id, epic]));
      made.epics = [...new Set(made.stories.map((/** @type {any} */ story) => story.epic_id))].filter(Boolean).map((epic_id) => known.get(epic_id) ?? { epic_id, epic_key: epic_id, title: null });
      made.facts = {
        choice, sort, scope: data.scope, shown: made.shown.length, stories: made.stories.length, worked: made.worked, length: made.axis.end - made.axis.start,
        left_out: kept?.left_out ?? 0, filtered: !!(choice.q || choice.epic || choice.only), anyRunning: made.running, troubles: made.troubles.length,
      };
    }
    return made;
  };
}

/** @param {import("./fold.js").Rows|null} kept @param {import("./fold.js").Row[]} rows @param {number} now @param {boolean} past @param {boolean} fold @param {import("./lanes.js").Memo} memo */
function rowsToPlan(kept, rows, now, past, fold, memo) {
  const last = rows.reduce((end, row) => Math.max(end, row.end ?? row.sign ?? row.start), 0);
  const ended = kept?.batch?.ended_at ?? null;
  const goesOn = past ? ended === null || ended > now : kept?.current != null;
  const end = goesOn ? Math.max(last, now) : Math.max(last, Math.min(ended ?? last, now));
  // Of a past moment rows may be open that the memo knows as ended.
  const stories = storiesOf(rows, end, kept?.touched, past ? undefined : memo);
  const blocks = stories.flatMap((story) => story.blocks).sort((a, b) => a.start - b.start);
  const spans = blocks.map((block) => ({ from: block.start, to: block.status === "lost" ? Math.max(block.start, block.sign ?? block.start) : untilOf(block, now) }));
  const first = blocks[0]?.start ?? now;
  const start = kept?.batch?.started_at ? Math.min(first, kept.batch.started_at) : first;
  const open = blocks.filter((block) => block.until === null);
  return {
    stories, blocks, running: open.length > 0, since: open.length ? Math.min(...open.map((block) => block.start)) : null,
    axis: axisOf(spans, { start, end, fold }), worked: merged(spans).reduce((sum, { from, to }) => sum + to - from, 0),
    byId: new Map(blocks.map((block) => [block.id, block])), ids: new Map(stories.map((story) => [story.key, story.story_id])),
  };
}
