/** Entry point of the pages of an account: passkeys, and ratings that wait are sent before a rater signs in or out. */

import { Outbox } from "../deck/outbox.js";
import { sendBeforeLeaving } from "../raters/leaving.js";
import { explainPasskeys } from "../raters/passkeys.js";
import { rater } from "./words.js";

explainPasskeys();
if (rater) {
  const outbox = new Outbox();
  sendBeforeLeaving(outbox);
  outbox.drain();
}
