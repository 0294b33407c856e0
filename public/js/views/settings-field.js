/** One setting: what it is, its number, where that comes from, and what is wrong with what was typed. */
import { count } from "../format.js";
import { mark } from "../icons.js";
import { attribute, h, show, text } from "../render.js";
import { elsewhere, hint, numberIn, shownIn, sourceWords } from "../settings-form.js";

/**
 * @param {import("../settings-form.js").Field} field
 * @param {{type: (key: string, typed: string) => void, take: (key: string) => void, keepMine: (key: string) => void, left: (key: string) => void}} on
 */
export function settingField({ key, label, unit, one, says }, on) {
  const id = `set-${key}`;
  const input = h("input", { id, class: "set-input", type: "text", inputmode: "numeric", autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-says ${id}-meta ${id}-hint`,
    on: { input: () => on.type(key, input.value), change: () => on.left(key), keydown: step } });
  const unitWord = h("span", { class: "set-unit", "aria-hidden": "true" });
  const meta = h("p", { class: "set-meta", id: `${id}-meta` });
  const note = h("p", { class: "set-hint", id: `${id}-hint` });
  const fault = h("p", { class: "set-fault", id: `${id}-fault`, role: "alert" });
  const faultLine = h("div", { class: "set-line" }, mark("warning", "bad"), fault);
  const reset = h("button", { class: "button is-small is-quiet", type: "button", on: { click: () => { on.type(key, reset.value); input.focus(); } } });
  const undo = h("button", { class: "button is-small is-quiet", type: "button", "aria-label": `Undo: ${label}`, on: { click: () => { on.take(key); input.focus(); } } }, "Undo");
  const others = h("span");
  const take = h("button", { class: "button is-small", type: "button", "aria-label": `Take it: ${label}`, on: { click: () => { on.take(key); input.focus(); } } }, "Take it");
  const keep = h("button", { class: "button is-small", type: "button", "aria-label": `Keep mine: ${label}`, on: { click: () => { on.keepMine(key); input.focus(); } } }, "Keep mine");
  const otherLine = h("div", { class: "set-line", role: "status" }, mark("change", "warn"), others, h("span", { class: "set-buttons" }, take, keep));
  const el = h("div", { class: "set", "data-key": key },
    h("div", { class: "set-words" },
      h("label", { class: "set-label", for: id }, label),
      h("p", { class: "set-says", id: `${id}-says` }, says), meta, note),
    h("div", { class: "set-value" }, h("div", { class: "set-box" }, input, unitWord), h("div", { class: "set-buttons" }, undo, reset)),
    otherLine, faultLine);
  let least = 1;
  let most = 1;

  /** Up and down count, as in any field for numbers. @param {KeyboardEvent} event */
  function step(event) {
    const by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const number = numberIn(input.value);
    if (!by || number === null || input.readOnly || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    input.value = String(Math.max(least, Math.min(most, number + by)));
    on.type(key, input.value);
  }

  return {
    el,
    input,
    /** @param {import("../settings-form.js").Fact} fact @param {import("../settings-form.js").Draft} draft @param {{wrong: string|undefined, readOnly: boolean}} more */
    update(fact, draft, { wrong, readOnly }) {
      [least, most] = [fact.min, fact.max];
      const shown = shownIn(fact, draft);
      if (input.value !== shown) input.value = shown;
      input.readOnly = readOnly;
      const changed = !!draft[key];
      const plain = (/** @type {number} */ n) => (key === "server_port" ? String(n) : count(n));
      const { word, note: from } = sourceWords(fact);
      const was = changed ? `now ${plain(fact.value)}, ${word}` : word;
      text(meta, `${plain(fact.min)} to ${plain(fact.max)} · default ${plain(fact.default)} · ${word === "default" && !changed ? "not changed" : was}`);
      text(unitWord, numberIn(shown) === 1 ? one : unit);
      text(note, [hint(key, numberIn(shown), fact.value), from].filter(Boolean).join(" "));
      show(note, !!note.textContent);
      text(fault, wrong);
      show(faultLine, !!wrong);
      attribute(input, "aria-invalid", wrong ? "true" : null);
      attribute(input, "aria-errormessage", wrong ? `${id}-fault` : null);
      attribute(el, "data-changed", changed);
      attribute(el, "data-source", word);
      const isDefault = numberIn(shown) === fact.default;
      show(undo, changed && !readOnly);
      show(reset, !isDefault && !readOnly);
      reset.value = String(fact.default);
      text(reset, `Reset to ${plain(fact.default)}`);
      attribute(reset, "aria-label", `Reset to ${plain(fact.default)}: ${label}`);
      const other = elsewhere(fact, draft);
      text(others, other ? `Changed elsewhere to ${plain(fact.value)}.` : "");
      show(otherLine, other);
    },
  };
}
