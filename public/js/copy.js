/** Puts a text on the clipboard, also where the page has no secure address. */
import { h } from "./render.js";

/** @param {string} text @returns {Promise<boolean>} */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byHand(text);
  }
}

/** The older way: a selection that is copied. @param {string} text */
function byHand(text) {
  const before = /** @type {HTMLElement|null} */ (document.activeElement);
  const field = h("textarea", { class: "hidden-text" });
  field.value = text;
  document.body.append(field);
  field.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    done = false;
  }
  field.remove();
  before?.focus();
  return done;
}
