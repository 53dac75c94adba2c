/** Entry point of the deck. It runs before the rest of the page has loaded, so that the first photo can be rated early. */

import { find } from "../page/dom.js";
import { Deck } from "./deck.js";
import { Outbox } from "./outbox.js";

export const outbox = new Outbox();
export const deck = new Deck(find("#cards"), outbox);

outbox.drain();
/** Resolves once the first photo is there, or is known to be missing. */
export const firstPhoto = deck.open();
