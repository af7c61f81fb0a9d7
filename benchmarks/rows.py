"""A line of the comparison."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.turns import Ratio, compare, median_ms


@dataclass(frozen=True)
class Row:
    """What was measured against what, and whether it is where it should be."""

    what: str
    against: str
    ratio: Ratio
    """How many times faster; where the target is an upper bound, how many times as long."""
    target: str = ""
    """Such as ">= 6" or "<= 1.15"; empty where there is none."""
    ms: float | None = None
    ms_against: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """None without a target."""
        if not self.target:
            return None
        sign, bound = self.target.split()
        return (
            self.ratio.median >= float(bound) if sign == ">=" else self.ratio.median <= float(bound)
        )

    def __str__(self) -> str:
        mark = {None: "", True: "  reached", False: "  MISSED"}[self.reached]
        return (
            f"{self.what} | {self.against} | {self.ratio} {self.target}{mark} {self.note}".rstrip()
        )

    def as_markdown(self) -> str:
        """A line of the table."""
        mark = {None: "", True: "reached", False: "missed"}[self.reached]
        times = ["" if ms is None else f"{ms:.3g}" for ms in (self.ms, self.ms_against)]
        cells = [self.what, self.against, *times, str(self.ratio), self.target, mark]
        return f"| {' | '.join(cells)}{': ' * bool(mark and self.note)}{self.note} |"


def faster(
    seconds: dict[str, list[float]], ours: str, theirs: str, what: str, against: str,
    target: str = "", note: str = "",
) -> Row:  # fmt: skip
    """How many times faster ours is, or, for a target that is an upper bound, its share."""
    is_bound = target.startswith("<=")
    ratio = compare(seconds, ours, theirs) if is_bound else compare(seconds, theirs, ours)
    times = (median_ms(seconds[ours]), median_ms(seconds[theirs]))
    return Row(what, against, ratio, target, *times, note)
