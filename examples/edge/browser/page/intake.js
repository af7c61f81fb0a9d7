/** The ways by which photos come in: chosen, dropped or pasted. */

/** @param {(file: File) => void} onPhoto */
export function listenForPhotos(onPhoto) {
  const take = ([file]) => file && onPhoto(file);
  const picker = document.getElementById("file");
  document.getElementById("choose").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    take(picker.files);
    picker.value = ""; // so that the same photo can be chosen again
  });
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
  listenToDrops(take);
}

function listenToDrops(take) {
  const mark = (isAbove) => document.body.classList.toggle("is-above", isAbove);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would open the file
    mark(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take(event.dataTransfer.files);
  });
}
