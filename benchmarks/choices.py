"""What decisions 0004 and 0005 rest on: spinning threads, and the rewritten ASPP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import onnxruntime as ort

from benchmarks.networks import EMBEDDED, open_session, photo_of, prepare
from benchmarks.rows import Row, faster
from benchmarks.turns import in_turns
from export.graphs.aspp import specialise
from export.graphs.quantise import calibrate, quantise

SIZE = (449, 577)


def measure(threads: int, limits: dict[str, float]) -> Iterator[Row]:
    """Rows of this section."""
    yield _spinning(threads)
    yield from _aspp(threads)


def _spinning(threads: int) -> Row:
    _, tensor, graphs = prepare(EMBEDDED)
    graph = graphs["int8"].SerializeToString()
    plane = cv2.extractChannel(photo_of(1080, 1920), 0)

    def run(session: ort.InferenceSession) -> None:
        session.run(None, {"input": tensor})
        cv2.bilateralFilter(plane, 5, 50, 50)

    still, spinning = (open_session(graph, threads, spin) for spin in ("0", "1"))
    seconds = in_turns({"off": lambda: run(still), "on": lambda: run(spinning)}, 41)
    return faster(seconds, "off", "on", "network and a filter, spinning off", "spinning on")


def _aspp(threads: int) -> Iterator[Row]:
    _, tensor, graphs = prepare("deeplabv3_mobilenet_v3_large", SIZE)
    small = specialise(graphs["float32"], SIZE)
    pairs: dict[str, tuple[Any, Any]] = {
        "float32": (graphs["float32"], small),
        "int8": (graphs["int8"], quantise(small, calibrate(small, [tensor]))),
    }
    for kind, models in pairs.items():
        plain, rewritten = (open_session(m.SerializeToString(), threads) for m in models)
        seconds = in_turns(
            {
                "plain": lambda s=plain: s.run(None, {"input": tensor}),
                "rewritten": lambda s=rewritten: s.run(None, {"input": tensor}),
            },
            21,
        )
        what = f"deeplabv3_mobilenet_v3_large, {kind}, ASPP rewritten for 449 x 577"
        yield faster(seconds, "rewritten", "plain", what, "the graph as exported")
