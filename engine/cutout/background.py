"""What lies behind the cut-out: a colour, a picture, or the scene itself."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps

from engine.cutout.blend import WHITE, blend
from engine.errors import OptionError, PhotoError, did_you_mean
from engine.files.photos import read_photo
from engine.once import computed_once
from engine.options import NAMED_BACKGROUNDS, Background, parse_colour

BLACK = np.zeros((1, 1, 3), np.uint8)
BLUR_SIDE = 256
"""Pixels of the longer side at which the scene is blurred: nothing finer is left of it."""
BLUR_SHARE = 1 / 40
"""Of the longer side: the Gaussian's sigma."""
PIPE_WAIT_S = 10.0
"""For the first bytes of a background that is a pipe."""


class Backdrop:
    """What is laid behind each photo's cut-out: read once, hashed once, and scaled once for
    photos of one size. Safe to use from several threads.

    Raises OptionError when the background is neither a name, nor a colour, nor a picture that can
    be read.
    """

    def __init__(self, background: Background) -> None:
        is_name = isinstance(background, str) and background in NAMED_BACKGROUNDS
        self._pixels = WHITE if is_name else read_background(background)
        self._scaled = self._pixels
        is_white = np.array_equal(self._pixels, WHITE)
        self.kind = str(background) if is_name else "white" if is_white else "picture"
        """One of the names, or "picture", of which a colour is one pixel."""

    @computed_once
    def identity(self) -> str:
        """The name, or a digest of the pixels: a picture's path does not say what is in it."""
        if self.kind != "picture":
            return self.kind
        shape = repr(self._pixels.shape).encode()
        return hashlib.blake2b(self._pixels.tobytes() + shape, digest_size=16).hexdigest()

    def behind(
        self,
        photo: NDArray[np.uint8],
        person: NDArray[np.uint8],
        alpha: NDArray[np.float32],
        threads: int = 1,
    ) -> NDArray[np.uint8] | None:
        """What lies behind a photo's cut-out, uint8 (H, W, 3), or (1, 1, 3) for one colour.

        None stands for nothing: the background is transparent. Arguments as of `blur_scene`.
        """
        match self.kind:
            case "transparent":
                return None
            case "original":
                return photo
            case "blur":
                return blur_scene(photo, person, alpha, threads)
        height, width = alpha.shape
        scaled = self._scaled  # another thread may put its own there
        if scaled.shape[:2] not in ((1, 1), (height, width)):
            self._scaled = scaled = cover(self._pixels, height, width)
        return scaled


def read_background(background: Background) -> NDArray[np.uint8]:
    """A colour's pixel, uint8 (1, 1, 3), or a picture, uint8 (h, w, 3).

    Raises OptionError when it is neither a colour nor a picture that can be read.
    """
    colour = parse_colour(background) if isinstance(background, str) else background
    if isinstance(colour, tuple):
        return np.array([[colour]], np.uint8)
    if isinstance(background, (str, os.PathLike)) and not os.path.lexists(background):
        close = difflib.get_close_matches(str(background), ImageColor.colormap, 1)
        hint = did_you_mean(str(background), (*NAMED_BACKGROUNDS, *close))
        raise OptionError(f"background {str(background)!r}: no such name or picture. {hint}")
    try:
        with _opened(background) as source:
            return read_photo(source)
    except (PhotoError, OSError) as error:
        raise OptionError(f"background: {error}") from error


def cover(backdrop: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A backdrop that fills (height, width), scaled and cut at the sides; one colour as it is."""
    if backdrop.shape[:2] in ((1, 1), (height, width)):
        return backdrop
    fitted = ImageOps.fit(Image.fromarray(backdrop), (width, height), Image.Resampling.BICUBIC)
    return np.array(fitted)


def blur_scene(
    photo: NDArray[np.uint8],
    person: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    threads: int = 1,
) -> NDArray[np.uint8]:
    """The scene, uint8 (H, W, 3), strongly blurred, without the colours of who stands in it.

    `photo` and `person`, both uint8 (H, W, 3), are what was seen and the person's own colours,
    `alpha` is float32 (H, W). A Gaussian at a reduced size, in which 1 - alpha is the weight of
    each pixel (normalised convolution; Knutsson and Westin, 1993).
    """
    height, width = alpha.shape
    scale = min(1.0, BLUR_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Weighted before it is reduced: a reduced pixel at the rim holds both, person and scene.
    weighted = cv2.subtract(photo, blend(person, alpha, BLACK, threads))
    small = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = 1 - cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    sums = cv2.GaussianBlur(np.dstack([small, weight]), (0, 0), BLUR_SHARE * max(size))
    # Where the scene is farther than the Gaussian reaches, nothing of it is seen.
    means = sums[..., :3] / np.maximum(sums[..., 3:], 1e-6)
    blurred = np.rint(np.clip(means, 0, 255)).astype(np.uint8)
    return np.asarray(cv2.resize(blurred, (width, height)), np.uint8)


@contextlib.contextmanager
def _opened(background: Any) -> Iterator[Any]:
    """The background; a pipe is open already, because opening one may wait forever.

    Raises OptionError when nobody writes to it.
    """
    if not isinstance(background, (str, os.PathLike)) or not Path(background).is_fifo():
        yield background
        return
    with open(background, "rb", 0, opener=_open_without_waiting) as pipe:
        if not select.select([pipe], [], [], PIPE_WAIT_S)[0]:
            raise OptionError(f"background {background}: is a pipe that nobody writes to.")
        os.set_blocking(pipe.fileno(), True)
        yield pipe


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
