/** Photos of trials: loaded and decoded before they are needed, with neither a preview nor a name, and tried again where that fails. */

import { element } from "../page/dom.js";

/** @typedef {import("../page/api-types.d.ts").components["schemas"]["TrialOut"]} Trial */

const RETRY_AFTER_MS = [0, 500, 1500, 4000];
/** How wide a photo is drawn: the file that fits is chosen by it. */
const SIZES = "(min-width: 900px) 62vw, 100vw";

/** @type {Map<number, Promise<HTMLImageElement>>} */
const loading = new Map();

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {Trial} trial @param {string} alt @returns {Promise<HTMLImageElement>} the decoded photo; throws when it cannot be loaded */
export function load(trial, alt) {
  const kept = loading.get(trial.place);
  if (kept) return kept;
  const photo = loadOnce(trial, alt);
  loading.set(trial.place, photo);
  photo.catch(() => loading.delete(trial.place));
  return photo;
}

/** @param {Trial} trial @param {string} alt */
async function loadOnce({ photo }, alt) {
  if (!photo) throw new Error("An instructed check has no photo");
  let failure;
  for (const wait of RETRY_AFTER_MS) {
    await pause(wait);
    const image = /** @type {HTMLImageElement} */ (
      element("img", { class: "trial-photo", alt, width: photo.width, height: photo.height, draggable: "false", sizes: SIZES })
    );
    image.srcset = photo.srcset;
    image.src = photo.src;
    try {
      await image.decode();
      return image;
    } catch (cause) {
      failure = cause;
    }
  }
  throw failure;
}

/** Lets go of a photo that was rated. @param {number} place */
export const forget = (place) => loading.delete(place);

/** Width of the file that the browser chose. @param {HTMLImageElement} image */
export const derivativeOf = (image) => Number(/\/(\d+)\.webp$/.exec(image.currentSrc)?.[1]) || null;
