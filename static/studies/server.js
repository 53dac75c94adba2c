/** Requests of the trial page. A refusal is final; everything else is worth another try. */

const TIMEOUT_MS = 15_000;
const CONFLICT = 409;

/** The server said no: the answer is not stored, and sending it again changes nothing. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether another tab or another trial is at fault, so that a fresh look at the run helps. */
  get isConflict() {
    return this.status === CONFLICT;
  }
}

/** No response, or one that another try may change. */
export class Unreachable extends Error {
  /** @param {number} waitSeconds */
  constructor(waitSeconds) {
    super("unreachable");
    this.waitSeconds = waitSeconds;
  }
}

const csrfToken = () => document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";

/** @param {string} address @param {unknown} body @returns {Promise<any>} */
export async function post(address, body) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      credentials: "same-origin",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Unreachable(0);
  }
  if (response.ok) return response.json();
  if (response.status === 429 || response.status >= 500) throw new Unreachable(Number(response.headers.get("Retry-After")) || 0);
  const { detail } = await response.json().catch(() => ({}));
  throw new Refused(response.status, typeof detail === "string" ? detail : "");
}
