// Lays the second picture of a slider over the first one, with a line that can be moved.
for (const slider of document.querySelectorAll(".slider")) {
  const range = document.createElement("input");
  range.type = "range";
  range.value = 50;
  range.setAttribute("aria-label", "Share of the photo that is shown, in percent");
  const handle = document.createElement("span");
  handle.className = "handle";
  handle.textContent = "⇄";
  handle.ariaHidden = "true";
  const show = () => slider.style.setProperty("--at", `${range.value}%`);
  const follow = (event) => {
    const box = slider.getBoundingClientRect();
    range.value = (100 * (event.clientX - box.left)) / box.width;
    show();
  };
  range.addEventListener("input", show);
  slider.addEventListener("pointerdown", (event) => {
    slider.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true });
    follow(event);
  });
  slider.addEventListener("pointermove", (event) => {
    if (slider.hasPointerCapture(event.pointerId)) follow(event);
  });
  slider.addEventListener("dragstart", (event) => event.preventDefault());
  slider.append(range, handle);
  slider.classList.add("is-live");
  show();
}
