/** The dialog behind the header's button: start a batch, or stop the one that runs. */
import { attribute, h, show, text } from "../render.js";
import { startForm } from "./start-form.js";
import { receipt, stopChoice } from "./stop-choice.js";

/** @param {HTMLDialogElement|any} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const title = h("h2", { id: "control-title" });
  const note = h("p", { class: "note" });
  const cancel = h("button", { class: "button", type: "button", on: { click: () => actions.closeControl() } }, "Cancel");
  const form = startForm(actions, cancel);
  const stop = stopChoice(actions);
  const outcome = receipt();
  const close = h("button", { class: "button", type: "button", on: { click: () => actions.closeControl() } });
  const foot = h("div", { class: "form-end" }, close);
  el.append(title, note, form.el, stop.el, outcome.el, foot);
  // Escape closes it by itself; the state must know.
  el.addEventListener("close", () => actions.closeControl());
  el.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === el && actions.closeControl());

  return (app) => {
    const { control, run, verdict } = app;
    if (!control.open) {
      if (el.open) el.close();
      return;
    }
    const ended = run.kind === "none" && control.outcome !== null;
    const managed = run.kind === "managed" || (control.asking !== null && control.asking !== "start");
    const foreign = run.kind === "observed" && verdict.kind === "running";
    const stopping = managed && (run.phase === "stopping" || control.stop !== null);
    text(title, ended ? "Stopped" : stopping ? `Stopping batch ${run.batch_id ?? ""}` : managed ? `Stop batch ${run.batch_id}?` : foreign ? `Batch ${run.batch_id} is run by someone else` : "Start a batch");
    text(note, foreign ? "It was not started here, so it can only be stopped where it was started. As soon as it has ended, a batch can be started here." : "");
    show(note, foreign);
    show(form.el, !managed && !foreign && !ended);
    show(stop.el, managed && !ended);
    show(outcome.el, ended);
    if (!form.el.hidden) form.update(app);
    if (!stop.el.hidden) stop.update(app);
    if (ended) outcome.update(control.outcome);
    show(foot, form.el.hidden);
    text(close, ended || foreign || stopping ? "Close" : "Cancel");
    attribute(el, "data-kind", managed ? "stop" : "start");
    if (!el.open) el.showModal();
    // The button that was pressed may have gone: whoever uses the keyboard stays in the dialog.
    else if (document.activeElement === document.body && !foot.hidden) close.focus();
  };
}
