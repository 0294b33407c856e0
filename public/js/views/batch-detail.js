/** What one batch came to: its end, its stories, where its time went, and the way into it. */
import { byFamily, cycles, length, outcome, storySums } from "../batch-facts.js";
import { moment, plural, sentence, storyTitle, took } from "../format.js";
import { mark } from "../icons.js";
import { choice, empty } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address, here, refine, visit } from "../router.js";
import { endWords, shortCommand } from "../run.js";
import { family } from "../words.js";

/** @param {string} origin */
export const originWord = (origin) => (origin === "managed" ? "started here" : "run by someone else");

export function batchDetail() {
  const title = h("h2", { class: "batch-title" });
  const why = h("p", { class: "batch-why" });
  const openLink = h("a", { class: "button is-primary" });
  const other = choice("Compare with", (value) => refine({ with: value }));
  const facts = h("dl", { class: "batch-sums" });
  const times = h("ul", { class: "batch-times", "aria-label": "Time by kind of command" });
  const stories = h("ul", { class: "batch-stories" });
  const storiesTitle = h("h3");
  const body = h("div", { class: "batch-body" }, facts, times, storiesTitle, stories);
  const none = empty("", "");
  const el = h("section", { class: "batch-one", "aria-label": "The chosen batch" }, h("div", { class: "batch-head" }, h("div", {}, title, why), h("div", { class: "batch-actions" }, other.el, openLink)), body, none.el);
  openLink.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const { batch } = openLink.dataset;
    if (!batch || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    visit({ batch: Number(batch) }, { hash: address("run") });
  });

  return {
    el,
    /** @param {any} one @param {any} app */
    update(one, { now, rows, model, live }) {
      const { value } = one;
      const row = one.row ?? value?.batch ?? null;
      show(body, !!value);
      show(none.el, !value);
      none.update(one.missing ? `There is no batch ${one.id}` : one.failed ? "It cannot be asked for just now" : "Loading…", one.missing ? "It may belong to another project." : "");
      text(title, row ? `Batch ${row.id}: ${outcome(row).word}` : `Batch ${one.id}`);
      attribute(el, "data-tone", row ? outcome(row).tone : null);
      const runs = row?.status === "running";
      text(why, row ? (runs ? sentence(row.now?.detail ?? "it is under way") : value?.end ? endWords(value.end).text : "") : "");
      show(why, !!why.textContent);
      attribute(openLink, "data-batch", runs ? null : one.id);
      attribute(openLink, "href", runs ? "#run" : `?batch=${one.id}#run`);
      text(openLink, runs ? "Follow the run" : "Open in all views");
      other.update([{ value: "", label: "Compare with…" }, ...rows.filter((/** @type {any} */ item) => item.id !== one.id).slice(0, 100).map((/** @type {any} */ item) => ({ value: String(item.id), label: `Batch ${item.id} · ${item.now?.word ?? item.status}` }))], "");
      show(other.el, rows.length > 1);
      if (!value || !row) return;

      const sums = storySums(value.stories);
      keyed(facts, /** @type {[string, string][]} */ ([
        ["began", moment(row.started_at, now)], ["ended", row.ended_at === null ? "" : moment(row.ended_at, now)], ["took", took(length(row, now))], ["cycles", cycles(row)], ["origin", originWord(row.origin)],
        ["stories", [plural(value.stories.length, "story", "stories"), sums.done ? `${sums.done} done` : "", sums.failed ? `${sums.failed} failed or blocked` : "", sums.open ? `${sums.open} ${runs ? "open" : "left open"}` : ""].filter(Boolean).join(" · ")],
      ]).filter(([, says]) => says).map(([name, says]) => ({ name, says })), ({ name }) => name, fact);

      const spent = [...byFamily(value.stories, now)].map(([name, ms]) => ({ name, ms }));
      const most = Math.max(1, ...spent.map(({ ms }) => ms));
      keyed(times, spent, ({ name }) => name, timeBar, { most });
      show(times, spent.length > 0);

      text(storiesTitle, value.stories.length ? "Stories" : "No story was touched");
      keyed(stories, value.stories, (/** @type {any} */ story) => story.story_key, storyLine, { model: live.model ?? model, now });
    },
  };
}

function fact() {
  const [name, says] = [h("dt"), h("dd")];
  return { el: h("div", {}, name, says), update(/** @type {{name: string, says: string}} */ one) { text(name, one.name); text(says, one.says); } };
}

function timeBar() {
  const name = h("span", { class: "command" });
  const bar = h("i");
  const time = h("span", { class: "batch-spent" });
  return { el: h("li", {}, name, h("span", { class: "batch-bar" }, bar), time), update(/** @type {{name: string, ms: number}} */ one, /** @type {{most: number}} */ { most }) {
    text(name, one.name);
    attribute(name, "data-family", one.name);
    attribute(bar, "data-family", one.name);
    bar.style.setProperty("inline-size", `${Math.max(0.5, (one.ms / most) * 100)}%`);
    text(time, took(one.ms));
  } };
}

/** @type {Record<string, [string, string]>} */
const STORY_MARKS = { done: ["end", "good"], failed: ["failed", "bad"], blocked: ["failed", "bad"], "in-progress": ["start", "live"], review: ["start", "live"] };

function storyLine() {
  const icon = h("span", { class: "batch-mark" });
  const id = h("span", { class: "mono story-id" });
  const title = h("span", { class: "story-title" });
  const runs = h("span", { class: "batch-runs" });
  const word = h("span", { class: "batch-word" });
  const link = h("a", { class: "batch-story" }, icon, id, title, runs, word);
  let drawn = "";
  return { el: h("li", { "data-row": true }, link), update(/** @type {any} */ story, /** @type {any} */ { model }) {
    if (drawn !== story.status) {
      drawn = story.status;
      const [name, tone] = STORY_MARKS[story.status] ?? ["other", "plain"];
      icon.replaceChildren(mark(name, tone));
    }
    const known = model.byKey.get(story.story_key);
    text(id, known?.story_id ?? "");
    text(title, known ? storyTitle(known) : story.story_key);
    attribute(link, "href", here({ detail: story.story_key }));
    attribute(link, "title", story.story_key);
    const names = [...new Set(story.commands.map((/** @type {any} */ one) => shortCommand(one.command)))];
    const failed = new Set(story.commands.filter((/** @type {any} */ one) => one.status === "failed" || one.status === "lost").map((/** @type {any} */ one) => shortCommand(one.command)));
    keyed(runs, names.map((name) => ({ name, failed: failed.has(name) })), (one) => one.name, () => {
      const el = h("i", { class: "batch-run" });
      return { el, update(/** @type {{name: string, failed: boolean}} */ one) { attribute(el, "data-family", family(one.name)); attribute(el, "data-failed", one.failed); attribute(el, "title", `${one.name}${one.failed ? ": failed or left open" : ""}`); } };
    });
    attribute(runs, "role", "img");
    attribute(runs, "aria-label", `${plural(names.length, "command")}${failed.size ? `, ${failed.size} failed or left open` : ""}`);
    text(word, story.status);
  } };
}
