"""The pictures on the page of `cartoonify serve`: `python -m benchmarks.page_pictures`.

The program draws them all, of the portrait of Eileen Collins by NASA, which anybody may use.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import engine
from benchmarks.pictures import FACE
from benchmarks.portrait import portrait
from engine.files.pictures import encode_image
from engine.files.writing import write_file
from engine.options import STYLES

PAGE = Path(__file__).parents[1] / "engine" / "serve" / "page"
SIDE = 512
"""Pixels of the sample."""
CARD = 128
"""Pixels of a style's picture."""


def main() -> None:
    """Makes them all, in place of those that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FOLDER")
    out = parser.parse_args().out
    photo = portrait(SIDE, SIDE)
    with engine.load() as app:
        pictures = {"sample.jpg": encode_image(photo, "jpg", quality=85)}
        for style in STYLES:
            result = app.replace(cartoon=engine.CartoonOptions(style=style))(photo)
            pictures[f"style_{style}.webp"] = _to_card(result.cartoon)
            if style == "comic":
                pictures["sample_cartoon.webp"] = result.encode("cartoon", "webp", quality=70)
    for name, data in pictures.items():
        write_file(data, out / name, overwrite=True)
        print(f"{name}  {len(data) / 1000:.0f} kB")


def _to_card(cartoon: NDArray[np.uint8]) -> bytes:
    """The face alone."""
    top, bottom, left, right = (round(share * SIDE) for share in FACE)
    face = cv2.resize(cartoon[top:bottom, left:right], (CARD, CARD), interpolation=cv2.INTER_AREA)
    return encode_image(face.astype(np.uint8), "webp", quality=75)


if __name__ == "__main__":
    main()
