"""What lies behind the cut-out: a colour or a picture."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from engine.cutout.blend import WHITE
from engine.errors import OptionError, PhotoError, did_you_mean
from engine.files.photos import read_photo
from engine.options import NAMED_BACKGROUNDS


def read_background(background: str) -> NDArray[np.uint8]:
    """A colour's pixel, uint8 (1, 1, 3), or a picture, uint8 (h, w, 3).

    Raises OptionError when it is neither a colour nor a picture that can be read.
    """
    if background == "white":
        return WHITE
    if background.startswith("#"):
        return np.array([[list(bytes.fromhex(background[1:]))]], np.uint8)
    if not os.path.exists(background):
        hint = did_you_mean(background, NAMED_BACKGROUNDS)
        raise OptionError(f"background {background!r}: no such name or picture. {hint}")
    try:
        return read_photo(background)
    except PhotoError as error:
        raise OptionError(f"background: {error}") from error


def cover(backdrop: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A backdrop that fills (height, width), scaled and cut at the sides; one colour as it is."""
    if backdrop.shape[:2] in ((1, 1), (height, width)):
        return backdrop
    fitted = ImageOps.fit(Image.fromarray(backdrop), (width, height), Image.Resampling.BICUBIC)
    return np.array(fitted)
