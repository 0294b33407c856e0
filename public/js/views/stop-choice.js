/** Stopping a batch, in two levels that say what they will do; then how long it takes, then the receipt. */
import { plural, timer } from "../format.js";
import { mark } from "../icons.js";
import { unreached } from "../line-words.js";
import { attribute, h, show, text } from "../render.js";
import { shortCommand } from "../run.js";

/** @param {import("../main.js").App} app */
function atWork({ model, liveNow }) {
  const agents = model.agents ?? [];
  if (!agents.length) return "Between two commands: it ends at once.";
  const [first] = agents;
  const stories = first.story_keys.map((key) => model.byKey.get(key)?.story_id ?? key).join(", ");
  const one = `${shortCommand(first.command)}${stories ? ` of ${stories}` : ""} (running for ${timer(liveNow - first.started_at)})`;
  return `${one}${agents.length > 1 ? ` and ${plural(agents.length - 1, "other")}` : ""} may end.`;
}

/** Since when, and what was asked for; another page may have asked. @param {import("../main.js").App} app */
function asked({ control, log, run }) {
  if (control.stop) return control.stop;
  const told = log.events.findLast(({ type, payload, batch_id }) => type === "batch:warning" && payload?.state === "stopping" && (payload.batch_id ?? batch_id) === run.batch_id);
  return { mode: /now|server/.test(String(told?.payload.message ?? "").split(":")[0]) ? "now" : "graceful", at: told?.timestamp ?? null };
}

/** @param {import("../main.js").Actions} actions */
export function stopChoice(actions) {
  const gentleSays = h("span", { class: "level-says" });
  const nowSays = h("span", { class: "level-says" });
  const gentle = h("button", { class: "level", type: "button", on: { click: () => actions.stop("graceful") } }, h("b", {}, "After the running command"), gentleSays);
  const now = h("button", { class: "level is-grave", type: "button", on: { click: () => actions.stop("now") } }, h("b", {}, "Now"), nowSays);
  const clock = h("b", { class: "stop-clock", role: "timer", "aria-live": "off" });
  const meanwhile = h("p", { class: "stop-says" });
  const under = h("div", { class: "stopping" }, h("span", { class: "spinner", "aria-hidden": "true" }), h("div", {}, clock, meanwhile));
  const trouble = h("p", { class: "trouble", role: "alert" });
  const levels = h("div", { class: "levels" }, gentle, now);
  const el = h("div", { class: "stop-choice" }, under, levels, trouble);

  return {
    el,
    /** @param {import("../main.js").App} app */
    update(app) {
      const { control, model, run, line, liveNow } = app;
      const agents = model.agents?.length ?? 0;
      const stopping = run.phase === "stopping" || control.asking === "graceful" || control.asking === "now" || control.stop !== null;
      const order = stopping ? asked(app) : null;
      text(gentleSays, `${atWork(app)} Nothing more begins.`);
      text(nowSays, `Ends ${agents ? plural(agents, "agent") : "whatever runs"} with all processes below: told to end, killed after ${plural(control.grace_ms / 1000, "second")}, looked for until none is left. Stories keep their status; this cycle does not count.`);
      show(under, stopping);
      show(gentle, !stopping);
      show(now, order?.mode !== "now");
      const barred = control.readOnly ?? (line.live ? "" : unreached(line));
      for (const button of [gentle, now]) button.disabled = !!barred || control.asking === "now";
      const since = order?.at ? timer(liveNow - order.at) : "";
      const left = order?.at ? Math.ceil((order.at + control.grace_ms - liveNow) / 1000) : 0;
      text(clock, order?.mode === "now" ? `Ending ${agents ? plural(agents, "agent") : "everything"}… ${left > 0 ? left : since}` : `Stopping… ${since}`);
      text(meanwhile, order?.mode === "now" ? (left > 0 ? `Told to end; what has not in ${left} s is killed.` : "What did not end is killed, and looked for until none is left.") : `${atWork(app)} Nothing more begins.`);
      attribute(el, "data-stopping", stopping);
      text(trouble, barred || (control.asking ? "" : control.trouble?.text ?? ""));
    },
  };
}

/** What a stop came to. */
export function receipt() {
  const title = h("b");
  const words = h("span");
  const good = mark("end", "good");
  const bad = mark("warning", "bad");
  const el = h("p", { class: "receipt", role: "status" }, good, bad, h("span", {}, title, " ", words));
  return {
    el,
    /** @param {import("../run.js").Said|null} said */
    update(said) {
      show(el, !!said);
      attribute(el, "data-tone", said?.tone);
      attribute(good, "hidden", said?.tone === "bad");
      attribute(bad, "hidden", said?.tone !== "bad");
      // That it was stopped stands in the heading above; that not all of it was does not.
      text(title, said?.tone === "bad" ? `${said.title}.` : "");
      text(words, said?.text ?? "");
    },
  };
}
