/** What is wrong or doubtful in the files, with its place and what to do. */
import { exact, fileName, plural, span } from "../format.js";
import { mark } from "../icons.js";
import { empty } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { isStatusFile } from "../verdict.js";
import { differences } from "./differences.js";

const FILES = ["sprint-status.yaml", "sprint-runner.csv", "orchestrator.md"];
/** @type {Record<string, [string, string]>} */
const STATES = { ok: ["good", "reads well"], missing: ["plain", "not there"], invalid: ["bad", "invalid"], unreadable: ["bad", "cannot be read"] };
/** @type {Record<string, [string, string]>} */
const SEVERITIES = { error: ["bad", "failed"], warning: ["warn", "warning"], info: ["plain", "note"] };
const RANK = ["error", "warning", "info"];
const MOST = 500;

/** @param {HTMLElement} el @returns {(app: import("../main.js").App) => void} */
export function mount(el) {
  const sum = h("span", { class: "toolbar-note", role: "status" });
  const files = h("ul", { class: "files" });
  const list = h("ul", { class: "issues", id: "issues" });
  const none = empty("No issues", "Every line of the files could be read.");
  const cut = h("p", { class: "end-note" });
  const apart = differences();
  el.append(h("div", { class: "toolbar" }, h("h1", { class: "toolbar-title" }, "Files and issues"), sum), files, list, cut, none.el, apart.el);

  return (app) => {
    const { model, loaded } = app;
    const known = new Map(model.sources.map((one) => [one.file, one]));
    const order = (/** @type {string} */ file) => (FILES.indexOf(fileName(file)) + FILES.length + 1) % (FILES.length + 1);
    const unknown = FILES.filter((name) => ![...known.keys()].some((file) => fileName(file) === name || (isStatusFile({ file }) && isStatusFile({ file: name }))));
    const names = [...known.keys(), ...unknown].sort((a, b) => order(a) - order(b));
    keyed(files, names.map((file) => known.get(file) ?? { file, state: null, since: null, message: null, line: null }), (one) => one.file, fileCard, app);
    const sorted = [...model.issues].sort((a, b) => RANK.indexOf(a.severity) - RANK.indexOf(b.severity));
    const numbers = RANK.map((word) => ({ word, n: sorted.filter((one) => one.severity === word).length })).filter(({ n }) => n);
    text(sum, numbers.map(({ word, n }) => plural(n, word === "info" ? "remark" : word)).join(", "));
    keyed(list, sorted.slice(0, MOST), (one) => JSON.stringify([one.file, one.code, one.line, one.message]), issueRow);
    show(cut, sorted.length > MOST);
    text(cut, `and ${sorted.length - MOST} more; \`sprint-runner check\` lists them all`);
    show(none.el, loaded && !sorted.length);
    apart.update(app);
  };
}

function fileCard() {
  const name = h("b", { class: "mono file-name" });
  const word = h("span", { class: "file-word" });
  const more = h("p", { class: "file-more" });
  const el = h("li", { class: "file" }, name, word, more);
  return {
    el,
    /** @param {any} source @param {import("../main.js").App} app */
    update(source, { now, model }) {
      let [tone, says] = STATES[source.state ?? ""] ?? ["plain", source.state ?? "nothing known yet"];
      if (isStatusFile(source) && source.state === "ok" && model.sprint_state && model.sprint_state !== "ok") [tone, says] = ["bad", model.sprint_state];
      text(name, fileName(source.file));
      attribute(name, "title", source.file);
      text(word, says);
      attribute(el, "data-tone", tone);
      const since = source.since === null ? "" : `for ${span(now - source.since)}`;
      text(more, [source.message, source.line ? `line ${source.line}` : "", since].filter(Boolean).join(" · "));
      attribute(more, "title", source.since === null ? null : exact(source.since));
    },
  };
}

/** @param {any} issue */
function issueRow(issue) {
  const [tone, sign] = SEVERITIES[issue.severity] ?? SEVERITIES.info;
  const place = [fileName(issue.file), issue.line, issue.column].filter((one) => one !== null && one !== undefined).join(":");
  const el = h("li", { class: "issue", "data-tone": tone, "data-row": true },
    mark(sign, tone),
    h("div", { class: "issue-words" }, h("p", { class: "issue-message" }, issue.message), issue.hint ? h("p", { class: "issue-hint" }, issue.hint) : null),
    h("span", { class: "issue-place mono", title: issue.file }, place),
    h("span", { class: "issue-code" }, `${issue.severity === "info" ? "remark" : issue.severity} · ${issue.code}`));
  return { el, update() {} };
}
