"""torch, float32 and int8 of a network in turn: `python -m benchmarks.networks [NAME...]`.

450 x 600, two threads, random weights (our own network: the embedded ones), medians. int8 is
calibrated on the one photo and quantises every part: it is timed here, not judged.
"""

import statistics
import sys
import time

import cv2
import numpy as np
import onnxruntime as ort
import torch
from skimage.data import astronaut

from export.checkpoint import load_weights
from export.network import RECIPES
from export.quantise import calibrate, quantise
from export.to_onnx import to_logits_graph

THREADS, ROUNDS, WARM_UP = 2, 15, 3
PAUSE_S = 0.15  # the threads of one library spin after a run, and would slow the next one


def main(names: list[str]) -> None:
    """A line for each network."""
    torch.set_num_threads(THREADS)
    photo = cv2.resize(astronaut(), (600, 450)).transpose(2, 0, 1)[None]
    tensor = ((photo / 255 - 0.5) / 0.25).astype(np.float32)
    for name in names:
        recipe = RECIPES[name]
        network = recipe.build().eval()
        load_weights(network, recipe, "none" if recipe.default_weights else "default")
        graph = to_logits_graph(network)
        sessions = [open_session(m) for m in (graph, quantise(graph, calibrate(graph, [tensor])))]
        rounds = [time_each(network, sessions, tensor) for _ in range(ROUNDS)][WARM_UP:]
        for what, ratios in (
            ("torch / float32", [a / b for a, b, _ in rounds]),
            ("torch / int8", [a / c for a, _, c in rounds]),
            ("float32 / int8", [b / c for _, b, c in rounds]),
        ):
            print(f"{name}  {what}: {statistics.median(ratios):.2f} x", flush=True)
        medians = [statistics.median(times) * 1e3 for times in zip(*rounds, strict=True)]
        print("{}  torch {:.0f} ms, float32 {:.0f} ms, int8 {:.0f} ms".format(name, *medians))


def open_session(model) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    return ort.InferenceSession(model.SerializeToString(), options)


def time_each(network, sessions, tensor) -> list[float]:
    """Seconds of torch, float32 and int8."""
    times = []
    with torch.no_grad():
        torch_tensor = torch.from_numpy(tensor)
        runs = [lambda: network(torch_tensor)["out"]]
        runs += [lambda s=s: s.run(None, {"input": tensor}) for s in sessions]
        for run in runs:
            time.sleep(PAUSE_S)
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main(sys.argv[1:] or list(RECIPES))
