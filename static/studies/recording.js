/**
 * What is recorded of one trial: raw times on the clock of the page (`event.timeStamp`, the time of the frame), changes of mind, and how the
 * photo was seen. Nothing is subtracted or cleaned here.
 */

import { derivativeOf } from "./stimulus.js";

/** @typedef {"touch" | "mouse" | "pen" | "key" | "button"} InputKind */

export class Recording {
  /** @type {number | null} */ shown = null;
  /** @type {number | null} */ #firstInput = null;
  /** @type {number | null} */ #swipeStart = null;
  /** @type {number | null} */ #swipeRelease = null;
  /** @type {[number, number][]} */ #hidden = [];
  /** @type {number | null} */ #hiddenSince = null;
  /** @type {[number, number][]} */ changes = [];

  /** The photo is drawn in the frame that begins at this time. @param {number} time */
  begin(time) {
    this.shown = time;
    if (document.visibilityState === "hidden") this.#hiddenSince = time;
  }

  /** @param {Event} event */
  input(event) {
    if (this.shown !== null) this.#firstInput ??= event.timeStamp;
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    this.#swipeStart = event.timeStamp;
    this.#swipeRelease = null;
  }

  /** @param {PointerEvent} event */
  released(event) {
    this.#swipeRelease = event.timeStamp;
  }

  /** A tap or an abandoned drag is no swipe. */
  forgetSwipe() {
    this.#swipeStart = this.#swipeRelease = null;
  }

  /** @param {number} time of the change */
  visibilityChanged(time) {
    if (this.shown === null) return;
    if (document.visibilityState === "hidden") this.#hiddenSince ??= time;
    else if (this.#hiddenSince !== null) {
      this.#hidden.push([this.#hiddenSince, time]);
      this.#hiddenSince = null;
    }
  }

  /** @param {number} time of the answer @param {InputKind | ""} kind @param {boolean} isSwipe @param {HTMLImageElement | null} image */
  finish(time, kind, isSwipe, image) {
    if (!isSwipe) this.forgetSwipe();
    if (this.#hiddenSince !== null) this.#hidden.push([this.#hiddenSince, time]);
    return {
      changes: this.changes,
      time_origin: performance.timeOrigin,
      shown_ms: this.shown ?? time,
      first_input_ms: this.#firstInput,
      answer_ms: time,
      swipe_start_ms: this.#swipeStart,
      swipe_release_ms: this.#swipeRelease,
      hidden: this.#hidden,
      viewport_width: innerWidth,
      viewport_height: innerHeight,
      shown_width: image ? image.clientWidth : null,
      shown_height: image ? image.clientHeight : null,
      device_pixel_ratio: devicePixelRatio,
      derivative: image ? derivativeOf(image) : null,
      orientation: screen.orientation?.type ?? "",
      input_kind: kind,
    };
  }
}
