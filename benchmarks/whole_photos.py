"""Whole photos: the method as published, the engine, files to files, and a folder."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import engine
from benchmarks import document
from benchmarks.networks import EMBEDDED
from benchmarks.portrait import portrait
from benchmarks.processes import run_python
from benchmarks.rows import Row, faster
from benchmarks.setting import Setting
from engine.files.photos import read_photo
from engine.files.pictures import encode_image
from export.checkpoint import load_weights
from export.network import find_recipe

SIZES = {"432 x 288": (288, 432), "1920 x 1080": (1080, 1920), "4000 x 3000": (3000, 4000)}
PHOTOS = 100


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of this section."""
    yield from _pipelines(setting)
    yield from _files(setting)
    yield from _folder(setting)


def _pipelines(setting: Setting) -> Iterator[Row]:
    recipe = find_recipe(EMBEDDED)
    network = recipe.build()
    load_weights(network, recipe, "default")
    network.eval()
    mean, std = recipe.facts["mean"], recipe.facts["std"]
    classic = engine.SegmentOptions(classic=True)
    exact = engine.load(EMBEDDED, "cpu", setting.threads, segment=classic)
    int8 = engine.load("default", "cpu", setting.threads, segment=classic)
    default = int8.replace(segment=engine.SegmentOptions())
    for name, size in setting.few(SIZES.items()):
        photo = portrait(*size)
        expected = document.pipeline(network, photo, mean, std)
        equal = (exact(photo).cartoon == expected).all(axis=2).mean()
        assert equal > 0.99, f"{equal:.2%} of the pixels agree"
        contenders: dict[str, Any] = {
            "document": partial(document.pipeline, network, photo, mean, std),
            "improved": partial(document.pipeline, network, photo, mean, std, fast=True),
            "classic": partial(exact, photo),
            "classic int8": partial(int8, photo),
            "default": partial(default, photo),
        }
        seconds = setting.in_turns(contenders, 9 if size[1] < 2000 else 5, pause=True)
        note = f"{equal:.2%} of the pixels equal"
        for ours, theirs, against in (
            ("classic", "document", "the method as published, same network"),
            ("classic", "improved", "the same with a table and channels-last"),
            ("classic int8", "document", "the method as published, same network"),
            ("default", "document", "the method as published, which works at 450 pixels"),
        ):
            what = f"photo to cartoon, {ours}, {name}"
            yield faster(seconds, ours, theirs, what, against, "", note * (ours == "classic"))


def _files(setting: Setting) -> Iterator[Row]:
    buffer = io.BytesIO()
    Image.fromarray(portrait(*setting.size(3000, 4000))).save(buffer, "JPEG", quality=92)
    jpeg = buffer.getvalue()
    with (
        engine.load("default", "cpu", setting.threads) as app,
        tempfile.TemporaryDirectory() as folder,
    ):
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
        seconds = setting.in_turns(contenders, 7)
    what = "12-MP JPEG to two PNG files"
    yield faster(seconds, "engine", "alone", what, "its decoding and encoding alone", "<= 1.8")
    yield faster(
        seconds, "engine", "Pillow", what, "decoding and encoding by Pillow alone", "<= 1.8"
    )


def _folder(setting: Setting) -> Iterator[Row]:
    """Photos per second of a folder on all threads, against `threads` times those of one thread.

    The command line does the folder, as a user would run it; starting it is measured with a folder
    of one photo, and left out.
    """
    photos, threads = 3 if setting.quick else PHOTOS, setting.threads
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("first", 1), ("all", photos)):
            _write_photos(Path(folder, name), count)

        def run(name: str, jobs: int) -> None:
            command = ["-m", "engine.run", f"{folder}/{name}", "-o", f"{folder}/out", "-q"]
            run_python(*command, "--overwrite", "--jobs", str(jobs), "--threads", str(jobs))

        contenders = {
            "start": partial(run, "first", 1),
            "one": partial(run, "all", 1),
            "all": partial(run, "all", threads),
        }
        whole = setting.in_turns(contenders, 5)
    seconds = {
        name: [
            (s - start) / (photos - 1) / share
            for s, start in zip(whole[name], whole["start"], strict=True)
        ]
        for name, share in (("one", threads), ("all", 1))
    }
    against = f"{threads} x one photo's rate on one thread"
    yield faster(seconds, "all", "one", f"folder of {PHOTOS} photos, a photo", against, ">= 0.9")


def _write_photos(folder: Path, count: int) -> None:
    folder.mkdir()
    photo = portrait(450, 600)
    for index in range(count):
        shifted = np.roll(photo, index, axis=1)
        Image.fromarray(shifted).save(folder / f"{index:03d}.jpg", quality=92)
