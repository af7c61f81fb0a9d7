"""The bilateral filter's kernel against the same sums in NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.kernels import bilateral

pytestmark = pytest.mark.skipif(
    not bilateral.smooth.is_usable, reason="this processor, or this way to run, has no AVX-512 VBMI"
)


def fma(a, b, c):
    """Rounded once: the product of a level and a weight is exact in float64."""
    return (a.astype(np.float64) * b + c).astype(np.float32)


def expected(padded, sigma):
    by_difference, by_ring = bilateral.find_weights(sigma)
    weights = np.ascontiguousarray(by_difference.T).view("<f4").ravel()
    height, width = padded.shape[0] - 4, padded.shape[1] - 4

    def away(dy, dx):
        return padded[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width].astype(int)

    sums = away(0, 0).astype(np.float32)
    totals = np.ones_like(sums)
    for ring, share in zip(bilateral.RINGS, by_ring, strict=True):
        levels = [away(*offset) for offset in ring]
        a, b, c, d = near = [weights[abs(level - away(0, 0))] for level in levels]
        added = a * levels[0].astype(np.float32)
        for weight, level in zip(near[1:], levels[1:], strict=True):
            added = fma(level, weight, added)
        sums, totals = fma(added, share, sums), fma((a + b) + (c + d), share, totals)
    return (sums / totals).astype(np.uint8)


@pytest.mark.parametrize("width", [64, 65, 127, 200])
@pytest.mark.parametrize("levels", [2, 30, 256])
def test_every_pixel_equals_the_sums_in_their_order(width, levels):
    random = np.random.default_rng(levels)
    padded = random.integers(256 - levels, 256, (9, width + 4), dtype=np.uint8)
    out = np.empty((5, width), np.uint8)
    bilateral.smooth(padded, *bilateral.find_weights(50), 0, 5, out)
    assert_array_equal(out, expected(padded, 50))


def test_only_the_rows_that_are_asked_for_are_written():
    padded, out = np.full((9, 70), 7, np.uint8), np.zeros((5, 66), np.uint8)
    bilateral.smooth(padded, *bilateral.find_weights(50), 1, 3, out)
    assert_array_equal(out, np.repeat([0, 7, 7, 0, 0], 66).reshape(5, 66))


def test_no_row_is_no_work():
    padded, out = np.full((9, 70), 7, np.uint8), np.zeros((5, 66), np.uint8)
    bilateral.smooth(padded, *bilateral.find_weights(50), 2, 2, out)
    assert not out.any()
