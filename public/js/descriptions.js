/** What each story is about, asked for when somebody looks, and again when the files may have changed. */

const AGAIN_MS = 60_000;
const RETRY_MS = 10_000;

/** @param {{get: typeof import("./api.js").get, changed: () => void}} by */
export function createDescriptions({ get, changed }) {
  /** @type {Record<string, string>|null} */
  let texts = null;
  let askedAt = 0;
  let asking = false;
  let old = true;

  async function ask() {
    asking = true;
    askedAt = Date.now();
    old = false;
    try {
      texts = await get("story-descriptions.json");
    } catch {
      old = true;
    }
    asking = false;
    changed();
  }

  return {
    get texts() { return texts; },
    /** @param {import("./main.js").App} app */
    attend({ loaded, line }) {
      if (!loaded || !line.live || asking || !old) return;
      if (Date.now() - askedAt > (texts ? AGAIN_MS : askedAt ? RETRY_MS : 0)) ask();
    },
    heard(/** @type {import("./model.js").WireEvent} */ { type }) { if (type === "story:status" || type === "command:end") old = true; },
    renew() { old = true; },
  };
}
