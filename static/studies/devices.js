/** Consent page: says where this kind of device cannot take part. The shorter side of the screen tells phones, tablets and the rest apart. */

import { find, findAs } from "../page/dom.js";

const PHONE_PX = 600;
const TABLET_PX = 1100;

function thisDevice() {
  const shorter = Math.min(screen.width, screen.height);
  if (!matchMedia("(any-pointer: coarse)").matches || matchMedia("(pointer: fine)").matches) return "desktop";
  if (shorter < PHONE_PX) return "phone";
  return shorter < TABLET_PX ? "tablet" : "desktop";
}

const form = findAs(HTMLFormElement, "#consent");
const allowed = (form.dataset.devices ?? "").split(" ").filter(Boolean);
if (allowed.length && !allowed.includes(thisDevice())) {
  form.hidden = true;
  find("#wrong-device").hidden = false;
}
