/** The question when somebody leaves the settings with changes that are not saved. */
import { plural } from "../format.js";
import { h, text } from "../render.js";
import { route } from "../router.js";

/**
 * Nothing is lost when one looks at another view, only when the page goes: there the browser asks.
 * @param {() => import("../settings-store.js").Settings|null} data @returns {() => void} to be called while the settings are shown
 */
export function leaveGuard(data) {
  const title = h("h2", { id: "leave-title" });
  const says = h("p", { class: "set-says" }, "They are kept as typed as long as this page is open.");
  const save = h("button", { class: "button is-primary", type: "button", on: { click: async () => {
    if (await data()?.save()) dialog.close();
    // What stands in the way is told at the fields.
    else back();
  } } }, "Save");
  const dialog = h("dialog", { class: "help set-leave", "aria-labelledby": "leave-title" }, title, says,
    h("div", { class: "set-buttons" },
      h("button", { class: "button", type: "button", on: { click: () => { data()?.discard(); dialog.close(); } } }, "Discard"),
      h("button", { class: "button", type: "button", on: { click: () => back() } }, "Back to settings"), save));
  document.body.append(dialog);
  let here = false;

  function back() {
    dialog.close();
    location.hash = "settings";
  }

  addEventListener("hashchange", () => {
    if (route().view === "settings") return;
    const unsaved = data()?.unsaved ?? 0;
    if (here && unsaved && !document.querySelector("dialog[open]")) {
      text(title, `${plural(unsaved, "setting is", "settings are")} not saved`);
      dialog.showModal();
    }
    here = false;
  });
  addEventListener("beforeunload", (event) => { if (data()?.unsaved) event.preventDefault(); });

  return () => { here = true; };
}
