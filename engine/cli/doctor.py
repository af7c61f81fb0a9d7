"""`cartoonify doctor`: what runs here, how fast it may be, and whether it is exact."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.command import takes
from engine.cli.exits import put, say
from engine.cli.providers import examine_providers
from engine.cli.self_test import run_self_test
from engine.text import printable
from engine.threads import cgroup_cpus, usable_threads
from engine.versions import find_versions
from engine.weights import cache_folder, check_refiner, list_models

FEATURES = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx_vnni",
)
FEATURES_ARM = ("asimd", "asimddp", "i8mm", "sve")


@dataclass(frozen=True, kw_only=True)
class DoctorRequest:
    """How the findings are shown."""

    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False


@takes(DoctorRequest)
def doctor(request: DoctorRequest) -> None:
    """Say what runs here and whether it works. Exit code 1 when something does not."""
    findings = examine()
    if request.as_json:
        put(json.dumps(findings))
    else:
        _print(findings)
    if findings["problems"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """All findings, ready for JSON; "problems" is a list of sentences."""
    problems: list[str] = []
    return {
        "versions": find_versions(),
        "processor": _processor(),
        "threads": _threads(),
        "memory": _memory(),
        **examine_providers(problems),
        "models": _models(problems),
        "folders": _folders(problems),
        "self_test": run_self_test(problems),
        "problems": problems,
    }


def _processor() -> dict[str, Any]:
    name, flags = platform.processor() or platform.machine(), set[str]()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = (part.strip() for part in line.partition(":"))
            if key == "model name":
                name = value
            elif key in ("flags", "Features"):
                flags = set(value.split())
    except OSError:
        pass
    features = [feature for feature in FEATURES + FEATURES_ARM if feature in flags]
    return {"name": name, "machine": platform.machine(), "features": features}


def _threads() -> dict[str, Any]:
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    quota = cgroup_cpus(Path("/"))
    return {
        "used": usable_threads(),
        "processors": os.cpu_count(),
        "allowed_by_affinity": affinity,
        "allowed_by_cgroup": None if quota == float("inf") else quota,
    }


def _memory() -> dict[str, Any]:
    """What a run may use for photos, and how many of 12 and 48 megapixels that is at a time."""
    from engine.batch.budget import BYTES_PER_PIXEL, find_budget

    budget = find_budget()
    if budget == float("inf"):
        return {"megabytes_for_photos": None}
    photos = {
        f"photos_of_{size}_megapixels": budget / (size * 1e6 * BYTES_PER_PIXEL) for size in (12, 48)
    }
    at_a_time = {name: max(1, min(usable_threads(), int(n))) for name, n in photos.items()}
    return {"megabytes_for_photos": round(budget / 1e6), **at_a_time}


def _models(problems: list[str]) -> list[dict[str, Any]]:
    found = [*list_models(), check_refiner()]
    problems.extend(f"model {m['name']}: {m['problem']}" for m in found if m["problem"])
    return found


def _folders(problems: list[str]) -> dict[str, Any]:
    kernels = Path(
        os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent.parent / "kernels/__pycache__"
    )
    folders = {"kernels": kernels, "models": cache_folder(), "here": Path.cwd()}
    found = {}
    for name, path in folders.items():
        nearest = next(p for p in (path, *path.parents) if p.exists())
        writable = os.access(nearest, os.W_OK)
        found[name] = {"path": str(path), "writable": writable}
        if name == "kernels" and not writable:
            problems.append(f"{path}: compiled kernels cannot be kept; set NUMBA_CACHE_DIR.")
    return found


def _print(findings: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for topic in (
        "versions", "processor", "threads", "memory", "providers", "network_ms", "self_test",
    ):  # fmt: skip
        for index, (name, value) in enumerate(findings[topic].items()):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            table.add_row(
                topic.replace("_", "-") if index == 0 else "", printable(f"{name}: {text}")
            )
    for index, model in enumerate(findings["models"]):
        state = model["problem"] or "whole"
        table.add_row(
            "models" if index == 0 else "", f"{model['name']}: {model['sha256'][:12]}… {state}"
        )
    for index, (name, folder) in enumerate(findings["folders"].items()):
        can = "can be written" if folder["writable"] else "cannot be written"
        table.add_row("folders" if index == 0 else "", f"{name}: {folder['path']} {can}")
    Console(highlight=False, markup=False).print(table)
    for problem in findings["problems"]:
        say(f"problem: {problem}")
