/** Choices of which one is on: native radio buttons, so that keys and screen readers know them. */

import { make } from "./build.js";

/**
 * Fills an element with radio buttons.
 * @param {HTMLElement} element
 * @param {string} name
 * @param {{value: string, text: string, picture?: HTMLElement}[]} choices
 * @param {(value: string) => void} onChoice
 */
export function fillRadios(element, name, choices, onChoice) {
  element.append(
    ...choices.map(({ value, text, picture }) => {
      const input = make("input", { type: "radio", name, value });
      input.addEventListener("change", () => onChoice(value));
      return make(
        "label",
        { className: `choice ${name}-${value}` },
        input,
        ...(picture ? [picture] : []),
        make("span", {}, text),
      );
    }),
  );
}

/** Turns the one of that value on. */
export function choose(element, value) {
  for (const input of element.querySelectorAll("input[type=radio]"))
    input.checked = input.value === value;
}

/** Lets one be chosen, or not; then its title says why. */
export function allow(element, value, reason = "") {
  const input = element.querySelector(`input[value="${value}"]`);
  input.disabled = reason !== "";
  input.parentElement.title = reason;
}
