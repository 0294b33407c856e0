/**
 * What all projects of the server are up to, asked for again and again. One question brings all of them: a stream
 * for each would take the six connections that a browser has for one host, and the projects' own pages need them.
 *
 * @typedef {{id: number, origin: string, started_at: number, cycles_completed: number, max_cycles: number|null, parked_until: number|null}} Batch
 * @typedef {{name: string|null, path: string, folder: string, branch: string|null, state: "running"|"waiting"|"parked"|"stopping"|"idle"|"finished"|"empty"|"unreachable"|"down", since: number|null, server: import("./connection.js").Owner|null,
 *   reasons: string[], project: string|null, batch: Batch|null,
 *   active: {story_key: string, story_id: string, command: string, started_at: number}[], active_count: number, agents: number, stories: {total: number, done: number, blocked: number, stuck: number}, silent: number, reviews_waiting: number,
 *   last_known: {state: string, batch: Batch|null, agents: number, active_count: number}|null,
 *   issues: {errors: number, warnings: number}, last_activity_at: number|null, cost_usd: number|null, input_tokens: number|null, output_tokens: number|null}} Project
 * @typedef {{projects: Project[]|null, live: boolean, lostAt: number|null, why: "signed-out"|"gone"|null}} Known projects: null before the first answer
 */
import { pulse } from "./pulse.js";

const EVERY_MS = 2000;
/** With the pause before it, and a beat, well below the five seconds within which nothing may be said to run that does not. */
const PATIENCE_MS = 2000;

/** @param {URL} base of a project or of all: each answers the same @param {(known: Known) => void} tell after each question @returns {() => void} ends it */
export function watchProjects(base, tell) {
  /** @type {Known} */
  const known = { projects: null, live: false, lostAt: null, why: null };
  let next = 0;
  let asking = false;
  let over = false;

  async function ask() {
    if (asking || over || performance.now() < next) return;
    asking = true;
    /** @type {Known["why"]} */ let why = "gone";
    try {
      // Kept by the browser with its version: as long as nothing changes the answer is a head without a body.
      const answer = await fetch(new URL("api/projects", base), { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.status === 401) why = "signed-out";
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      const { projects } = await answer.json();
      if (!Array.isArray(projects)) throw new Error("not a list");
      Object.assign(known, { projects, live: true, lostAt: null, why: null });
    } catch {
      Object.assign(known, { live: false, lostAt: known.lostAt ?? Date.now(), why });
    }
    asking = false;
    next = performance.now() + EVERY_MS;
    if (!over) tell(known);
  }
  const stop = pulse(ask);
  ask();
  return () => {
    over = true;
    stop();
  };
}
