"""The proof that a graph is the network: torch against onnxruntime, size by size.

The tolerances live here, tests import them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from engine.errors import ModelError
from export.network import LogitsOnly

# Of the largest logit. float32 sums of thousands of products in another order, through up to a
# hundred layers; measured at most 2e-5 for all networks.
RTOL = 1e-4
# Of these the exporter saw none: odd, tall, wide, and 450 x 600, as published.
SIZES = ((385, 385), (641, 225), (129, 577), (450, 600))


@dataclass(frozen=True)
class Proof:
    """How far two runs of one network are apart at one size."""

    height: int
    width: int
    max_error: float
    """Largest absolute difference of the logits."""
    relative_error: float
    """The same, as a share of the largest logit."""
    agreement: float
    """Share of cells with the same label, 0..1."""
    unexplained: int
    """Cells with another label although their two best logits are apart by more than the error."""


def compare(expected: np.ndarray, got: np.ndarray, size: tuple[int, int], rtol: float) -> Proof:
    """The proof of two logits, float32 (1, C, h, w); a differing label must be a near-tie."""
    if expected.shape != got.shape:
        raise ModelError(f"logits of shape {got.shape}, expected {expected.shape}.")
    largest = float(np.abs(expected).max())
    error = float(np.abs(expected - got).max())
    differs = expected.argmax(axis=1) != got.argmax(axis=1)
    best = np.sort(expected, axis=1)
    lead = best[:, -1] - best[:, -2]
    unexplained = int((differs & (lead > 2 * rtol * largest)).sum())
    return Proof(*size, error, error / largest, 1 - float(differs.mean()), unexplained)


def verify(
    network: nn.Module, graph: bytes, sizes: Sequence[tuple[int, int]] | None = None
) -> list[Proof]:
    """Proofs at all sizes, height and width, of the optimised and of the plain session.

    `sizes` is `SIZES` unless given.

    Raises
    ------
    ModelError
        An error above `RTOL` of the largest logit, or a label that differs without a near-tie.
    """
    torch_logits = LogitsOnly(network).eval()
    sessions = [_open(graph, optimised) for optimised in (True, False)]
    proofs = []
    for size in sizes or SIZES:
        tensor = _photo_like(size)
        with torch.no_grad():
            expected = torch_logits(torch.from_numpy(tensor)).numpy()
        for session in sessions:
            got = session.run(None, {session.get_inputs()[0].name: tensor})[0]
            proofs.append(compare(expected, got, size, RTOL))
    for proof in proofs:
        if not proof.relative_error <= RTOL or proof.unexplained:
            raise ModelError(f"the graph is not the network: {proof}; allowed is {RTOL:g}.")
    return proofs


def to_table(proofs: list[Proof]) -> str:
    """The proofs in Markdown; for each size the optimised session, then the plain one."""
    lines = ["| height x width | max error | relative | labels equal |", "|---|---|---|---|"]
    lines += [
        f"| {p.height} x {p.width} | {p.max_error:.2e} | {p.relative_error:.2e} "
        f"| {p.agreement:.4%} |"
        for p in proofs
    ]
    return "\n".join(lines) + "\n"


def _open(graph: bytes, optimised: bool) -> ort.InferenceSession:
    options = ort.SessionOptions()
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _photo_like(size: tuple[int, int]) -> np.ndarray:
    """Seeded smooth noise in -2..2, float32 (1, 3, h, w)."""
    generator = torch.Generator().manual_seed(size[0] * 10_000 + size[1])
    coarse = torch.randn(1, 3, size[0] // 16 + 2, size[1] // 16 + 2, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=size, mode="bilinear").clamp(-2, 2)
    return smooth.numpy()
