/** One row of the table of stories. */
import { ago, count, exact, span, storyTitle, timer, took } from "../format.js";
import { mark } from "../icons.js";
import { wordsOf } from "../log.js";
import { commandChip, statusBadge } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { here } from "../router.js";
import { shortCommand } from "../run.js";
import { busyOf } from "../stories-select.js";

const cell = (/** @type {string} */ name, /** @type {...any} */ ...children) => h("span", { class: `td td-${name}`, role: "cell" }, ...children);

export function storyRow() {
  const badge = statusBadge();
  const id = h("span", { class: "mono story-id" });
  const title = h("span", { class: "story-title" });
  const link = h("a", { class: "story-link" }, id, title);
  const epic = h("span", { class: "mono" });
  const chip = commandChip();
  const outcome = h("span", { class: "outcome" });
  const [duration, attempts, failures] = ["duration", "attempts", "failures"].map((name) => cell(name));
  const time = h("time");
  const el = h("div", { class: "tr", role: "row", "data-row": true }, cell("status", badge.el), cell("story", link), cell("epic", epic), cell("last", chip.el, outcome), duration, attempts, failures, cell("updated", time));
  /** @type {any} */ let drawn;

  return {
    el,
    /** @param {import("../model.js").Story} story @param {import("../main.js").App} app */
    update(story, { log, now, liveNow, model, route }) {
      const key = story.story_key;
      const work = model.work?.get(key);
      badge.update(story.status, story.status_class);
      text(id, story.story_id === key ? "" : story.story_id);
      text(title, storyTitle(story));
      attribute(link, "href", here({ detail: key }));
      attribute(link, "data-story", key);
      attribute(link, "title", key);
      text(epic, story.epic_id ?? "–");
      const last = log.lastOf.get(key) ?? work?.last ?? null;
      if (drawn !== last) {
        drawn = last;
        outcome.replaceChildren();
        outcome.append(...outcomeOf(last));
      }
      chip.update(last ? shortCommand(/** @type {any} */ (last).payload?.command ?? /** @type {any} */ (last).command) : null);
      show(outcome, !!last);
      const busy = busyOf(work, liveNow);
      const goes = !!work && work.busy_since !== null;
      text(duration, goes ? timer(busy) : busy > 0 ? (busy < 3_600_000 ? took(busy) : span(busy)) : "");
      attribute(duration, "data-live", goes);
      text(attempts, work?.reviews ? count(work.reviews) : "");
      text(failures, work?.failures ? `✕ ${count(work.failures)}` : "");
      attribute(failures, "data-tone", work?.failures ? "bad" : null);
      attribute(el, "data-active", model.active.some((one) => one.story_key === key));
      attribute(el, "data-chosen", route.params.get("detail") === key);
      text(time, story.updated_at === null ? "–" : ago(story.updated_at, now));
      attribute(time, "title", exact(story.updated_at));
    },
  };
}

/** How its last command went: from the log where it holds it, else from the sums. @param {any} last */
function outcomeOf(last) {
  if (!last) return [];
  if (last.payload) {
    const { words } = wordsOf(last);
    return [mark(words.mark, words.tone), words.duration === null ? "" : took(words.duration)];
  }
  return [mark(last.type === "end" ? (last.failed ? "failed" : "end") : "start", last.failed ? "bad" : last.type === "end" ? "good" : "live")];
}
