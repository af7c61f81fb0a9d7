"""`.ci/release.py` as a module."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / ".ci" / "release.py"

_spec = importlib.util.spec_from_file_location("release", SCRIPT)
release = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release)
