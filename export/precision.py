"""What another precision costs and brings: agreement, person IoU, bytes, speed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import onnxruntime as ort

from engine.segment.labels import find_probability, upsample
from engine.weights import ModelFacts
from export.overlap import Overlap
from export.photos import PERSON, Sample

SPEED_ROUNDS = 15


@dataclass(frozen=True)
class Figures:
    """A graph beside its float32 original."""

    agreement: float
    """Share of cells of the low-resolution label map that are equal, 0..1."""
    iou: tuple[float, float] | None
    """Person IoU before and after, pooled over the pixels of photos with masks."""
    megabytes: tuple[float, float]
    speed: float
    """Median of the original's time over its own, run in turn."""
    photos: int

    @property
    def summary(self) -> str:
        """On one line."""
        iou = f"person IoU {self.iou[1]:.4f} ({self.iou[0]:.4f} in float32), " if self.iou else ""
        return f"{iou}labels {self.agreement:.2%} equal, speed {self.speed:.2f} x float32"

    def to_table(self) -> str:
        """In Markdown."""
        iou = "no masks given"
        if self.iou:
            iou = f"{self.iou[0]:.4f} before, {self.iou[1]:.4f} after"
        return (
            "| figure | value |\n|---|---|\n"
            f"| photos | {self.photos} |\n"
            f"| labels equal to float32's | {self.agreement:.2%} |\n"
            f"| person IoU | {iou} |\n"
            f"| file | {self.megabytes[0]:.1f} MB before, {self.megabytes[1]:.1f} MB after |\n"
            f"| speed, CPU | {self.speed:.2f} x float32's, in turn in one run |\n"
        )


def measure(
    before: bytes, after: bytes, samples: Sequence[Sample], facts: ModelFacts, threads: int
) -> Figures:
    """Figures of the graph `after` against `before`, over `samples`."""
    sessions = [_open(graph, threads) for graph in (before, after)]
    equal, overlaps = [], [Overlap(), Overlap()]
    for sample in samples:
        tensor = sample.tensor(facts)
        logits = [session.run(None, {"input": tensor})[0] for session in sessions]
        labels = [each.argmax(axis=1) for each in logits]
        equal.append(float((labels[0] == labels[1]).mean()))
        truth = sample.labels()
        if truth is not None:
            height, width = truth.shape
            for overlap, each in zip(overlaps, logits, strict=True):
                probability = find_probability(each, np.array([PERSON]))
                enlarged = upsample(probability, height, width, facts.align_corners)
                overlap.add(enlarged > 0.5, truth)
    ious = (overlaps[0].iou, overlaps[1].iou)
    iou = None if np.isnan(ious).any() else ious
    megabytes = (len(before) / 1e6, len(after) / 1e6)
    speed = _speed(sessions, tensor)
    return Figures(float(np.mean(equal)), iou, megabytes, speed, len(samples))


def _speed(sessions: Sequence[ort.InferenceSession], tensor: np.ndarray) -> float:
    ratios = []
    for round_ in range(SPEED_ROUNDS + 3):
        times = []
        for session in sessions:
            start = time.perf_counter()
            session.run(None, {"input": tensor})
            times.append(time.perf_counter() - start)
        if round_ >= 3:  # the first ones warm up
            ratios.append(times[0] / times[1])
    return median(ratios)


def _open(graph: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
