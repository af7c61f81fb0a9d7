"""Who is nearest to each pixel, and whether they are among the largest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def keep_largest(
    probability: NDArray[np.float32], threshold: float, count: int
) -> NDArray[np.float32]:
    """The probability, float32 (h, w), at 0 wherever the nearest person is not one of the largest.

    People are 8-connected parts above the threshold.
    """
    kept = probability > threshold
    people, _ = ndimage.label(kept, structure=np.ones((3, 3)))
    areas = np.bincount(people[kept], minlength=2)
    largest = np.argsort(-areas, kind="stable")[:count]
    rows, columns = ndimage.distance_transform_edt(
        ~kept, return_distances=False, return_indices=True
    )
    nearest = people[rows, columns]
    return np.where(np.isin(nearest, largest) | ~kept.any(), probability, np.float32(0))
