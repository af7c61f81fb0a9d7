"""The notebook, cell by cell, as Jupyter would run it."""

import ast
import json

import pytest

from tests.examples.conftest import ROOT
from tests.folders import tree

NOTEBOOK = json.loads((ROOT / "examples" / "cartoonify.ipynb").read_text("utf-8"))
CODE = {cell["id"]: cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"}
RICH = {"load", "cutout", "styles", "palette", "like", "folder"}


@pytest.fixture(scope="module")
def shown(astronaut, tmp_path_factory):
    """What each cell shows: the value of its last line. They run in an empty folder."""
    names, values = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("notebook")
        patch.chdir(folder)
        for name, cell in CODE.items():
            values[name] = run("".join(cell["source"]), names)
    names["app"].close()
    return values, tree(folder)


def run(source, names):
    """The value of the cell's last line where it is an expression."""
    body = ast.parse(source)
    last = body.body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(body, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_every_cell_shows_something(shown):
    values, _ = shown
    is_rich = {
        name for name, value in values.items()
        if getattr(value, "_repr_html_", None) or getattr(value, "_repr_png_", None)
    }  # fmt: skip
    assert is_rich == RICH
    assert values["numbers"]["share that is people"] > 0.2
    assert values["cutout"].mode == "RGBA"


def test_the_folder_is_done_but_for_its_broken_photo(shown):
    assert [path for path in shown[1] if path.startswith("toons")] == [
        f"toons/{number}_cartoon.png" for number in range(3)
    ]


def test_outputs_are_cleared():
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in CODE.values())
