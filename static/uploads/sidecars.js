/**
 * Stars in files beside the photos (XMP sidecars). They are read here, and told to the server once the photos have arrived: sidecars can be
 * long, and only their stars count.
 */

import { request } from "../page/api.js";
import { album } from "../page/words.js";

const XMP = "http://ns.adobe.com/xap/1.0/";
const PAV = "urn:pav:xmp:1.0/";
const LONGEST = 4 * 2 ** 20; // bytes
const AT_ONCE = 200;

/** @param {import("./dropped.js").Found} found */
export const isSidecar = ({ file }) => /\.xmp$/i.test(file.name);

/** Names of photos, with or without their extension, and their stars. @type {Map<string, number>} */
const stars = new Map();

/** @param {import("./dropped.js").Found[]} found sidecars */
export async function readSidecars(found) {
  for (const { file } of found) {
    const given = file.size <= LONGEST ? starsOf(await file.text().catch(() => "")) : null;
    if (given !== null) stars.set(file.name.replace(/\.xmp$/i, ""), given);
  }
}

/** Whether stars wait to be told. */
export const starsWait = () => stars.size > 0;

/** Tells the server the stars of photos that are there by now. Returns whether there were any. */
export async function sendStars() {
  const some = starsWait();
  while (starsWait()) {
    const first = [...stars].slice(0, AT_ONCE);
    await request("PATCH", `/api/v1/uploads/stars?album=${album}`, { stars: Object.fromEntries(first) });
    for (const [name] of first) stars.delete(name);
  }
  return some;
}

/** Stars from -1 (rejected) to 5; null where there are none, or PAV predicted them. @param {string} packet */
function starsOf(packet) {
  const root = new DOMParser().parseFromString(packet, "application/xml");
  const rating = Number(valueOf(root, XMP, "Rating") || Number.NaN);
  if (!Number.isInteger(rating) || rating < -1 || rating > 5 || !rating) return null;
  const predicted = valueOf(root, PAV, "Source") === "predicted" && Number(valueOf(root, PAV, "Stars")) === rating;
  return predicted ? null : rating;
}

/** A simple property, which may be an attribute or an element. @param {Document} root @param {string} space @param {string} name */
function valueOf(root, space, name) {
  for (const node of root.getElementsByTagName("*")) {
    if (node.hasAttributeNS(space, name)) return node.getAttributeNS(space, name);
    if (node.namespaceURI === space && node.localName === name) return node.textContent?.trim();
  }
  return null;
}
