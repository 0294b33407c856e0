/** The server's answers over HTTP. Addresses are relative, so that a page under `/p/<name>/` asks its own server. */

export const base = new URL(".", document.baseURI);

/**
 * @param {string} path @param {Record<string, string|number|null|undefined>} [query] @param {number} [patience_ms]
 * @returns {Promise<any>} rejects on anything but a good answer in time
 */
export async function get(path, query = {}, patience_ms = 8000) {
  const url = new URL(path, base);
  for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") url.searchParams.set(key, String(value));
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  noteClock(answer);
  return answer.json();
}

/**
 * Asks for something to be done.
 * @param {string} path @param {any} body @param {number} [patience_ms]
 * @returns {Promise<any>} rejects with the server's own sentence
 */
export async function post(path, body, patience_ms = 30_000) {
  let answer;
  try {
    answer = await fetch(new URL(path, base), { method: "POST", cache: "no-store", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(patience_ms) });
  } catch {
    throw new Error("The server did not answer.");
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const sentence = String(said.error ?? `The server answered ${answer.status}`);
  throw new Error(sentence[0].toUpperCase() + sentence.slice(1));
}

/** Does the server answer at all? @param {number} [patience_ms] */
export async function alive(patience_ms = 2000) {
  try {
    const answer = await fetch(new URL("healthz", base), { cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
    noteClock(answer);
    return answer.status < 500 || answer.status === 503;
  } catch {
    return false;
  }
}

let skew = 0;

/** The server's clock as far as its `Date` header tells; small differences are its rounding. @param {Response} answer */
function noteClock(answer) {
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  const difference = date + 500 - Date.now();
  skew = Math.abs(difference) > 2500 ? difference : 0;
}

/** Now, by the server's clock. */
export const serverNow = () => Date.now() + skew;
