/** The panel: how photos are drawn. It shows the look that is on, and asks for others. */

import { Backgrounds } from "./backgrounds.js";
import { get, icon, make } from "./build.js";
import { hasKnobs, KNOBS, PLAIN } from "./look.js";
import { choose, fillRadios } from "./radios.js";
import { t } from "./words.js";

const STYLES = ["comic", "poster", "ink", "classic"];
const PEOPLE = ["all", "largest", "2", "3"];
const EDGES = ["refined", "soft"];
/** The stops of the knob for colours; at the last one, there are as many as the photo needs. */
const COLOURS = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, null];
const WEIGHT = { min: 0, max: 2, step: 0.05 };

export class Knobs {
  #history;
  #form = get("knobs");
  #backgrounds;
  #onDrawing;
  #why = make("p", { className: "why" });

  /**
   * @param {import("./look.js").History} history
   * @param {() => void} onDrawing when how the cartoon is drawn changes, not what is cut out
   */
  constructor(history, onDrawing) {
    this.#history = history;
    this.#onDrawing = onDrawing;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#backgrounds = new Backgrounds((background, more) => history.change({ background }, more));
    this.#form.append(
      this.#radios("style", STYLES, (value) =>
        make("img", {
          src: new URL(`style_${value}.webp`, import.meta.url),
          alt: "",
          width: 64,
          height: 64,
        }),
      ),
      section("background", this.#backgrounds.element),
      section("drawing", ...KNOBS.map((name) => this.#range(name)), this.#why),
      make(
        "div",
        { className: "pair" },
        this.#radios("people", PEOPLE),
        this.#radios("edges", EDGES),
      ),
      make(
        "button",
        { type: "button", id: "reset", onclick: () => history.change(PLAIN) },
        icon("reset"),
        make("span", {}, t("knobs.reset")),
      ),
    );
  }

  show() {
    const { look, isPlain } = this.#history;
    for (const name of ["style", "people", "edges"]) choose(get(name), look[name]);
    this.#backgrounds.show(look.background);
    for (const name of KNOBS) this.#showRange(name, look);
    this.#why.textContent = hasKnobs(look)
      ? ""
      : t("drawing.not_in", { style: t(`style.${look.style}`) });
    get("reset").disabled = isPlain;
  }

  #radios(name, values, picture = () => undefined) {
    const box = make("div", { id: name, className: name === "style" ? "cards" : "switch" });
    const choices = values.map((value) => ({
      value,
      text: t(`${name}.${value}`),
      picture: picture(value),
    }));
    fillRadios(box, name, choices, (value) => {
      if (name === "style") this.#onDrawing();
      this.#history.change({ [name]: value });
    });
    return section(name, box);
  }

  #range(name) {
    const steps = name === "colours" ? { min: 0, max: COLOURS.length - 1 } : WEIGHT;
    const input = make("input", { type: "range", id: name, ...steps });
    const read = () => ({
      [name]: name === "colours" ? COLOURS[input.value] : Number(input.value),
    });
    input.addEventListener("input", () => {
      this.#onDrawing();
      this.#history.change(read(), { passing: true });
    });
    input.addEventListener("change", () => this.#history.change(read()));
    const label = make("label", { htmlFor: name }, t(`drawing.${name}`));
    return make("div", { className: "knob" }, label, input, make("output", { htmlFor: name }));
  }

  #showRange(name, look) {
    const input = get(name);
    const value = look[name];
    input.disabled = !hasKnobs(look);
    input.value = name === "colours" ? COLOURS.indexOf(value) : value;
    const text =
      name === "colours"
        ? String(value ?? t("drawing.colours_auto"))
        : t("drawing.percent", { value: Math.round(100 * value) });
    input.nextElementSibling.textContent = text;
    input.ariaValueText = value === null ? t("drawing.colours_auto_long") : text;
    input.style.setProperty(
      "--filled",
      `${(100 * (input.value - input.min)) / (input.max - input.min)}%`,
    );
  }
}

function section(name, ...children) {
  return make(
    "fieldset",
    { className: `section section-${name}` },
    make("legend", {}, t(`${name}.title`)),
    ...children,
  );
}
