"""The photo at the sizes that are measured."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.portrait import portrait

SIZES = {"432 x 288": (288, 432), "1920 x 1080": (1080, 1920), "4000 x 3000": (3000, 4000)}


@pytest.fixture(scope="session", params=SIZES, ids=lambda size: size.replace(" ", ""))
def size(request: pytest.FixtureRequest) -> str:
    """Width x height, as it is written in the tables."""
    return str(request.param)


@pytest.fixture(scope="session")
def photo(size: str) -> NDArray[np.uint8]:
    """A real portrait at that size, uint8 (H, W, 3) RGB."""
    return portrait(*SIZES[size])
