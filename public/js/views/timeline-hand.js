/** Pointer and wheel on the lanes, as intents: pan by so much, zoom about here, point at this. */

const THRESHOLD_PX = 4;

/**
 * @param {HTMLElement} el @param {(event: {clientX: number}) => number} xOf px from the left of the lanes
 * @param {{pan: (px: number) => void, zoom: (factor: number, at: number) => void, point: (x: number|null, event: PointerEvent|null) => void, wheelPans: (event: WheelEvent) => boolean}} hooks
 */
export function handOn(el, xOf, hooks) {
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let moved = false;
  let start = { x: 0, y: 0 };
  let apart = 0;

  const inLanes = (/** @type {Event} */ event) => !!(/** @type {Element} */ (event.target).closest(".tl-lane, .tl-ruler"));
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return b ? Math.abs(a.x - b.x) : 0;
  };

  el.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !inLanes(event)) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 1) {
      moved = false;
      start = { x: event.clientX, y: event.clientY };
    }
    apart = spread();
  });
  el.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) {
      hooks.point(inLanes(event) ? xOf(event) : null, event);
      return;
    }
    const by = event.clientX - finger.x;
    if (!moved) {
      if (Math.abs(event.clientX - start.x) < THRESHOLD_PX) return;
      moved = true;
      el.setPointerCapture(event.pointerId);
      el.dataset.dragging = "";
    }
    finger.x = event.clientX;
    if (fingers.size === 1) {
      hooks.pan(-by);
      hooks.point(xOf(event), event);
    } else {
      const now = spread();
      const middle = [...fingers.values()].reduce((sum, one) => sum + one.x, 0) / fingers.size;
      if (apart > 8 && now > 8) hooks.zoom(now / apart, xOf({ clientX: middle }));
      apart = now;
      hooks.point(null, null);
    }
  });
  const lift = (/** @type {PointerEvent} */ event) => {
    fingers.delete(event.pointerId);
    apart = spread();
    if (!fingers.size) delete el.dataset.dragging;
  };
  el.addEventListener("pointerup", lift);
  el.addEventListener("pointercancel", lift);
  el.addEventListener("pointerleave", () => hooks.point(null, null));
  // What was dragged was not clicked.
  el.addEventListener("click", (event) => {
    if (!moved) return;
    moved = false;
    event.stopPropagation();
    event.preventDefault();
  }, true);
  el.addEventListener("wheel", (event) => {
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 300 : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      hooks.zoom(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * unit)) * 0.004), Math.max(0, xOf(event)));
    } else if (hooks.wheelPans(event)) {
      event.preventDefault();
      hooks.pan((Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY) * unit);
    }
  }, { passive: false });
}

/** The edge between labels and lanes, moved by pointer and keys. @param {HTMLElement} edge @param {{width: () => number, change: (px: number) => void, done: () => void}} hooks */
export function resizer(edge, hooks) {
  /** @type {{x: number, width: number}|null} */
  let drag = null;
  edge.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, width: hooks.width() };
    edge.setPointerCapture(event.pointerId);
    event.preventDefault();
    edge.focus();
  });
  edge.addEventListener("pointermove", (event) => drag && hooks.change(drag.width + event.clientX - drag.x));
  for (const type of ["pointerup", "pointercancel"]) edge.addEventListener(type, () => { drag = null; hooks.done(); });
  edge.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -16, ArrowRight: 16, Home: -9999, End: 9999 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    hooks.change(hooks.width() + by);
    hooks.done();
  });
}
