/** The page's sentences in the reader's language, and who reads them, from the JSON that the server puts into the page. */

/** @type {{language: string, phrases: Record<string, string>, urls: Record<string, string>, album: string, rater: string, merged_guests: string[], is_staff: boolean}} */
const config = JSON.parse(document.getElementById("page-config")?.textContent ?? "");

const plurals = new Intl.PluralRules(config.language);
const integers = new Intl.NumberFormat(config.language);
const decimals = new Intl.NumberFormat(config.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Addresses outside /api, such as that of the websocket. */
export const urls = config.urls;

/** The album that the page is about; "" for the catalogue. */
export const album = config.album;

/** Whose page this is: two raters may use one browser, one after the other. */
export const rater = config.rater;

/** Whose ratings this page sends: its rater's, and those of guests who have become part of this account. */
export const ownRaters = [config.rater, ...config.merged_guests];

/** Whether the reader may import photos. */
export const isStaff = config.is_staff;

/**
 * One sentence. `{name}` stands for `values.name`; a count `n` chooses the plural form of the language.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function say(key, values = {}) {
  const form = "n" in values ? `${key}.${plurals.select(Number(values.n))}` : key;
  const sentence = config.phrases[form] ?? config.phrases[`${key}.other`] ?? config.phrases[key];
  if (sentence === undefined) throw new Error(`The catalogue has no phrase "${key}"`);
  return sentence.replace(/\{(\w+)\}/g, (_match, name) => {
    const value = values[name];
    return typeof value === "number" ? integers.format(value) : String(value);
  });
}

/** Takes in sentences that a part of one page brings along, each in an element with `data-key`. @param {HTMLTemplateElement} template */
export function addPhrases(template) {
  for (const each of template.content.children) config.phrases[each.getAttribute("data-key") ?? ""] = each.textContent ?? "";
}

/** A number with two decimal places, as the language writes it. @param {number} value */
export const decimal = (value) => decimals.format(value);
