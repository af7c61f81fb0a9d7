"""Cartoonify: photos of people to cut-outs and cartoons, without torch.

    import engine
    app = engine.load()
    result = app("photo.jpg")
    result.save("out")

Names are loaded on first use, so that the import costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from engine.versions import __version__ as __version__

if TYPE_CHECKING:
    from engine.cartoon.classic.stylise import cartoonize
    from engine.cartoon.colours import Palette
    from engine.cartoon.k_histogram import k_histogram, update_centroids
    from engine.cartoon.style import stylise
    from engine.cutout.classic import decode_segmap
    from engine.errors import (
        DiskFullError,
        EngineError,
        HistogramError,
        ModelError,
        OptionError,
        OutputError,
        PhotoError,
        ProviderError,
    )
    from engine.found import Found
    from engine.metrics import log_mse, mse, ssim
    from engine.options import CartoonOptions, CutoutOptions, SegmentOptions
    from engine.pipeline import Cartoonifier, load
    from engine.result import Result
    from engine.video.cartoonifier import VideoCartoonifier

_HOMES = {
    "engine.cartoon.k_histogram": ("k_histogram", "update_centroids"),
    "engine.cartoon.classic.stylise": ("cartoonize",),
    "engine.cartoon.colours": ("Palette",),
    "engine.cartoon.style": ("stylise",),
    "engine.cutout.classic": ("decode_segmap",),
    "engine.errors": (
        "DiskFullError", "EngineError", "HistogramError", "ModelError", "OptionError",
        "OutputError", "PhotoError", "ProviderError",
    ),
    "engine.found": ("Found",),
    "engine.metrics": ("log_mse", "mse", "ssim"),
    "engine.options": ("CartoonOptions", "CutoutOptions", "SegmentOptions"),
    "engine.pipeline": ("Cartoonifier", "load"),
    "engine.result": ("Result",),
    "engine.video.cartoonifier": ("VideoCartoonifier",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CartoonOptions", "Cartoonifier", "CutoutOptions", "DiskFullError", "EngineError",
    "Found", "HistogramError", "ModelError", "OptionError", "OutputError", "Palette", "PhotoError",
    "ProviderError", "Result", "SegmentOptions", "VideoCartoonifier", "cartoonize", "decode_segmap",
    "k_histogram", "load", "log_mse", "mse", "ssim", "stylise", "update_centroids",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
