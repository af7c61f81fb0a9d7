"""The wheel runs on its own, elsewhere, also where it cannot write."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


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
    # -P-like: neither this checkout nor its editable install may be what runs.
    command = [python, "-m", "engine.run", "--demo", "--json"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "astronaut_cartoon.png").stat().st_size > 10_000
    return done


def test_the_wheel_holds_the_model_and_its_manifest(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "report/page.html",
        "report/page.css",
        "report/page.js",
        "models/manifest.json",
        "models/deeplabv3plus_mobilenet_v2.onnx",
        "py.typed",
    ):
        assert f"engine/{name}" in names
    assert "export/network.py" in names
    assert not [name for name in names if name.startswith(("tests", "models"))]


def test_it_runs_in_an_empty_folder_and_keeps_its_kernels_where_told(installed, tmp_path):
    home = subprocess.run(
        [installed, "-c", "import engine; print(engine.__file__)"],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    ).stdout  # fmt: skip
    assert str(installed.parent.parent) in home
    cache = tmp_path / "missing" / "cache"
    run_demo(installed, tmp_path, NUMBA_CACHE_DIR=str(cache))
    assert list(cache.rglob("*.nbi"))


def test_it_runs_where_no_cache_can_be_written(installed, tmp_path):
    # Numba's folders: __pycache__ beside the kernels, then the user's cache, then none.
    kernels = next(installed.parent.parent.rglob("engine/kernels"))
    cache = kernels / "__pycache__"
    for file in cache.glob("*"):
        file.unlink()
    if cache.exists():
        cache.rmdir()
    cache.write_text("in the way")
    try:
        run_demo(installed, tmp_path, HOME="/dev/null/nowhere", XDG_CACHE_HOME="/dev/null/cache")
    finally:
        cache.unlink()
