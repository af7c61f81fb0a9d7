"""The pictures of the gallery: three photos that anybody may use, in each style.

Eileen Collins by NASA and a photographer by Lav Varshney (CC0) come with scikit-image; Grace
Hopper's official portrait by the U.S. Navy comes with matplotlib.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image
from skimage.data import camera, hubble_deep_field

import engine
from benchmarks.portrait import portrait
from engine.files.pictures import encode_image
from engine.options import STYLES

WIDTH = 400
"""Pixels of a picture."""
SLIDER = 768
"""Pixels of the two pictures on the first page."""
HEAD = (0.0, 0.7, 0.07, 0.77)
"""Top, bottom, left and right of what they show of the portrait, as shares of its sides."""
QUALITY = 65
"""Of WebP."""

Photo = NDArray[np.uint8]
Make = Callable[[engine.Cartoonifier, Photo], bytes]


def _hopper() -> Photo:
    with Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)) as picture:
        return np.asarray(picture.convert("RGB"))


PHOTOS: dict[str, Callable[[], Photo]] = {
    "collins": lambda: portrait(512, 512),
    "hopper": _hopper,
    "photographer": lambda: cv2.cvtColor(camera(), cv2.COLOR_GRAY2RGB).astype(np.uint8),
}
STARS = "stars"
BACKGROUNDS = ("navy", "transparent", "blur", "original", "none", STARS)


def _show_photo(_: engine.Cartoonifier, __: Photo, name: str) -> bytes:
    return _encode(PHOTOS[name]())


def _draw(app: engine.Cartoonifier, _: Photo, name: str, style: str) -> bytes:
    options = engine.CartoonOptions(style=style)
    return _encode(app.replace(cartoon=options)(PHOTOS[name]()).cartoon)


def _lay_on(app: engine.Cartoonifier, photo: Photo, name: str) -> bytes:
    options = engine.CutoutOptions(background=hubble_deep_field() if name == STARS else name)
    return _encode(app.replace(cutout=options)(photo).cartoon)


def _show_before(_: engine.Cartoonifier, photo: Photo) -> bytes:
    return encode_image(_cut_head(photo), "webp", quality=QUALITY)


def _show_after(app: engine.Cartoonifier, photo: Photo) -> bytes:
    return encode_image(app(_cut_head(photo)).cartoon, "webp", quality=QUALITY)


def _cut_head(photo: Photo) -> Photo:
    height, width = photo.shape[:2]
    top, bottom, left, right = HEAD
    head = photo[
        round(top * height) : round(bottom * height), round(left * width) : round(right * width)
    ]
    return cv2.resize(head, (SLIDER, SLIDER), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def _encode(picture: Photo) -> bytes:
    """Reduced to the width of the gallery."""
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    small = cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return encode_image(small.astype(np.uint8), "webp", quality=QUALITY)


GALLERY: dict[str, Make] = {
    "before.webp": _show_before,
    "after.webp": _show_after,
    **{f"{name}_photo.webp": partial(_show_photo, name=name) for name in PHOTOS},
    **{
        f"{name}_{style}.webp": partial(_draw, name=name, style=style)
        for name in PHOTOS
        for style in STYLES
    },
    **{f"on_{name}.webp": partial(_lay_on, name=name) for name in BACKGROUNDS},
}
