/**
 * Dragging a card with a finger, a pen or the mouse, on Pointer Events alone.
 *
 * left = dislike, right = like, up = love. A drag commits past 35 % of the card or when it is thrown faster than 0.5 px/ms; otherwise, and when
 * the browser takes the pointer away, the card springs back. A second finger is ignored. Touches that start within 24 px of the screen's
 * left or right edge belong to the browser's own back gesture.
 */

/** @typedef {"left" | "right" | "up"} Direction */

const SLOP_PX = 10;
const EDGE_PX = 24;
const COMMIT_SHARE = 0.35;
const COMMIT_SPEED = 0.5;
/** A throw must still have travelled a little, or a nervous tap would count. */
const THROW_PX = 36;
const SPEED_WINDOW_MS = 90;

/** @param {number} dx @param {number} dy @returns {Direction | null} */
export function directionOf(dx, dy) {
  if (-dy > Math.abs(dx) * 1.1) return "up";
  if (Math.abs(dx) < 1) return null;
  return dx < 0 ? "left" : "right";
}

/**
 * @param {HTMLElement} surface
 * @param {{
 *   mayStart: () => boolean,
 *   moved: (dx: number, dy: number, direction: Direction | null, progress: number) => void,
 *   released: () => void,
 *   committed: (direction: Direction, pointerType: string, dx: number, dy: number) => void,
 * }} listener `progress` runs from 0 to 1, where 1 commits
 */
export function watchDrags(surface, listener) {
  /** @type {{id: number, type: string, x: number, y: number, dragging: boolean, trail: {t: number, x: number, y: number}[]} | null} */
  let drag = null;

  const measure = (event) => {
    const dx = event.clientX - drag.x;
    const dy = event.clientY - drag.y;
    const direction = directionOf(dx, dy);
    const box = surface.getBoundingClientRect();
    const way = direction === "up" ? -dy / box.height : Math.abs(dx) / box.width;
    return { dx, dy, direction, progress: Math.min(1, way / COMMIT_SHARE) };
  };

  const speedOf = (direction) => {
    const last = drag.trail.at(-1);
    const first = drag.trail.find((point) => last.t - point.t <= SPEED_WINDOW_MS) ?? last;
    const time = Math.max(1, last.t - first.t);
    if (direction === "up") return (first.y - last.y) / time;
    return ((last.x - first.x) / time) * (direction === "left" ? -1 : 1);
  };

  surface.addEventListener("pointerdown", (event) => {
    if (drag || !event.isPrimary || event.button !== 0 || !listener.mayStart()) return;
    const atEdge = event.clientX < EDGE_PX || event.clientX > innerWidth - EDGE_PX;
    if (event.pointerType === "touch" && atEdge) return;
    drag = {
      id: event.pointerId,
      type: event.pointerType,
      x: event.clientX,
      y: event.clientY,
      dragging: false,
      trail: [{ t: event.timeStamp, x: event.clientX, y: event.clientY }],
    };
  });

  surface.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const { dx, dy, direction, progress } = measure(event);
    if (!drag.dragging) {
      if (Math.hypot(dx, dy) < SLOP_PX) return;
      drag.dragging = true;
      surface.setPointerCapture(drag.id);
    }
    drag.trail.push({ t: event.timeStamp, x: event.clientX, y: event.clientY });
    if (drag.trail.length > 24) drag.trail.shift();
    listener.moved(dx, dy, direction, progress);
  });

  surface.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const finished = drag;
    const { dx, dy, direction, progress } = measure(event);
    drag.trail.push({ t: event.timeStamp, x: event.clientX, y: event.clientY });
    const thrown = direction && speedOf(direction) > COMMIT_SPEED && Math.hypot(dx, dy) > THROW_PX;
    drag = null;
    if (!finished.dragging) return;
    if (direction && (progress >= 1 || thrown)) listener.committed(direction, finished.type, dx, dy);
    else listener.released();
  });

  const giveUp = (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const wasDragging = drag.dragging;
    drag = null;
    if (wasDragging) listener.released();
  };
  surface.addEventListener("pointercancel", giveUp);
  // A touch is captured by the picture under it at first; that it passes to the card is no loss.
  surface.addEventListener("lostpointercapture", (event) => event.target === surface && giveUp(event));
  // The browser's own drag of the picture would end ours.
  surface.addEventListener("dragstart", (event) => event.preventDefault());
}
