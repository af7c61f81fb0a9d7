"""The engine's refined matte as ONNX nodes: engine/cutout/refine.py step by step."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from engine.cutout.refine import PULL, PULL_POWER, REACH, SHARPENING, STEP
from engine.kernels.planes import STRETCH
from export.graphs.builder import GraphBuilder

_AROUND = {
    "kernel_shape": [2 * REACH + 2] * 2,  # one more to the right and below
    "pads": [REACH, REACH, REACH + 1, REACH + 1],
}


def refine(
    g: GraphBuilder,
    probability: str,
    image: str,
    small: str,
    align_corners: bool,
    refiner: onnx.ModelProto,
) -> str:
    """Alpha, uint8 (1, H, W).

    `probability` is float32 (1, 1, h', w'), `image` the photo, uint8 (1, H, W, 3), and `small` the
    photo as the network saw it, float32 (1, 3, h, w) of whole levels.
    """
    coarse = _to_cells(g, probability, small, align_corners)
    planes = _find_planes(g, coarse, small, refiner)
    scale = g("Div", *(_side(g, each, axis, TensorProto.FLOAT) for each, axis in
                       ((image, 1), (small, 2))))  # fmt: skip
    sharpening = g("Pow", g("Max", scale, np.float32(1)), np.float32(SHARPENING))
    planes = g("Mul", planes, sharpening)
    guide = g("Slice", small, np.array([0, 0]), np.array([2**31] * 2), np.array([2, 3]),
              np.array([STEP, STEP]))  # fmt: skip
    planes = _pull(g, planes, _evaluate(g, planes, guide, axis=1))
    decided = _decide_cells(g, _evaluate(g, planes, guide, axis=1))
    return _apply(g, planes, decided, image, small)


def _to_cells(g: GraphBuilder, probability: str, small: str, align_corners: bool) -> str:
    """The probability at every fourth pixel of the network's photo, float32 (1, 1, h4, w4)."""
    sides = g("Shape", small, start=2, end=4)
    cells = g("Div", g("Add", sides, np.int64(STEP - 1)), np.int64(STEP))
    shape = g("Concat", np.array([1, 1]), cells, axis=0)
    return g(
        "Resize", probability, "", "", shape, mode="linear",
        coordinate_transformation_mode="align_corners" if align_corners else "half_pixel",
    )  # fmt: skip


def _find_planes(g: GraphBuilder, coarse: str, small: str, refiner: onnx.ModelProto) -> str:
    """float32 (1, 4, h4, w4): the refiner's own nodes."""
    photo = g("Sub", g("Mul", small, np.float32(1 / 127.5)), np.float32(1))
    inner = onnx.compose.add_prefix(refiner, "refiner_").graph
    names = dict(zip((i.name for i in inner.input), (photo, coarse), strict=True))
    for node in inner.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    g.nodes += inner.node
    g.constants += inner.initializer
    return inner.output[0].name


def _evaluate(g: GraphBuilder, planes: str, colours: str, axis: int) -> str:
    """Alpha, float32, of planes, four along `axis`, at colours, three along it, in levels."""
    scaled = g("Div", colours, np.float32(255))
    logit = g("Gather", planes, np.array([3]), axis=axis)
    for c in range(3):
        slope, colour = (g("Gather", each, np.array([c]), axis=axis) for each in (planes, scaled))
        logit = g("Add", logit, g("Mul", slope, colour))
    half = np.float32(0.5)
    stretched = g("Mul", g("Sub", g("Sigmoid", logit), half), np.float32(STRETCH))
    return g("Clip", g("Add", stretched, half), np.float32(0), np.float32(1))


def _pull(g: GraphBuilder, planes: str, share: str) -> str:
    """Planes drawn to the side that all around are on."""
    sides = g("Where", g("Greater", share, np.float32(0.5)), np.float32(1), np.float32(-1))
    edges = np.array([0, 0, REACH, REACH] * 2)
    padded = g("Pad", sides, edges, mode="edge")
    around = g("AveragePool", padded, kernel_shape=[2 * REACH + 1] * 2, strides=[1, 1])
    pull = g("Mul", g("Pow", around, np.float32(PULL_POWER)), np.float32(PULL))
    level_only = np.array([0, 0, 0, 1], np.float32).reshape(1, 4, 1, 1)
    return g("Add", planes, g("Mul", pull, level_only))


def _decide_cells(g: GraphBuilder, share: str) -> str:
    """Levels of cells around which all are on one side, 128 for others: uint8 (h4, w4)."""
    person = g("Cast", g("Greater", share, np.float32(0.5)), to=TensorProto.FLOAT)
    most = g("MaxPool", person, **_AROUND)
    least = g("Neg", g("MaxPool", g("Neg", person), **_AROUND))
    levels = g("Where", g("Equal", most, least), g("Mul", most, np.float32(255)), np.float32(128))
    return g("Squeeze", g("Cast", levels, to=TensorProto.UINT8), np.array([0, 1]))


def _apply(g: GraphBuilder, planes: str, decided: str, image: str, small: str) -> str:
    """Alpha's levels, uint8 (1, H, W), with work at the undecided pixels only."""
    cells = g("Shape", decided)
    rows, columns = (
        _find_taps(g, g("Gather", cells, np.int64(axis)), _side(g, small, 2 + axis),
                   _side(g, image, 1 + axis))
        for axis in (0, 1)
    )  # fmt: skip
    levels = g("Gather", g("Gather", decided, rows[0], axis=0), columns[0], axis=1)
    pixels = g("NonZero", g("Equal", levels, np.uint8(128)))  # (2, N)
    y, x = (g("Gather", pixels, np.int64(axis)) for axis in (0, 1))
    width = g("Gather", cells, np.int64(1))
    planes = g("Squeeze", g("Transpose", planes, perm=[0, 2, 3, 1]), np.array([0]))
    lines = _between(g, planes, rows[:2], g("Unsqueeze", rows[2], np.array([1, 2])))
    lines = g("Reshape", lines, np.array([-1, 4]))
    start = g("Mul", y, width)
    left, right, far = (g("Gather", tap, x) for tap in columns)
    ends = (g("Add", start, left), g("Add", start, right))
    here = _between(g, lines, ends, g("Unsqueeze", far, np.array([1])))
    where = g("Transpose", pixels, perm=[1, 0])
    colours = g("GatherND", g("Squeeze", image, np.array([0])), where)
    alpha = _evaluate(g, here, g("Cast", colours, to=TensorProto.FLOAT), axis=1)
    rim = g("Round", g("Mul", g("Squeeze", alpha, np.array([1])), np.float32(255)))
    levels = g("ScatterND", levels, where, g("Cast", rim, to=TensorProto.UINT8))
    return g("Unsqueeze", levels, np.array([0]))


def _find_taps(g: GraphBuilder, planes: str, side: str, target: str) -> tuple[str, str, str]:
    """For each of `target` pixels the plane before it, the one after, and its share."""
    scale = g("Div", *(g("Cast", n, to=TensorProto.DOUBLE) for n in (side, target)))
    here = g("Cast", g("Range", np.int64(0), target, np.int64(1)), to=TensorProto.DOUBLE)
    source = g("Sub", g("Mul", g("Add", here, np.float64(0.5)), scale), np.float64(0.5))
    last = g("Sub", planes, np.int64(1))
    source = g("Max", g("Div", source, np.float64(STEP)), np.float64(0))
    source = g("Min", source, g("Cast", last, to=TensorProto.DOUBLE))
    before = g("Cast", source, to=TensorProto.INT64)
    share = g("Sub", source, g("Cast", before, to=TensorProto.DOUBLE))
    after = g("Min", g("Add", before, np.int64(1)), last)
    return before, after, g("Cast", share, to=TensorProto.FLOAT)


def _between(g: GraphBuilder, maps: str, ends: tuple[str, str], share: str) -> str:
    """From one of `maps` to another, at a share of the way."""
    first, second = (g("Gather", maps, end) for end in ends)
    return g("Add", g("Mul", g("Sub", np.float32(1), share), first), g("Mul", share, second))


def _side(g: GraphBuilder, maps: str, axis: int, to: int = TensorProto.INT64) -> str:
    """A scalar."""
    return g("Cast", g("Gather", g("Shape", maps), np.int64(axis)), to=to)
