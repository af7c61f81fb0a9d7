/** The page's texts in the reader's language. */

const LANGUAGES = ["en"];
let words = {};

/** Loads the first of the reader's languages that there is, and fills in the page. */
export async function loadWords() {
  const wanted = navigator.languages.map((tag) => tag.split("-")[0]);
  const language = wanted.find((tag) => LANGUAGES.includes(tag)) ?? LANGUAGES[0];
  ({ words } = await import(`./words/${language}.js`));
  document.documentElement.lang = language;
  fillIn(document);
}

/**
 * The text of that name, with its values in place.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function t(name, values = {}) {
  const text = words[name] ?? name;
  if (typeof text === "function") return text(values);
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** Puts texts where `data-words` names them, and labels where `data-label` does. */
function fillIn(root) {
  for (const element of root.querySelectorAll("[data-words]")) {
    element.textContent = t(element.dataset.words);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.matches("button")) element.title = t(element.dataset.label);
  }
}
