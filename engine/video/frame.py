"""One picture of a video, and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture as a photo would be: upright, with square pixels, in sRGB."""

    pixels: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    pts: Fraction
    """Seconds from the beginning of what is made, exact; it rises from frame to frame."""
    duration: Fraction
    """Seconds for which it is shown; 0 where that is not known."""
