"""Data flows one way: who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    {"errors", "facts", "known", "once", "text", "versions"},
    {"options", "cartoon.colours", "memory", "threads", "process", "strips", "files", "weights"},
    {"kernels", "reference"},
    {"segment", "cutout", "cartoon", "metrics", "display"},
    {"found", "result"},
    {"record"},
    {"pipeline"},
    {"video"},
    {"report"},
    {"batch"},
    {"serve"},
    {"cli"},
    {"run", "evaluate"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
"""A module with a level of its own is not on that of its folder."""
FILES = sorted(p for p in (ROOT / "engine").rglob("*.py") if p.name != "__init__.py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            if node.module == "engine":
                yield from (f"engine.{alias.name}" for alias in node.names)


def level(parts):
    return LEVEL.get(".".join(parts[:2]), LEVEL[parts[0]])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_is_nearer_to_the_arrays(path):
    parts = path.relative_to(ROOT / "engine").with_suffix("").parts
    for name in imported(path):
        package = name.split(".")
        assert package[0] not in {"torch", "torchvision", "onnx", "export", "tests"}, name
        if package[0] == "scipy":
            assert parts[0] == "reference"
        if package[0] == "engine" and len(package) > 1:
            same_folder = package[1] == parts[0]
            assert same_folder or level(package[1:]) <= level(parts), name
            is_test = parts == ("cli", "self_test")  # which holds the two against each other
            assert same_folder or package[1] != "reference" or is_test, name


def test_kernels_know_nothing_but_arrays():
    for path in (ROOT / "engine" / "kernels").glob("*.py"):
        for name in imported(path):
            assert not name.startswith("engine.") or name.startswith("engine.kernels"), name
