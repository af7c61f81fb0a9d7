"""Pillow's antialiased bilinear resize as ONNX nodes, in its own fixed-point arithmetic.

A block of results is the product of its coefficients and of the pixels below its window, which is
far less work than a product over whole rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from export.graphs.builder import GraphBuilder

# Pillow keeps its coefficients as integers of 22 bits after the point. They are split in two
# halves of 11 bits, so that float32 products with 8-bit pixels sum exactly.
_BITS, _HALF = 22, 11
_BLOCK = 8


def resize(g: GraphBuilder, image: str, height: str, width: str) -> str:
    """An image, uint8 (1, H, W, 3), at another size, int64 scalars: float32 (3, h, w), levels."""
    columns = g("Transpose", g("Squeeze", image, np.array([0])), perm=[1, 2, 0])  # (W, 3, H)
    narrow = _shrink(g, columns, width)
    rows = g("Transpose", narrow, perm=[2, 1, 0])  # (H, 3, w)
    return g("Transpose", _shrink(g, rows, height), perm=[1, 0, 2])


def _shrink(g: GraphBuilder, planes: str, wanted: str) -> str:
    """`planes`, whole levels (size, a, b), resampled along the first axis: float32 (n, a, b)."""
    size = g("Gather", g("Shape", planes), np.int64(0))
    blocks = _find_blocks(g, size, wanted)
    shape = g("Shape", planes)
    rest = g("Slice", shape, np.array([1]), np.array([3]))
    pixels = g("Cast", g("Gather", planes, blocks.inside, axis=0), to=TensorProto.FLOAT)
    pixels = g("Reshape", pixels, np.array([0, 0, -1]))  # (blocks, window, a b)
    coefficients = _find_coefficients(g, blocks, size)
    high = g("Floor", g("Div", coefficients, np.float64(1 << _HALF)))
    low = g("Sub", coefficients, g("Mul", high, np.float64(1 << _HALF)))
    sums = []
    for part in (high, low):
        product = g("MatMul", g("Cast", part, to=TensorProto.FLOAT), pixels)
        sums.append(g("Cast", product, to=TensorProto.INT32))
    total = g("Add", g("Mul", sums[0], np.int32(1 << _HALF)), sums[1])
    rounded = g("Div", g("Add", total, np.int32(1 << (_BITS - 1))), np.int32(1 << _BITS))
    levels = g("Min", g("Cast", rounded, to=TensorProto.FLOAT), np.float32(255))
    levels = g("Reshape", levels, g("Concat", np.array([-1]), rest, axis=0))
    return g("Slice", levels, np.array([0]), g("Unsqueeze", wanted, np.array([0])))


@dataclass(frozen=True)
class _Blocks:
    """Results in blocks: their centres, float64 (blocks, _BLOCK, 1), in pixels; the pixels below
    each block, int64 (blocks, window), and the same within the picture; pixels per result.
    """

    centres: str
    window: str
    inside: str
    scale: str


def _find_blocks(g: GraphBuilder, size: str, wanted: str) -> _Blocks:
    scale = g("Div", *(g("Cast", n, to=TensorProto.DOUBLE) for n in (size, wanted)))
    reach = g("Max", scale, np.float64(1))
    firsts = g("Range", np.int64(0), wanted, np.int64(_BLOCK))
    results = g("Add", g("Unsqueeze", firsts, np.array([1])), np.arange(_BLOCK))
    last = g("Sub", wanted, np.int64(1))  # the last block repeats it
    results = g("Cast", g("Min", results, last), to=TensorProto.DOUBLE)
    centres = g("Mul", g("Add", results, np.float64(0.5)), scale)
    start = g("Floor", g("Sub", g("Gather", centres, np.array([0]), axis=1), reach))
    length = g("Add", g("Mul", scale, np.float64(_BLOCK - 1)), g("Mul", reach, np.float64(2)))
    length = g("Add", g("Cast", g("Ceil", length), to=TensorProto.INT64), np.int64(2))
    window = g("Add", g("Cast", start, to=TensorProto.INT64),
               g("Range", np.int64(0), length, np.int64(1)))  # fmt: skip
    inside = g("Max", g("Min", window, g("Sub", size, np.int64(1))), np.int64(0))
    return _Blocks(g("Unsqueeze", centres, np.array([2])), window, inside, reach)


def _find_coefficients(g: GraphBuilder, blocks: _Blocks, size: str) -> str:
    """Of Pillow's triangle filter, float64 (blocks, _BLOCK, window), whole; they sum to 2**22."""
    here = g("Cast", g("Unsqueeze", blocks.window, np.array([1])), to=TensorProto.DOUBLE)
    distance = g("Add", g("Sub", here, blocks.centres), np.float64(0.5))
    distance = g("Mul", distance, g("Div", np.float64(1), blocks.scale))
    weight = g("Max", g("Sub", np.float64(1), g("Abs", distance)), np.float64(0))
    exists = g("Cast", g("Equal", blocks.window, blocks.inside), to=TensorProto.DOUBLE)
    weight = g("Mul", weight, g("Unsqueeze", exists, np.array([1])))
    share = g("Div", weight, g("ReduceSum", weight, np.array([2]), keepdims=1))
    return g("Floor", g("Add", g("Mul", share, np.float64(1 << _BITS)), np.float64(0.5)))
