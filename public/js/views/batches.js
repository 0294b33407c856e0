/** The history of batches: the last thirty at a glance, each with what it came to, and two side by side. */
import { length, outcome, spark } from "../batch-facts.js";
import { createBatches } from "../batch-store.js";
import { count, exact, moment, plural, took } from "../format.js";
import { mark, sign } from "../icons.js";
import { empty } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { here } from "../router.js";
import { batchDetail, originWord } from "./batch-detail.js";
import { comparison } from "./batch-compare.js";

export const store = createBatches;

/** @type {Record<import("../batch-facts.js").Outcome["tone"], string>} */
const MARKS = { live: "start", good: "end", plain: "batch", warn: "warning", bad: "failed" };

const FAILED = ["The history cannot be asked for", "It is tried again every few seconds."];
const UNKNOWN = ["Not known yet", "The server is not reached just now; the history comes as soon as it answers."];
const NONE = ["No batches yet", "Every run of the sprint becomes a batch here: started from this page, or seen in the log of somebody else's."];

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const sum = h("span", { class: "toolbar-note" });
  const bars = h("ol", { class: "spark", "aria-label": "The last batches, oldest first; height by how long they took" });
  const list = h("ol", { class: "batch-list", id: "batches" });
  const moreWords = h("span");
  const more = h("button", { class: "button older", type: "button" }, sign("older"), moreWords);
  const none = empty("", "");
  const loading = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const one = batchDetail();
  const two = comparison(actions);
  const right = h("div", { class: "batch-right" }, two.el, one.el);
  const sides = h("div", { class: "batch-sides" }, h("section", { class: "batch-left", "aria-label": "History" }, bars, list, h("div", { class: "list-end" }, more)), right);
  el.append(h("div", { class: "toolbar" }, h("h1", { class: "toolbar-title" }, "Batches"), sum), loading, none.el, sides);
  let data = /** @type {any} */ (null);
  more.addEventListener("click", () => data?.more());

  return (app) => {
    const { live, route, line } = app;
    data = app.data;
    const now = line.live ? live.now : app.liveNow;
    const rows = data.rows.map((/** @type {any} */ row) => current(row, live));
    const unknown = !data.loaded && (data.failed || !line.live) && !app.archive;
    show(loading, !data.loaded && !unknown);
    show(none.el, (data.loaded && !rows.length) || unknown);
    none.update(.../** @type {[string, string]} */ (data.failed && !data.loaded ? FAILED : unknown ? UNKNOWN : NONE));
    show(sides, rows.length > 0);
    text(sum, data.loaded && rows.length ? plural(data.total, "batch", "batches") : "");

    const chosen = Number(route.params.get("sel")) || null;
    const other = Number(route.params.get("with")) || null;
    keyed(bars, spark(rows, now), ({ row }) => String(row.id), sparkBar, { chosen, other });
    keyed(list, rows, (row) => String(row.id), batchRow, { chosen, other, now, line });
    show(more, rows.length < data.total);
    text(moreWords, data.asking ? "Loading…" : `${count(data.total - rows.length)} older – load more`);
    more.disabled = data.asking;

    const shown = chosen ?? rows[0]?.id ?? null;
    const of = (/** @type {number|null} */ id) => (id === null ? null : { id, row: rows.find((/** @type {any} */ row) => row.id === id) ?? null, ...(data.details.get(id) ?? { value: null, missing: false, failed: false }) });
    show(one.el, !other);
    show(two.el, !!other && !!shown);
    if (shown && !chosen) queueMicrotask(() => actions.refine({ sel: String(shown) }));
    if (!other && shown) one.update(of(shown), { ...app, now, newest: rows[0]?.id ?? null, rows });
    if (other && shown) two.update(of(shown), of(other), now);
    attribute(el, "data-chosen", !!route.params.get("sel"));
  };
}

/** The open batch's row as the events tell it: pages may be older, and open is not yet at work. @param {import("../batch-facts.js").Row} row @param {import("../main.js").Sight} live */
function current(row, { model: { batch }, verdict }) {
  if (batch?.id === row.id) return { ...row, status: "running", ended_at: null, cycles_completed: batch.cycles_completed, max_cycles: batch.max_cycles, now: verdict };
  return row.status === "running" && ["offline", "unreachable"].includes(verdict.kind) ? { ...row, now: verdict } : row;
}

function sparkBar() {
  const bar = h("i");
  const link = h("a", {}, bar);
  return { el: h("li", {}, link), update(/** @type {ReturnType<typeof spark>[number]} */ { row, height, tone, word }, /** @type {any} */ { chosen, other }) {
    bar.style.setProperty("block-size", `${(height * 100).toFixed(1)}%`);
    attribute(link, "href", here({ sel: String(row.id), with: null }));
    attribute(link, "data-tone", tone);
    attribute(link, "aria-current", row.id === chosen ? "true" : null);
    attribute(link, "data-other", row.id === other);
    const words = `batch ${row.id}, ${word}${row.ended_at === null ? "" : `, ${took(row.ended_at - row.started_at)}`}`;
    attribute(link, "aria-label", words);
    attribute(link, "title", words);
  } };
}

function batchRow() {
  const name = h("b");
  const word = h("span", { class: "batch-word" });
  const when = h("time", { class: "batch-when" });
  const facts = h("span", { class: "batch-facts" });
  const time = h("span", { class: "batch-time" });
  const icon = h("span", { class: "batch-mark" });
  const link = h("a", { class: "batch-row" }, icon, h("span", { class: "batch-name" }, name, word), time, facts, when);
  let drawn = "";
  return { el: h("li", { "data-row": true }, link), update(/** @type {import("../batch-facts.js").Row} */ row, /** @type {any} */ { chosen, other, now }) {
    const { tone, word: says } = outcome(row);
    if (drawn !== tone) {
      drawn = tone;
      icon.replaceChildren(mark(MARKS[tone], tone));
    }
    attribute(link, "href", here({ sel: String(row.id), with: null }));
    attribute(link, "aria-current", row.id === chosen ? "true" : null);
    attribute(link, "data-other", row.id === other);
    attribute(link, "data-tone", tone);
    text(name, `Batch ${row.id}`);
    text(word, says);
    text(time, took(length(row, now)));
    text(facts, [plural(row.story_count, "story", "stories"), originWord(row.origin)].join(" · "));
    text(when, moment(row.started_at, now));
    attribute(when, "title", exact(row.started_at));
  } };
}
