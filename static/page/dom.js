/** Building elements without markup strings: text stays text, and no style attribute is needed under the strict content policy. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `class`, `text`, event handlers `onclick`, booleans and plain attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = String(value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function drawing(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** An icon of the page's sprite. @param {string} name */
export function icon(name) {
  return drawing("svg", { class: "icon", "aria-hidden": "true" }, drawing("use", { href: `#icon-${name}` }));
}

/** @param {string} selector @param {ParentNode} [within] @returns {HTMLElement} */
export function find(selector, within = document) {
  const node = within.querySelector(selector);
  if (!node) throw new Error(`The page has no ${selector}`);
  return /** @type {HTMLElement} */ (node);
}

/** Whether the person asked their device for less motion. Asked anew each time: it can change while the page is open. */
export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let politeTurn = 0;

/** Tell people who listen to the page; two regions take turns so that the same sentence is read again. @param {string} sentence */
export function announce(sentence) {
  const regions = document.querySelectorAll("[data-announce]");
  politeTurn = (politeTurn + 1) % regions.length;
  regions.forEach((region, index) => {
    region.textContent = index === politeTurn ? sentence : "";
  });
}
