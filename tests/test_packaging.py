"""The wheel runs on its own, elsewhere, also where it cannot write."""

import email
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from engine.kernels import machine
from engine.versions import __version__
from tests.release_script import release

ROOT = Path(__file__).parent.parent
# Neither this checkout nor its editable install may be what runs.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


ONE_KERNEL = """
import numpy
from engine.kernels.metrics import squared_error
black, grey = numpy.zeros((2, 3, 3), numpy.uint8), numpy.full((2, 3, 3), 2, numpy.uint8)
print(int(squared_error(black, grey)))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a fresh environment with the wheel; the dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True)
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_wheel_holds_what_a_run_needs_and_no_more(wheel):
    release.check_wheel(wheel, ROOT)


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


@pytest.mark.slow
def test_it_runs_in_an_empty_folder_on_the_machine_code_that_it_brings(
    installed, tmp_path, monkeypatch
):
    home = subprocess.run(
        [installed, "-c", "import engine; print(engine.__file__)"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT,
    ).stdout  # fmt: skip
    assert str(installed.parent.parent) in home
    cache = tmp_path / "missing" / "cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(cache))
    release.try_out(installed.parent, __version__)
    if machine._levels():
        assert not cache.exists()


def run_one_kernel(python, folder, **environment):
    """Compiles one kernel, where the package brings none."""
    kernels = next(python.parent.parent.rglob("engine/kernels"))
    hidden = kernels / "hidden"
    (kernels / "code").rename(hidden)
    try:
        done = subprocess.run(
            [python, "-c", ONE_KERNEL], check=True, cwd=folder, capture_output=True,
            env=ENVIRONMENT | environment,
        )  # fmt: skip
    finally:
        hidden.rename(kernels / "code")
    assert int(done.stdout) == 2 * 3 * 3 * 4


@pytest.mark.slow
def test_kernels_are_kept_where_told(installed, tmp_path):
    cache = tmp_path / "missing" / "cache"
    run_one_kernel(installed, tmp_path, NUMBA_CACHE_DIR=str(cache))
    assert [path.name.split(".")[:2] for path in cache.iterdir()] == [["metrics", "squared_error"]]


@pytest.mark.slow
def test_kernels_run_where_no_cache_can_be_written(installed, tmp_path):
    # The folders: __pycache__ beside the kernels, then the user's cache, then none.
    kernels = next(installed.parent.parent.rglob("engine/kernels"))
    shutil.rmtree(kernels / "__pycache__", ignore_errors=True)
    (kernels / "__pycache__").write_text("in the way")
    nowhere = {"HOME": "/dev/null/nowhere", "XDG_CACHE_HOME": "/dev/null/cache"}
    try:
        run_one_kernel(installed, tmp_path, **nowhere)
    finally:
        (kernels / "__pycache__").unlink()
