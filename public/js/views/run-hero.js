/** The head of the sprint run: the word, how far it is, and the control. */
import { moment, plural, span, timer } from "../format.js";
import { sign } from "../icons.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { progressWords } from "../run.js";

const MOST_PIECES = 60;

/** @param {import("../main.js").Actions} actions */
export function runHero(actions) {
  const word = h("p", { class: "hero-word" });
  const detail = h("p", { class: "hero-detail" });
  const whose = h("span", { class: "badge" }, "run by someone else");
  const title = h("b", { class: "hero-total" });
  const note = h("span", { class: "hero-rest" });
  const bar = h("div", { class: "cycle-bar", role: "progressbar", "aria-label": "Cycles" });
  const cycles = h("div", { class: "hero-sum" }, h("p", { class: "hero-figures" }, title, note), bar);
  const buttonWords = h("span");
  const stop = h("button", { class: "button is-stop", type: "button", "aria-haspopup": "dialog", on: { click: () => actions.openControl() } }, sign("stop"), buttonWords);
  const el = h("div", { class: "hero run-hero" }, h("div", { class: "hero-state" }, word, detail, h("div", { class: "hero-control" }, whose, stop)), cycles);

  return {
    el,
    /** @param {import("../main.js").App} app */
    update(app) {
      const { run, verdict, past, line } = app;
      text(word, verdict.word);
      attribute(el, "data-kind", verdict.kind);
      text(detail, sentenceOf(app));
      show(whose, run.kind === "observed");
      show(stop, run.kind === "managed" && !past && line.server?.control !== false);
      text(buttonWords, run.phase === "stopping" ? "Stopping…" : "Stop…");
      const words = progressWords(run);
      show(cycles, run.kind === "managed");
      text(title, words.title);
      text(note, words.note);
      drawBar(bar, run, verdict.kind);
    },
  };
}

/** @param {HTMLElement} bar @param {import("../run.js").Run} run @param {string} kind */
function drawBar(bar, { max_cycles: most, cycles_completed: done, cycle_number: number, kind: whose }, kind) {
  if (whose !== "managed") return;
  const moving = kind === "running" || kind === "stopping";
  attribute(bar, "aria-valuemin", most ? 0 : null);
  attribute(bar, "aria-valuemax", most);
  attribute(bar, "aria-valuenow", most ? Math.min(done, most) : null);
  attribute(bar, "aria-valuetext", most ? `${done} of ${plural(most, "cycle")} done` : `${plural(done, "cycle")} done, no limit`);
  attribute(bar, "data-unlimited", !most);
  attribute(bar, "data-moving", moving);
  const whole = !!most && most > MOST_PIECES;
  /** @type {{i: number, state: string, grow: number}[]} */
  let pieces = [{ i: 0, state: "here", grow: 1 }];
  if (whole) pieces = [{ i: 0, state: "done", grow: done }, { i: 1, state: number > done ? "here" : "open", grow: Math.min(1, most - done) }, { i: 2, state: "open", grow: Math.max(0, most - done - 1) }];
  else if (most) pieces = Array.from({ length: most }, (_, i) => ({ i, state: i < done ? "done" : i === done && number > done ? "here" : "open", grow: 1 }));
  keyed(bar, pieces, ({ i }) => String(i), () => {
    const piece = h("i");
    return { el: piece, update({ state, grow }) { attribute(piece, "class", `cycle is-${state}`); piece.style.setProperty("flex-grow", String(grow)); } };
  });
}

/** @param {import("../main.js").App} app */
function sentenceOf({ run, verdict, line, liveNow, now, loaded }) {
  if (!loaded) return verdict.detail;
  if (verdict.kind === "unreachable") return verdict.detail;
  if (verdict.kind === "offline") return `${verdict.detail}${line.lostAt ? `, ${span(Date.now() - line.lostAt)} ago` : ""}`;
  if (run.kind === "none") return verdict.kind === "finished" ? verdict.detail : "No batch is under way.";
  const parts = [];
  if (run.phase === "parked") parts.push(run.parked_until && run.parked_until > now ? `the provider's usage limit; goes on by itself at ${moment(run.parked_until, now)}, in ${span(run.parked_until - now)}` : "goes on by itself in a moment");
  else parts.push(verdict.detail);
  parts.push(`${run.kind} batch ${run.batch_id}`);
  if (run.started_at !== null) parts.push(`since ${moment(run.started_at, now)} (${timer(liveNow - run.started_at)})`);
  return parts.filter(Boolean).join(" · ");
}
