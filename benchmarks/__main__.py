"""Runs all benchmarks and writes benchmarks/results/bench.json and bench.md."""

from __future__ import annotations

import json
import platform
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PACKAGES = ("cartoonify-engine", "numpy", "numba", "opencv-python-headless", "onnxruntime")


def main() -> int:
    """pytest's exit code."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "bench.json"
    code = pytest.main(
        [
            str(HERE), "-q", "--benchmark-enable",
            "-o", "python_files=bench_*.py", "-o", "python_functions=bench_*",
            "--benchmark-min-rounds=3", "--benchmark-max-time=0.5", "--benchmark-warmup=on",
            "--benchmark-warmup-iterations=1", "--benchmark-sort=fullname",
            "--benchmark-columns=median,iqr,rounds", f"--benchmark-json={path}",
            *sys.argv[1:],
        ]
    )  # fmt: skip
    if code == 0:
        measured = json.loads(path.read_text())
        for benchmark in measured["benchmarks"]:
            del benchmark["stats"]["data"]  # every single round: megabytes
        path.write_text(json.dumps(measured, indent=1) + "\n")
        (RESULTS / "bench.md").write_text(to_markdown(measured))
        print(f"written: {path} and bench.md")
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
