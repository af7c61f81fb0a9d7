"""The engine's refined matte as ONNX nodes: engine/cutout/refine.py step by step.

The sums over windows are of whole numbers in float64, and so are exact as the engine's.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from engine.cutout.refine import CONTRAST, EPSILON, SURENESS, WINDOW_SHARE
from export.graphs.builder import GraphBuilder

# Which channels of (r, g, b, p) are multiplied: rp gp bp, rr rg rb gg gb bb.
_LEFT = np.array([0, 1, 2, 0, 0, 0, 1, 1, 2])
_RIGHT = np.array([3, 3, 3, 0, 1, 2, 1, 2, 2])
_VARIANCES = np.isin(np.arange(9), (3, 6, 8)).astype(np.float64).reshape(1, 9, 1, 1)


def refine(g: GraphBuilder, probability: str, guide: str, image: str, size: str) -> str:
    """Alpha, float32 (1, 1, H, W), 0..1.

    `probability` is float32 (1, 1, h, w) at the guide's size, `guide` float32 (1, 3, h, w) and
    `image` float32 (1, 3, H, W) of whole levels, `size` int64 [1, 4, H, W].
    """
    sure = _spread(g, probability, SURENESS)
    confidence = g("Round", g("Mul", sure, np.float32(255)))
    rows, columns = (g("Shape", guide, start=axis, end=axis + 1) for axis in (2, 3))
    shorter = g("Cast", g("Min", rows, columns), to=TensorProto.DOUBLE)
    radius = g("Round", g("Mul", shorter, np.float64(WINDOW_SHARE)))
    radius = g("Cast", g("Max", radius, np.float64(1)), to=TensorProto.INT64)
    planes = _fit_planes(g, g("Concat", guide, confidence, axis=1), rows, columns, radius)
    planes = _blur(g, planes, rows, columns, g("Div", radius, np.array([2])))
    planes = g(
        "Resize", planes, "", "", size, mode="linear", coordinate_transformation_mode="half_pixel"
    )
    scaled = g("Div", image, np.float32(255))
    slope = g("Gather", planes, np.arange(3), axis=1)
    fit = g("ReduceSum", g("Mul", slope, scaled), np.array([1]), keepdims=1)
    fit = g("Add", fit, g("Gather", planes, np.array([3]), axis=1))
    return _spread(g, fit, CONTRAST)


def _spread(g: GraphBuilder, share: str, factor: float) -> str:
    """(share - 0.5) * factor + 0.5, within 0..1."""
    centred = g("Mul", g("Sub", share, np.float32(0.5)), np.float32(factor))
    return g("Clip", g("Add", centred, np.float32(0.5)), np.float32(0), np.float32(1))


def _fit_planes(g: GraphBuilder, levels: str, rows: str, columns: str, radius: str) -> str:
    """float32 (1, 4, h, w) of `levels`, float32 (1, 4, h, w): r, g, b and confidence."""
    wide = g("Cast", levels, to=TensorProto.DOUBLE)
    products = g("Mul", *(g("Gather", wide, side, axis=1) for side in (_LEFT, _RIGHT)))
    sums = g("Concat", wide, products, axis=1)
    count: str | np.ndarray = np.float64(1).reshape(1, 1, 1, 1)
    for axis, side in ((2, rows), (3, columns)):
        below, above = _window(g, side, radius)
        total = g("CumSum", sums, np.int64(axis))
        zero = g("Mul", g("Gather", total, np.array([0]), axis=axis), np.float64(0))
        total = g("Concat", zero, total, axis=axis)
        sums = g("Sub", *(g("Gather", total, edge, axis=axis) for edge in (above, below)))
        length = g("Cast", g("Sub", above, below), to=TensorProto.DOUBLE)
        shape = np.array([1, 1, -1, 1] if axis == 2 else [1, 1, 1, -1])
        count = g("Mul", count, g("Reshape", length, shape))
    first, second = (g("Gather", sums, side, axis=1) for side in (_LEFT, _RIGHT))
    crossed = g("Mul", count, g("Gather", sums, np.arange(4, 13), axis=1))
    scale = g("Mul", g("Mul", count, count), np.float64(65025))
    moments = g("Div", g("Sub", crossed, g("Mul", first, second)), scale)
    moments = g("Add", moments, EPSILON * _VARIANCES)
    slope = _solve(g, [g("Gather", moments, np.array([k]), axis=1) for k in range(9)])
    means = g("Div", g("Gather", sums, np.arange(4), axis=1), count)
    offset = g("Gather", means, np.array([3]), axis=1)
    colours = g("Mul", slope, g("Gather", means, np.arange(3), axis=1))
    offset = g("Sub", offset, g("ReduceSum", colours, np.array([1]), keepdims=1))
    planes = g("Concat", slope, g("Div", offset, np.float64(255)), axis=1)
    return g("Cast", planes, to=TensorProto.FLOAT)


def _solve(g: GraphBuilder, moments: list[str]) -> str:
    """The three slopes by Cramer's rule."""
    cr, cg, cb, rr, rg, rb, gg, gb, bb = moments

    def minor(a: str, b: str, c: str, d: str) -> str:
        return g("Sub", g("Mul", a, b), g("Mul", c, d))

    def dot(*pairs: str) -> str:
        return g("Sum", *(g("Mul", a, b) for a, b in zip(pairs[:3], pairs[3:], strict=True)))

    irr, irg, irb = minor(gg, bb, gb, gb), minor(gb, rb, rg, bb), minor(rg, gb, gg, rb)
    igg, igb, ibb = minor(rr, bb, rb, rb), minor(rb, rg, rr, gb), minor(rr, gg, rg, rg)
    determinant = dot(rr, rg, rb, irr, irg, irb)
    inverse = ((irr, irg, irb), (irg, igg, igb), (irb, igb, ibb))
    return g("Concat", *(g("Div", dot(*row, cr, cg, cb), determinant) for row in inverse), axis=1)


def _window(g: GraphBuilder, side: str, radius: str) -> tuple[str, str]:
    """For each of `side` positions the first of its window and the one after its last, int64."""
    here = _range(g, side)
    below = g("Max", g("Sub", here, radius), np.array([0]))
    return below, g("Min", g("Add", g("Add", here, radius), np.array([1])), side)


def _blur(g: GraphBuilder, maps: str, rows: str, columns: str, radius: str) -> str:
    """The mean over windows, the border repeated."""
    for axis, side in ((2, rows), (3, columns)):
        twice = g("Mul", radius, np.array([2]))
        padded = g("Sub", _range(g, g("Add", side, twice)), radius)
        inside = g("Min", g("Max", padded, np.array([0])), g("Sub", side, np.array([1])))
        wide = g("Cast", g("Gather", maps, inside, axis=axis), to=TensorProto.DOUBLE)
        total = g("CumSum", wide, np.int64(axis))
        zero = g("Mul", g("Gather", total, np.array([0]), axis=axis), np.float64(0))
        total = g("Concat", zero, total, axis=axis)
        below = _range(g, side)
        length = g("Add", twice, np.array([1]))
        edges = (g("Add", below, length), below)
        mean = g("Sub", *(g("Gather", total, edge, axis=axis) for edge in edges))
        mean = g("Div", mean, g("Cast", length, to=TensorProto.DOUBLE))
        maps = g("Cast", mean, to=TensorProto.FLOAT)
    return maps


def _range(g: GraphBuilder, side: str) -> str:
    """0 .. side - 1, int64, of a one-element tensor."""
    return g("Range", np.int64(0), g("Squeeze", side, np.array([0])), np.int64(1))
