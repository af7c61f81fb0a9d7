/** The panel: how photos are drawn. It shows the look that is on, and asks for others. */

import { Backgrounds } from "./backgrounds.js";
import { get, icon, make } from "./build.js";
import { hasKnobs, KNOBS, PLAIN } from "./look.js";
import { choose, fillRadios } from "./radios.js";
import { t } from "./words.js";

const STYLES = ["comic", "poster", "ink", "classic"];
const PEOPLE = ["all", "largest", "2", "3"];
const EDGES = ["refined", "soft"];
const RANGES = {
  colours: { min: 2, max: 32, step: 1 },
  lines: { min: 0, max: 2, step: 0.05 },
  detail: { min: 0, max: 2, step: 0.05 },
  vivid: { min: 0, max: 2, step: 0.05 },
};
const USUAL_COLOURS = 8;

export class Knobs {
  #history;
  #form = get("knobs");
  #backgrounds;
  #why = make("p", { className: "why" });

  /** @param {import("./look.js").History} history */
  constructor(history) {
    this.#history = history;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#backgrounds = new Backgrounds((background, more) => history.change({ background }, more));
    const auto = make("label", { className: "check" },
      make("input", { type: "checkbox", id: "auto", onchange: () => this.#setAuto() }), make("span", {}, t("drawing.colours_auto")));
    auto.title = t("drawing.colours_auto_long");
    this.#form.append(
      this.#radios("style", STYLES, (value) => make("img", { src: new URL(`style_${value}.webp`, import.meta.url), alt: "", width: 64, height: 64 })),
      section("background", this.#backgrounds.element),
      section("drawing", ...KNOBS.map((name) => this.#range(name, name === "colours" ? [auto] : [])), this.#why),
      make("div", { className: "pair" }, this.#radios("people", PEOPLE), this.#radios("edges", EDGES)),
      make("button", { type: "button", id: "reset", onclick: () => history.change(PLAIN) }, icon("reset"), make("span", {}, t("knobs.reset"))),
    );
  }

  show() {
    const { look, isPlain } = this.#history;
    for (const name of ["style", "people", "edges"]) choose(get(name), look[name]);
    this.#backgrounds.show(look.background);
    for (const name of KNOBS) this.#showRange(name, look);
    get("auto").checked = look.colours === null;
    get("auto").disabled = !hasKnobs(look);
    this.#why.textContent = hasKnobs(look) ? "" : t("drawing.not_in", { style: t(`style.${look.style}`) });
    get("reset").disabled = isPlain;
  }

  #radios(name, values, picture = () => undefined) {
    const box = make("div", { id: name, className: name === "style" ? "cards" : "switch" });
    const choices = values.map((value) => ({ value, text: t(`${name}.${value}`), picture: picture(value) }));
    fillRadios(box, name, choices, (value) => this.#history.change({ [name]: value }));
    return section(name, box);
  }

  #range(name, more) {
    const input = make("input", { type: "range", id: name, ...RANGES[name] });
    const read = () => ({ [name]: Number(input.value) });
    input.addEventListener("input", () => this.#history.change(read(), { passing: true }));
    input.addEventListener("change", () => this.#history.change(read()));
    const label = make("label", { htmlFor: name }, t(`drawing.${name}`));
    return make("div", { className: "knob" }, label, make("output", { htmlFor: name }), ...more, input);
  }

  #showRange(name, look) {
    const input = get(name);
    input.disabled = !hasKnobs(look);
    input.value = look[name] ?? Math.min(USUAL_COLOURS, RANGES[name].max);
    const isAuto = look[name] === null;
    const text = name === "colours" ? String(look[name] ?? "") : t("drawing.percent", { value: Math.round(100 * look[name]) });
    input.parentElement.querySelector("output").textContent = text;
    input.ariaValueText = isAuto ? t("drawing.colours_auto_long") : text;
    input.classList.toggle("is-auto", isAuto);
    const { min, max } = RANGES[name];
    input.style.setProperty("--filled", `${(100 * (input.value - min)) / (max - min)}%`);
  }

  #setAuto() {
    this.#history.change({ colours: get("auto").checked ? null : Number(get("colours").value) });
  }
}

function section(name, ...children) {
  return make("fieldset", { className: `section section-${name}` }, make("legend", {}, t(`${name}.title`)), ...children);
}
