"""Whether the kernels draw here as they should; `cartoonify doctor` asks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any

KNOWN_CARTOONS = ("3f8e0b48d1f8549a", "c50accf540e4ec50")
"""Digests of the classic cartoons of the known pictures."""


def run_self_test(problems: list[str]) -> dict[str, Any]:
    """What was compared and found, ready for JSON; problems are also appended as sentences.

    Known pictures, whose classic cartoons are the same everywhere. With SciPy at hand also a second
    of others, and the kernels of the refined styles, each against its plain twin.
    """
    from engine.cartoon.classic.stylise import cartoonize

    for count, expected in enumerate(KNOWN_CARTOONS, 1):
        digest = hashlib.blake2b(cartoonize(_known_picture(count)).tobytes(), digest_size=8)
        if digest.hexdigest() != expected:
            problems.append(f"self-test: the cartoon of known picture {count} has changed.")
            return {"result": "failed", "pictures": count}
    try:
        from engine.reference.lines import average_along  # noqa: F401
        from engine.reference.stylise import cartoonize as reference
    except ImportError:
        return {"result": "equal to known cartoons, bit for bit", "pictures": len(KNOWN_CARTOONS)}
    for stage, is_equal in REFINED_STAGES.items():
        if not is_equal():
            problems.append(f"self-test: {stage} of the refined styles differs from the reference.")
            return {"result": "failed", "stage": stage}
    start = time.perf_counter()
    for count, picture in enumerate(_pictures(), 1):
        if not (cartoonize(picture) == reference(picture)).all():
            problems.append(f"self-test: picture {count} differs from the reference.")
            return {"result": "failed", "pictures": count}
        if time.perf_counter() - start > 1:
            break
    result = "equal to the reference, bit for bit"
    return {"result": result, "pictures": count, "stages": list(REFINED_STAGES)}


def _smoothing_is_equal() -> bool:
    import numpy as np

    from engine.kernels import smooth as kernels
    from engine.reference import smooth as reference

    rng = np.random.default_rng(0)
    lab = rng.integers(0, 256, (40, 48, 3), np.uint8)
    alpha, feedback = rng.random((40, 48), np.float32), rng.random((2, 256), np.float32)
    down = rng.integers(0, 256, (40, 48), np.uint8)
    across = rng.integers(0, 256, (48, 40), np.uint8)
    planes = np.empty((40, kernels.PLANES, 48), np.float32)
    smoothed = np.empty_like(lab, np.float32)
    kernels.weigh(lab, alpha, 0, 40, planes)
    kernels.filter_rows(planes, across, feedback, 0, 40)
    kernels.filter_columns(planes, down, feedback, 0, 48)
    kernels.divide(planes, 0, 40, smoothed)
    weighed = reference.filter_rows(reference.weigh(lab, alpha), across, feedback)
    expected = reference.divide(reference.filter_columns(weighed, down, feedback))
    return np.array_equal(smoothed, expected)


def _colours_are_equal() -> bool:
    import numpy as np

    from engine.kernels import tones as kernels
    from engine.reference import tones as reference

    rng = np.random.default_rng(0)
    lab = (rng.random((40, 48, 3)) * (100, 60, 60)).astype(np.float32)
    colours, mass = lab[0].astype(np.float64), rng.random(48)
    few = colours.copy()
    count = kernels.merge(few, mass.copy(), 24, 7.5**2, 0.1)
    joined, _ = reference.merge(colours, mass, 24, 7.5**2, 0.1)
    nearest, painted = few[:count].astype(np.float32), rng.integers(0, 256, (count, 3), np.uint8)
    rules = (np.float32(0.6), np.float32(2.5), np.float32(5.0))
    labels, soft, tones = (np.empty((40, 48, *c), np.uint8) for c in ((), (), (3,)))
    alpha = rng.choice(np.array([0, 1], np.float32), (40, 48))
    kernels.assign(lab, alpha, nearest, painted, *rules, 0, 40, labels, tones, soft)
    expected = reference.assign(lab, alpha, nearest, painted, *map(float, rules))
    pairs = zip((few[:count], labels, tones, soft), (joined, *expected), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


def _ink_is_equal() -> bool:
    import numpy as np

    from engine.kernels import lines as kernels
    from engine.reference import lines as reference

    rng = np.random.default_rng(0)
    response, gain = rng.standard_normal((40, 48), np.float32), rng.random((10, 12), np.float32)
    tensor, tangent = np.empty((20, 24, 3), np.float32), np.empty((20, 24, 2), np.float32)
    kernels.find_tensor(response[:20, :24].copy(), tensor)
    kernels.find_tangent(tensor, tangent)
    weights, one = np.array([1, 0.8, 0.5, 0.2], np.float32), np.float32(1.5)
    average = np.empty_like(response)
    kernels.average_along(response, tangent, weights, one, gain, one, 0, 40, average)
    flow = reference.find_tangent(reference.find_tensor(response[:20, :24]))
    expected = reference.average_along(response, flow, weights, one, gain, one)
    return np.array_equal(average, expected)


def _rendering_is_equal() -> bool:
    import numpy as np

    from engine.cartoon.refined.render import find_taps
    from engine.kernels import raster as kernels
    from engine.reference import raster as reference

    rng = np.random.default_rng(0)
    colours, fields = (rng.integers(0, 256, size, np.uint8) for size in ((5, 3), (5, 20, 24)))
    labels, soft = rng.integers(0, 5, (20, 24), np.uint8), fields[0]
    ink, edge = rng.standard_normal((2, 20, 24), np.float32)
    shapes, outline = (labels, colours[labels], soft, ink, edge), np.float32(0.7)
    kinds, (behind, out) = np.empty((19, 23), np.uint8), np.zeros((2, 40, 48, 3), np.uint8)
    kernels.find_kinds(*shapes, colours, outline, 0, 19, kinds)
    rows, row_shares, sy = find_taps(20, 0, 40, 40)
    columns, column_shares, sx = find_taps(24, 0, 48, 48)
    coverage, starts = np.zeros((40, 48), np.uint8), np.searchsorted(columns, np.arange(24))
    kernels.render(
        fields, *shapes, kinds, colours, colours[0], outline, rows, row_shares, starts,
        column_shares, sx, sy, np.arange(40), 0, 40, out.reshape(40, -1), coverage,
    )  # fmt: skip
    taps = reference.Taps((rows, row_shares), (columns, column_shares), sx, sy)
    expected = reference.render(
        fields, *shapes, colours, colours[0], outline, taps, behind, True
    )  # fmt: skip
    return np.array_equal(out, expected[0]) and np.array_equal(coverage, expected[1])


REFINED_STAGES = {
    "smoothing": _smoothing_is_equal, "colours": _colours_are_equal, "ink": _ink_is_equal,
    "rendering": _rendering_is_equal,
}  # fmt: skip
"""What of the refined styles is compared with its plain twin, on random numbers."""


def _known_picture(number: int) -> Any:
    """Curves and patches, made without random numbers, which may differ between versions."""
    import numpy as np

    y, x, channel = np.ogrid[: 97 * number, : 131 * number, :3]
    return ((number * y * y + 3 * x * x + 50 * channel * (x // 16 + y // 16)) % 256).astype(
        np.uint8
    )


def _pictures() -> Iterator[Any]:
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    while True:
        height, width = (int(side) for side in rng.integers(1, 400, 2))
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        yield noise
        patches = noise[: height // 8 + 1, : width // 8 + 1]
        yield np.asarray(cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC))
