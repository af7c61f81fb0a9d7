"""How many threads this process may really use."""

from __future__ import annotations

import logging
import math
import os
from numbers import Integral
from pathlib import Path
from typing import Any

from engine.errors import OptionError

log = logging.getLogger(__name__)


def usable_threads(asked: int | None = None) -> int:
    """The number of threads to use: what is asked for, at most what the process is given.

    The bound is the affinity mask and the cgroup's CPU quota, not the host's processor count.
    Raises OptionError for what is not a whole number of at least one.
    """
    if asked is not None and not (_is_whole(asked) and asked >= 1):
        raise OptionError(f"threads is {asked!r}, expected a whole number of at least 1.")
    if hasattr(os, "sched_getaffinity"):
        given = len(os.sched_getaffinity(0))
    else:
        given = os.cpu_count() or 1
    given = math.ceil(min(given, cgroup_cpus(Path("/"))))
    if asked is not None and asked > given:
        log.warning("threads: %d asked for, this process may use %d", asked, given)
    return min(given, int(asked or given))


def cgroup_cpus(root: Path) -> float:
    """The CPU quota in processors, infinite without one; `root` is the file system's root.

    Reads cgroup v2 (`cpu.max`) on the way from the process's group up to the top, and v1.
    """
    quotas = [math.inf]
    for folder in group_folders(root / "proc/self/cgroup", "cpu"):
        v2 = root / "sys/fs/cgroup" / folder
        v1 = root / "sys/fs/cgroup/cpu" / folder
        quotas.append(_ratio(_words(v2 / "cpu.max")))
        quotas.append(_ratio(_words(v1 / "cpu.cfs_quota_us") + _words(v1 / "cpu.cfs_period_us")))
    return min(quotas)


def _is_whole(number: Any) -> bool:
    """NumPy's integers are whole numbers, too, and Python's True is one by accident."""
    return isinstance(number, Integral) and not isinstance(number, bool)


def group_folders(table: Path, controller: str) -> list[str]:
    """The process's groups and their parents, relative to the hierarchy's top, "" included."""
    folders = {""}
    for line in read_lines(table):
        controllers, group = line.split(":", 2)[1:]
        if not controllers or controller in controllers.split(","):
            parts = [part for part in group.split("/") if part not in ("", "..")]
            folders |= {"/".join(parts[:depth]) for depth in range(len(parts) + 1)}
    return sorted(folders)


def read_lines(path: Path) -> list[str]:
    """The lines of one of the system's files; none where it does not exist."""
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(read_lines(path)).split()


def _ratio(words: list[str]) -> float:
    """quota / period; infinite for "max", -1 (v1's "none") or a missing file."""
    if len(words) != 2 or not all(word.isdigit() for word in words) or words[1] == "0":
        return math.inf
    return max(int(words[0]), 1) / int(words[1])
