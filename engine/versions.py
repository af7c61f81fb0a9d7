"""Which versions run: of the engine, of Python and of the packages that decide the pixels."""

from __future__ import annotations

import contextlib
from pathlib import Path

__version__ = "0.1.0"

PACKAGES = (
    "onnxruntime", "onnxruntime-gpu", "openvino", "numpy", "numba", "llvmlite",
    "opencv-python-headless", "Pillow", "av", "scipy", "typer", "rich",
)  # fmt: skip


def find_versions() -> dict[str, str]:
    """The version of the engine, of Python, and of each of the packages that is installed."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"cartoonify-engine": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def how_to_install(extra: str) -> str:
    """The command that installs an extra, of the checkout or of the package that runs."""
    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file():
        return f"pip install '{'.' if checkout == Path.cwd() else checkout}[{extra}]'"
    return f"pip install 'cartoonify-engine[{extra}]'"
