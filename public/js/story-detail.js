/**
 * What the panel of one story asks the server for: its events, the agents of its batches, its files. Live events are added as they come.
 *
 * @typedef {import("./model.js").WireEvent} WireEvent
 * @typedef {{key: string, events: WireEvent[], all: boolean, loading: boolean, failed: boolean, loaded: boolean, agents: WireEvent[],
 *   about: string|null, files: {name: string, kind: string, size: number, modified_at: number|null, archived: boolean}[], filesState: "loading"|"known"|"unknown"|"failed", revision: number}} Story events ascending
 */

const PAGE = 500;
/** Loaded by itself; more when somebody asks. */
const AT_FIRST = 2000;
const MOST_BATCHES = 40;
const RETRY_MS = 5000;
/** While somebody looks, its files are looked at again after so long, when something happened to it. */
const FILES_MS = 10_000;

/** @param {{get: typeof import("./api.js").get, changed: () => void}} by */
export function createDetail({ get, changed }) {
  /** @type {Story|null} */
  let story = null;
  let triedAt = 0;
  let filesAt = 0;
  let filesOld = false;

  const tell = (/** @type {Story} */ mine) => { mine.revision += 1; changed(); };

  /** @param {string} key @param {number|null} until */
  function open(key, until) {
    /** @type {Story} */
    const mine = (story = { key, events: [], all: false, loading: false, failed: false, loaded: false, agents: [], about: null, files: [], filesState: "loading", revision: 0 });
    files(mine);
    load(mine, until === null ? null : until + 1, AT_FIRST);
  }

  /** @param {Story} mine @param {number|null} before @param {number} upTo */
  async function load(mine, before, upTo) {
    if (mine.loading || mine.all) return;
    mine.loading = true;
    mine.failed = false;
    triedAt = Date.now();
    tell(mine);
    try {
      for (let n = 0; n < upTo && !mine.all && mine === story; n += PAGE) {
        const page = await get("api/events", { story: mine.key, before, limit: PAGE });
        const known = mine.events[0]?.id ?? Infinity;
        // The server also takes the key for a short id: only what is exactly this story's belongs here.
        const own = page.events.filter((/** @type {WireEvent} */ one) => one.payload?.story_key === mine.key && Number(one.id) < Number(known));
        mine.events = own.concat(mine.events);
        before = page.events[0]?.id ?? before;
        mine.all = page.events.length < PAGE;
        mine.loaded = true;
        tell(mine);
      }
      await agentsOf(mine);
    } catch {
      mine.failed = true;
    }
    mine.loading = false;
    tell(mine);
  }

  /** Its agents are told of by their batches' events. @param {Story} mine */
  async function agentsOf(mine) {
    const batches = [...new Set(mine.events.flatMap(({ batch_id }) => batch_id ?? []))].slice(-MOST_BATCHES);
    if (!batches.length || mine !== story) return;
    const page = await get("api/events", { type: "agent:*", batch_id: batches.join(","), limit: 1000 });
    const until = page.events.at(-1)?.id ?? 0;
    mine.agents = page.events.concat(mine.agents.filter(({ id }) => Number(id) > until));
  }

  /** @param {Story} mine */
  async function files(mine) {
    filesAt = Date.now();
    filesOld = false;
    try {
      const answer = await get("api/stories", { key: mine.key });
      Object.assign(mine, { files: answer.files, about: answer.description, filesState: "known" });
    } catch (error) {
      mine.filesState = / 404$/.test(/** @type {Error} */ (error).message) ? "unknown" : "failed";
    }
    tell(mine);
  }

  return {
    get story() { return story; },
    older() { if (story) load(story, story.events.length ? Number(story.events[0].id) : null, PAGE); },

    /** @param {import("./main.js").App} app */
    attend({ route, loaded, line, past, model }) {
      const key = keyOf(route.params.get("detail"), model);
      if (!key || !loaded) {
        if (!key) story = null;
        return;
      }
      const until = past ? past.index : null;
      if (story?.key !== key) open(key, until);
      else if (story.failed && !story.loading && line.live && Date.now() - triedAt > RETRY_MS) load(story, story.events.length ? Number(story.events[0].id) : null, PAGE);
      // A moment before all that is held: its events have to be fetched from there on.
      else if (until !== null && !story.all && !story.loading && Number(story.events[0]?.id ?? 0) > until) load(story, Number(story.events[0].id), PAGE);
      else if (filesOld && Date.now() - filesAt > FILES_MS) files(story);
    },

    /** @param {WireEvent} event */
    heard(event) {
      if (!story) return;
      if (event.type.startsWith("agent:")) story.agents.push(event);
      else if (event.payload?.story_key === story.key) {
        if (Number(event.id) <= Number(story.events.at(-1)?.id ?? 0)) return;
        story.events.push(event);
        filesOld ||= event.type !== "command:progress";
      } else return;
      story.revision += 1;
    },

    renew() { story = null; },
  };
}

/** The story that is meant: a key, or the short id of exactly one. @param {string|null} wanted @param {import("./model.js").State} model */
export function keyOf(wanted, model) {
  if (!wanted || model.byKey.has(wanted)) return wanted;
  const found = model.stories.filter((story) => story.story_id === wanted);
  return found.length === 1 ? found[0].story_key : wanted;
}
