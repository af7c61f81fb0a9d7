"""The wheel runs on its own, elsewhere, also where it cannot write."""

import email
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Neither this checkout nor its editable install may be what runs.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


# Kernels are compiled when their module is imported; this one is small.
ONE_KERNEL = """
import numpy
from engine.kernels.metrics import squared_error
black, grey = numpy.zeros((2, 3, 3), numpy.uint8), numpy.full((2, 3, 3), 2, numpy.uint8)
print(int(squared_error(black, grey)))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a fresh environment with the wheel; the dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run_demo(python, folder, **environment):
    command = [python, "-m", "engine.run", "--demo", "--json"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={**ENVIRONMENT, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "astronaut_cartoon.png").stat().st_size > 10_000
    return done


@pytest.mark.slow
def test_the_wheel_holds_what_a_run_needs_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    manifest = json.loads((ROOT / "models" / "manifest.json").read_text())
    models = [entry["file"] for entry in manifest["models"].values()]
    for name in (
        "report/page.html",
        "report/page.css",
        "report/page.js",
        "py.typed",
        *(f"models/{n}" for n in ["manifest.json", *models]),
    ):
        assert f"engine/{name}" in names
    assert "export/network.py" in names
    rooms = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert rooms == {"engine", "export"}
    assert not [name for name in names if name.endswith((".safetensors", ".pyc"))]
    assert wheel.stat().st_size < 14e6


def test_every_module_of_the_source_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        str(p.relative_to(ROOT))
        for room in ("engine", "export")
        for p in (ROOT / room).rglob("*.py")
    }
    assert modules <= names


def test_the_metadata_tells_where_it_runs(wheel):
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
    metadata = email.message_from_bytes(archive.read(name))
    assert "opencv-python-headless<6,>=5" in metadata.get_all("Requires-Dist")
    assert {"demo", "export", "gpu", "heif", "ray", "report"} <= set(
        metadata.get_all("Provides-Extra")
    )
    for version in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        assert f"Programming Language :: Python :: {version}" in metadata.get_all("Classifier")


@pytest.mark.slow  # it compiles all kernels
def test_it_runs_in_an_empty_folder_and_keeps_its_kernels_where_told(installed, tmp_path):
    home = subprocess.run(
        [installed, "-c", "import engine; print(engine.__file__)"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT,
    ).stdout  # fmt: skip
    assert str(installed.parent.parent) in home
    cache = tmp_path / "missing" / "cache"
    run_demo(installed, tmp_path, NUMBA_CACHE_DIR=str(cache))
    assert list(cache.rglob("*.nbi"))


@pytest.mark.slow
def test_kernels_run_where_no_cache_can_be_written(installed, tmp_path):
    # Numba's folders: __pycache__ beside the kernels, then the user's cache, then none.
    kernels = next(installed.parent.parent.rglob("engine/kernels"))
    shutil.rmtree(kernels / "__pycache__", ignore_errors=True)
    (kernels / "__pycache__").write_text("in the way")
    nowhere = {"HOME": "/dev/null/nowhere", "XDG_CACHE_HOME": "/dev/null/cache"}
    try:
        done = subprocess.run(
            [installed, "-c", ONE_KERNEL], check=True, cwd=tmp_path, capture_output=True,
            env=ENVIRONMENT | nowhere,
        )  # fmt: skip
        assert int(done.stdout) == 2 * 3 * 3 * 4
    finally:
        (kernels / "__pycache__").unlink()
