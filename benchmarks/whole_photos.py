"""Whole photos: the document's pipeline, the engine, files to files, and a folder."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

import engine
from benchmarks import document
from benchmarks.networks import EMBEDDED
from benchmarks.rows import Row, faster
from benchmarks.turns import PAUSE_S, in_turns
from engine import batch, output, pipeline
from engine.files.photos import read_photo
from engine.files.pictures import encode_image
from export.checkpoint import load_weights
from export.network import find_recipe

SIZES = {"432 x 288": (432, 288), "1920 x 1080": (1920, 1080), "4000 x 3000": (4000, 3000)}
PHOTOS = 100


def measure(threads: int, limits: dict[str, float]) -> Iterator[Row]:
    """Rows of this section."""
    yield from _pipelines(threads)
    yield from _files(threads)
    yield from _folder(threads)


def _photo(size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(astronaut(), size, interpolation=cv2.INTER_CUBIC)


def _pipelines(threads: int) -> Iterator[Row]:
    recipe = find_recipe(EMBEDDED)
    network = recipe.build()
    load_weights(network, recipe, "default")
    network.eval()
    mean, std = recipe.facts["mean"], recipe.facts["std"]
    classic = engine.SegmentOptions(classic=True)
    exact = engine.load(EMBEDDED, "cpu", threads, segment=classic)
    int8 = exact_int8 = engine.load("default", "cpu", threads, segment=classic)
    default = int8.replace(segment=engine.SegmentOptions())
    for name, size in SIZES.items():
        photo = _photo(size)
        expected = document.pipeline(network, photo, mean, std)
        equal = (exact(photo).cartoon == expected).all(axis=2).mean()
        assert equal > 0.99, f"{equal:.2%} of the pixels agree"
        contenders: dict[str, Any] = {
            "document": lambda p=photo: document.pipeline(network, p, mean, std),
            "improved": lambda p=photo: document.pipeline(network, p, mean, std, fast=True),
            "classic": lambda p=photo: exact(p),
            "classic int8": lambda p=photo: exact_int8(p),
            "default": lambda p=photo: default(p),
        }
        seconds = in_turns(contenders, 9 if size[0] < 2000 else 5, pause=True)
        note = f"{equal:.2%} of the pixels equal"
        for ours, theirs, against in (
            ("classic", "document", "the document's pipeline, same network"),
            ("classic", "improved", "the same with a table and channels-last"),
            ("classic int8", "document", "the document's pipeline, same network"),
            ("default", "document", "the document's pipeline, which works at 450 pixels"),
        ):
            what = f"photo to cartoon, {ours}, {name}"
            yield faster(seconds, ours, theirs, what, against, "", note * (ours == "classic"))


def _files(threads: int) -> Iterator[Row]:
    buffer = io.BytesIO()
    Image.fromarray(_photo(SIZES["4000 x 3000"])).save(buffer, "JPEG", quality=92)
    jpeg = buffer.getvalue()
    with engine.load("default", "cpu", threads) as app, tempfile.TemporaryDirectory() as folder:
        result = app(jpeg)
        pictures = (result.cutout, result.cartoon)

        def decode_and_encode() -> None:
            read_photo(jpeg)
            for picture in pictures:
                encode_image(picture, "png")

        def pillow() -> None:
            np.asarray(Image.open(io.BytesIO(jpeg)))
            for picture in pictures:
                Image.fromarray(picture).save(io.BytesIO(), "PNG", compress_level=1)

        contenders = {
            "engine": lambda: app(jpeg).save(folder, overwrite=True),
            "alone": decode_and_encode,
            "Pillow": pillow,
        }
        seconds = in_turns(contenders, 7)
    what = "12-MP JPEG to two PNG files"
    yield faster(seconds, "engine", "alone", what, "its decoding and encoding alone", "<= 1.8")
    yield faster(
        seconds, "engine", "Pillow", what, "decoding and encoding by Pillow alone", "<= 1.8"
    )


def _folder(threads: int) -> Iterator[Row]:
    """Photos a second of a folder on all threads against `threads` times those of one thread."""
    with tempfile.TemporaryDirectory() as folder:
        photo = _photo((600, 450))
        for index in range(PHOTOS):
            shifted = np.roll(photo, index, axis=1)
            Image.fromarray(shifted).save(Path(folder, f"{index:03d}.jpg"), quality=92)
        out = output.parse_output(str(Path(folder, "out")), None, None, "white", overwrite=True)
        jobs = batch.plan_jobs([folder], out)
        with pipeline.load("default", "cpu", threads=1) as app:
            seconds: dict[str, list[float]] = {"one": [], "all": []}
            for turn in range(4):
                for name, workers, part in (("one", 1, 25), ("all", threads, PHOTOS)):
                    cv2.setNumThreads(1)
                    time.sleep(PAUSE_S)
                    start = time.perf_counter()
                    outcomes = list(batch.run_jobs(app, jobs[:part], out, workers))
                    elapsed = (time.perf_counter() - start) / part
                    assert not any(outcome.state == "failed" for outcome in outcomes)
                    if turn:
                        seconds[name].append(elapsed / (threads if name == "one" else 1))
    cv2.setNumThreads(threads)
    against = f"{threads} x one photo's rate on one thread"
    yield faster(seconds, "all", "one", f"folder of {PHOTOS} photos, a photo", against, ">= 0.9")
