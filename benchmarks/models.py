"""Models in turn on one photo: `python -m benchmarks.models NAME_OR_FILE...`.

The network alone, at the size that each asks for, on a photo of 450 x 600, two threads; medians,
and the ratio of the first one's time to each. A .onnx file is described by a JSON beside it.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from benchmarks.portrait import portrait
from benchmarks.setting import QUICK, argument_parser
from benchmarks.turns import compare, in_turns, median_ms
from engine.segment.preprocess import network_size, resize, to_tensor
from engine.segment.session import open_session

THREADS, ROUNDS, WARM_UP = 2, 40, 5


def main() -> None:
    """A line for each model."""
    parser = argument_parser(__doc__, writes=False)
    parser.add_argument("models", nargs="*", default=["default"], metavar="NAME_OR_FILE")
    options = parser.parse_args()
    photo = portrait(450, 600, cv2.INTER_AREA)
    tensors: dict[str, np.ndarray] = {}
    contenders = {}
    for model in options.models:
        session = open_session(model, "cpu", THREADS)
        size = network_size(450, 600, session.facts.input)
        tensors[model] = to_tensor(resize(photo, size), session.facts)
        contenders[model] = partial(session.run, tensors[model])
    rounds = 1 if options.quick else ROUNDS
    seconds = in_turns(contenders, rounds, min(rounds, WARM_UP))
    for model, tensor in tensors.items():
        height, width = tensor.shape[2:]
        ratio = compare(seconds, options.models[0], model)
        print(
            f"{model} at {height} x {width}: {median_ms(seconds[model]):.1f} ms, "
            f"{ratio} x the first's speed"
        )
    if options.quick:
        print(QUICK)


if __name__ == "__main__":
    main()
