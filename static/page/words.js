/** The page's sentences in the reader's language, from the JSON catalogue that the server put into the page. */

/** @type {{language: string, phrases: Record<string, string>, urls: Record<string, string>}} */
const config = JSON.parse(document.getElementById("page-config").textContent);

const plurals = new Intl.PluralRules(config.language);
const numbers = new Intl.NumberFormat(config.language);
const shares = new Intl.NumberFormat(config.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Addresses that only the server knows, such as where the websocket lives. */
export const urls = config.urls;

/**
 * One sentence. `{name}` in it is replaced by `values.name`; with a count `n`, the form that the language asks for is taken.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function say(key, values = {}) {
  const form = "n" in values ? `${key}.${plurals.select(Number(values.n))}` : key;
  const sentence = config.phrases[form] ?? config.phrases[`${key}.other`] ?? config.phrases[key];
  if (sentence === undefined) throw new Error(`The catalogue has no phrase "${key}"`);
  return sentence.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? numbers.format(value) : String(value);
  });
}

/** A share between 0 and 1 with two places, as the language writes it. @param {number} value */
export const share = (value) => shares.format(value);
