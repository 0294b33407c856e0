/** The keyboard is listened to once the page stands; keys and clicks that are faster are not lost. */

/** More than this nobody means. */
const MOST = 16;

/** @param {import("./main.js").Actions} actions gets its `help` and `openBar` @param {number} soon_ms after which the keyboard's code is fetched in any case */
export function bringKeys(actions, soon_ms) {
  /** @type {(() => void)[]} */
  let waiting = [];
  let begun = false;
  /** @type {(event: KeyboardEvent) => void} */
  let press = () => {};
  /** @param {() => void} wish */
  function later(wish) {
    if (waiting.length < MOST) waiting.push(wish);
    begin();
  }
  // Views hear their own keys already; what is kept is for the page's own.
  const early = (/** @type {KeyboardEvent} */ event) => later(() => press(event));
  function begin() {
    if (begun) return;
    begun = true;
    import("./keys.js").then(({ listenToKeys }) => {
      removeEventListener("keydown", early);
      ({ help: actions.help, press } = listenToKeys(actions));
      for (const wish of waiting) wish();
      waiting = [];
    }, () => { begun = false; });
  }
  actions.help = () => later(() => actions.help());
  actions.openBar = () => later(() => actions.openBar());
  addEventListener("keydown", early);
  setTimeout(begin, soon_ms);
}
