/** Pictures in full size: downloaded one by one or all in a zip, or copied. */

import { get } from "./build.js";
import { hasKnobs, toOptions } from "./look.js";
import { asProblem } from "./problem.js";
import { allow, choose, fillRadios } from "./radios.js";
import { say } from "./say.js";
import { drawSent } from "./sending.js";
import { t } from "./words.js";
import { zip } from "./zip.js";

const FORMATS = ["png", "jpg", "webp", "svg"];

export class Take {
  #album;
  #history;
  #painter;
  #format = "png";
  #isTaking = false;

  /**
   * @param {import("./album.js").Album} album
   * @param {import("./look.js").History} history
   * @param {import("./painter.js").Painter} painter
   */
  constructor(album, history, painter) {
    [this.#album, this.#history, this.#painter] = [album, history, painter];
    const choices = FORMATS.map((value) => ({ value, text: t(`take.${value}`) }));
    fillRadios(get("formats"), "format", choices, (value) => {
      this.#format = value;
      this.show();
    });
    get("download").addEventListener("click", () => this.#run(() => this.#download()));
    get("download-all").addEventListener("click", () => this.#run(() => this.#downloadAll()));
    get("copy").addEventListener("click", () => this.#run(() => this.#copy()));
    get("copy").hidden = !window.ClipboardItem || !navigator.clipboard?.write;
  }

  show() {
    const { look } = this.#history;
    const isTransparent = look.background.kind === "transparent";
    const isShapes = this.#painter.kind === "cartoon" && hasKnobs(look);
    allow(get("formats"), "jpg", isTransparent ? t("take.no_jpg") : "");
    allow(get("formats"), "svg", isShapes ? "" : t("take.no_svg"));
    choose(get("formats"), this.#usable);
    const { photos, current } = this.#album;
    const drawable = photos.filter((photo) => photo.state !== "failed");
    get("download").disabled = get("copy").disabled =
      this.#isTaking || !current?.kept || current.state === "failed";
    const all = get("download-all");
    all.hidden = drawable.length < 2;
    all.disabled = this.#isTaking;
    if (!this.#isTaking)
      all.querySelector("span").textContent = t("take.all", { count: drawable.length });
  }

  /** The format that is on, or PNG where the look does not allow it. */
  get #usable() {
    return get("formats").querySelector(`input[value=${this.#format}]`).disabled
      ? "png"
      : this.#format;
  }

  async #run(work) {
    this.#isTaking = true;
    this.show();
    try {
      await work();
    } catch (error) {
      const problem = asProblem(error);
      say(`${problem.title}. ${problem.advice}`);
    } finally {
      this.#isTaking = false;
      this.show();
    }
  }

  async #download() {
    const photo = this.#album.current;
    const name = this.#nameOf(photo);
    save(await this.#draw(photo), name);
    say(t("take.saved", { name }));
  }

  async #downloadAll() {
    const photos = this.#album.photos.filter((photo) => photo.state !== "failed");
    const files = [];
    for (const [index, photo] of photos.entries()) {
      get("download-all").querySelector("span").textContent = t("take.all_busy", {
        done: index + 1,
        count: photos.length,
      });
      const picture = await this.#draw(photo).catch(() => null);
      if (picture)
        files.push({
          name: unique(this.#nameOf(photo), files),
          data: new Uint8Array(await picture.arrayBuffer()),
        });
    }
    const name = `${this.#painter.kind}s.zip`;
    if (files.length) save(zip(files), name);
    const missing = this.#album.photos.length - files.length;
    say(missing ? t("take.saved_without", { name, count: missing }) : t("take.saved", { name }));
  }

  async #copy() {
    const picture = this.#draw(this.#album.current, "png");
    try {
      // The picture is promised at once, because Safari lets nothing be copied later than the click.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
      say(t("take.copied"));
    } catch {
      await picture; // where the drawing failed, its problem is what is said
      say(t("take.copy_failed"));
    }
  }

  /** @returns {Promise<Blob>} */
  async #draw(photo, format = this.#usable) {
    const options = toOptions(this.#history.look);
    if (format === "svg") options.set("save", "svg");
    else options.set("format", format);
    const response = await drawSent(photo, this.#painter.kind, options, photo.closing.signal);
    return response.blob();
  }

  /** As the command line would call it. */
  #nameOf(photo) {
    return `${photo.stem}_${this.#painter.kind}.${this.#usable}`;
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The name, with a number where another file has it. */
function unique(name, files) {
  const taken = new Set(files.map((file) => file.name));
  const [, stem, ending] = name.match(/^(.*?)(\.[^.]*)$/);
  let found = name;
  for (let number = 2; taken.has(found); number += 1) found = `${stem}_${number}${ending}`;
  return found;
}
