"""The pictures of the README and of docs/: `python -m benchmarks.pictures`.

The program draws them all, of sample photos that anybody may use: Eileen Collins by NASA and the
cat Chelsea by Stefan van der Walt, which come with scikit-image, and those of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.data import chelsea

import engine
from benchmarks.figures import FIGURES
from benchmarks.gallery import GALLERY
from benchmarks.portrait import portrait
from benchmarks.setting import QUICK, Setting, argument_parser
from benchmarks.sheets import make_row
from engine.files.pictures import encode_image
from engine.files.writing import write_file
from engine.options import STYLES

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIDE = 512
"""Pixels of the portrait."""
FACE = (0.0, 0.42, 0.24, 0.66)
"""Top, bottom, left and right of the face in the portrait, as shares of its sides."""
QUALITY = 60
"""Of WebP: a third of the bytes of its best, and lines have no fringes yet."""
BACKGROUNDS = ("navy", "blur", "original", "none")
LESS: tuple[dict[str, Any], ...] = ({"colours": 6}, {"lines": 0}, {"detail": 0}, {"vivid": 0.3})
MORE: tuple[dict[str, Any], ...] = ({}, {"lines": 2}, {"detail": 2}, {"vivid": 1.8})
"""Below those of LESS."""

Photo = NDArray[np.uint8]
Make = Callable[[engine.Cartoonifier, Photo], bytes]


def main() -> None:
    """Makes them all, in place of those that are there."""
    parser = argument_parser(__doc__, writes=False)
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="FOLDER")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photo = portrait(*Setting(1, quick=options.quick).size(SIDE, SIDE))
    with engine.load() as app:
        for name, make in PICTURES.items():
            data = make(app, photo)
            write_file(data, options.out / name, overwrite=True)
            print(f"{name}  {len(data) / 1000:.0f} kB")
    if options.quick:
        print(QUICK)


def _compare(app: engine.Cartoonifier, photo: Photo) -> bytes:
    """As `make run` writes it."""
    return app(photo).encode("compare", "webp", quality=QUALITY)


def _show_backgrounds(app: engine.Cartoonifier, photo: Photo) -> bytes:
    options = {name: engine.CutoutOptions(background=name) for name in BACKGROUNDS}
    return _side_by_side(
        {name: app.replace(cutout=option)(photo).cartoon for name, option in options.items()}
    )


def _show_styles(app: engine.Cartoonifier, photo: Photo) -> bytes:
    """Whole, and the faces enlarged."""
    pictures = {"photo": photo} | {style: _draw(app, photo, style=style) for style in STYLES}
    faces = {f"{name}, enlarged": _cut_face(picture) for name, picture in pictures.items()}
    return _side_by_side(pictures, faces)


def _show_knobs(app: engine.Cartoonifier, photo: Photo) -> bytes:
    rows = [
        {_name(knob): _cut_face(_draw(app, photo, **knob)) for knob in knobs}
        for knobs in (LESS, MORE)
    ]
    return _side_by_side(*rows)


def _show_palette(app: engine.Cartoonifier, photo: Photo) -> bytes:
    """Two photos in their own colours, and in each other's."""
    app = app.replace(segment=engine.SegmentOptions(keep=("person", "cat")))
    woman, cat = app(photo), app(chelsea())
    return _side_by_side(
        {
            "woman, own colours": woman.cartoon,
            "woman, the cat's colours": app(photo, like=cat).cartoon,
            "cat, own colours": cat.cartoon,
            "cat, the woman's colours": app(chelsea(), like=woman).cartoon,
        }
    )


def _draw_shapes(app: engine.Cartoonifier, photo: Photo) -> bytes:
    """A small file: the face alone, in ink."""
    face = np.ascontiguousarray(_cut_face(photo))
    return app.replace(cartoon=engine.CartoonOptions(style="ink"))(face).encode("svg")


PICTURES: Mapping[str, Make] = {
    "astronaut_compare.webp": _compare,
    "astronaut_backgrounds.webp": _show_backgrounds,
    "styles.webp": _show_styles,
    "knobs.webp": _show_knobs,
    "palette.webp": _show_palette,
    "face.svg": _draw_shapes,
    **GALLERY,
    **FIGURES,
}


def _draw(app: engine.Cartoonifier, photo: Photo, **options: Any) -> Photo:
    return app.replace(cartoon=engine.CartoonOptions(**options))(photo).cartoon


def _name(knob: Mapping[str, object]) -> str:
    return " ".join(f"{name} {value}" for name, value in knob.items()) or "as it is"


def _cut_face(picture: Photo) -> Photo:
    height, width = picture.shape[:2]
    top, bottom, left, right = FACE
    return picture[
        round(top * height) : round(bottom * height), round(left * width) : round(right * width)
    ]


def _side_by_side(*rows: Mapping[str, Photo]) -> bytes:
    picture = np.vstack([make_row("", row) for row in rows])
    return encode_image(picture, "webp", quality=QUALITY)


if __name__ == "__main__":
    main()
