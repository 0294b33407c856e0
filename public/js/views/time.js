/** The bar of the past: which moment is shown, the way along the log, and the way back to what is now. */
import { announce } from "../beacon.js";
import { exact, moment } from "../format.js";
import { mark, sign } from "../icons.js";
import { choice } from "../parts.js";
import { batchWords, clockWords, dayWords, eventWords, leftOut, placeWords, spoken } from "../past-words.js";
import { SPEEDS } from "../playback.js";
import { keep, recall } from "../prefs.js";
import { attribute, h, show, text } from "../render.js";
import { timeTrace } from "./time-trace.js";

const SETTLE_MS = 700;
const LEAST_LEAP = 10;

/** @param {HTMLElement} el @returns {(app: import("../main.js").App) => void} */
export function mount(el) {
  const date = h("span", { class: "time-day" });
  const clock = h("b", { class: "time-clock" });
  const when = h("time", { class: "time-when" }, clock, date);
  const place = h("span", { class: "time-place" });
  const batch = h("a", { class: "time-batch", href: "#run" });
  const eventMark = h("span", { class: "time-mark" });
  const eventText = h("span", { class: "time-text" });
  const event = h("p", { class: "time-event" }, eventMark, eventText);
  const retry = h("button", { class: "button is-small", type: "button", on: { click: () => past?.steer.retry() } }, "Try again");
  const note = h("span", { class: "time-note" });
  const save = h("a", { class: "button time-save", download: "" }, sign("save"), h("span", {}, "Export…"));
  const back = h("button", { class: "button is-primary time-back", type: "button", on: { click: () => past?.steer.leave() } });
  const head = h("div", { class: "time-head" }, sign("past"), when, place, batch, event, retry, note, h("div", { class: "time-end" }, save, back));

  const button = (/** @type {string} */ icon, /** @type {string} */ label, /** @type {() => void} */ does) => h("button", { class: "icon-button", type: "button", "aria-label": label, title: label, on: { click: () => { does(); settle(); } } }, sign(icon));
  const failureBack = button("failure-back", "Previous failure", () => past?.steer.failure(-1));
  const stepBack = button("back", "One event back", () => past?.steer.step(-1));
  const play = h("button", { class: "icon-button time-play", type: "button", on: { click: () => toggle() } }, sign("run"), sign("pause"));
  const stepOn = button("open", "One event on", () => past?.steer.step(1));
  const failureOn = button("failure-on", "Next failure", () => past?.steer.failure(1));
  const speed = choice("Speed", (value) => {
    keep("past.speed", Number(value));
    if (past?.playing) past.steer.play(Number(value));
  });
  const slider = h("input", { class: "time-slider", type: "range", min: 0, step: 1, "aria-label": "Moment", on: {
    input: () => { if (near(Number(slider.value))) past?.steer.to(Number(slider.value)); },
    change: () => past?.steer.to(Number(slider.value)),
    keydown: (/** @type {KeyboardEvent} */ pressed) => steerBy(pressed),
    pointerdown: () => { dragged = true; }, pointerup: () => { dragged = false; }, pointercancel: () => { dragged = false; },
  } });
  const trace = timeTrace();
  const way = h("div", { class: "time-way" }, trace.el, slider);
  const tools = h("div", { class: "time-tools" }, h("div", { class: "time-buttons" }, failureBack, stepBack, play, stepOn, failureOn, speed.el), way);
  attribute(el, "role", "region");
  attribute(el, "aria-label", "The past");
  el.append(head, tools);

  /** @type {any} */ let past = null;
  let recorded = false;
  let dragged = false;
  let entered = "";
  let noted = "";
  let drawn = "";
  /** @type {any} */ let settling;

  /** Held already: shown while it is dragged. What must be asked for first waits for the end of it. @param {number} at */
  const near = (at) => past?.ready && at >= past.trace.from * past.total && at <= past.trace.to * past.total;
  const toggle = () => past?.steer.play(past.playing ? null : recall("past.speed", SPEEDS[1]));

  /** Said once it has come to rest. */
  function settle() {
    clearTimeout(settling);
    settling = setTimeout(() => { if (past?.ready && !past.playing && !past.failed) announce(past.note ?? spoken(past)); }, SETTLE_MS);
  }

  /** By events, whatever the browser's own steps are. @param {KeyboardEvent} pressed */
  function steerBy(pressed) {
    if (!past?.ready || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    const { steer, total } = past;
    const leap = Math.max(LEAST_LEAP, Math.round(total / 20));
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => steer.step(-1), ArrowDown: () => steer.step(-1), ArrowRight: () => steer.step(1), ArrowUp: () => steer.step(1),
      PageDown: () => steer.to(Math.max(0, past.place - leap)), PageUp: () => steer.to(Math.min(total, past.place + leap)),
      Home: () => steer.to(0), End: () => steer.to(total), " ": toggle,
    };
    if (!Object.hasOwn(keys, pressed.key)) return;
    pressed.preventDefault();
    keys[pressed.key]();
  }

  addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Escape" || !past || recorded || pressed.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (pressed.target);
    // Whatever else is open, or typed in, goes first.
    if (target !== slider && target.matches("input, select, textarea")) return;
    if (document.querySelector("dialog[open], [popover]:popover-open, .detail:not([hidden])")) return;
    past.steer.leave();
  });

  /** @param {import("../main.js").App} app */
  return (app) => {
    const before = past;
    past = app.past?.steer ? app.past : null;
    show(el, !!app.past);
    if (!app.past) {
      if (before) {
        announce("Back to what is now");
        if (el.contains(document.activeElement)) document.getElementById("main")?.focus();
      }
      entered = "";
      return;
    }
    recorded = !!app.archive;
    const { ready = false, failed = null, loading = true } = past ?? {};
    show(tools, ready);
    for (const one of [when, place]) show(one, ready);
    text(back, recorded ? "To the end" : "Back to live");
    attribute(back, "title", recorded ? "The end of the recording" : "Back to what is now (Esc)");
    show(save, !recorded);
    attribute(save, "href", `api/export?format=html${app.past.batch === null ? "" : `&batch_id=${app.past.batch}`}`);
    attribute(save, "title", app.past.batch === null ? "The log as one page that can be replayed anywhere" : `Batch ${app.past.batch} as one page that can be replayed anywhere`);
    show(retry, !!failed);
    attribute(el, "data-failed", !!failed);
    attribute(el, "aria-busy", loading ? "true" : null);
    const happened = ready ? eventWords(past.event) : null;
    say(failed ? { mark: "warning", tone: "bad", text: failed } : happened ?? { mark: "other", tone: "plain", text: "Looking back…" });
    const words = past?.note ?? (loading && ready ? "Loading…" : recorded ? `Recorded ${moment(/** @type {any} */ (app.archive).exported_at, Date.now())}. ${leftOut(/** @type {any} */ (app.archive).left_out)}` : "");
    text(note, words);
    if (noted !== (past?.note ?? failed ?? "")) {
      noted = past?.note ?? failed ?? "";
      if (noted) announce(noted);
    }
    const which = batchWords(app.past.row, app.run);
    show(batch, !!which);
    text(batch, which);
    if (!ready) return;

    text(date, dayWords(past.moment));
    text(clock, clockWords(past.moment));
    attribute(when, "datetime", new Date(past.moment).toISOString());
    attribute(when, "title", exact(past.moment));
    text(place, placeWords(past));
    attribute(play, "data-on", !!past.playing);
    attribute(play, "aria-label", past.playing ? "Pause" : "Play");
    attribute(play, "title", past.playing ? "Pause" : "Play; the time between events is shortened, silences are cut");
    speed.update(SPEEDS.map((one) => ({ value: String(one), label: `${one}×` })), String(past.playing ?? recall("past.speed", SPEEDS[1])));
    stepBack.disabled = past.place <= 0;
    stepOn.disabled = past.place >= past.total && past.last >= app.live.model.last_event_id;
    attribute(slider, "max", past.total);
    if (!dragged && !loading && Number(slider.value) !== past.place) slider.value = String(past.place);
    attribute(slider, "aria-valuetext", spoken(past));
    el.style.setProperty("--at", String(past.total ? Number(slider.value) / past.total : 0));
    trace.update(past.trace);
    if (entered !== `${past.batch}`) {
      entered = `${past.batch}`;
      announce(`The past is shown: ${which ? `${which}, ` : ""}${spoken(past)}`);
    }
  };

  /** @param {{mark: string, tone: string, text: string}} words */
  function say(words) {
    text(eventText, words.text);
    attribute(event, "title", words.text);
    if (drawn === words.mark + words.tone) return;
    drawn = words.mark + words.tone;
    eventMark.replaceChildren(mark(words.mark, words.tone));
  }
}
