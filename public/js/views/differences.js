/** Where the three files say different things about a story: both sides, and which is the likelier one. */
import { disagreements } from "../disagreement.js";
import { count, exact, plural } from "../format.js";
import { empty } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";

const FRESH_MS = 3000;

/** @returns {{el: any, update: (app: import("../main.js").App) => void}} */
export function differences() {
  const sum = h("span", { class: "heading-note" });
  const kinds = h("div");
  const none = empty("The three files agree", "What sprint-status.yaml, sprint-runner.csv and orchestrator.md say about the stories fits together.");
  const el = h("section", { class: "apart", id: "disagreement", "aria-label": "Where the files disagree" }, h("div", { class: "heading" }, h("h2", {}, "Where the files disagree"), sum), kinds, none.el);
  let drawn = { model: /** @type {any} */ (null), id: -1, at: 0 };

  return {
    el,
    update({ model, now, loaded }) {
      show(el, loaded && model.stories.length + model.work.size > 0);
      if (!loaded || (drawn.model === model && (drawn.id === model.last_event_id ? Math.abs(now - drawn.at) < 10 * FRESH_MS : Math.abs(now - drawn.at) < FRESH_MS))) return;
      drawn = { model, id: model.last_event_id, at: now };
      const found = disagreements(model, { now });
      text(sum, found.count ? plural(found.count, "story", "stories") : "");
      keyed(kinds, found.kinds, ({ kind }) => kind, kindPart);
      show(none.el, !found.count);
    },
  };
}

function kindPart() {
  const title = h("h3");
  const n = h("span", { class: "apart-count" });
  const hint = h("p", { class: "apart-hint" });
  const rows = h("ul", { class: "apart-rows" });
  const more = h("p", { class: "end-note" });
  const el = h("div", { class: "apart-kind" }, h("div", { class: "apart-head" }, title, n), hint, rows, more);
  return { el, update(/** @type {import("../disagreement.js").Kind} */ kind) {
    attribute(el, "data-kind", kind.kind);
    text(title, kind.title);
    text(n, count(kind.count));
    text(hint, kind.hint);
    keyed(rows, kind.items, ({ story_key }) => story_key, row);
    show(more, kind.count > kind.items.length);
    text(more, `and ${count(kind.count - kind.items.length)} more`);
  } };
}

function row() {
  const id = h("span", { class: "mono" });
  const title = h("span");
  const link = h("a", { class: "apart-story" }, id, title);
  const sides = [0, 1].map(() => ({ file: h("b"), says: h("span") }));
  const trust = h("span", { class: "apart-trust" });
  const el = h("li", { class: "apart-row", "data-row": true }, link, ...sides.map(({ file, says }) => h("p", { class: "apart-side" }, file, says)), trust);
  return { el, update(/** @type {import("../disagreement.js").Difference} */ one) {
    text(id, one.story_id === one.title || one.story_id === null ? "" : one.story_id);
    text(title, one.title);
    attribute(link, "href", one.href);
    attribute(link, "title", one.story_key);
    attribute(el, "title", one.at ? exact(one.at) : null);
    sides.forEach(({ file, says }, i) => { text(file, one.sides[i].file); text(says, one.sides[i].says); });
    text(trust, one.trust);
  } };
}
