/** The theme: chosen by a click, taken over at once, also by other tabs; theme.js reads it before the first paint. */

export const THEMES = ["system", "light", "dark"];
const KEY = "sprint-runner.theme";

export const theme = () => document.documentElement.dataset.theme ?? "system";

/** @param {string|null} next */
function wear(next) {
  if (next === "light" || next === "dark") document.documentElement.dataset.theme = next;
  else delete document.documentElement.dataset.theme;
  dispatchEvent(new Event("themechange"));
}

/** @param {string} next one of THEMES */
export function chooseTheme(next) {
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Kept for this visit only.
  }
  wear(next);
}

addEventListener("storage", (event) => { if (event.key === KEY) wear(event.newValue); });
