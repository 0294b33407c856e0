/** Every epic as a card: its word, a bar of its stories, and the stories themselves when opened. */
import { epicTitle, plural, storyTitle } from "../format.js";
import { sign, statusIcon } from "../icons.js";
import { choice, empty, segments, statusBadge } from "../parts.js";
import { attribute, h, keyed, show, text } from "../render.js";
import { address, refine } from "../router.js";

const LISTED = 200;
const LOOSE = { epic_id: null, epic_key: "", title: "Stories without an epic", status: null, status_class: null, retrospective: null };

/** @param {HTMLElement} el @param {import("../main.js").Actions} actions @returns {(app: import("../main.js").App) => void} */
export function mount(el, actions) {
  const filter = choice("Epic status", (value) => actions.refine({ status: value, open: null }));
  const sum = h("span", { class: "toolbar-note", role: "status" });
  const cards = h("ul", { class: "cards" });
  const none = empty("No epics", "Keys such as epic-1 in sprint-status.yaml become epics.");
  el.append(h("div", { class: "toolbar" }, h("h1", { class: "toolbar-title" }, "Epics"), filter.el, sum), cards, none.el);

  return (app) => {
    const { model, sums, route, loaded } = app;
    const status = route.params.get("status") ?? "";
    const words = [...new Set(model.epics.map((epic) => epic.status).filter((one) => one !== null))];
    filter.update([{ value: "", label: "Any status" }, ...words.map((one) => ({ value: one, label: one }))], status);
    const loose = sums.storiesOf.has(null);
    const shown = model.epics.filter((epic) => !status || epic.status === status);
    text(sum, `${sums.counts.epics_done} of ${plural(sums.counts.epics, "epic")} done`);
    keyed(cards, loose && !status ? [...shown, LOOSE] : shown, (epic) => epic.epic_key, epicCard, app);
    show(none.el, loaded && !cards.children.length);
  };
}

/** @param {any} first */
function epicCard(first) {
  const id = h("span", { class: "mono epic-id" });
  const title = h("h2", { class: "card-title" });
  const badge = statusBadge();
  const bar = segments();
  const sum = h("span", { class: "card-sum" });
  const retro = statusBadge();
  const retroLine = h("span", { class: "card-retro" }, "retrospective ", retro.el);
  const stories = h("ul", { class: "card-stories" });
  const more = h("a", { class: "heading-link" });
  const details = h("details", { class: "card" },
    h("summary", { class: "card-head" },
      h("span", { class: "card-top" }, sign("open"), id, badge.el), title, bar.el, h("span", { class: "card-foot" }, sum, retroLine)),
    stories, more);
  const el = h("li", { "data-row": true }, details);
  details.addEventListener("toggle", () => dispatchEvent(new Event("hashchange")));
  // What is under way is open from the start; after that it is the reader's.
  details.open = first.status_class === "in-progress";
  if (first.epic_id === null) badge.el.hidden = true;

  return {
    el,
    /** @param {import("../model.js").Epic} epic @param {import("../main.js").App} app */
    update(epic, { model, sums, route }) {
      const own = sums.storiesOf.get(first.epic_id) ?? [];
      const done = own.filter((story) => story.status_class === "done").length;
      if (route.params.get("open") === epic.epic_id) {
        details.open = true;
        requestAnimationFrame(() => {
          el.scrollIntoView({ block: "nearest" });
          refine({ open: null });
        });
      }
      text(id, epic.epic_key);
      text(title, epicTitle(epic));
      badge.update(epic.status, epic.status_class);
      bar.update(own.map((story) => story.status_class));
      text(sum, own.length ? `${done} of ${plural(own.length, "story", "stories")} done` : "no stories");
      show(retroLine, epic.retrospective !== null);
      if (epic.retrospective !== null) retro.update(epic.retrospective, epic.retrospective === "done" || epic.retrospective === "completed" ? "done" : "optional");
      const active = new Set(model.active.map((one) => one.story_key));
      attribute(details, "data-active", own.some((story) => active.has(story.story_key)));
      if (!details.open) return;
      keyed(stories, own.slice(0, LISTED), (story) => story.story_key, storyLine, { active });
      show(more, own.length > LISTED);
      text(more, `All ${own.length} in the table`);
      attribute(more, "href", address("stories", { epic: String(epic.epic_id ?? "") }));
    },
  };
}

function storyLine() {
  const id = h("span", { class: "mono story-id" });
  const title = h("span", { class: "story-title" });
  const word = h("span", { class: "story-word" });
  const link = h("a", { class: "story-line" }, id, title, word);
  let drawn = "";
  return {
    el: h("li", {}, link),
    /** @param {import("../model.js").Story} story @param {{active: Set<string>}} app */
    update(story, { active }) {
      if (drawn !== story.status_class) {
        drawn = story.status_class;
        if (link.firstChild !== id) link.firstChild.remove();
        link.prepend(statusIcon(drawn));
      }
      text(id, story.story_id === story.story_key ? "" : story.story_id);
      text(title, storyTitle(story));
      text(word, story.status);
      attribute(link, "href", address("activity", { story: story.story_key }));
      attribute(link, "title", story.story_key);
      attribute(link, "data-active", active.has(story.story_key));
    },
  };
}
