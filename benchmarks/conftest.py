"""The photos that are measured."""

import cv2
import pytest
from skimage.data import astronaut

SIZES = {"432 x 288": (288, 432), "1920 x 1080": (1080, 1920), "4000 x 3000": (3000, 4000)}


@pytest.fixture(scope="session", params=SIZES, ids=lambda size: size.replace(" ", ""))
def size(request):
    """Width x height, as it is written in the tables."""
    return request.param


@pytest.fixture(scope="session")
def photo(size):
    """A real portrait at that size, uint8 (H, W, 3) RGB."""
    height, width = SIZES[size]
    return cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_CUBIC)
