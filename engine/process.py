"""What is set for a whole process, where the process is ours: the command line's."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import warnings

from engine.errors import OptionError
from engine.threads import usable_threads

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8  # malloc.h
_MEGABYTE = 1 << 20


def prepare_imports() -> None:
    """To be called before the libraries are loaded: they load faster, and more quietly."""
    gc.disable()  # nothing that is loaded is garbage; `own_process` turns it on again
    # For linear algebra that no kernel here uses, Numba would spend 0.2 s on loading SciPy.
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type]
    # onnxruntime would write to HOME, and report to its makers.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def own_process(threads: int | None, jobs: int | None, photos: int) -> tuple[int, int]:
    """Sets threads, memory and limits that are global, after the libraries are loaded.

    Returns how many photos are done at a time, `jobs` or what the machine gives, and with how many
    threads each: the same threads do more on as many photos than together on one. Raises
    OptionError for less than one of either.
    """
    import cv2
    from PIL import Image

    workers, threads = share_threads(threads, jobs, photos)
    cv2.setNumThreads(threads)
    Image.MAX_IMAGE_PIXELS = None  # some formats ask for it behind our own limit
    warnings.filterwarnings("ignore", module="PIL")  # damage becomes an error of ours
    keep_memory()
    gc.enable()
    gc.freeze()  # neither collected again, nor looked through at the end
    return workers, threads


def share_threads(
    threads: int | None, jobs: int | None, photos: int = sys.maxsize
) -> tuple[int, int]:
    """What `own_process` returns; nothing is set."""
    usable = usable_threads(threads)
    if jobs is not None and jobs < 1:
        raise OptionError(f"jobs is {jobs}; it is at least 1.")
    workers = max(1, min(jobs or usable, photos))
    return workers, max(1, usable // workers)


def keep_memory() -> None:
    """Memory that is freed stays with the process, as far as its C library allows.

    Otherwise every large array of every photo is returned to the system, and comes back as pages
    that have to be mapped and zeroed first.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt  # glibc's
        mallopt(_M_ARENA_MAX, 1)  # other arenas hold no large blocks
        mallopt(_M_MMAP_THRESHOLD, 1024 * _MEGABYTE)
        mallopt(_M_TRIM_THRESHOLD, 2047 * _MEGABYTE)
        mallopt(_M_TOP_PAD, 64 * _MEGABYTE)
