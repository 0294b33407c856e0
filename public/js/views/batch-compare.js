/** Two batches side by side. */
import { compare } from "../batch-facts.js";
import { sign } from "../icons.js";
import { empty } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { here } from "../router.js";

/** @param {import("../main.js").Actions} actions */
export function comparison(actions) {
  const [left, right] = [h("a"), h("a")];
  const rows = h("tbody");
  const table = h("table", { class: "compare" }, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, left), h("th", { scope: "col" }, right))), rows);
  const none = empty("", "");
  const close = h("button", { class: "button is-small", type: "button", on: { click: () => actions.refine({ with: null }) } }, sign("close"), "One batch only");
  const el = h("section", { class: "batch-two", "aria-label": "Two batches compared" }, h("div", { class: "batch-head" }, h("h2", { class: "batch-title" }, "Side by side"), close), table, none.el);

  return {
    el,
    /** @param {any} one @param {any} two @param {number} now */
    update(one, two, now) {
      for (const [link, id] of /** @type {const} */ ([[left, one.id], [right, two.id]])) {
        text(link, `Batch ${id}`);
        attribute(link, "href", here({ sel: String(id), with: null }));
      }
      const ready = one.value && two.value;
      show(table, !!ready);
      show(none.el, !ready);
      const lost = [one, two].find((side) => side.missing);
      none.update(lost ? `There is no batch ${lost.id}` : "Loading…", "");
      if (!ready) return;
      const [a, b] = [{ ...one.value, batch: one.row ?? one.value.batch }, { ...two.value, batch: two.row ?? two.value.batch }];
      keyed(rows, compare(a, b, now), ({ label }) => label, line);
    },
  };
}

function line() {
  const name = h("th", { scope: "row" });
  const [left, right] = [h("td"), h("td")];
  return { el: h("tr", {}, name, left, right), update(/** @type {ReturnType<typeof compare>[number]} */ row) {
    text(name, row.label);
    attribute(name, "class", row.family ? "command" : null);
    attribute(name, "data-family", row.family);
    text(left, row.left);
    text(right, row.right);
  } };
}
