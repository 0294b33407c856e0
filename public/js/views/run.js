/** The sprint run: what the orchestrator does, its agents and their logs. */
import { moment, plural, span, timer } from "../format.js";
import { empty, heading, statusBadge } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address } from "../router.js";
import { progress } from "../run-words.js";
import { agentList } from "./run-agents.js";
import { controls } from "./run-control.js";
import { operations } from "./operations.js";

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const word = h("h1", { class: "hero-word" });
  const detail = h("p", { class: "hero-detail" });
  const control = controls(actions);
  const cycle = h("span", { class: "run-cycle" });
  const elapsed = h("span", { class: "run-elapsed", role: "timer", "aria-live": "off" });
  const fill = h("i", { class: "run-fill" });
  const bar = h("div", { class: "run-bar", role: "progressbar", "aria-label": "Cycles of this batch", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const track = h("div", { class: "run-progress" }, h("div", { class: "run-figures" }, cycle, elapsed), bar);
  const hero = h("div", { class: "hero run-hero" }, h("div", { class: "hero-state" }, word, detail), control.el);

  const stories = h("ul", { class: "run-stories" });
  const current = h("section", { class: "panel live", "aria-label": "Stories of this cycle" }, heading("Stories of this cycle"), stories);
  const opsList = h("ul", { class: "ops" });
  const opsNone = empty("", "");
  const ops = h("section", { class: "panel live", "aria-label": "Commands under way" }, heading("Under way"), opsList, opsNone.el);
  const agents = agentList(actions);
  const columns = h("div", { class: "columns" }, h("div", { class: "column" }, current, ops), h("div", { class: "column is-first" }, agents.el));
  el.append(hero, track, columns);
  const drawOps = operations();

  return (app) => {
    const { model, control: known, verdict, loaded, liveNow, line } = app;
    const { orchestrator: run, batch } = model;
    const managed = run.batch_id !== null;
    text(word, managed ? { running: "Running", waiting: "Parked", stopping: "Stopping" }[run.status] ?? run.status : batch ? "Run by someone else" : loaded ? "No batch runs here" : "Connecting");
    attribute(hero, "data-kind", verdict.kind);
    text(detail, sentence(app));
    control.update(app);

    show(track, managed);
    if (managed && batch) {
      const { words, share } = progress(run);
      text(cycle, words);
      text(elapsed, timer(liveNow - batch.started_at));
      attribute(bar, "data-endless", share === null);
      attribute(bar, "aria-valuenow", share === null ? null : Math.round(share * 100));
      attribute(bar, "aria-valuetext", words);
      fill.style.setProperty("--share", String(share ?? 0));
      attribute(bar, "data-state", line.live ? run.status : "stale");
    }

    const keys = managed ? run.current_stories : [];
    show(current, keys.length > 0);
    columns.classList.toggle("is-single", !managed && !batch);
    show(/** @type {HTMLElement} */ (columns.firstElementChild), managed || !!batch);
    keyed(stories, keys, (key) => key, storyLine, app);
    show(ops, managed || !!batch);
    drawOps(opsList, app);
    show(opsNone.el, model.active.length === 0);
    const making = model.agents.find((agent) => !agent.story_keys.length);
    opsNone.update("No command of a story under way", run.status === "waiting" ? "The batch waits for the provider's limit to end." : making ? `${making.command} is at work.` : "The next one begins in a moment.");
    agents.update(app);
    known.follow(managed && line.live && !document.hidden);
  };
}

/** @param {import("../main.js").App} app */
function sentence({ model, control, now, loaded }) {
  const { orchestrator: run, batch, agents } = model;
  if (run.status === "waiting") return `The provider's usage limit is reached. The batch goes on by itself${run.parked_until ? ` at ${moment(run.parked_until, now)}, in ${span(Math.max(0, run.parked_until - now))}` : ""}.`;
  if (run.status === "stopping") return agents.length ? `${plural(agents.length, "agent")} still at work; nothing more begins.` : "The batch ends in a moment.";
  if (run.batch_id !== null) return agents.length ? `Batch ${run.batch_id}, ${plural(agents.length, "agent")} at work.` : `Batch ${run.batch_id}, between two commands.`;
  if (batch) return "Its commands are read from the log. It cannot be stopped from here.";
  if (!loaded) return "";
  const { last } = control;
  if (!last) return "Start one, and agents take the open stories through create, review, development and commit.";
  const spent = last.duration_seconds ? ` after ${span(last.duration_seconds * 1000)}` : "";
  return `The last one, batch ${last.id}, ended ${last.status}${spent}: ${plural(last.cycles_completed, "cycle")}, ${plural(last.story_count, "story", "stories")}.`;
}

function storyLine() {
  const id = h("span", { class: "mono story-id" });
  const title = h("a", { class: "run-story-title" });
  const badge = statusBadge();
  const el = h("li", { class: "run-story", "data-row": true }, id, title, badge.el);
  return {
    el,
    /** @param {string} key @param {import("../main.js").App} app */
    update(key, { model }) {
      const story = model.byKey.get(key);
      text(id, story?.story_id ?? "");
      text(title, story?.title ?? key);
      attribute(title, "href", address("activity", { story: key }));
      badge.update(story?.status ?? null, story?.status_class ?? null);
    },
  };
}
