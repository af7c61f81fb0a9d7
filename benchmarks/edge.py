"""Milliseconds of the self-contained graph: `python -m benchmarks.edge MODEL SITE`.

MODEL is what `--graph mask` exports, and SITE the folder that `examples/edge/browser/build.mjs`
builds. The numbers are processor time, because other programs slow a clock's down: with one thread,
both are the same on an idle machine. Needs Node.js with the packages of examples/edge, Chromium and
selenium.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime as ort
import psutil
from numpy.typing import NDArray
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By

from benchmarks.portrait import portrait

EDGE = Path(__file__).parents[1] / "examples" / "edge"
SIZES = ((600, 450), (3000, 4000))
ROUNDS = 5
PATIENCE_S = 100
NODE = """
import { readFileSync } from "node:fs";
const [runtime, model, pixels, height, width, rounds] = process.argv.slice(1);
const ort = await import(runtime);
const options = { logSeverityLevel: 3, intraOpNumThreads: 1 };
const session = await ort.InferenceSession.create(readFileSync(model), options);
const shape = [1, Number(height), Number(width), 3];
const image = new ort.Tensor("uint8", new Uint8Array(readFileSync(pixels)), shape);
const milliseconds = [];
for (let i = 0; i <= rounds; i++) {
  const before = process.cpuUsage();
  await session.run({ image }, ["alpha"]);
  const { user, system } = process.cpuUsage(before);
  if (i) milliseconds.push((user + system) / 1000);
}
console.log(JSON.stringify(milliseconds));
"""
WAIT = """
const [state, done] = arguments;
const look = () => document.body.dataset.state === state && (done(), true);
const observer = new MutationObserver(() => look() && observer.disconnect());
look() || observer.observe(document.body, { attributes: true });
"""


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("site", type=Path)
    options = parser.parse_args()
    print("| processor time, ms | " + " | ".join(f"{w} x {h}" for h, w in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    photos = [portrait(height, width) for height, width in SIZES]
    _row("onnxruntime, one thread", [_in_python(options.model, photo) for photo in photos])
    for runtime in ("onnxruntime-node", "onnxruntime-web"):
        if (EDGE / "node_modules" / runtime).is_dir():
            times = [_in_node(runtime, options.model, photo) for photo in photos]
            _row(f"{runtime} in Node.js", times)
    with _page(options.site) as browser:
        _row("the page in Chromium, from file to canvas", [_in_page(browser, p) for p in photos])


def _row(name: str, rounds: list[list[float]]) -> None:
    numbers = " | ".join(f"{median(times):.0f}" for times in rounds)
    print(f"| {name} | {numbers} |", flush=True)


def _in_python(model: Path, photo: NDArray[np.uint8]) -> list[float]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(ROUNDS + 1):
        before = time.process_time()
        session.run(["alpha"], {"image": photo[None]})
        times.append(1e3 * (time.process_time() - before))
    return times[1:]


def _in_node(runtime: str, model: Path, photo: NDArray[np.uint8]) -> list[float]:
    height, width = photo.shape[:2]
    with tempfile.NamedTemporaryFile() as pixels:
        pixels.write(photo.tobytes())
        pixels.flush()
        words = (runtime, model.resolve(), pixels.name, height, width, ROUNDS)
        command = ["node", "--input-type=module", "-e", NODE, *map(str, words)]
        done = subprocess.run(command, cwd=EDGE, check=True, capture_output=True, text=True)
    times: list[float] = json.loads(done.stdout.splitlines()[-1])
    return times


def _in_page(browser: Any, photo: NDArray[np.uint8]) -> list[float]:
    times = []
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Image.fromarray(photo).save(file, quality=90)
        file.flush()
        for _ in range(ROUNDS + 1):
            before = _processor_ms()
            browser.find_element(By.ID, "file").send_keys(file.name)
            _wait(browser, "ready")
            times.append(_processor_ms() - before)
    return times[1:]


def _processor_ms() -> float:
    """Of the browser's processes."""
    times = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return 1e3 * sum(t.user + t.system for t in times)


def _wait(browser: Any, state: str) -> None:
    browser.set_script_timeout(PATIENCE_S)
    browser.execute_async_script(WAIT, state)


@contextmanager
def _page(site: Path) -> Iterator[Any]:
    """The page in a browser, ready for photos."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    handler = functools.partial(_Quiet, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            browser.get(f"http://127.0.0.1:{server.server_port}/")
            _wait(browser, "ready")
            yield browser
        finally:
            browser.quit()
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *words: Any) -> None:
        pass


if __name__ == "__main__":
    main()
