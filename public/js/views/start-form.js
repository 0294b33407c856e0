/** Starting a batch: how much, the button, and what stands in the way. Used in the dialog and in the view. */
import { plural } from "../format.js";
import { mark, sign } from "../icons.js";
import { attribute, h, show, text } from "../render.js";
import { batchSize, hindrance } from "../run.js";

let made = 0;

/** @param {import("../main.js").Actions} actions @param {...any} more goes beside the button */
export function startForm(actions, ...more) {
  const id = `start-${(made += 1)}`;
  const number = h("input", { type: "number", id: `${id}-size`, class: "size-input", min: 1, max: 2147483647, step: 1, inputmode: "numeric", required: true, "aria-describedby": `${id}-hint`,
    on: { input: () => { touched = true; some.checked = true; actions.changed(); }, focus: () => { some.checked = true; actions.changed(); } } });
  const some = h("input", { type: "radio", name: id, value: "some", "aria-label": "A number of cycles", checked: true, on: { change: actions.changed } });
  const all = h("input", { type: "radio", name: id, value: "all", on: { change: actions.changed } });
  const unit = h("span", { class: "size-unit" });
  const open = h("span", { class: "size-note" });
  const words = h("span");
  const button = h("button", { class: "button is-primary", type: "submit" }, sign("run"), words);
  const trouble = h("p", { class: "trouble", id: `${id}-trouble`, role: "alert" });
  const reason = h("p", { class: "reason" }, mark("warning", "warn"));
  const reasonWords = h("span", { id: `${id}-reason` });
  reason.append(reasonWords);
  const fields = h("fieldset", { class: "sizes" }, h("legend", { class: "hidden-text" }, "How much"),
    h("div", { class: "size" }, some, number, h("label", { for: `${id}-size` }, unit)),
    h("label", { class: "size" }, all, h("span", {}, "All open stories"), open));
  const el = h("form", { class: "start-form", novalidate: true, on: { submit } }, fields,
    h("p", { class: "hint", id: `${id}-hint` }, "A cycle takes one story, or two of the same epic, from where it stands to the commit."),
    trouble, reason, h("div", { class: "form-end" }, ...more, button));
  let touched = false;
  let wrong = "";

  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    if (button.disabled) return;
    const asked = all.checked ? { size: /** @type {"all"} */ ("all") } : batchSize(number.value);
    wrong = "wrong" in asked ? asked.wrong ?? "" : "";
    if (wrong) number.focus();
    else if (asked.size) actions.start(asked.size);
    actions.changed();
  }

  return {
    el,
    /** @param {import("../main.js").App} app */
    update(app) {
      const { control, run, verdict, sums } = app;
      actions.prepare();
      if (!touched && document.activeElement !== number && number.value !== String(control.size)) number.value = String(control.size);
      if (wrong && (all.checked || batchSize(number.value).size)) wrong = "";
      const stops = hindrance({ ...app, busy: verdict.kind === "running", readOnly: control.readOnly });
      const asking = control.asking === "start";
      // Kept usable for reading while it may not be sent; only what it would do is barred.
      button.disabled = !!stops || asking;
      fields.disabled = asking;
      attribute(button, "aria-describedby", stops ? `${id}-reason` : null);
      attribute(button, "aria-busy", asking);
      text(words, asking ? "Starting…" : "Start");
      text(unit, Number(number.value) === 1 ? "cycle" : "cycles");
      const left = sums.counts.stories - sums.counts.by_class.done - sums.counts.by_class.optional;
      text(open, app.loaded && left > 0 ? `${plural(left, "story", "stories")} not done` : "");
      show(reason, !!stops || (run.kind === "observed" && app.loaded));
      text(reasonWords, stops ?? `Batch ${run.batch_id}, run by someone else, has gone quiet. Starting here closes it.`);
      const says = wrong || (control.asking ? "" : control.trouble?.text ?? "");
      text(trouble, says === stops ? "" : says);
      attribute(number, "aria-invalid", wrong ? "true" : null);
      attribute(number, "aria-errormessage", wrong ? `${id}-trouble` : null);
    },
  };
}
