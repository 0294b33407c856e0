/** Start and stop of a batch: what each will do is said before, what it did after. */
import { span } from "../format.js";
import { attribute, h, show, text } from "../render.js";

/** @param {import("../main.js").Actions} actions */
export function controls(actions) {
  const size = h("input", { type: "number", min: 1, max: 2147483647, step: 1, value: "2", inputmode: "numeric", "aria-label": "Cycles", class: "run-size" });
  let touched = false;
  size.addEventListener("input", () => (touched = true));
  const start = h("button", { class: "button is-main", type: "submit" }, "Start");
  const all = h("button", { class: "button", type: "button", on: { click: () => actions.start("all") } }, "Run all");
  const form = h("form", { class: "run-form", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); if (size.reportValidity()) actions.start(Number(size.value)); } } },
    h("label", { class: "run-label" }, size, h("span", {}, "cycles")), start, all);

  const stop = h("button", { class: "button is-stop", type: "button", on: { click: () => dialog.showModal() } }, "Stop…");
  const now = h("button", { class: "button is-stop", type: "button", on: { click: () => actions.stop("now") } }, "Stop now");
  const state = h("span", { class: "run-state", role: "status" });
  const running = h("div", { class: "run-form" }, state, stop, now);

  const title = h("h2", { id: "stop-title" }, "Stop the batch?");
  const graceful = h("button", { class: "choice", type: "button", on: { click: () => choose("graceful") } },
    h("b", {}, "After the running command"), h("span", {}, "What is at work finishes, nothing more begins. Nothing is lost; it may take a while."));
  const atOnce = h("button", { class: "choice is-hard", type: "button", on: { click: () => choose("now") } },
    h("b", {}, "Now"), h("span", {}, "Every agent is told to end, and after a few seconds killed, with all it has started. Stories keep the status they have."));
  const dialog = h("dialog", { class: "help stop-dialog", "aria-labelledby": "stop-title" }, title, graceful, atOnce,
    h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Keep running"));
  dialog.addEventListener("click", (/** @type {Event} */ event) => event.target === dialog && dialog.close());

  /** @param {"graceful"|"now"} mode */
  function choose(mode) {
    dialog.close();
    actions.stop(mode);
  }

  const note = h("p", { class: "run-note" });
  const refusal = h("p", { class: "run-refusal", role: "alert" });
  const receipt = h("p", { class: "run-receipt", role: "status", id: "receipt" });
  const el = h("div", { class: "run-control" }, form, running, note, refusal, receipt, dialog);

  return {
    el,
    /** @param {import("../main.js").App} app */
    update({ model, control, line, loaded }) {
      const { orchestrator: run, batch } = model;
      const managed = run.batch_id !== null;
      const { asking } = control;
      const offline = !line.live || !loaded;
      show(form, !managed);
      show(running, managed);
      if (!touched && document.activeElement !== size) size.value = String(control.cycles);
      for (const button of [start, all, size]) button.disabled = offline || asking !== null;
      text(start, asking === "start" ? "Starting…" : "Start");
      attribute(start, "title", offline ? "The server does not answer" : null);
      const stopping = run.status === "stopping" || asking === "graceful" || asking === "now";
      show(stop, !stopping);
      show(now, stopping);
      now.disabled = offline || asking === "now";
      stop.disabled = offline;
      if (!managed && dialog.open) dialog.close();
      const since = control.askedAt ? span(Math.max(0, Date.now() - control.askedAt)) : "";
      text(state, asking === "now" ? `Ending every agent… ${since}` : stopping ? `Stopping after the running command${control.askedAt ? `, asked ${since} ago` : ""}` : "");
      show(state, !!state.textContent);
      text(note, offline ? "The server does not answer: nothing can be started or stopped." : !managed && batch ? "A run by someone else is under way. Two runners on one sprint get into each other's way." : "");
      show(note, !!note.textContent);
      text(refusal, control.refusal);
      show(refusal, !!control.refusal);
      text(receipt, control.receipt);
      show(receipt, !!control.receipt);
    },
  };
}
