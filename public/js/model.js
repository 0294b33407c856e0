/**
 * The sprint as the events add up to it: a pure reducer, twin of the server's fold.
 *
 * `apply(state, event)` changes the state it is given and returns it: callers own one private copy.
 * Same start, same events, same end; no clock, no network, no document. Cases both twins must agree
 * on lie in `fixtures/fold/`.
 *
 * @typedef {{id?: number, type: string, timestamp: number, batch_id?: number|null, source?: string, payload: any}} WireEvent
 * @typedef {{epic_id: string, epic_key: string, title: string|null, status: string|null,
 *   status_class: string|null, retrospective: string|null}} Epic
 * @typedef {{story_key: string, story_id: string|null, epic_id: string|null, title: string|null,
 *   status: string, status_class: string, updated_at: number|null}} Story
 * @typedef {{story_key: string, story_id: string|null, epic_id: string|null, command: string,
 *   task_id: string, started_at: number, attempt: number, source: string|null, message: string|null}} Active
 * @typedef {{id: number, started_at: number, ended_at: number|null, max_cycles: number|null,
 *   cycles_completed: number, status: string, origin: string|null, size: number|null, last_activity_at: number}} Batch
 * @typedef {{agent_id: string, pid: number, command: string, story_keys: string[], model: string|null,
 *   attempt: number|null, background_task: string|null, started_at: number}} Agent
 * @typedef {{status: string, batch_id: number|null, cycles_completed: number, max_cycles: number|null,
 *   current_stories: string[], batch_mode: string|null, cycle_number: number, parked_until: number|null}} Orchestrator
 * @typedef {import("./model-work.js").Work} Work
 * @typedef {import("./model-work.js").Effort} Effort
 * @typedef {ReturnType<typeof fromSnapshot>} State
 */
import { agentEnd, agentStart, batchWarning, beginRun, cycleEnd, cycleStart, idle } from "./model-run.js";
import { sourceState } from "./model-sources.js";
import { commandBase, workCloses, workDone, workEnd, workNote, workProgress, workStart } from "./model-work.js";

export { tally, toSnapshot } from "./model-tally.js";

/** The classes a status word may belong to, in the order they are shown. */
export const CLASSES = ["done", "review", "in-progress", "ready-for-dev", "backlog", "optional", "other"];

/** Open commands beyond this many are not tracked, as on the server. */
const MAX_ACTIVE = 100_000;

/** @param {any} [snapshot] the server's snapshot, or nothing for an empty project */
export function fromSnapshot(snapshot) {
  const copy = structuredClone(snapshot ?? {});
  const sprint = copy.sprint ?? {};
  /** @type {Epic[]} */
  const epics = (sprint.epics ?? []).map((/** @type {any} */ { story_count, done_count, ...epic }) => epic);
  /** @type {Story[]} */
  const stories = sprint.stories ?? [];
  return {
    epoch: /** @type {string|null} */ (copy.epoch ?? null),
    last_event_id: /** @type {number} */ (copy.last_event_id ?? 0),
    project: /** @type {string|null} */ (sprint.project ?? null),
    sprint_state: /** @type {string|null} */ (sprint.state ?? null),
    since: /** @type {number|null} */ (sprint.since ?? null),
    epics,
    stories,
    byKey: new Map(stories.map((story) => [story.story_key, story])),
    issues: /** @type {any[]} */ (sprint.issues ?? []),
    sources: /** @type {any[]} */ (sprint.sources ?? []),
    batch: /** @type {Batch|null} */ (copy.batch ?? null),
    active: /** @type {Active[]} */ (copy.active ?? []),
    orchestrator: /** @type {Orchestrator} */ (copy.orchestrator ?? idle()),
    agents: /** @type {Agent[]} */ (copy.agents ?? []),
    /** What was done for each story. @type {Map<string, Work>} */
    work: new Map(Object.entries(copy.work ?? {})),
    /** What each command took. */
    effort: /** @type {Effort[]} */ (copy.effort ?? []),
    /** Counts up whenever epics, stories, issues or sources changed: lets views skip what stayed. */
    revision: 0,
  };
}

/**
 * @param {State} state
 * @param {WireEvent} event
 * @returns {State}
 */
export function apply(state, event) {
  if (typeof event.id === "number") state.last_event_id = event.id;
  const payload = event.payload ?? {};
  if (payload.imported === true) return state;
  if (event.type.startsWith("command:") && state.batch && event.batch_id === state.batch.id) {
    state.batch.last_activity_at = event.timestamp;
  }
  FOLDS.get(event.type)?.(state, payload, event);
  return state;
}

/** @type {Map<string, (state: State, payload: any, event: WireEvent) => void>} */
const FOLDS = new Map(Object.entries({
  "story:status": storyStatus,
  "epic:status": epicStatus,
  "source:state": sourceState,
  "batch:start": (state, payload, event) => {
    state.batch = {
      id: payload.batch_id ?? event.batch_id,
      started_at: payload.started_at ?? event.timestamp,
      ended_at: null,
      max_cycles: payload.max_cycles ?? null,
      cycles_completed: 0,
      status: "running",
      origin: payload.origin ?? null,
      size: payload.size ?? null,
      last_activity_at: event.timestamp,
    };
    state.orchestrator = payload.origin === "managed" ? beginRun(state.batch, payload.batch_mode ?? null) : idle();
  },
  "batch:end": (state, _payload, event) => {
    workCloses(state, event.timestamp);
    state.batch = null;
    state.active = [];
    state.orchestrator = idle();
    state.agents = [];
  },
  "batch:warning": batchWarning,
  "cycle:start": cycleStart,
  "cycle:end": cycleEnd,
  "agent:start": agentStart,
  "agent:end": agentEnd,
  "activity:entry": (state, payload, event) => workNote(state, payload, event.timestamp),
  "command:start": (state, payload, event) => {
    const entry = {
      story_key: payload.story_key,
      story_id: payload.story_id ?? null,
      epic_id: payload.epic_id ?? null,
      command: payload.command,
      task_id: payload.task_id,
      started_at: event.timestamp,
      attempt: attemptOf(payload.command),
      source: event.source ?? null,
      message: payload.message ?? null,
    };
    const place = findActive(state, payload);
    const opened = place < 0 && state.active.length < MAX_ACTIVE;
    if (opened) state.active.push(entry);
    else if (place >= 0) state.active[place] = entry;
    workStart(state, payload, event.timestamp, opened);
  },
  "command:progress": (state, payload, event) => {
    const place = findActive(state, payload);
    if (place >= 0) state.active[place].message = payload.message ?? null;
    workProgress(state, payload, event.timestamp);
  },
  "command:end": (state, payload, event) => {
    const place = findActive(state, payload);
    if (place >= 0) state.active.splice(place, 1);
    workEnd(state, payload, event.timestamp, place >= 0);
  },
}));

/** @param {State} state @param {any} payload */
const findActive = (state, { story_key, command, task_id }) =>
  state.active.findIndex((one) => one.story_key === story_key && one.command === command && one.task_id === task_id);

/** The attempt a command's suffix tells: `code-review-2` is the second. @param {string} command */
export const attemptOf = (command) => commandBase(command).attempt ?? 1;

/**
 * Puts a new row behind the row whose key is `after`: none named = first, unknown = last.
 * @template T @param {T[]} rows @param {T} row @param {string|null|undefined} after @param {(row: T, key: string) => boolean} has
 */
function insertBehind(rows, row, after, has) {
  const place = after == null ? 0 : rows.findIndex((one) => has(one, after)) + 1 || rows.length;
  rows.splice(place, 0, row);
}

/** @param {State} state @param {any} payload @param {WireEvent} event */
function storyStatus(state, payload, event) {
  state.revision += 1;
  const key = payload.story_key;
  let story = state.byKey.get(key);
  workDone(state, payload, event.timestamp, story ? story.status_class : null);
  if (payload.new_status == null) {
    if (story) state.stories.splice(state.stories.indexOf(story), 1);
    state.byKey.delete(key);
    return;
  }
  if (!story) {
    story = { story_key: key, story_id: null, epic_id: null, title: null, status: "", status_class: "other", updated_at: null };
    state.byKey.set(key, story);
    insertBehind(state.stories, story, payload.after, (one, after) => one.story_key === after);
  }
  story.story_id = payload.story_id ?? null;
  story.epic_id = payload.epic_id ?? null;
  story.title = payload.title ?? story.title;
  story.status = payload.new_status;
  story.status_class = payload.status_class ?? "other";
  story.updated_at = event.timestamp;
}

/** @param {State} state @param {any} payload */
function epicStatus(state, payload) {
  state.revision += 1;
  const word = payload.new_status ?? null;
  const key = payload.epic_key ?? `epic-${payload.epic_id}`;
  let epic = state.epics.find((one) => one.epic_key === key);
  if (!epic) {
    if (word === null) return;
    epic = { epic_id: payload.epic_id, epic_key: key, title: null, status: null, status_class: null, retrospective: null };
    insertBehind(state.epics, epic, payload.after, (one, after) => one.epic_key === after);
  }
  if (payload.retrospective === true) {
    epic.retrospective = word;
  } else {
    epic.status = word;
    epic.status_class = payload.status_class ?? null;
    epic.title = payload.title ?? epic.title;
  }
  if (epic.status === null && epic.retrospective === null) state.epics.splice(state.epics.indexOf(epic), 1);
}
