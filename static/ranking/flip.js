/** Moving elements to their new places: measure, change, measure again, and play the difference (First, Last, Invert, Play). */

import { lessMotion } from "../page/dom.js";

const MOVE_MS = 620;
const FADE_MS = 260;

/**
 * @param {HTMLElement} host whose children move
 * @param {() => void} change reorders, adds and removes children
 */
export function playMoves(host, change) {
  if (!host.offsetParent || document.visibilityState !== "visible") {
    change();
    return;
  }
  if (lessMotion()) {
    change();
    host.animate([{ opacity: 0.35 }, { opacity: 1 }], { duration: FADE_MS });
    return;
  }
  const before = new Map();
  for (const child of host.children) before.set(child, child.getBoundingClientRect());
  for (const child of host.children) child.getAnimations().forEach((animation) => animation.cancel());
  change();
  const moves = [];
  for (const child of host.children) moves.push([child, before.get(child), child.getBoundingClientRect()]);
  for (const [child, from, to] of moves) {
    const onScreen = to.bottom > -200 && to.top < innerHeight + 200;
    if (!from) {
      if (onScreen) child.animate([{ opacity: 0, transform: "scale(.85)" }, { opacity: 1, transform: "none" }], { duration: FADE_MS * 1.5 });
      continue;
    }
    const dx = from.left - to.left;
    const dy = from.top - to.top;
    const grow = from.width / Math.max(1, to.width);
    if (Math.abs(dx) + Math.abs(dy) < 1 && Math.abs(grow - 1) < 0.01) continue;
    if (!onScreen && (from.top > innerHeight + 200 || from.bottom < -200)) continue;
    // What climbs passes over what sinks.
    const climbs = dy > 0 || (dy === 0 && dx > 0);
    child.animate(
      [
        { transformOrigin: "0 0", transform: `translate(${dx}px, ${dy}px) scale(${grow})`, zIndex: climbs ? 2 : 1 },
        { transformOrigin: "0 0", transform: "none", zIndex: climbs ? 2 : 1 },
      ],
      { duration: MOVE_MS, easing: "cubic-bezier(.22, .9, .28, 1)" },
    );
  }
}
