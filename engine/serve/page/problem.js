/** What went wrong, in a form that can be told. */

import { t } from "./words.js";

const PREFIX = "urn:cartoonify:";
const KIND_OF_TYPE = {
  "not-a-photo": "not_a_photo",
  photo: "not_a_photo",
  "no-photo": "not_a_photo",
  "too-large": "too_large",
  option: "options",
  output: "options",
  token: "token",
  slow: "slow",
  time: "slow",
  busy: "busy",
  "too-many": "busy",
  memory: "busy",
  starting: "starting",
};
/** Where a proxy answers in the place of the service. */
const KIND_OF_STATUS = {
  0: "offline",
  401: "token",
  408: "slow",
  413: "too_large",
  429: "busy",
  502: "offline",
  503: "busy",
  504: "slow",
};

export class Problem extends Error {
  /**
   * @param {number} status of the answer; 0 when there was none
   * @param {{type?: string, detail?: string, request_id?: string}} [facts] its problem details
   * @param {number} [retryAfter] seconds
   */
  constructor(status, facts = {}, retryAfter = 0) {
    super(facts.detail ?? "");
    this.status = status;
    this.type = String(facts.type ?? "").replace(PREFIX, "");
    this.request = facts.request_id ?? "";
    this.retryAfter = retryAfter;
  }

  get kind() {
    return KIND_OF_TYPE[this.type] ?? KIND_OF_STATUS[this.status] ?? "unknown";
  }
  get title() {
    return t(`problem.${this.kind}`);
  }
  get advice() {
    return t(`problem.${this.kind}.do`);
  }
  /** Whether the server no longer has the photo. */
  get isForgotten() {
    return this.type === "unknown-photo";
  }
  /** Whether it goes away by itself. */
  get isPassing() {
    return ["busy", "starting"].includes(this.kind);
  }
  get canTryAgain() {
    return !["not_a_photo", "too_large"].includes(this.kind);
  }
}

/** The problem that an answer tells of. @param {Response} response */
export async function problemOf(response) {
  return toProblem(response.status, await response.text(), response.headers.get("Retry-After"));
}

/** The same from its parts. @param {string | null} retryAfter */
export function toProblem(status, text, retryAfter) {
  let facts = {};
  try {
    facts = JSON.parse(text) ?? {};
  } catch {
    // A proxy in between may answer with a page of its own.
  }
  return new Problem(status, facts, Number(retryAfter) || 0);
}

/** Any error as a Problem; what `fetch` throws is a TypeError. */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  return error instanceof TypeError
    ? new Problem(0)
    : new Problem(500, { detail: String(error?.message ?? "") });
}
