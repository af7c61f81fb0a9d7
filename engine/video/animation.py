"""Animated WebP, which FFmpeg writes but does not read: by Pillow, into a file that it reads."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from PIL import ImageSequence

from engine.files.formats import open_image
from engine.video.library import av

_TICK = Fraction(1, 1000)


def copy_animation(path: str, copy: str, max_megapixels: float) -> None:
    """Writes the pictures of a WebP file, and their times, to a Matroska file, without loss.

    Raises PhotoError where they are larger than allowed, and what Pillow raises of damage.
    """
    with open(path, "rb") as file, av.open(copy, "w", format="matroska") as target:
        image = open_image(file, path, max_megapixels)
        stream = target.add_stream("ffv1")
        stream.width, stream.height, stream.pix_fmt = *image.size, "bgra"
        stream.codec_context.time_base = _TICK
        begin = 0
        for picture in ImageSequence.Iterator(image):
            frame = av.VideoFrame.from_ndarray(np.array(picture.convert("RGBA")), "rgba")
            frame.pts, frame.time_base = begin, _TICK
            lasting = int(picture.info.get("duration") or 0)
            begin += max(1, lasting)
            for packet in stream.encode(frame.reformat(format="bgra")):
                packet.duration = lasting
                target.mux(packet)
        target.mux(stream.encode(None))
