"""A bilateral filter of 5 x 5 pixels that looks its weights up in vector registers.

The weights of 256 differences are a table in 16 registers: four for each byte of a float. One
instruction of AVX-512 VBMI looks a byte of 64 differences up in two of them, where a gather fetches
16 weights one by one. The sums are taken in the order of Intel's IPP, which OpenCV calls: it was
found from results, and whoever uses the kernel compares both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.kernels.jit import written

BLOCK = 64
"""Pixels that are filtered at a time: the narrowest plane."""
RINGS = (
    ((-2, 0), (0, -2), (0, 2), (2, 0)),
    ((-1, -1), (-1, 1), (1, -1), (1, 1)),
    ((-1, 0), (0, -1), (0, 1), (1, 0)),
)
"""Neighbours of one distance each, rows and columns away, in the order in which they are added."""
DISTANCES = (4, 2, 1)
"""Of the rings, squared."""


def find_weights(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of the weights of 256 differences, uint8 (4, 256), and the rings' weights, float32."""
    by_difference = _weigh(np.arange(256) ** 2, sigma).astype("<f4").view(np.uint8)
    return np.ascontiguousarray(by_difference.reshape(256, 4).T), _weigh(DISTANCES, sigma)


def least_weight(sigma: float) -> float:
    """Of the largest difference; NaN where sigma is too small for any."""
    return float(_weigh([255**2], sigma)[0])


def _weigh(squares: Any, sigma: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        scale = np.float32(-0.5) / np.float32(sigma * sigma)
        exponents = np.asarray(squares, np.float32) * scale
        return np.exp(exponents.astype(np.float64)).astype(np.float32)


@written(
    "void(uint8[:, ::1], uint8[:, ::1], float32[::1], int64, int64, uint8[:, ::1])",
    {"avx512f", "avx512bw", "avx512vbmi"},
)
def smooth(builder: Any, arguments: list[Any]) -> None:
    """Rows `top` to `bottom` of a filtered plane, rounded down.

    Parameters
    ----------
    padded : uint8 (H + 4, W + 4)
        The plane with two pixels around, W >= BLOCK.
    weights : uint8 (4, 256), float32 (3,)
        As `find_weights` gives them.
    top, bottom : int
    out : uint8 (H, W)
    """
    padded, _, stride, weights, _, _, rings, _, top, bottom, out, _, width = arguments
    v = _Vectors(builder)
    tables = [[v.load(weights, v.i64(256 * byte + BLOCK * part)) for part in range(4)]
              for byte in range(4)]  # fmt: skip
    shares = [v.spread(v.load_float(rings, index)) for index in range(3)]
    last = v.add(width, -BLOCK)
    with v.loop(top, bottom, 1) as y, v.loop(v.i64(0), width, BLOCK) as start:
        x = v.least(start, last)
        near = {
            (dy, dx): v.load(padded, v.index(v.add(y, 2 + dy), stride, v.add(x, 2 + dx)))
            for dy, dx in ((0, 0), *itertools.chain(*RINGS))
        }
        centre = near[0, 0]
        sums, totals = v.to_floats(centre), [v.spread(v.one)] * 4
        for ring, share in zip(RINGS, shares, strict=True):
            added, counted = _sum_ring(v, centre, [near[offset] for offset in ring], tables)
            sums = [v.fma(share, a, s) for a, s in zip(added, sums, strict=True)]
            totals = [v.fma(share, c, t) for c, t in zip(counted, totals, strict=True)]
        means = [builder.fdiv(s, t) for s, t in zip(sums, totals, strict=True)]
        v.store(v.to_bytes(means), out, v.index(y, width, x))


def _sum_ring(
    v: _Vectors, centre: Any, neighbours: list[Any], tables: list[list[Any]]
) -> tuple[list[Any], list[Any]]:
    """The weighted levels one after the other, and the weights in pairs."""
    weights = [v.look_up(v.difference(level, centre), tables) for level in neighbours]
    levels = [v.to_floats(level) for level in neighbours]
    sums, totals = [], []
    for part in range(4):
        a, b, c, d = (weight[part] for weight in weights)
        sums.append(v.builder.fmul(a, levels[0][part]))
        for weight, level in zip((b, c, d), levels[1:], strict=True):
            sums[-1] = v.fma(weight, level[part], sums[-1])
        totals.append(v.builder.fadd(v.builder.fadd(a, b), v.builder.fadd(c, d)))
    return sums, totals


class _Vectors:
    """What the kernel does with 64 bytes, or with four vectors of 16 floats each.

    Bytes are spread over the floats within each quarter of a register, which is the order that
    unpacking and packing have; as both are used, it does not matter.
    """

    def __init__(self, builder: Any) -> None:
        from llvmlite import ir  # only where a kernel is compiled

        self.builder, self._ir = builder, ir
        self._byte, self._float = ir.IntType(8), ir.FloatType()
        self._bytes = ir.VectorType(self._byte, BLOCK)
        self._ints = ir.VectorType(ir.IntType(32), BLOCK // 4)
        self._floats = ir.VectorType(self._float, BLOCK // 4)
        self.one = ir.Constant(self._float, 1.0)

    def i64(self, value: int) -> Any:
        return self._ir.Constant(self._ir.IntType(64), value)

    def add(self, value: Any, number: int) -> Any:
        return self.builder.add(value, self.i64(number))

    def index(self, row: Any, stride: Any, column: Any) -> Any:
        return self.builder.add(self.builder.mul(row, stride), column)

    def least(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def load(self, array: Any, index: Any) -> Any:
        address = self.builder.gep(array, [index], source_etype=self._byte)
        return self.builder.load(address, typ=self._bytes, align=1)

    def load_float(self, array: Any, index: int) -> Any:
        address = self.builder.gep(array, [self.i64(index)], source_etype=self._float)
        return self.builder.load(address, typ=self._float)

    def store(self, value: Any, array: Any, index: Any) -> None:
        address = self.builder.gep(array, [index], source_etype=self._byte)
        self.builder.store(value, address, align=1)

    def spread(self, number: Any) -> Any:
        one_lane = self.builder.insert_element(
            self._ir.Constant(self._floats, self._ir.Undefined), number, self.i64(0)
        )
        return self._shuffle(one_lane, one_lane, [0] * (BLOCK // 4))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self._call("llvm.fma.v16f32", self._floats, a, b, c)

    def difference(self, a: Any, b: Any) -> Any:
        high = self._call("llvm.umax.v64i8", self._bytes, a, b)
        return self.builder.sub(high, self._call("llvm.umin.v64i8", self._bytes, a, b))

    def look_up(self, differences: Any, tables: list[list[Any]]) -> list[Any]:
        """Weights of differences: each byte from both halves of its table."""
        zero = self._ir.Constant(self._bytes, None)
        is_high = self.builder.icmp_signed("<", differences, zero)
        name = "llvm.x86.avx512.vpermi2var.qi.512"
        parts = []
        for a, b, c, d in tables:
            low, high = (
                self._call(name, self._bytes, *half) for half in ((a, differences, b),
                                                                  (c, differences, d))
            )  # fmt: skip
            parts.append(self.builder.select(is_high, high, low))
        return [self.builder.bitcast(part, self._floats) for part in self._interleave(*parts)]

    def to_floats(self, levels: Any) -> list[Any]:
        zero = self._ir.Constant(self._bytes, None)
        spread = self._interleave(levels, zero, zero, zero)
        whole = (self.builder.bitcast(part, self._ints) for part in spread)
        return [self.builder.sitofp(part, self._floats) for part in whole]

    def to_bytes(self, parts: list[Any]) -> Any:
        """Rounded down."""
        shorts = self._ir.VectorType(self._ir.IntType(16), BLOCK // 2)
        a, b, c, d = (self.builder.fptosi(part, self._ints) for part in parts)
        low, high = (
            self._call("llvm.x86.avx512.packusdw.512", shorts, *pair) for pair in ((a, b), (c, d))
        )
        return self._call("llvm.x86.avx512.packuswb.512", self._bytes, low, high)

    def _interleave(self, a: Any, b: Any, c: Any, d: Any) -> list[Any]:
        """Groups of a byte of each."""
        shorts = self._ir.VectorType(self._ir.IntType(16), BLOCK // 2)
        pairs = []
        for low, high in ((a, b), (c, d)):
            pairs.append([self.builder.bitcast(part, shorts) for part in self._unpack(low, high)])
        return [part for low, high in zip(*pairs, strict=True) for part in self._unpack(low, high)]

    def _unpack(self, a: Any, b: Any) -> list[Any]:
        count = a.type.count
        quarter = count // 4
        halves = []
        for start in (0, quarter // 2):
            lanes = [q + start + i for q in range(0, count, quarter) for i in range(quarter // 2)]
            halves.append(self._shuffle(a, b, [i for lane in lanes for i in (lane, count + lane)]))
        return halves

    def _shuffle(self, a: Any, b: Any, lanes: list[int]) -> Any:
        i32 = self._ir.IntType(32)
        mask = self._ir.Constant(self._ir.VectorType(i32, len(lanes)), lanes)
        return self.builder.shuffle_vector(a, b, mask)

    def _call(self, name: str, returned: Any, *arguments: Any) -> Any:
        module = self.builder.module
        kind = self._ir.FunctionType(returned, [argument.type for argument in arguments])
        function = module.globals.get(name) or self._ir.Function(module, kind, name)
        return self.builder.call(function, arguments)

    @contextmanager
    def loop(self, start: Any, stop: Any, step: int) -> Iterator[Any]:
        """The index, below `stop`, in a body that may run no time at all."""
        builder, before = self.builder, self.builder.block
        head, body, after = (builder.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(start.type)
        index.add_incoming(start, before)
        builder.cbranch(builder.icmp_signed("<", index, stop), body, after)
        builder.position_at_end(body)
        yield index
        index.add_incoming(self.add(index, step), builder.block)
        builder.branch(head)
        builder.position_at_end(after)
