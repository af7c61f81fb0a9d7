"""The machine code that the package brings: `python -m engine.kernels.ahead`, after any change.

Kernels whose code is there and up to date are not compiled again.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.kernels import machine
from engine.kernels.jit import Kernel, WrittenKernel


def main() -> None:
    """Compiles for each level in a process of its own, because Numba has one processor only."""
    for level, features in machine.LEVELS.items():
        target = {
            "NUMBA_CPU_NAME": level,
            "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in sorted(features)),
        }
        command = [sys.executable, "-m", __spec__.name, level]
        subprocess.run(command, env=os.environ | target, check=True)


def compile_all(level: str) -> None:
    """Writes what is missing of a level, and removes what is of no kernel."""
    current = {path_of(level, kernel): kernel for kernel in find_kernels(level)}
    for path, kernel in current.items():
        if machine.read(path, machine.digest_of_source(kernel)) is None:
            print(f"{level}: {kernel.full_name}", flush=True)
            machine.write(path, kernel, kernel.to_object())
    for path in set((machine.CODE / level).iterdir()) - current.keys():
        path.unlink()


def find_kernels(level: str) -> Iterator[Kernel]:
    """The kernels of this folder that a level has: those with instructions of their own, the best.

    A processor that has the instructions has that level's, too.
    """
    folder = str(Path(__file__).parent)
    for module in pkgutil.iter_modules([folder]):
        if module.name != "ahead":
            found = vars(importlib.import_module(f"engine.kernels.{module.name}"))
            kernels = (value for value in found.values() if isinstance(value, Kernel))
            is_best = level == next(iter(machine.LEVELS))
            yield from (k for k in kernels if is_best or not isinstance(k, WrittenKernel))


def path_of(level: str, kernel: Kernel) -> Path:
    """Where the package has a kernel's code for a level."""
    return machine.CODE / level / f"{kernel.full_name}.o"


if __name__ == "__main__":
    compile_all(sys.argv[1]) if len(sys.argv) > 1 else main()
