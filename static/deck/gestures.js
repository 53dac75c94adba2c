/**
 * Dragging a card with a finger, a pen or the mouse, by Pointer Events.
 *
 * left = dislike, right = like, up = love. A drag counts past 35 % of the card, or when it is thrown faster than 0.5 px/ms. Otherwise, and
 * when the browser cancels the pointer, the card springs back. A second finger is ignored. Touches that start within 24 px of the left or
 * right edge of the screen belong to the browser's back gesture.
 */

/** @typedef {"left" | "right" | "up"} Direction */
/** @typedef {{id: number, type: string, x: number, y: number, box: DOMRect, dragging: boolean, trail: {t: number, x: number, y: number}[]}} Drag */

const SLOP_PX = 10;
const EDGE_PX = 24;
const COMMIT_SHARE = 0.35;
const COMMIT_SPEED = 0.5;
/** The least distance of a throw, so that an unsteady tap does not count. */
const THROW_PX = 36;
const SPEED_WINDOW_MS = 90;
const TRAIL_POINTS = 24;

/** @param {number} dx @param {number} dy @returns {Direction | null} */
function directionOf(dx, dy) {
  if (-dy > Math.abs(dx) * 1.1) return "up";
  if (Math.abs(dx) < 1) return null;
  return dx < 0 ? "left" : "right";
}

/** In px/ms, over the last moments of a drag. @param {Drag} drag @param {Direction} direction */
function speedOf({ trail }, direction) {
  const last = trail[trail.length - 1];
  const first = trail.find((point) => last.t - point.t <= SPEED_WINDOW_MS) ?? last;
  const time = Math.max(1, last.t - first.t);
  if (direction === "up") return (first.y - last.y) / time;
  return ((last.x - first.x) / time) * (direction === "left" ? -1 : 1);
}

/**
 * @param {HTMLElement} surface
 * @param {{
 *   mayStart: () => boolean,
 *   moved: (dx: number, dy: number, direction: Direction | null, progress: number) => void,
 *   released: () => void,
 *   committed: (direction: Direction, pointerType: "touch" | "mouse" | "pen", dx: number, dy: number) => void,
 * }} listener `progress` runs from 0 to 1, where 1 commits
 */
export function watchDrags(surface, listener) {
  /** @type {Drag | null} */
  let current = null;

  /** @param {Drag} drag @param {PointerEvent} event */
  const measure = (drag, event) => {
    const dx = event.clientX - drag.x;
    const dy = event.clientY - drag.y;
    const direction = directionOf(dx, dy);
    const { width, height } = drag.box;
    const way = direction === "up" ? -dy / height : Math.abs(dx) / width;
    return { dx, dy, direction, progress: Math.min(1, way / COMMIT_SHARE) };
  };

  surface.addEventListener("pointerdown", (event) => {
    if (current || !event.isPrimary || event.button !== 0 || !listener.mayStart()) return;
    const atEdge = event.clientX < EDGE_PX || event.clientX > innerWidth - EDGE_PX;
    if (event.pointerType === "touch" && atEdge) return;
    current = {
      id: event.pointerId,
      type: event.pointerType,
      x: event.clientX,
      y: event.clientY,
      box: surface.getBoundingClientRect(), // once: after a move, it would cost a layout
      dragging: false,
      trail: [{ t: event.timeStamp, x: event.clientX, y: event.clientY }],
    };
  });

  surface.addEventListener("pointermove", (event) => {
    if (!current || event.pointerId !== current.id) return;
    const { dx, dy, direction, progress } = measure(current, event);
    if (!current.dragging) {
      if (Math.hypot(dx, dy) < SLOP_PX) return;
      current.dragging = true;
      surface.setPointerCapture(current.id);
    }
    current.trail.push({ t: event.timeStamp, x: event.clientX, y: event.clientY });
    if (current.trail.length > TRAIL_POINTS) current.trail.shift();
    listener.moved(dx, dy, direction, progress);
  });

  surface.addEventListener("pointerup", (event) => {
    if (!current || event.pointerId !== current.id) return;
    const drag = current;
    current = null;
    if (!drag.dragging) return;
    const { dx, dy, direction, progress } = measure(drag, event);
    drag.trail.push({ t: event.timeStamp, x: event.clientX, y: event.clientY });
    const thrown = direction !== null && speedOf(drag, direction) > COMMIT_SPEED && Math.hypot(dx, dy) > THROW_PX;
    const pointerType = drag.type === "touch" || drag.type === "pen" ? drag.type : "mouse";
    if (direction && (progress >= 1 || thrown)) listener.committed(direction, pointerType, dx, dy);
    else listener.released();
  });

  /** @param {PointerEvent} event */
  const cancel = (event) => {
    if (!current || event.pointerId !== current.id) return;
    const wasDragging = current.dragging;
    current = null;
    if (wasDragging) listener.released();
  };
  surface.addEventListener("pointercancel", cancel);
  // The image under a finger captures the touch first; passing it on to the surface must not cancel the drag.
  surface.addEventListener("lostpointercapture", (event) => event.target === surface && cancel(event));
  // The browser's own dragging of images would cancel ours.
  surface.addEventListener("dragstart", (event) => event.preventDefault());
}
