/** Entry point of the pages of an account: passkeys, and ratings that wait are sent before a rater signs in or out. */

import { Outbox } from "../deck/outbox.js";
import { rater } from "../page/words.js";
import { sendBeforeLeaving } from "./leaving.js";
import { explainPasskeys } from "./passkeys.js";

explainPasskeys();
if (rater) {
  const outbox = new Outbox();
  sendBeforeLeaving(outbox);
  outbox.drain();
}
