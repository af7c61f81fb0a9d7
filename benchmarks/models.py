"""Models in turn on one photo: `python -m benchmarks.models NAME_OR_FILE...`.

The network alone, at the size that each asks for, on a photo of 450 x 600, two threads; medians,
and the ratio of the first one's time to each. A .onnx file is described by a JSON beside it.
"""

import statistics
import sys
import time

import cv2
from skimage.data import astronaut

from engine.segment.preprocess import network_size, resize, to_tensor
from engine.segment.session import open_session

THREADS, ROUNDS, WARM_UP = 2, 40, 5


def main(models: list[str]) -> None:
    """A line for each model."""
    photo = cv2.resize(astronaut(), (600, 450), interpolation=cv2.INTER_AREA)
    sessions = [open_session(model, "cpu", THREADS) for model in models]
    tensors = []
    for session in sessions:
        size = network_size(*photo.shape[:2], session.facts.input)
        tensors.append(to_tensor(resize(photo, size), session.facts))
    rounds = []
    for _ in range(ROUNDS):
        times = []
        for session, tensor in zip(sessions, tensors, strict=True):
            start = time.perf_counter()
            session.run(tensor)
            times.append(time.perf_counter() - start)
        rounds.append(times)
    for model, tensor, *times in zip(
        models, tensors, *[list(r) for r in rounds[WARM_UP:]], strict=True
    ):
        ratio = statistics.median(r[0] / t for r, t in zip(rounds[WARM_UP:], times, strict=True))
        height, width = tensor.shape[2:]
        median = statistics.median(times) * 1e3
        print(f"{model} at {height} x {width}: {median:.1f} ms, {ratio:.2f} x the first's speed")


if __name__ == "__main__":
    main(sys.argv[1:] or ["default"])
