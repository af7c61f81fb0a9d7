"""What decisions 0004 and 0005 rest on: spinning threads, and the rewritten ASPP."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import onnxruntime as ort

from benchmarks.networks import EMBEDDED, open_session, photo_of, prepare
from benchmarks.rows import Row, faster
from benchmarks.setting import Setting
from export.graphs.aspp import specialise
from export.graphs.quantise import calibrate, quantise

SIZE = (449, 577)


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of this section."""
    yield _spinning(setting)
    yield from _aspp(setting)


def _spinning(setting: Setting) -> Row:
    _, tensor, graphs = prepare(EMBEDDED)
    graph = graphs["int8"].SerializeToString()
    plane = cv2.extractChannel(photo_of(*setting.size(1080, 1920)), 0)

    def run(session: ort.InferenceSession) -> None:
        session.run(None, {"input": tensor})
        cv2.bilateralFilter(plane, 5, 50, 50)

    still, spinning = (open_session(graph, setting.threads, spin) for spin in ("0", "1"))
    contenders = {"off": lambda: run(still), "on": lambda: run(spinning)}
    seconds = setting.in_turns(contenders, 41)
    return faster(seconds, "off", "on", "network and a filter, spinning off", "spinning on")


def _aspp(setting: Setting) -> Iterator[Row]:
    size = setting.size(*SIZE)
    _, tensor, graphs = prepare("deeplabv3_mobilenet_v3_large", size)
    small = specialise(graphs["float32"], size)
    pairs: dict[str, tuple[Any, Any]] = {
        "float32": (graphs["float32"], small),
        "int8": (graphs["int8"], quantise(small, calibrate(small, [tensor]))),
    }
    for kind, models in pairs.items():
        plain, rewritten = (open_session(m.SerializeToString(), setting.threads) for m in models)
        contenders = {
            "plain": partial(plain.run, None, {"input": tensor}),
            "rewritten": partial(rewritten.run, None, {"input": tensor}),
        }
        seconds = setting.in_turns(contenders, 21)
        what = f"deeplabv3_mobilenet_v3_large, {kind}, ASPP rewritten for 449 x 577"
        yield faster(seconds, "rewritten", "plain", what, "the graph as exported")
