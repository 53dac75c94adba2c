/**
 * ThumbHash: a preview of a photo in about 25 bytes, decoded to a tiny picture that is shown until the photo is loaded.
 *
 * The bytes hold the lowest frequencies of a cosine transform of luminance (l), two colour differences (p, q) and opacity (a):
 * 24 bits (6 DC of l, 6 DC of p, 6 DC of q, 5 scale of l, 1 has opacity), 16 bits (3 terms of l, 6 scale of p, 6 scale of q,
 * 1 landscape), one byte of opacity where there is any, then each AC term in 4 bits: l, p, q, a, over the triangle of low frequencies.
 */

/** @param {string} base64 @returns {Uint8Array} */
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/**
 * @param {Uint8Array} hash
 * @returns {{width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer>}} longer side 32 pixels
 */
function decode(hash) {
  const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const head2 = hash[3] | (hash[4] << 8);
  const lDc = (head & 63) / 63;
  const pDc = ((head >> 6) & 63) / 31.5 - 1;
  const qDc = ((head >> 12) & 63) / 31.5 - 1;
  const lScale = ((head >> 18) & 31) / 31;
  const hasAlpha = head >> 23 !== 0;
  const pScale = ((head2 >> 3) & 63) / 63;
  const qScale = ((head2 >> 9) & 63) / 63;
  const landscape = head2 >> 15 !== 0;
  const most = hasAlpha ? 5 : 7;
  const lx = Math.max(3, landscape ? most : head2 & 7);
  const ly = Math.max(3, landscape ? head2 & 7 : most);
  const aDc = hasAlpha ? (hash[5] & 15) / 15 : 1;
  const aScale = hasAlpha ? (hash[5] >> 4) / 15 : 0;

  let nibble = (hasAlpha ? 6 : 5) * 2;
  const terms = (/** @type {number} */ nx, /** @type {number} */ ny, /** @type {number} */ scale) => {
    const values = [];
    for (let y = 0; y < ny; y++) {
      for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++, nibble++) {
        values.push((((hash[nibble >> 1] >> ((nibble & 1) << 2)) & 15) / 7.5 - 1) * scale);
      }
    }
    return values;
  };
  const l = terms(lx, ly, lScale);
  // Colours are boosted by a quarter, to make up for the loss by rounding.
  const p = terms(3, 3, pScale * 1.25);
  const q = terms(3, 3, qScale * 1.25);
  const a = hasAlpha ? terms(5, 5, aScale) : [];

  const ratio = (landscape ? most : head2 & 7) / (landscape ? head2 & 7 : most);
  const width = Math.round(ratio > 1 ? 32 : 32 * ratio);
  const height = Math.round(ratio > 1 ? 32 / ratio : 32);
  const rgba = new Uint8ClampedArray(width * height * 4);
  const waves = Math.max(lx, ly, hasAlpha ? 5 : 3);
  const cosines = (/** @type {number} */ size) =>
    Array.from({ length: size }, (_x, at) => Array.from({ length: waves }, (_k, k) => Math.cos((Math.PI / size) * (at + 0.5) * k)));
  const columns = cosines(width);
  const rows = cosines(height);
  for (let y = 0, at = 0; y < height; y++) {
    const fy = rows[y];
    for (let x = 0; x < width; x++, at += 4) {
      const fx = columns[x];
      const sum = (/** @type {number} */ dc, /** @type {number} */ nx, /** @type {number} */ ny, /** @type {number[]} */ values) => {
        let total = dc;
        for (let v = 0, j = 0; v < ny; v++) {
          for (let u = v ? 0 : 1; u * ny < nx * (ny - v); u++, j++) total += values[j] * fx[u] * fy[v] * 2;
        }
        return total;
      };
      const light = sum(lDc, lx, ly, l);
      const yellowBlue = sum(pDc, 3, 3, p);
      const redGreen = sum(qDc, 3, 3, q);
      const blue = light - (2 / 3) * yellowBlue;
      const red = (3 * light - blue + redGreen) / 2;
      rgba[at] = 255 * red;
      rgba[at + 1] = 255 * (red - redGreen);
      rgba[at + 2] = 255 * blue;
      rgba[at + 3] = 255 * (hasAlpha ? sum(aDc, 5, 5, a) : 1);
    }
  }
  return { width, height, rgba };
}

/** @param {string} base64 @returns {string} a `url(...)` for CSS */
function render(base64) {
  const { width, height, rgba } = decode(bytesOf(base64));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
  return `url(${canvas.toDataURL()})`;
}

/** @type {Map<string, string>} */
const rendered = new Map();

/** A `url(...)` for CSS; "none" for a photo without a readable hash. @param {string | null | undefined} base64 */
export function placeholder(base64) {
  if (!base64) return "none";
  const known = rendered.get(base64);
  if (known) return known;
  let url = "none";
  try {
    url = render(base64);
  } catch {
    // An unreadable hash leaves the place of the photo empty.
  }
  rendered.set(base64, url);
  return url;
}

/** Distance from the window at which a preview is drawn: about a screen of a phone. */
const NEAR_PX = 600;

/** @type {WeakMap<Element, string>} */
const hashes = new WeakMap();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !(target instanceof HTMLImageElement)) continue;
      watcher.unobserve(target);
      if (!target.complete) target.style.backgroundImage = placeholder(hashes.get(target));
    }
  },
  { rootMargin: `${NEAR_PX}px` },
);

/** Shows the preview behind an image of a long list as soon as it is near the window. @param {Element} image @param {string} base64 */
export function previewWhenNear(image, base64) {
  hashes.set(image, base64);
  watcher.observe(image);
}
