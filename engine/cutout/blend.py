"""A picture laid by its alpha matte on a background."""

from __future__ import annotations

import difflib
import os

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from engine.errors import OptionError, PhotoError
from engine.images import read_photo
from engine.kernels import pixels
from engine.options import NAMED_BACKGROUNDS

WHITE = np.full((1, 1, 3), 255, np.uint8)


def blend(
    picture: NDArray[np.uint8], alpha: NDArray[np.float32], background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """`picture`, uint8 (H, W, 3), by `alpha`, float32 (H, W), on a (H, W, 3) or (1, 1, 3) one."""
    out = np.empty_like(picture)
    pixels.blend(picture, alpha, background, out)
    return out


def add_alpha(picture: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGBA, uint8 (H, W, 4); what is fully transparent is black, so that no scene is left in it."""
    share = np.rint(alpha * np.float32(255)).astype(np.uint8)
    visible = cv2.bitwise_and(picture, picture, mask=share)
    return np.asarray(cv2.merge([visible, share]))


def read_background(background: str) -> NDArray[np.uint8]:
    """A colour's pixel, uint8 (1, 1, 3), or a picture, uint8 (h, w, 3).

    Raises OptionError when it is neither a colour nor a picture that can be read.
    """
    if background == "white":
        return WHITE
    if background.startswith("#"):
        return np.array([[list(bytes.fromhex(background[1:]))]], np.uint8)
    if not os.path.exists(background):
        close = difflib.get_close_matches(background, NAMED_BACKGROUNDS, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise OptionError(f"background {background!r}: no such name or picture.{hint}")
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
