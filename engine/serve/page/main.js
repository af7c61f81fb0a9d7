/** Puts the page together: photos and looks in, pictures and panels out. */

import { Album } from "./album.js";
import { get } from "./build.js";
import { listenForPhotos } from "./intake.js";
import { Knobs } from "./knobs.js";
import { History } from "./look.js";
import { LONGER_SIDE, Painter } from "./painter.js";
import { Swatches } from "./palette.js";
import { choose, fillRadios } from "./radios.js";
import { announce } from "./say.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { Take } from "./take.js";
import { Trouble } from "./trouble.js";
import { loadWords, t } from "./words.js";

const SETTLED_MS = 90;
const LARGE_FROM = 1.6;

await loadWords();
const [album, history] = [new Album(), new History()];
const painter = new Painter(history);
const [stage, strip, knobs] = [
  new Stage(),
  new Strip(album),
  new Knobs(history, () => showKind("cartoon")),
];
const [swatches, take] = [new Swatches(), new Take(album, history, painter)];
const trouble = new Trouble({
  again: (photo) => {
    photo.set({ state: photo.kept ? "ready" : "waiting", problem: null });
    painter.paint(photo);
  },
  remove: (photo) => album.remove(photo),
  drawAll: () => history.change({ background: { kind: "none" } }),
});
let shown = null;
let settling = 0;

listenForPhotos((files) => album.add(files).forEach((photo) => painter.paint(photo)));
album.addEventListener("change", showAlbum);
history.addEventListener("change", () => {
  showLook();
  repaint(SETTLED_MS);
});
stage.viewport.addEventListener("change", () => {
  const { kept } = album.current ?? {};
  if (stage.viewport.zoom < LARGE_FROM || painter.isLarge || !kept) return;
  if (Math.max(kept.width, kept.height) <= LONGER_SIDE) return; // it is as large already
  painter.isLarge = true;
  repaint(SETTLED_MS);
});
fillRadios(
  get("kinds"),
  "kind",
  ["cartoon", "cutout"].map((value) => ({ value, text: t(`kind.${value}`) })),
  showKind,
);
choose(get("kinds"), painter.kind);
get("undo").addEventListener("click", undo);
get("redo").addEventListener("click", redo);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest("dialog")) return;
  const key = event.key.toLowerCase();
  const call = key === "z" ? (event.shiftKey ? redo : undo) : key === "y" ? redo : null;
  if (!call) return;
  event.preventDefault();
  call();
});
// Somebody who comes back to the page finds it as it was: it sends photos again where it has to.
addEventListener("pagehide", () => album.forgetAll());
showLook();
showAlbum();
document.body.classList.add("is-ready");

function showAlbum() {
  const photo = album.current;
  const isFocusLost = photo !== null && get("empty").contains(document.activeElement);
  get("empty").hidden = photo !== null;
  get("studio").hidden = get("add").hidden = photo === null;
  if (isFocusLost) get("stage").focus({ preventScroll: true });
  strip.show();
  take.show();
  const isOther = photo !== shown;
  shown = photo;
  if (photo) showPhoto(photo, isOther);
}

function showPhoto(photo, isOther) {
  get("name").textContent = get("name").title = photo.name;
  if (isOther) painter.isLarge = false;
  if (isOther && photo.latest) painter.paint(photo); // the look may be another since
  stage.show(photo);
  trouble.show(photo);
  swatches.show(photo.latest?.palette ?? []);
}

function showLook() {
  knobs.show();
  take.show();
  get("undo").disabled = !history.canUndo;
  get("redo").disabled = !history.canRedo;
}

function showKind(kind) {
  if (painter.kind === kind) return;
  painter.kind = kind;
  choose(get("kinds"), kind);
  take.show();
  repaint();
}

function repaint(after = 0) {
  clearTimeout(settling);
  settling = setTimeout(() => {
    if (album.current) painter.paint(album.current);
  }, after);
}

function undo() {
  step(() => history.undo(), history.canUndo, "history.undone");
}
function redo() {
  step(() => history.redo(), history.canRedo, "history.redone");
}

function step(call, isPossible, word) {
  if (!isPossible) return;
  call();
  announce(t(word));
}
