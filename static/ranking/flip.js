/** Moves elements to their new places by the FLIP technique: first, last, invert, play. */

import { prefersReducedMotion } from "../page/dom.js";

const MOVE_MS = 620;
const FADE_MS = 260;
/** Elements further than this outside the window move without an animation. */
const MARGIN_PX = 200;

/**
 * @param {HTMLElement} host whose children move
 * @param {() => void} change reorders, adds and removes children
 */
export function playMoves(host, change) {
  if (!host.offsetParent || document.visibilityState !== "visible") {
    change();
    return;
  }
  if (prefersReducedMotion()) {
    change();
    host.animate([{ opacity: 0.35 }, { opacity: 1 }], { duration: FADE_MS });
    return;
  }
  const before = new Map([...host.children].map((child) => [child, child.getBoundingClientRect()]));
  for (const child of host.children) child.getAnimations().forEach((animation) => animation.cancel());
  change();
  const after = [...host.children].map((child) => ({ child, to: child.getBoundingClientRect() }));
  for (const { child, to } of after) play(child, before.get(child), to);
}

/** @param {DOMRect} box */
const onScreen = (box) => box.bottom > -MARGIN_PX && box.top < innerHeight + MARGIN_PX;

/** @param {Element} child @param {DOMRect | undefined} from undefined for a child that is new @param {DOMRect} to */
function play(child, from, to) {
  if (!from) {
    const frames = [
      { opacity: 0, transform: "scale(.85)" },
      { opacity: 1, transform: "none" },
    ];
    if (onScreen(to)) child.animate(frames, { duration: FADE_MS * 1.5 });
    return;
  }
  const dx = from.left - to.left;
  const dy = from.top - to.top;
  const grow = from.width / Math.max(1, to.width);
  if (Math.abs(dx) + Math.abs(dy) < 1 && Math.abs(grow - 1) < 0.01) return;
  if (!onScreen(to) && !onScreen(from)) return;
  // A photo on its way up passes over one on its way down.
  const zIndex = dy > 0 || (dy === 0 && dx > 0) ? 2 : 1;
  child.animate(
    [
      { transformOrigin: "0 0", transform: `translate(${dx}px, ${dy}px) scale(${grow})`, zIndex },
      { transformOrigin: "0 0", transform: "none", zIndex },
    ],
    { duration: MOVE_MS, easing: "cubic-bezier(.22, .9, .28, 1)" },
  );
}
