/** What is wrong with the photo that is shown, said beside it, and what can be done. */

import { get, icon, make } from "./build.js";
import { alarm } from "./say.js";
import { t } from "./words.js";

/**
 * @typedef {object} Remedies
 * @property {(photo: import("./photo.js").Photo) => void} again
 * @property {(photo: import("./photo.js").Photo) => void} remove
 * @property {() => void} drawAll
 */

export class Trouble {
  #remedies;
  #shown = "";

  /** @param {Remedies} remedies */
  constructor(remedies) {
    this.#remedies = remedies;
  }

  /** @param {import("./photo.js").Photo} photo */
  show(photo) {
    const { problem, state } = photo;
    const isFailed = state === "failed";
    const hasNobody = !problem && !photo.isBusy && (photo.latest?.warnings.length ?? 0) > 0;
    const what = JSON.stringify([photo.id, problem?.kind, problem?.message, isFailed, hasNobody]);
    if (what === this.#shown) return;
    this.#shown = what;
    fill(get("problem"), problem && isFailed ? this.#describe(photo) : []);
    fill(
      get("notice"),
      problem && !isFailed ? this.#describe(photo) : hasNobody ? this.#describeNobody() : [],
    );
    if (problem)
      alarm(t("problem.said", { name: photo.name, title: problem.title, advice: problem.advice }));
    else if (hasNobody) alarm(t("warning.nobody"));
  }

  #describe(photo) {
    const { problem } = photo;
    const again = button(t("problem.again"), () => this.#remedies.again(photo));
    const remove = button(t("problem.remove"), () => this.#remedies.remove(photo));
    const lines = [
      problem.message,
      problem.request && t("problem.request", { id: problem.request }),
    ];
    const details = make(
      "details",
      {},
      make("summary", {}, t("problem.details")),
      ...lines.filter(Boolean).map((line) => make("p", {}, line)),
    );
    return [
      icon("warn"),
      make(
        "div",
        {},
        make("strong", {}, problem.title),
        make("p", {}, problem.advice),
        ...(lines.some(Boolean) ? [details] : []),
      ),
      make(
        "div",
        { className: "ways" },
        ...(problem.canTryAgain ? [again] : []),
        ...(photo.state === "failed" ? [remove] : []),
      ),
    ];
  }

  #describeNobody() {
    return [
      icon("warn"),
      make("div", {}, make("strong", {}, t("warning.nobody"))),
      make("div", { className: "ways" }, button(t("warning.nobody.do"), this.#remedies.drawAll)),
    ];
  }
}

function fill(box, children) {
  box.replaceChildren(...children);
  box.hidden = children.length === 0;
}

function button(text, onclick) {
  return make("button", { type: "button", onclick }, text);
}
