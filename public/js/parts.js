/** Small pieces that several views show alike. Each is made once and updated in place. */
import { statusIcon } from "./icons.js";
import { CLASSES } from "./model.js";
import { attribute, h, keyed, show, text } from "./render.js";
import { family } from "./words.js";

/** A status as mark and word. @returns {{el: any, update: (word: string|null, statusClass: string|null) => void}} */
export function statusBadge() {
  const word = h("span", { class: "status-word" });
  const el = h("span", { class: "status" }, word);
  let drawn = "-";
  return {
    el,
    update(raw, statusClass) {
      if (drawn !== statusClass) {
        drawn = /** @type {string} */ (statusClass);
        if (el.firstChild !== word) el.firstChild.remove();
        el.prepend(statusIcon(statusClass));
      }
      text(word, raw ?? "no status");
      attribute(el, "title", raw);
    },
  };
}

/** A command in its family's colour. @returns {{el: any, update: (command: string|null) => void}} */
export function commandChip() {
  const el = h("span", { class: "command" });
  return {
    el,
    update(command) {
      show(el, !!command);
      text(el, command);
      attribute(el, "data-family", command ? family(command) : null);
    },
  };
}

const WORDS = { done: "done", review: "in review", "in-progress": "in progress", "ready-for-dev": "ready", backlog: "backlog", optional: "optional", other: "other" };
/** @param {string} statusClass */
export const classWord = (statusClass) => WORDS[/** @type {keyof typeof WORDS} */ (statusClass)] ?? statusClass;

const MOST_SEGMENTS = 48;

/**
 * A bar with a piece for each story, or for each status where there are too many.
 * @returns {{el: any, update: (classes: string[], running?: number) => void}}
 */
export function segments() {
  const el = h("div", { class: "segments", role: "img" });
  let drawn = "";
  return {
    el,
    update(classes) {
      /** @type {Map<string, number>} */
      const sums = new Map(CLASSES.map((one) => [one, 0]));
      for (const one of classes) sums.set(one, (sums.get(one) ?? 0) + 1);
      const full = [...sums].filter(([, n]) => n > 0);
      const pieces = classes.length > MOST_SEGMENTS ? full : full.flatMap(([one, n]) => Array.from({ length: n }, () => /** @type {[string, number]} */ ([one, 1])));
      const now = JSON.stringify(pieces);
      if (now === drawn) return;
      drawn = now;
      attribute(el, "aria-label", full.length ? full.map(([one, n]) => `${n} ${classWord(one)}`).join(", ") : "no stories");
      attribute(el, "data-dense", classes.length > 24);
      keyed(el, pieces.map(([one, n], i) => ({ one, n, i })), ({ i }) => String(i), () => {
        const piece = h("i");
        return { el: piece, update({ one, n }) { piece.className = `segment is-${one}`; piece.style.setProperty("flex-grow", String(n)); } };
      });
    },
  };
}

/** A designed nothing: what is missing and what to do. @param {string} title @param {string} [hint] */
export function empty(title, hint) {
  const words = h("p", { class: "empty-title" }, title);
  const more = h("p", { class: "empty-hint" }, hint ?? "");
  const el = h("div", { class: "empty" }, words, more);
  /** @param {string} one @param {string} [two] */
  const update = (one, two) => {
    text(words, one);
    text(more, two);
  };
  return { el, update };
}

/** @param {string} title @param {...any} more */
export const heading = (title, ...more) => h("div", { class: "heading" }, h("h2", {}, title), ...more);

/** A drop-down that keeps its options in step. @param {string} label @param {(value: string) => void} chosen */
export function choice(label, chosen) {
  const el = h("select", { "aria-label": label, on: { change: () => chosen(el.value) } });
  return {
    el,
    /** @param {{value: string, label: string}[]} options @param {string} value */
    update(options, value) {
      keyed(el, options, (one) => `=${one.value}`, () => {
        const option = h("option");
        return { el: option, update(/** @type {{value: string, label: string}} */ one) { attribute(option, "value", one.value); text(option, one.label); } };
      });
      if (el.value !== value) el.value = value;
    },
  };
}

/** A search field that tells after a short pause. @param {string} label @param {(value: string) => void} changed */
export function searchField(label, changed) {
  /** @type {any} */ let pause;
  const el = h("input", { type: "search", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", on: { input: () => { clearTimeout(pause); pause = setTimeout(() => changed(el.value.trim()), 120); } } });
  return { el, update(/** @type {string} */ value) { if (document.activeElement !== el && el.value !== value) el.value = value; } };
}
