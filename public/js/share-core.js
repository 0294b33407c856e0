/**
 * Who of the tabs of one server holds the line: the rules, apart from the browser. A lock makes one tab the
 * leader; it hands out what it hears, the others follow, and take over by their own cursors.
 *
 * The lead is taken from a leader only with a reason: it is hidden (its timers are slow) or gives no sign of
 * life, and only by a tab that is looked at. So two windows in sight never take it from each other in turn.
 *
 * @typedef {import("./connection.js").Line} Line
 * @typedef {{is: "beat", tab: string, epoch: string|null, id: number, line: Line, hidden: boolean, tabs: number}
 *   | {is: "news", tab: string, epoch: string|null, prev: number, events: any[]}
 *   | {is: "hello"|"here"|"bye"|"retry", tab: string}} Said
 */

const BEAT_MS = 1000;
/** A leader not heard for this long is not believed any more, */
const SILENT_MS = 3000;
/** and after this long a tab in sight takes over. */
const LOST_MS = 5000;
const AGAIN_MS = 2000;
const HERE_MS = 5000;
const GONE_MS = 12_000;

/**
 * @param {{tab: string, cursor: import("./connection.js").Cursor, line: Line, now: () => number, visible: () => boolean, say: (said: Said) => void,
 *   lead: () => void, resign: () => void, steal: () => void, retry: () => void, changed: () => void,
 *   reader: {hear: (run: import("./share-reader.js").Run) => void, stop: () => void}}} parts
 */
export function createMember({ tab, cursor, line, now, visible, say, lead, resign, steal, retry, changed, reader }) {
  /** @type {"none"|"leader"|"follower"} */
  let role = "none";
  /** @type {Extract<Said, {is: "beat"}>|null} what it said last */
  let leader = null;
  let heardAt = 0;
  let saidAt = 0;
  let stoleAt = -AGAIN_MS;
  let told = "";
  /** @type {Map<string, number>} other tabs, as far as the leader has heard of them */
  const others = new Map();
  /** @type {any[]} */
  let news = [];
  /** Where the first of them follows. */
  let from = { epoch: /** @type {string|null} */ (null), prev: 0 };

  function flush() {
    if (news.length) say({ is: "news", tab, ...from, events: news });
    news = [];
  }
  function beat() {
    flush();
    saidAt = now();
    for (const [one, at] of others) if (saidAt - at > GONE_MS) others.delete(one);
    if (line.tabs !== others.size + 1) {
      line.tabs = others.size + 1;
      changed();
    }
    told = JSON.stringify(line);
    say({ is: "beat", tab, epoch: cursor.epoch, id: cursor.id, line: { ...line }, hidden: !visible(), tabs: line.tabs });
  }
  const here = () => {
    saidAt = now();
    say({ is: "here", tab });
  };
  function follow() {
    role = "follower";
    leader = null;
    heardAt = saidAt = now();
    say({ is: "hello", tab });
  }
  /** Takes the lead if there is a reason to. */
  function claim() {
    if (role !== "follower" || !visible() || now() - stoleAt < AGAIN_MS) return;
    if (!leader?.hidden && now() - heardAt < LOST_MS) return;
    stoleAt = now();
    steal();
  }

  /** The line is as the leader says; but live is only who has something to show. */
  function mirror() {
    if (!leader) return;
    const mine = JSON.stringify(line);
    const loaded = !!cursor.epoch;
    Object.assign(line, leader.line, { tabs: Math.max(2, leader.tabs), live: leader.line.live && loaded, ever: leader.line.ever && loaded });
    if (mine !== JSON.stringify(line)) changed();
  }
  /** @param {Extract<Said, {is: "beat"}>} said */
  function followed(said) {
    if (leader?.tab !== said.tab) here();
    leader = said;
    heardAt = now();
    mirror();
    if (said.line.live) reader.hear({ epoch: said.epoch, prev: said.id, events: [] });
    if (said.hidden) claim();
  }

  return {
    get role() { return role; },

    /** The lock is wanted, and may be another's for long. */
    join: follow,

    /** The lock is ours. */
    granted() {
      role = "leader";
      news = [];
      others.clear();
      reader.stop();
      lead();
      beat();
    },

    /** Another has taken the lock. */
    stolen() {
      if (role !== "leader") return;
      role = "follower";
      flush();
      resign();
      follow();
    },

    /** The page sleeps or goes. */
    leave() {
      if (role === "leader") flush();
      say({ is: "bye", tab });
      if (role === "leader") resign();
      reader.stop();
      role = "none";
      leader = null;
    },

    /** @param {Said} said by another tab */
    hear(said) {
      if (role === "none") return;
      if (said.is === "beat") {
        if (role === "follower") followed(said);
      } else if (said.is === "news") {
        if (role !== "follower") return;
        if (leader?.tab === said.tab) heardAt = now();
        reader.hear(said);
      } else if (role === "leader") {
        if (said.is === "bye") others.delete(said.tab);
        else others.set(said.tab, now());
        if (said.is === "retry") retry();
        if (said.is !== "here" || line.tabs !== others.size + 1) beat();
      }
    },

    /** The leader's own stream brought an event. @param {any} event @param {number} prev */
    brought(event, prev) {
      if (!others.size) return;
      if (!news.length) from = { epoch: cursor.epoch, prev };
      news.push(event);
    },
    flush,

    /** The page has begun anew from a snapshot. */
    begun() {
      if (role === "leader") beat();
      else mirror();
    },
    /** Something else is to be said of the line. */
    turned() {
      if (role === "leader" && told !== JSON.stringify(line)) beat();
    },

    /** Now and then. */
    tick() {
      const at = now();
      if (role === "leader" && at - saidAt >= BEAT_MS) beat();
      if (role !== "follower") return;
      if (at - saidAt >= HERE_MS) here();
      if (line.live && at - heardAt > SILENT_MS) {
        Object.assign(line, { live: false, lostAt: heardAt });
        changed();
      }
      claim();
    },

    /** Shown or hidden. */
    seen() {
      if (role === "leader") beat();
      else claim();
    },

    /** A person wants it tried now. */
    retry() {
      if (role === "follower") say({ is: "retry", tab });
      else retry();
    },
  };
}
