"""Each command that the README and the docs tell to type is run, or is said not to be, and why."""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from tests.documented import PAGES, ROOT, name_of, scripts, split

INTERRUPTED = "runs until Ctrl-C"
NOT_RUN = {
    "cartoonify doctor": ("takes seconds", "cli/test_doctor.py::test_it_is_readable"),
    "cartoonify evaluate": ("is only named", "cli/test_style.py::test_evaluate_draws_in_a_style"),
    "cartoonify serve*": (
        INTERRUPTED, "serve/test_life.py::test_it_says_where_it_listens_and_logs_no_names"
    ),
    "cartoonify * --watch": (
        INTERRUPTED, "batch/test_run.py::test_watch_takes_photos_as_they_arrive"
    ),
    "cartoonify --camera *": (
        INTERRUPTED, "video/test_command.py::test_ctrl_c_ends_what_a_camera_sees_and_keeps_it"
    ),
    "cartoonify * --provider cuda": ("needs a GPU", "segment/test_session.py::test_cuda_runs"),
    "cartoonify s3://bucket/photos -o *": (
        "needs a bucket", "batch/test_work.py::test_photos_and_pictures_may_be_remote"
    ),
    "cartoonify s3://* --ray-address *": (
        "needs a cluster", "batch/test_cluster.py::test_the_command_line_runs_it"
    ),
    "python -m engine.run": ("is only named", "cli/test_run.py::test_stdin_to_stdout"),
    "python -m engine.evaluate": (
        "is only named", "report/test_run.py::test_evaluate_prints_means_and_writes_a_report"
    ),
    "python -m engine.run * --model u2netp": (
        "needs a download", "test_known.py::test_a_known_network_draws"
    ),
    "python -m engine.run * --model ~/.u2net/*": (
        "needs a download",
        "test_known.py::test_a_file_is_known_by_its_bytes_whatever_it_is_called",
    ),
    "python -m export*": ("takes minutes, and torch", "export"),
    "python -m benchmarks*": ("takes minutes", "benchmarks/test_entry_points.py"),
    "python -m venv *": ("is Python's own", "test_packaging.py"),
    "python -m http.server *": ("is Python's own", "examples/test_browser.py"),
    "python examples/ray_batch.py *": ("needs a cluster", "examples/test_ray_batch.py"),
    "python examples/ray_serve.py": ("needs a cluster", "serve/test_ray.py"),
    "curl *": (
        "needs the service",
        "serve/test_interface.py::test_a_form_gives_the_same_as_a_body_with_a_query",
    ),
    "uvicorn *": (
        INTERRUPTED,
        "examples/test_fastapi.py::test_the_service_is_below_its_path_and_draws_as_the_engine",
    ),
    "npm install": ("downloads", "examples/test_node.py"),
    "node node/*": ("needs what npm installs", "examples/test_node.py"),
    "node browser/*": ("needs what npm installs", "examples/test_browser.py"),
    "pip *": ("changes the environment", "test_docs.py::test_a_command_is_understood"),
    "make *": ("makes an environment", "test_docs.py::test_a_command_is_understood"),
    "cd *": ("is the shell's", "examples/test_node.py"),
    "export *": ("is the shell's", "export"),
}  # fmt: skip
"""Why a command is not run here, and what tests it or its like instead: a path below tests/."""

PHOTOS = [
    "me.jpg", "photo.jpg", "party.jpg", "dog.jpg", "best.jpg", "beach.jpg", "stars.jpg",
    "holiday/one.jpg", "holiday/below/two.jpg", "photos/one.jpg", "photos/below/two.jpg",
    "album/one.jpg", "more/one.webp", "FOLDER/one.jpg", "shot_0001.png", "shot_0002.png",
]  # fmt: skip
FILMS = ["clip.mp4", "clip.mkv", "beach.mp4", "holiday/clip.mp4"]
TIMES = [0, 0.1, 66]  # seconds: a part after the first minute is cut out, too
NEEDED = {r"\.(mp4|mkv|gif)\b|shot_": "av", "openvino": "openvino", "--report": "matplotlib"}
"""Packages without which a line of this kind cannot be run."""
SHELL = f'cartoonify() {{ {shlex.quote(sys.executable)} -m engine.run "$@"; }}\n'


def pattern_of(command):
    """Of the table above; None for a command that is run."""
    return next((pattern for pattern in NOT_RUN if fnmatchcase(command, pattern)), None)


def commands_of(line):
    return [" ".join(words) for words in split(line)]


def find_scripts():
    """The lines of each script that are run; none of scripts that others have, line for line."""
    found = set()
    for page in PAGES:
        for number, lines in enumerate(scripts(page), 1):
            run = [line for line in lines if any(not pattern_of(c) for c in commands_of(line))]
            new = {tuple(commands_of(line)) for line in run} - found
            found |= new
            if new:
                yield pytest.param(run, id=f"{name_of(page)}-{number}")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, astronaut, tiny_model):
    """A folder with all files that the pages name: small portraits, and videos of three frames."""
    folder = tmp_path_factory.mktemp("prepared")
    portrait = Image.fromarray(astronaut[:384, 64:448]).resize((96, 96))
    for name in PHOTOS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        portrait.save(folder / name)
    portrait.save(folder / "party.gif", save_all=True, append_images=[portrait.rotate(2)])
    (folder / "list.txt").write_text("me.jpg\nalbum/one.jpg\n")
    (folder / "family.json").write_text(json.dumps(["#202028", "#a06040", "white"]))
    (folder / "models").mkdir()
    shutil.copy(tiny_model, folder / "models" / "deeplabv3_resnet101_int8.onnx")
    if importlib.util.find_spec("av"):
        write_films(folder, portrait)
    return folder


def write_films(folder, portrait):
    from tests.video.films import write_film

    frames = [np.asarray(portrait.rotate(angle)) for angle in (0, 2, 4)]
    for name in FILMS:
        write_film(folder / name, frames, times=TIMES, sound=["aac"], sound_seconds=0.2)


@pytest.mark.parametrize("lines", list(find_scripts()))
def test_commands_run_and_write_where_they_say(lines, prepared, cartoonify, tmp_path, monkeypatch):
    for sign, package in NEEDED.items():
        if re.search(sign, "\n".join(lines)):
            pytest.importorskip(package, reason="an extra is not installed")
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CARTOONIFY_MODELS", str(tmp_path / "models"))
    for line in lines:
        code, _, comment = line.partition(" # ")
        targets = targets_of(shlex.split(code))
        for target in targets:
            if "--resume" not in code and f"{target}/" not in code:
                remove(tmp_path, target)  # lines are alternatives, unless one builds on another
        run(code, cartoonify)
        for target in targets:
            assert files_of(tmp_path, target), f"{code}: nothing at {target}"
        for name in re.findall(r"\bout/[\w.]+|\breport\.\w+", comment):
            assert (tmp_path / targets[0] / name.removeprefix("out/")).exists(), line


def run(code, cartoonify):
    """In this process, or in a shell where something goes through pipes."""
    if re.search("[|>]", code):
        subprocess.run(SHELL + code, shell=True, check=True, timeout=60)
        return
    program = re.match(r"cartoonify |python -m engine\.run ", code)
    assert program, f"{code}: another program; say in NOT_RUN why it is not run"
    exit_code, _, err = cartoonify(*shlex.split(code[program.end() :]), model=None)
    assert exit_code == 0, f"{code}: {err}"


def targets_of(words):
    """Where a command writes: a file, several (`%04d`), or a folder."""
    if "--dry-run" in words:
        return []
    said = [after for before, after in pairwise(words) if before in ("-o", ">")]
    return said or ([] if "evaluate" in words else ["out"])


def files_of(folder, target):
    """All that are at a target, or below it."""
    found = [(top, *top.rglob("*")) for top in folder.glob(target.replace("%04d", "*"))]
    return [path for paths in found for path in paths if path.is_file() and path.stat().st_size]


def remove(folder, target):
    for path in files_of(folder, target):
        path.unlink()


COMMANDS = {c for p in PAGES for lines in scripts(p) for line in lines for c in commands_of(line)}


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_what_is_not_run_is_in_the_pages_and_has_another_test(pattern):
    assert pattern in map(pattern_of, COMMANDS)
    _, where = NOT_RUN[pattern]
    path, _, name = where.partition("::")
    assert (ROOT / "tests" / path).exists()
    assert not name or f"def {name}(" in (ROOT / "tests" / path).read_text()
