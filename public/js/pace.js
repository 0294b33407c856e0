/**
 * When to draw: in the next frame, at most once a frame, and while changes pour in no more often than eyes follow
 * and the machine bears: what one drawing takes, its layout and painting included, is left free twice over.
 */
const PACE_MS = 50;
const MOST_MS = 400;
const SHARE = 3;

/** @param {() => void} draw @returns {{soon: () => void, next: () => void}} soon: paced; next: in the next frame whatever goes on, for what a person did */
export function paced(draw) {
  /** @type {any} */ let timer;
  let frame = 0;
  let began = -Infinity;
  let cost = 0;
  // A message sent while a frame is drawn arrives when it stands.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { cost = performance.now() - began; };

  function run() {
    frame = 0;
    began = performance.now();
    port2.postMessage(0);
    draw();
  }
  function next() {
    clearTimeout(timer);
    timer = undefined;
    frame ||= requestAnimationFrame(run);
  }
  function soon() {
    if (frame || timer !== undefined) return;
    const wait = began + Math.min(MOST_MS, Math.max(PACE_MS, SHARE * cost)) - performance.now();
    if (wait > 0) timer = setTimeout(next, wait);
    else next();
  }
  return { soon, next };
}
