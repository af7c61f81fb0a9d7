"""The engine's clean-up of islands and pinholes as ONNX nodes: engine/cutout/clean.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper

from engine.cutout.clean import PINHOLE_SHARE, SKIRT, SMALL_SHARE, SURE
from export.graphs.builder import GraphBuilder


def clean(g: GraphBuilder, probability: str, threshold: float) -> str:
    """The cleaned probability, float32 (1, 1, h, w)."""
    kept = g("Greater", probability, np.float32(threshold))
    islands = _find_parts(g, kept, diagonal=True)
    largest = g("ReduceMax", islands.areas, keepdims=1)
    small = g("Less", islands.areas, g("Mul", largest, np.float32(SMALL_SHARE)))
    unsure = g("Less", islands.reduce(g, probability, "max"), np.float32(SURE))
    stray = g("And", islands.spread(g, g("And", small, unsure)), kept)
    share = g("Cast", stray, to=TensorProto.FLOAT)
    skirt = _pool(g, share, (2 * SKIRT + 1, 2 * SKIRT + 1))
    dropped = g("And", g("Greater", skirt, np.float32(0)), g("Or", stray, g("Not", kept)))
    cleaned = g("Where", dropped, np.float32(0), probability)
    gaps = g("Not", kept)
    holes = _find_parts(g, gaps, diagonal=False)
    inside = g("Less", holes.reduce(g, _border(g, probability), "max"), np.float32(0.5))
    tiny = g("Less", holes.areas, g("Mul", largest, np.float32(PINHOLE_SHARE)))
    background = g("Sub", np.float32(1), probability)
    doubtful = g("Less", holes.reduce(g, background, "max"), np.float32(SURE))
    filled = g("And", holes.spread(g, g("And", g("And", tiny, inside), doubtful)), gaps)
    return g("Where", filled, np.float32(1), cleaned)


@dataclass(frozen=True)
class _Parts:
    """Connected parts: one number per pixel, int64 (n,), 0 outside; and their areas by number."""

    numbers: str
    zeros: str
    areas: str
    shape: str

    def reduce(self, g: GraphBuilder, values: str, reduction: str) -> str:
        """The largest or the sum of `values` in each part, float32 by number; 0 for number 0."""
        flat = g("Reshape", values, np.array([-1]))
        flat = g("Where", g("Equal", self.numbers, np.int64(0)), np.float32(0), flat)
        return g("ScatterElements", self.zeros, self.numbers, flat, axis=0, reduction=reduction)

    def spread(self, g: GraphBuilder, claims: str) -> str:
        """What is claimed of a part, at its pixels: bool (1, 1, h, w)."""
        return g("Reshape", g("Gather", claims, self.numbers), self.shape)


def _find_parts(g: GraphBuilder, mask: str, diagonal: bool) -> _Parts:
    """Each pixel takes its neighbours' largest number until nothing changes."""
    shape = g("Shape", mask)
    size = g("ReduceProd", shape, keepdims=0)
    inside = g("Cast", mask, to=TensorProto.FLOAT)
    numbers = g("Range", np.int64(1), g("Add", size, np.int64(1)), np.int64(1))
    numbers = g("Cast", g("Reshape", numbers, shape), to=TensorProto.FLOAT)
    numbers = g("Mul", numbers, inside)
    body = GraphBuilder(f"flood_{'eight' if diagonal else 'four'}")
    if diagonal:
        grown = _pool(body, "before", (3, 3))
    else:
        grown = body("Max", _pool(body, "before", (1, 3)), _pool(body, "before", (3, 1)))
    after = body("Mul", grown, inside)
    change = body("ReduceMax", body("Sub", after, "before"), keepdims=0)
    going_on = body("Greater", change, np.float32(0))
    plane: list[str | int | None] = [1, 1, "flood_h", "flood_w"]
    graph = helper.make_graph(
        body.nodes,
        "flood",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, plane),
        ],
        [
            helper.make_tensor_value_info(going_on, TensorProto.BOOL, []),
            helper.make_tensor_value_info(after, TensorProto.FLOAT, plane),
        ],
        body.constants,
    )
    numbers = g("Loop", size, np.array(True), numbers, body=graph)
    flat = g("Cast", g("Reshape", numbers, np.array([-1])), to=TensorProto.INT64)
    count = g("Unsqueeze", g("Add", size, np.int64(1)), np.array([0]))
    zeros = g("Expand", np.float32(0).reshape(1), count)
    areas = _Parts(flat, zeros, "", shape).reduce(g, inside, "add")
    return _Parts(flat, zeros, areas, shape)


def _pool(g: GraphBuilder, planes: str, window: tuple[int, int]) -> str:
    """The largest value around each pixel."""
    y, x = (side // 2 for side in window)
    return g("MaxPool", planes, kernel_shape=list(window), pads=[y, x, y, x])


def _border(g: GraphBuilder, planes: str) -> str:
    """1 for the pixels at the border, 0 for the others, float32 of the planes' shape."""
    ones = g("Add", g("Mul", planes, np.float32(0)), np.float32(1))
    padded = g("Pad", ones, np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.float32(0))
    inner = g("MaxPool", g("Neg", padded), kernel_shape=[3, 3])  # 0 where a neighbour is outside
    return g("Add", inner, np.float32(1))
