/**
 * The settings as the server has them and as somebody is changing them. What is typed lives here and not in the
 * fields, so that looking at another view loses nothing. Hears every live event, and passes it on to notify.js.
 */
import { get, put, Refusal } from "./api.js";
import * as notify from "./notify.js";
import { changes, faults, faultsOf, settle, told, type } from "./settings-form.js";

/** @typedef {ReturnType<typeof createSettings>} Settings */

/** @param {{changed: () => void}} by */
export function createSettings({ changed }) {
  /** @type {import("./settings-form.js").Fact[]} */
  let facts = [];
  /** @type {any} */ let server = null;
  /** @type {import("./settings-form.js").Draft} */
  let draft = {};
  /** @type {Record<string, string>} what the server refused, until the field is changed */
  let refused = {};
  let asking = false;
  let saving = false;
  let failed = "";
  let known = false;
  let savedAt = 0;
  let triedAt = 0;
  /** @type {string|null} */ let project = null;

  async function ask() {
    if (asking) return;
    asking = true;
    triedAt = Date.now();
    failed = "";
    try {
      const answer = await get("api/settings/sources");
      facts = answer.settings;
      server = answer.server;
      draft = settle(facts, draft);
      known = true;
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
    }
    asking = false;
    changed();
  }

  return {
    get facts() { return facts; },
    get server() { return server; },
    get draft() { return draft; },
    get failed() { return failed; },
    get asking() { return asking; },
    get saving() { return saving; },
    get savedAt() { return savedAt; },
    /** How many fields differ from what the server has. */
    get unsaved() { return Object.keys(draft).length; },
    get faults() { return { ...refused, ...faults(facts, draft) }; },

    /** @param {import("./main.js").App} app */
    attend({ line, live, archive }) {
      project = live.model.project;
      if (archive) return;
      // After a failure only once in a while, and never while the line is down.
      if (!known && line.live && Date.now() - triedAt > (failed ? 3000 : 0)) ask();
    },
    /** A fresh line may be another server, and what was changed meanwhile was not heard. */
    renew() { known = false; triedAt = 0; },
    /** @param {import("./model.js").WireEvent} event */
    heard(event) {
      notify.heard(event, { project });
      if (event.type !== "settings:changed" || event.payload?.imported || !known) return;
      facts = told(facts, event.payload?.changed);
      draft = settle(facts, draft);
    },
    retry() { triedAt = 0; ask(); },

    /** @param {string} key @param {string} typed */
    type(key, typed) {
      const fact = facts.find((one) => one.key === key);
      if (!fact) return;
      draft = type(draft, fact, typed);
      refused = {};
      savedAt = 0;
      changed();
    },
    /** Puts one field back to what the server has. @param {string} key */
    take(key) {
      const { [key]: _, ...others } = draft;
      draft = others;
      refused = {};
      changed();
    },
    /** What somebody else has set is seen, and mine is kept. @param {string} key */
    keepMine(key) {
      const fact = facts.find((one) => one.key === key);
      if (fact && draft[key]) draft = { ...draft, [key]: { ...draft[key], base: fact.value } };
      changed();
    },
    discard() {
      draft = {};
      refused = {};
      changed();
    },

    /** Sends what differs, all of it or nothing. @returns {Promise<boolean>} */
    async save() {
      if (saving || Object.keys(faults(facts, draft)).length) return false;
      const sent = changes(facts, draft);
      if (!Object.keys(sent).length) return false;
      saving = true;
      refused = {};
      changed();
      try {
        const now = await put("api/settings", sent);
        facts = told(facts, Object.fromEntries(facts.map(({ key, value }) => [key, /** @type {[number, number]} */ ([value, now[key]])])));
        draft = settle(facts, draft);
        savedAt = Date.now();
      } catch (error) {
        refused = faultsOf(error instanceof Refusal ? error.message : String(error));
      }
      saving = false;
      changed();
      return savedAt > 0;
    },
  };
}
