/** Pointers, the wheel and keys on the stage: they divide, move and enlarge the picture. */

const WHEEL_SPEED = 0.002;
const BUTTON_ZOOM = 1.5;
const DOUBLE_ZOOM = 2.5;
const KEY_PAN = 60;
const LONGEST_WHEEL = 120;
const SLACK = 8;

/**
 * @param {HTMLElement} stage
 * @param {import("./viewport.js").Viewport} viewport
 * @param {import("./divider.js").Divider} divider
 */
export function listen(stage, viewport, divider) {
  listenToPointers(stage, viewport, divider);
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const turn = Math.max(-LONGEST_WHEEL, Math.min(LONGEST_WHEEL, event.deltaY));
      const faster = event.ctrlKey ? 4 : 1; // a pinch on a touchpad comes in small turns
      viewport.zoomBy(Math.exp(-turn * WHEEL_SPEED * faster), ...pointOf(event, stage));
    },
    { passive: false },
  );
  stage.addEventListener("dblclick", (event) => {
    if (event.target.closest("button, .divider, .problem")) return;
    if (viewport.isFitted) viewport.zoomBy(DOUBLE_ZOOM, ...pointOf(event, stage));
    else viewport.fit();
  });
  stage.addEventListener("keydown", (event) => onKey(event, viewport));
  const onClick = (id, call) => document.getElementById(id).addEventListener("click", call);
  onClick("zoom-in", () => viewport.zoomBy(BUTTON_ZOOM));
  onClick("zoom-out", () => viewport.zoomBy(1 / BUTTON_ZOOM));
  onClick("zoom-fit", () => viewport.fit());
}

function onKey(event, viewport) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
  const calls = {
    "+": () => viewport.zoomBy(BUTTON_ZOOM),
    "=": () => viewport.zoomBy(BUTTON_ZOOM),
    "-": () => viewport.zoomBy(1 / BUTTON_ZOOM),
    0: () => viewport.fit(),
    ArrowLeft: () => viewport.panBy(KEY_PAN, 0),
    ArrowRight: () => viewport.panBy(-KEY_PAN, 0),
    ArrowUp: () => viewport.panBy(0, KEY_PAN),
    ArrowDown: () => viewport.panBy(0, -KEY_PAN),
  };
  if (!(event.key in calls) || (viewport.isFitted && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  calls[event.key]();
}

function listenToPointers(stage, viewport, divider) {
  /** @type {Map<number, [number, number]>} */
  const down = new Map();
  let isDividing = false;
  /** Where the finger came down; null once it has gone far enough to mean the divider. */
  let start = null;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button, .problem")) return;
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointOf(event, stage));
    isDividing = down.size === 1 && (viewport.isFitted || !!event.target.closest(".divider"));
    start = event.clientX;
    if (isDividing && event.pointerType === "mouse") divide(event);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event, stage);
    if (down.size === 2) pinch(event.pointerId, before, now);
    else if (isDividing && isMeant(event)) divide(event);
    else viewport.panBy(now[0] - before[0], now[1] - before[1]);
    down.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => {
      down.delete(event.pointerId);
      isDividing = false;
    });
  }

  /** A finger that goes up or down scrolls the page, which the browser finds out a little later. */
  function isMeant(event) {
    if (start !== null && Math.abs(event.clientX - start) > SLACK) start = null;
    return start === null || event.pointerType === "mouse";
  }

  function divide(event) {
    const { start, width } = viewport.visible;
    divider.moveTo((pointOf(event, stage)[0] - start) / width);
  }

  /** Moves by half of what one of two fingers moves, and enlarges by how far they part. */
  function pinch(id, before, now) {
    const other = [...down].find(([key]) => key !== id)[1];
    const distance = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    viewport.panBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    viewport.zoomBy(distance(now) / distance(before), ...middle);
  }
}

function pointOf(event, stage) {
  const { left, top } = stage.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}
