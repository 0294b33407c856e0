/**
 * What follows from the folded state: sums, stories by epic, and the state as the server's snapshot tells it.
 *
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").Story} Story
 */

/** What follows from the rows: numbers per epic and over all. @param {State} state */
export function tally(state) {
  /** @type {Record<string, number>} */
  const by_class = { backlog: 0, "ready-for-dev": 0, "in-progress": 0, review: 0, done: 0, optional: 0, other: 0 };
  /** @type {Map<string, {story_count: number, done_count: number}>} */
  const perEpic = new Map(state.epics.map((epic) => [epic.epic_id, { story_count: 0, done_count: 0 }]));
  /** @type {Map<string|null, Story[]>} stories of each known epic; under null those of none */
  const storiesOf = new Map();
  for (const story of state.stories) {
    const group = story.epic_id !== null && perEpic.has(story.epic_id) ? story.epic_id : null;
    const others = storiesOf.get(group);
    if (others) others.push(story);
    else storiesOf.set(group, [story]);
    by_class[Object.hasOwn(by_class, story.status_class) ? story.status_class : "other"] += 1;
    const sum = story.epic_id === null ? undefined : perEpic.get(story.epic_id);
    if (!sum) continue;
    sum.story_count += 1;
    if (story.status_class === "done") sum.done_count += 1;
  }
  const real = state.epics.filter((epic) => epic.status !== null);
  const epics_done = real.filter((epic) => epic.status_class === "done").length;
  return { perEpic, storiesOf, counts: { epics: real.length, epics_done, stories: state.stories.length, by_class } };
}

/** The state as the server's snapshot tells it. @param {State} state */
export function toSnapshot(state) {
  const { perEpic, counts } = tally(state);
  return structuredClone({
    epoch: state.epoch,
    last_event_id: state.last_event_id,
    sprint: {
      project: state.project,
      state: state.sprint_state,
      since: state.since,
      epics: state.epics.map((epic) => ({ ...epic, ...perEpic.get(epic.epic_id) })),
      stories: state.stories,
      counts,
      issues: state.issues,
      sources: state.sources,
    },
    batch: state.batch,
    active: state.active,
    orchestrator: state.orchestrator,
    agents: state.agents,
    work: Object.fromEntries(state.work),
    effort: state.effort,
  });
}
