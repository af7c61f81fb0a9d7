"""The engine beside what a user would run instead: `python -m benchmarks.compare [SECTION...]`.

Contenders run in turn in one process, with the same number of threads, after it was checked that
they agree. Printed, and written to benchmarks/results/compare.json and compare.md: medians, ratios
with the quartiles of the rounds, targets, and the machine's own limits measured in the same run.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from typing import Any

import cv2
import torch

from benchmarks import cartoon_stage, choices, networks, processes, whole_photos
from benchmarks.limits import describe_machine, measure_limits
from benchmarks.rows import Row
from benchmarks.setting import QUICK, Setting, argument_parser, results_folder
from engine.threads import usable_threads

THREADS = min(2, usable_threads())
SECTIONS = {
    "stage": cartoon_stage.measure,
    "networks": networks.measure,
    "photos": whole_photos.measure,
    "processes": processes.measure,
    "choices": choices.measure,
}


def main() -> None:
    """Measures the named sections, or all."""
    parser = argument_parser(__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(SECTIONS)}")
    cv2.setNumThreads(THREADS)
    torch.set_num_threads(THREADS)
    machine, limits = describe_machine(THREADS), measure_limits(THREADS)
    print(json.dumps(machine), json.dumps(limits), QUICK * options.quick, sep="\n", flush=True)
    rows: list[Row] = []
    for name in options.sections or SECTIONS:
        for row in SECTIONS[name](Setting(THREADS, limits, options.quick)):
            rows.append(replace(row, target="") if options.quick else row)
            print(rows[-1], flush=True)
    if not options.sections:
        folder = results_folder(options)
        found = {"machine": machine, "limits": limits, "rows": [asdict(row) for row in rows]}
        (folder / "compare.json").write_text(json.dumps(found, indent=1) + "\n")
        text = to_markdown(machine, limits, rows)
        (folder / "compare.md").write_text(f"{text}\n{QUICK}\n" if options.quick else text)
        print(f"written: {folder}/compare.json and compare.md")


def to_markdown(machine: dict[str, Any], limits: dict[str, float], rows: list[Row]) -> str:
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
    main()
