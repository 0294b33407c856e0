/** A story's description beside its row: on hover after a moment, on focus at once; Esc puts it away. */
import { attribute, h, text } from "../render.js";

const WAIT_MS = 350;
const LEAVE_MS = 150;

/** @param {HTMLElement} list holds links with `data-story` @param {(key: string) => string|undefined} textOf */
export function tips(list, textOf) {
  const tip = h("div", { class: "tip", role: "tooltip", id: "story-tip", popover: "manual" });
  list.after(tip);
  /** @type {any} */ let timer;
  /** @type {HTMLElement|null} */ let shownAt = null;

  const linkOf = (/** @type {any} */ target) => /** @type {HTMLElement|null} */ (target?.closest?.("[data-row]")?.querySelector("[data-story]") ?? null);

  /** @param {HTMLElement} link */
  function open(link) {
    const words = link.isConnected ? textOf(link.dataset.story ?? "") : "";
    if (!words) return hide();
    text(tip, words);
    tip.showPopover();
    const row = /** @type {HTMLElement} */ (link.closest("[data-row]")).getBoundingClientRect();
    const at = link.getBoundingClientRect();
    const above = row.bottom + tip.offsetHeight + 8 > innerHeight;
    tip.style.setProperty("left", `${Math.max(8, Math.min(at.left, innerWidth - tip.offsetWidth - 8))}px`);
    tip.style.setProperty("top", `${above ? row.top - tip.offsetHeight - 4 : row.bottom + 4}px`);
    if (shownAt !== link) attribute(shownAt ?? link, "aria-describedby", null);
    shownAt = link;
    attribute(link, "aria-describedby", tip.id);
  }
  function hide() {
    clearTimeout(timer);
    if (tip.matches(":popover-open")) tip.hidePopover();
    if (shownAt) attribute(shownAt, "aria-describedby", null);
    shownAt = null;
  }
  /** @param {() => void} then @param {number} ms */
  function after(then, ms) {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  }

  list.addEventListener("pointerover", (event) => {
    const link = linkOf(event.target);
    if (event.pointerType === "touch" || !link || link === shownAt) return;
    after(() => open(link), WAIT_MS);
  });
  list.addEventListener("pointerleave", () => after(hide, LEAVE_MS));
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", () => after(hide, LEAVE_MS));
  list.addEventListener("focusin", (event) => {
    const link = linkOf(event.target);
    if (link && /** @type {Element} */ (event.target).matches(":focus-visible")) open(link);
  });
  list.addEventListener("focusout", hide);
  list.closest(".main")?.addEventListener("scroll", hide, { passive: true });
  addEventListener("hashchange", hide);
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shownAt) return;
    event.preventDefault();
    hide();
  }, { capture: true });
}
