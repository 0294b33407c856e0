/** One row of the table of stories. */
import { ago, exact, storyTitle, took } from "../format.js";
import { mark } from "../icons.js";
import { wordsOf } from "../log.js";
import { commandChip, statusBadge } from "../parts.js";
import { attribute, h, show, text } from "../render.js";
import { address } from "../router.js";

const cell = (/** @type {string} */ name, /** @type {...any} */ ...children) => h("span", { class: `td td-${name}`, role: "cell" }, ...children);

export function storyRow() {
  const badge = statusBadge();
  const id = h("span", { class: "mono story-id" });
  const title = h("span", { class: "story-title" });
  const link = h("a", { class: "story-link" }, id, title);
  const epic = h("span", { class: "mono" });
  const chip = commandChip();
  const outcome = h("span", { class: "outcome" });
  const time = h("time");
  const el = h("div", { class: "tr", role: "row", "data-row": true }, cell("status", badge.el), cell("story", link), cell("epic", epic), cell("last", chip.el, outcome), cell("updated", time));
  /** @type {any} */
  let drawn;

  return {
    el,
    /** @param {import("../model.js").Story} story @param {import("../main.js").App} app */
    update(story, { log, now, model }) {
      badge.update(story.status, story.status_class);
      text(id, story.story_id === story.story_key ? "" : story.story_id);
      text(title, storyTitle(story));
      attribute(link, "href", address("activity", { story: story.story_key }));
      attribute(link, "title", story.story_key);
      text(epic, story.epic_id ?? "–");
      const last = log.lastOf.get(story.story_key);
      if (drawn !== last) {
        drawn = last;
        chip.update(last?.payload.command ?? null);
        outcome.replaceChildren();
        if (last) {
          const { words } = wordsOf(last);
          outcome.append(mark(words.mark, words.tone), words.duration === null ? "" : took(words.duration));
          attribute(outcome, "title", words.text);
        }
      }
      show(outcome, !!last);
      attribute(el, "data-active", model.active.some((one) => one.story_key === story.story_key));
      text(time, story.updated_at === null ? "–" : ago(story.updated_at, now));
      attribute(time, "title", exact(story.updated_at));
    },
  };
}
