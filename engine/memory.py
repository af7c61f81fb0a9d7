"""How much memory this process may still take."""

from __future__ import annotations

import math
from pathlib import Path

from engine.threads import group_folders, read_lines

_UNLIMITED = 1 << 60
"""Bytes. Version 1 of cgroups writes a number near 2**63 where there is no limit."""


def free_memory(root: Path = Path("/")) -> float:
    """Bytes that may be taken without swapping; infinite where the system does not say.

    The smaller of what is available on the machine and of what is left below the limits of the
    process's cgroups. Files that are only cached there do not count as taken.
    """
    rooms = [_available(root / "proc/meminfo")]
    for folder in group_folders(root / "proc/self/cgroup", "memory"):
        v2, v1 = root / "sys/fs/cgroup" / folder, root / "sys/fs/cgroup/memory" / folder
        rooms.append(_room(v2 / "memory.max", v2 / "memory.current", v2 / "memory.stat"))
        rooms.append(
            _room(v1 / "memory.limit_in_bytes", v1 / "memory.usage_in_bytes", v1 / "memory.stat")
        )
    return max(0.0, min(rooms))


def _available(table: Path) -> float:
    for line in read_lines(table):
        name, _, value = line.partition(":")
        words = value.split()
        if name == "MemAvailable" and words and words[0].isdigit():
            return int(words[0]) * 1024
    return math.inf


def _room(limit: Path, usage: Path, table: Path) -> float:
    bound, taken = (_number("".join(read_lines(path))) for path in (limit, usage))
    if not bound < _UNLIMITED:
        return math.inf
    cached = 0.0
    for line in read_lines(table):
        name, _, value = line.partition(" ")
        if name == "inactive_file":
            cached = _number(value)
    return bound - (taken if taken < _UNLIMITED else 0) + (cached if cached < _UNLIMITED else 0)


def _number(text: str) -> float:
    """Infinite for "max", and for a file that does not exist."""
    return int(text) if text.strip().isdigit() else math.inf
