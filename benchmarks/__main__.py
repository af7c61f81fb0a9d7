"""Runs all benchmarks, and writes bench.json and bench.md to benchmarks/results.

Arguments that are not listed here are pytest's.
"""

from __future__ import annotations

import json
import platform
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from benchmarks.setting import QUICK, argument_parser, results_folder

HERE = Path(__file__).parent
THOROUGH = (
    "--benchmark-min-rounds=3", "--benchmark-max-time=0.5", "--benchmark-warmup=on",
    "--benchmark-warmup-iterations=1",
)  # fmt: skip
ONCE = ("--benchmark-min-rounds=1", "--benchmark-max-time=0", "-k", "432x288")
PACKAGES = ("cartoonify-engine", "numpy", "numba", "opencv-python-headless", "onnxruntime")


def main() -> int:
    """pytest's exit code."""
    options, others = argument_parser(__doc__).parse_known_args()
    path = results_folder(options) / "bench.json"
    code = pytest.main(
        [
            str(HERE), "-q", "--benchmark-enable",
            "-o", "python_files=bench_*.py", "-o", "python_functions=bench_*",
            "--benchmark-sort=fullname", "--benchmark-columns=median,iqr,rounds",
            f"--benchmark-json={path}", *(ONCE if options.quick else THOROUGH), *others,
        ]
    )  # fmt: skip
    if code == 0:
        measured = json.loads(path.read_text())
        for benchmark in measured["benchmarks"]:
            del benchmark["stats"]["data"]  # every single round: megabytes
        path.write_text(json.dumps(measured, indent=1) + "\n")
        text = to_markdown(measured)
        path.with_suffix(".md").write_text(f"{text}\n{QUICK}\n" if options.quick else text)
        print(QUICK * options.quick, f"written: {path} and bench.md", sep="\n")
    return int(code)


def to_markdown(measured: dict[str, Any]) -> str:
    """A table per group: medians, spreads, and the ratio to the group's slowest."""
    cpu = measured["machine_info"]["cpu"]
    lines = [
        "# Benchmarks",
        "",
        f"{cpu.get('brand_raw', platform.processor())}, {cpu.get('count')} processors, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + ". Medians; the ratio is that of the group's slowest to the row.",
    ]
    groups = defaultdict(list)
    for benchmark in measured["benchmarks"]:
        groups[benchmark["group"]].append(benchmark)
    for group, benchmarks in groups.items():
        slowest = max(b["stats"]["median"] for b in benchmarks)
        lines += [
            "",
            f"## {group}",
            "",
            "| what | median, ms | IQR, ms | ratio |",
            "|---|---|---|---|",
        ]
        for benchmark in benchmarks:
            stats = benchmark["stats"]
            lines.append(
                f"| {benchmark['param']} | {stats['median'] * 1e3:.3f} | {stats['iqr'] * 1e3:.3f} "
                f"| {slowest / stats['median']:.1f} x |"
            )
        for benchmark in benchmarks:
            if "stages" in benchmark["extra_info"]:
                shares = benchmark["extra_info"]["stages"].items()
                lines += [
                    "",
                    "Stages: " + ", ".join(f"{name} {share:.0%}" for name, share in shares),
                ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
