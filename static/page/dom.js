/** Building and finding elements. No markup strings: text stays text, and the content policy allows no style attributes. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `class`, `text`, event handlers such as `onclick`, booleans and plain attributes
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
export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** An icon of the page's sprite. @param {string} name */
export function icon(name) {
  return svgElement("svg", { class: "icon", "aria-hidden": "true" }, svgElement("use", { href: `#icon-${name}` }));
}

/** The element that must be there. @param {string} selector @param {ParentNode} [within] @returns {HTMLElement} */
export function find(selector, within = document) {
  const node = within.querySelector(selector);
  if (!node) throw new Error(`The page has no ${selector}`);
  return /** @type {HTMLElement} */ (node);
}

/**
 * The element that must be there, of a kind that has properties of its own.
 * @template {Element} T
 * @param {new () => T} kind such as HTMLDialogElement
 * @param {string} selector
 * @returns {T}
 */
export function findAs(kind, selector) {
  const node = find(selector);
  if (!(node instanceof kind)) throw new Error(`${selector} is not an ${kind.name}`);
  return node;
}

/** Calls back with what a custom event carries. @param {EventTarget} target @param {string} type @param {(detail: any) => void} handle */
export function onDetail(target, type, handle) {
  target.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}

/** @param {Element} node */
const takesFocus = (node) => node.isConnected && !node.matches(":disabled") && node.checkVisibility({ visibilityProperty: true });

/**
 * Makes a change to the page. Where the focused element vanishes by it, the focus goes on to another one, not back to the start of the page.
 * @param {() => void} change
 * @param {() => HTMLElement | null} next called after the change
 */
export function keepFocus(change, next) {
  const focused = document.activeElement;
  change();
  if (focused && focused !== document.body && !takesFocus(focused)) next()?.focus();
}

/** Read at each use: the setting of the device can change while the page is open. */
export const prefersReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let lastRegion = 0;

/** Announces a sentence to screen readers. Two regions take turns, so that the same sentence is read again. @param {string} sentence */
export function announce(sentence) {
  const regions = document.querySelectorAll("[data-announce]");
  lastRegion = (lastRegion + 1) % regions.length;
  regions.forEach((region, index) => {
    region.textContent = index === lastRegion ? sentence : "";
  });
}
