"""What the examples need beside Python."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def edge():
    """The folder of the examples in JavaScript, with their packages."""
    folder = ROOT / "examples" / "edge"
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not all((folder / "node_modules" / name).is_dir() for name in ("onnxruntime-web", "sharp")):
        pytest.skip("the packages are not installed: npm install in examples/edge")
    return folder
