"""The engine beside what a user would run instead: `python -m benchmarks.compare [SECTION...]`.

Contenders run in turn in one process, with the same number of threads, after it was checked that
they agree. Printed, and written to benchmarks/results/compare.json and compare.md: medians, ratios
with the quartiles of the rounds, targets, and the machine's own limits measured in the same run.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import torch

from benchmarks import cartoon_stage, choices, networks, processes, whole_photos
from benchmarks.limits import describe_machine, measure_limits
from benchmarks.rows import Row
from engine.threads import usable_threads

RESULTS = Path(__file__).parent / "results"
THREADS = min(2, usable_threads())
SECTIONS = {
    "stage": cartoon_stage.measure,
    "networks": networks.measure,
    "photos": whole_photos.measure,
    "processes": processes.measure,
    "choices": choices.measure,
}


def main(names: list[str]) -> None:
    """Measures the named sections, or all."""
    unknown = set(names) - set(SECTIONS)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; wanted {', '.join(SECTIONS)}")
    cv2.setNumThreads(THREADS)
    torch.set_num_threads(THREADS)
    machine, limits = describe_machine(THREADS), measure_limits(THREADS)
    print(json.dumps(machine), json.dumps(limits), sep="\n", flush=True)
    rows: list[Row] = []
    for name in names or SECTIONS:
        for row in SECTIONS[name](THREADS, limits):
            rows.append(row)
            print(row, flush=True)
    if not names:
        found = {"machine": machine, "limits": limits, "rows": [asdict(row) for row in rows]}
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "compare.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "compare.md").write_text(to_markdown(machine, limits, rows))
        print(f"written: {RESULTS}/compare.json and compare.md")


def to_markdown(machine: dict, limits: dict[str, float], rows: list[Row]) -> str:
    """The table of all rows, under the machine's description."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        "# The engine beside what would be run instead",
        "",
        f"`python -m benchmarks.compare` on {machine['processor']} "
        f"({', '.join(machine['features'])}), {machine['threads']} threads, "
        f"Python {machine['python']}, {versions}.",
        "",
        f"The machine at best, in the same run: {limits['float32_gflops']:.0f} GFLOP/s in float32, "
        f"{limits['int8_gops']:.0f} Gop/s in int8, {limits['copy_gb_per_s']:.1f} GB/s copied.",
        "",
        "Ratios are medians of the rounds' ratios, with their quartiles.",
        "",
        "| what | against | ms | ms against | ratio | target | |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(row.as_markdown() for row in rows)]) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
