"""What a benchmark runs with, and the options that all of them take."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.turns import in_turns

RESULTS = Path(__file__).parent / "results"
QUICK_RESULTS = Path("out", "benchmarks")
QUICK = (
    "A quick run: small photos, fewer networks and one round, whatever the rows are called. "
    "It shows that everything runs; its numbers mean nothing."
)

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """What all sections of a comparison share."""

    threads: int
    limits: dict[str, float] = field(default_factory=dict)
    """What the machine can do at best (`limits.measure_limits`)."""
    quick: bool = False
    """Whether the run only shows that everything runs."""

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The size of a photo; that of a small one in a quick run."""
        return (144, 192) if self.quick else (height, width)

    def rounds(self, rounds: int) -> int:
        """How often something is measured; once in a quick run."""
        return 1 if self.quick else rounds

    def few(self, items: Iterable[T]) -> Iterable[T]:
        """All items; the first one alone in a quick run."""
        return islice(items, 1 if self.quick else None)

    def in_turns(
        self, contenders: Mapping[str, Callable[[], Any]], rounds: int, pause: bool = False
    ) -> dict[str, list[float]]:
        """Seconds of each round for each contender."""
        if self.quick:
            return in_turns(contenders, rounds=1, warm_up=0)
        return in_turns(contenders, rounds, pause=pause)


def argument_parser(description: str | None, writes: bool = True) -> argparse.ArgumentParser:
    """A parser of `--quick` and, for what writes files, of `--out`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=QUICK)
    if writes:
        where = f"Folder of the results. Default: benchmarks/results; with --quick {QUICK_RESULTS}."
        parser.add_argument("--out", type=Path, metavar="FOLDER", help=where)
    return parser


def results_folder(options: argparse.Namespace) -> Path:
    """The folder that the results go to, which now exists."""
    folder: Path = options.out or (QUICK_RESULTS if options.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
