/**
 * The command bar's heart: what there is to choose, what fits what was typed, and what happens then. Fetched when
 * somebody first presses Ctrl+K; knows of the document only its own dialog.
 */
import { get } from "./api.js";
import { commandsOf, projectCommands, remember, storyCommands, weightOf } from "./commands.js";
import { rank } from "./fuzzy.js";
import { chordOf } from "./keys.js";
import { chooseTheme, theme } from "./look.js";
import * as notify from "./notify.js";
import { place } from "./place.js";
import { keep, recall } from "./prefs.js";
import { address, here, visit } from "./router.js";
import { VIEWS } from "./views.js";
import { commandDialog } from "./views/command-bar.js";

/** @typedef {import("./commands.js").Command} Command */

const MOST = 60;
const MOST_BATCHES = 100;

/** @type {ReturnType<typeof createBar>|null} */
let bar = null;

/** @param {import("./main.js").Actions} actions */
export function openCommandBar(actions) {
  bar ??= createBar(actions);
  if (!document.querySelector("dialog[open]")) bar.open();
}

/** @param {import("./main.js").Actions} actions */
function createBar(actions) {
  /** @type {Command[]} */
  let commands = [];
  /** @type {Command[]} */
  let stories = [];
  /** @type {any[]} */
  let batches = [];
  /** @type {string[]} */
  let recent = [];
  /** @type {Command[]} the other projects of the server */
  let projects = [];
  const dialog = commandDialog({ find, choose });

  /** @type {import("./commands.js").Doing} */
  const doing = {
    start: actions.start,
    stop: actions.stop,
    travel: actions.travel,
    live: () => visit(null),
    batch: (id) => visit(id === null ? null : { batch: id }, { hash: address("run") }),
    theme: chooseTheme,
    notify: async () => {
      const { kind } = notify.standing().kind === "on" ? notify.turnOff() : await notify.turnOn();
      actions.toast({ tone: "info", title: "Notifications", text: kind === "on" ? "They are on." : kind === "off" ? "They are off." : notify.standing().words });
      actions.changed();
    },
    testNotify: () => {
      const wrong = notify.test();
      if (wrong) actions.toast({ tone: "warn", title: "Notifications", text: wrong });
    },
    copy: async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        actions.toast({ tone: "good", title: "Link copied", text: "It leads to what is shown now, filters included." });
      } catch {
        actions.toast({ tone: "info", title: "Copy this link", text: location.href });
      }
    },
    save: (format) => {
      const link = Object.assign(document.createElement("a"), { href: `api/export?format=${format}`, download: "" });
      link.click();
    },
    help: () => actions.help(),
    retry: actions.retry,
  };

  function gather() {
    const app = actions.look();
    const views = Object.entries(VIEWS).map(([name, { label }]) => /** @type {[string, string, string]} */ ([name, label, chordOf(name)]));
    commands = commandsOf({ views, app, theme: theme(), notify: notify.standing(), batches, here, address }, doing).concat(projects);
    stories = storyCommands(app.model.stories, here);
  }

  /** @param {string} query */
  function find(query) {
    const how = { texts: (/** @type {Command} */ { name, also = [] }) => [name, ...also], weight: (/** @type {Command} */ one) => weightOf(recent, one), most: MOST };
    // Without a question, what was used lately and what one can do; five thousand stories would say nothing.
    const all = query ? commands.concat(stories) : commands.filter(({ group, id }) => ["Go to", "Do", "Project"].includes(group) || recent.includes(id)).concat(stories.filter(({ id }) => recent.includes(id)));
    return rank(query, all, how).map(({ item, at }) => ({ command: item, at, recent: !query && recent.includes(item.id) }));
  }

  /** @param {Command} command */
  function choose(command) {
    recent = remember(recent, command.id);
    keep("commands", recent);
    // What had the focus may be gone with its view.
    document.getElementById("main")?.focus({ preventScroll: true });
    if (command.href?.startsWith("#")) location.hash = command.href;
    else if (command.href) location.assign(command.href);
    else command.run?.();
    actions.changed();
  }

  return {
    open() {
      const kept = recall("commands", /** @type {string[]} */ ([]));
      recent = Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
      gather();
      dialog.open();
      if (place.name) get("api/projects").then((answer) => {
        projects = projectCommands(answer.projects, place, actions.look().route.view);
        gather();
        dialog.refresh();
      }, () => {});
      get("api/batches", { limit: MOST_BATCHES }).then((answer) => {
        batches = answer.batches;
        gather();
        dialog.refresh();
      }, () => {});
    },
  };
}
