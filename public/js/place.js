/**
 * Where this page stands: alone at the server's root, or as one of several projects under `/p/<name>/`. Decided
 * by the address alone, so that it holds behind any proxy.
 */

/** @param {string} href of the page's folder @returns {{root: string, name: string|null}} root: where the server is */
export function placeOf(href) {
  const found = /^(.*\/)p\/([a-z0-9][a-z0-9._-]*)\/$/.exec(href);
  return found ? { root: found[1], name: found[2] } : { root: href, name: null };
}

// Without a document (in tests) it stands nowhere.
export const place = placeOf(globalThis.document ? new URL(".", document.baseURI).href : "");
