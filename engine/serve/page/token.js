/** The password of a service that has one: asked for once, kept until the tab is closed. */

const KEY = "token";
let asking = null;

/** Headers that carry the password, if there is one. */
export function tokenHeaders() {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Asks for the password. @returns {Promise<boolean>} whether one was given */
export function askForToken() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

function ask() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("token"));
  const field = dialog.querySelector("input");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        // HTTP headers hold no other characters, and a password with one is none of the server's.
        if (field.value) sessionStorage.setItem(KEY, field.value.replace(/[^\x21-\x7e]/g, ""));
        resolve(field.value !== "");
      },
      { once: true },
    );
  });
}
