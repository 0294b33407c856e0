/**
 * Whether somebody is there, and what they have seen last. Pure: it is told of every sign with its time.
 *
 * A page that lies open over night is not looked at: without pointer or key for ten minutes its reader counts as
 * gone since the last of them. A glance of a few seconds has seen nothing.
 *
 * @typedef {{epoch: string, id: number, at: number}} Seen the last event there was when somebody was there last
 * @typedef {{visible: boolean, sign: {id: number, at: number}|null, since: number|null}} Presence `since`: of this visit
 */
export const AWAY_MS = 10 * 60_000;
export const SETTLED_MS = 20_000;

/** @returns {Presence} */
export const nobody = () => ({ visible: false, sign: null, since: null });

/** @param {Presence} state @param {number} now */
export const isThere = ({ visible, sign }, now) => visible && sign !== null && now - sign.at < AWAY_MS;

/**
 * A pointer, a key, the page opened, shown or left.
 * @param {Presence} state @param {{id: number, at: number, visible: boolean}} sign
 * @returns {{state: Presence, came: boolean}} `came`: nobody was there before
 */
export function signed(state, { id, at, visible }) {
  const was = isThere(state, at);
  // Who hides the page was there until then; a page that is hidden gives no other sign.
  if (!visible) return { state: { ...state, visible, sign: was ? { id, at } : state.sign }, came: false };
  return { state: { visible, sign: { id, at }, since: was ? state.since : at }, came: !was };
}

/** What counts as seen: nothing as long as the visit is but a glance. @param {Presence} state @param {string} epoch @returns {Seen|null} */
export function seenBy({ sign, since }, epoch) {
  return sign && since !== null && sign.at - since >= SETTLED_MS ? { epoch, id: sign.id, at: sign.at } : null;
}

/**
 * The time that somebody who comes now has been away; null where that is not worth a word.
 * @param {Seen|null} seen @param {Seen} now
 */
export function absence(seen, now) {
  if (!seen || seen.epoch !== now.epoch || !(now.id > seen.id) || !(now.at - seen.at >= AWAY_MS)) return null;
  return { epoch: now.epoch, since: { id: seen.id, at: seen.at }, until: { id: now.id, at: now.at } };
}
