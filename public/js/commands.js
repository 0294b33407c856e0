/**
 * What the command bar can do and where it can lead, from what the page knows. Pure: what is done is done by `run`.
 *
 * @typedef {{id: string, group: string, name: string, also?: string[], detail?: string, keys?: string, href?: string,
 *   run?: () => void, why?: string|null, confirm?: string}} Command why: the reason for which it cannot be done now
 */
import { epicTitle, plural, span, storyTitle } from "./format.js";
import { unreached } from "./line-words.js";
import { endWords, hindrance } from "./run.js";
import { FIELDS } from "./settings-form.js";

/** Said of the views, beside their names, to find them by. @type {Record<string, string[]>} */
const ALSO = {
  overview: ["home", "attention", "needs you"], run: ["sprint run", "agents", "cycles", "logs"], timeline: ["gantt"], stories: ["table", "list"], activity: ["events", "log", "search"],
  batches: ["history", "past", "compare"], insights: ["forecast", "burn-up", "cost", "tokens", "charts"], issues: ["files", "errors", "sources"], settings: ["preferences", "configuration"],
};

/**
 * @typedef {{start: (size: number|"all") => void, stop: (mode: "graceful"|"now") => void, travel: () => void, live: () => void, theme: (name: string) => void, notify: () => void,
 *   testNotify: () => void, copy: () => void, save: (format: "html"|"ndjson") => void, help: () => void, retry: () => void, batch: (id: number|null) => void}} Doing
 * @typedef {{views: [name: string, label: string, keys: string][], app: import("./main.js").App, theme: string, notify: import("./notify.js").Standing, batches: any[],
 *   here: (change: Record<string, string|null>) => string, address: (view: string, params?: Record<string, string>) => string}} Known
 */

/** @param {Known} known @param {Doing} doing @returns {Command[]} everything but the stories */
export function commandsOf({ views, app, theme, notify, batches, here, address }, doing) {
  /** @type {Command[]} */
  const all = [];
  const { live, line, past, control, loaded } = app;
  const go = "Go to";
  for (const [name, label, keys] of views) all.push({ id: `view ${name}`, group: go, name: label, also: ALSO[name], keys, href: address(name) });

  const managed = live.run.kind === "managed";
  const offline = line.recorded ? "This is a recording: there is no server behind it." : line.live || line.far ? null : unreached(line);
  const nostart = managed ? `Batch ${live.run.batch_id} is running already.` : hindrance({ loaded: loaded || !!past, line, run: live.run, busy: live.verdict.kind === "running", readOnly: control.readOnly });
  const nostop = (line.far ? unreached(line) : offline) ?? control.readOnly ?? (managed ? null : live.run.kind === "observed" ? `Batch ${live.run.batch_id} is run by someone else: it can only be stopped there.` : "No batch is running.");
  const act = "Do";
  for (const [size, words] of /** @type {[number|"all", string][]} */ ([[1, "1 cycle"], [2, "2 cycles"], ["all", "all open stories"]])) {
    all.push({ id: `start ${size}`, group: act, name: `Start a batch: ${words}`, also: ["run sprint begin"], keys: size === 2 ? "b" : "", why: nostart, confirm: "Press Enter again to start agents", run: () => doing.start(size) });
  }
  all.push({ id: "stop graceful", group: act, name: "Stop the batch after the running command", also: ["graceful end"], keys: managed ? "b" : "", why: nostop, confirm: "Press Enter again to stop", run: () => doing.stop("graceful") });
  all.push({ id: "stop now", group: act, name: "Stop the batch now", also: ["kill abort end"], why: nostop, confirm: `Press Enter again: ${plural(live.model.agents.length, "agent")} will be ended at once`, run: () => doing.stop("now") });
  all.push(past
    ? { id: "live", group: act, name: "Back to live", also: ["now present"], keys: "t", run: doing.live }
    : { id: "past", group: act, name: "Look at the past", also: ["time machine history replay"], keys: "t", run: doing.travel });
  for (const [name, words] of [["system", "as the system has it"], ["light", "light"], ["dark", "dark"]]) {
    all.push({ id: `theme ${name}`, group: act, name: `Theme: ${words}`, also: ["colour appearance mode"], why: theme === name ? "It is this one already." : null, run: () => doing.theme(name) });
  }
  const nonotify = notify.kind === "unavailable" || notify.kind === "denied" ? notify.words : null;
  all.push({ id: "notify", group: act, name: notify.kind === "on" ? "Turn notifications off" : "Turn notifications on", also: ["alert desktop"], why: nonotify, run: doing.notify });
  all.push({ id: "notify test", group: act, name: "Send a test notification", why: nonotify ?? (notify.kind === "on" ? null : "Notifications are off."), run: doing.testNotify });
  all.push({ id: "copy", group: act, name: "Copy the link to what is shown", also: ["share address url permalink"], run: doing.copy });
  all.push({ id: "export html", group: act, name: "Export as one page that replays it", also: ["download save html archive"], why: offline, run: () => doing.save("html") });
  all.push({ id: "export ndjson", group: act, name: "Export the log as lines of JSON", also: ["download save ndjson events"], why: offline, run: () => doing.save("ndjson") });
  all.push({ id: "help", group: act, name: "Keyboard shortcuts", also: ["keys help"], keys: "?", run: doing.help });
  if (!line.live && !line.far && !line.recorded) all.push({ id: "retry", group: act, name: "Try to reach the server", also: ["reconnect"], run: doing.retry });

  for (const { key, label } of FIELDS.values()) all.push({ id: `setting ${key}`, group: "Setting", name: label, also: [key.replaceAll("_", " "), key], href: address("settings", { field: key }) });
  for (const epic of app.model.epics) {
    const id = String(epic.epic_id ?? "");
    const title = epicTitle(epic);
    all.push({ id: `epic ${epic.epic_key}`, group: "Epic", name: title === `Epic ${id}` ? title : `${id} ${title}`, also: [epic.epic_key, `epic ${id}`], detail: epic.status ?? "", href: address("epics", { open: id }) });
  }
  for (const batch of batches) {
    const took = typeof batch.duration_seconds === "number" ? span(batch.duration_seconds * 1000) : "";
    all.push({ id: `batch ${batch.id}`, group: "Batch", name: `Batch ${batch.id}`, detail: [batch.status === "running" ? "running" : endWords(batch).title.toLowerCase(), took].filter(Boolean).join(", "), run: () => doing.batch(batch.status === "running" ? null : batch.id) });
  }
  return all;
}

/** @param {import("./model.js").Story[]} stories @param {Known["here"]} here @returns {Command[]} */
export const storyCommands = (stories, here) => stories.map((story) => {
  const id = story.story_id ?? "";
  const title = storyTitle(story);
  return { id: `story ${story.story_key}`, group: "Story", name: id && id !== title ? `${id} ${title}` : title, also: [story.story_key], detail: story.status, get href() { return here({ detail: story.story_key }); } };
});

/** The way to the other projects, and to all of them. @param {{name: string, path: string, branch: string|null, state: string}[]} projects @param {{root: string, name: string|null}} place @param {string} view @returns {Command[]} */
export const projectCommands = (projects, { root, name }, view) => [
  { id: "projects", group: "Project", name: "All projects", also: ["overview switch"], href: `${root}projects` },
  ...projects.filter((one) => one.name !== name).map((one) => ({ id: `project ${one.name}`, group: "Project", name: `Switch to ${one.name}`, also: [one.name, one.branch ?? ""].filter(Boolean), detail: one.state, href: `${root}${one.path}#${view}` })),
];

/** What was done last first. @param {string[]} recent @param {string} id @returns {string[]} */
export const remember = (recent, id) => [id, ...recent.filter((one) => one !== id)].slice(0, 12);

/** What a use lately is worth: it decides among what fits about equally well. @param {string[]} recent @param {Command} command */
export function weightOf(recent, { id, why, group }) {
  const at = recent.indexOf(id);
  return (at < 0 ? 0 : 60 - at * 3) + (group === "Go to" ? 30 : group === "Do" ? 20 : 0) - (id === "stop now" ? 10 : 0) - (why ? 100 : 0);
}
