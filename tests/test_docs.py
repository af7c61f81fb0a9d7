"""What the README and the docs tell to type is understood, and what they point to exists."""

import importlib
import importlib.util
import json
import re
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import typer
from PIL import Image

from benchmarks import styles
from engine.cli.app import COMMANDS, find_command
from engine.cli.evaluate import EvaluateRequest
from engine.cli.request import RunRequest
from engine.cli.serve import ServeRequest
from engine.errors import OptionError
from engine.known import NETWORKS
from engine.weights import EXPORTABLE, PRECISIONS
from tests.documented import PAGES, ROOT, all_blocks, blocks, name_of, prose, scripts, split

UsageError = typer.BadParameter.__base__
REQUESTS = {"run": RunRequest, "evaluate": EvaluateRequest, "serve": ServeRequest}
OTHER_PROGRAMS = {"cat", "cd", "export", "node", "npm", "uvicorn"}
MAINS = {
    "export": "export.__main__",
    "export.evaluate": "export.evaluate",
    "export.matte_benchmark": "export.matte_benchmark",
    "export.training": "export.training.__main__",
    "export.training.edges": "export.training.edges",
}
FOLDERS = "benchmarks|docs|engine|examples|export|models|tests"


def find_commands():
    """Each command of a page."""
    for page in PAGES:
        for line in chain.from_iterable(scripts(page)):
            for words in split(line):
                yield name_of(page), words


def understand_cartoonify(*arguments):
    """What the program would do, checked as a whole, but not done."""
    name, *rest = arguments if arguments and arguments[0] in COMMANDS else ("run", *arguments)
    values = parse(find_command(name), rest) if rest else {}  # no more than its name is mentioned
    return REQUESTS[name](**values) if values and name in REQUESTS else find_command(name)


def understand_python(dash_m, module="", *arguments):
    if dash_m.startswith("examples/"):
        return compile((ROOT / dash_m).read_text(), dash_m, "exec")
    assert dash_m == "-m"
    assert importlib.util.find_spec(module)
    if module == "venv":
        return arguments
    if module == "http.server":
        return module
    if module == "engine.run":
        return understand_cartoonify(*arguments)
    if module == "engine.evaluate":
        return understand_cartoonify("evaluate", *arguments)
    if module == "benchmarks.styles" and arguments:
        return styles.make_parser().parse_args(arguments)
    if module in MAINS:
        values = parse(main_of(module), arguments) if arguments else {}
        if module == "export" and values:
            assert values["network"] in {"list", "fetch", "NAME", *EXPORTABLE}
            assert (values["other"] in {*NETWORKS, "NAME"}) == (values["network"] == "fetch")
            assert values["precision"] in PRECISIONS
            assert values["graph"] in ("logits", "mask")
    else:
        source = Path(importlib.util.find_spec(module).origin).read_text()
        assert module.startswith("benchmarks")
        assert all(f'    "{section}": ' in source for section in arguments)
    return module


def main_of(module):
    return importlib.import_module(MAINS[module]).main


def understand_curl(*arguments):
    """A request to a route of the service, with options that it knows."""
    from engine.serve.parameters import parse
    from engine.serve.uploads import FILES

    (url,) = [word for word in arguments if "://" in word]
    parts = urlsplit(url)
    patterns = [path.replace("{key}", "ID") for path in served_paths()]
    assert parts.path in patterns
    parse(dict(parse_qsl(parts.query, strict_parsing=bool(parts.query))), "cartoon", "default")
    fields = [word for before, word in pairwise(arguments) if before == "-F"]
    assert {field.partition("=")[0] for field in fields} <= FILES.keys()
    return arguments


@cache
def served_paths():
    pytest.importorskip("fastapi", reason="the serve extra is not installed")
    from engine.serve import create_app

    return list(create_app().openapi()["paths"])


def understand_make(*arguments):
    makefile = (ROOT / "Makefile").read_text()
    for word in arguments:
        variable, mark, _ = word.partition("=")
        assert re.search(rf"^{variable} \?=" if mark else rf"^{word}:", makefile, re.M)
    return arguments


def understand_pip(verb, *arguments):
    assert verb in ("install", "uninstall")
    known = (ROOT / "pyproject.toml").read_text()
    for word in arguments:
        name, extras = re.fullmatch(r"([\w.-]+?)(?:\[([\w,-]+)\])?", word).groups()
        assert name == "." or f'"{name}' in known
        assert all(
            re.search(rf"^{extra} = \[", known, re.M)
            for extra in (extras or "").split(",")
            if extra
        )
    return arguments


def command_of(function):
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return typer.main.get_command(app)


def parse(function, arguments):
    return command_of(function).make_context(function.__name__, list(arguments)).params


UNDERSTAND = {
    "cartoonify": understand_cartoonify,
    "python": understand_python,
    "make": understand_make,
    "pip": understand_pip,
    "curl": understand_curl,
}
COMMANDS_OF_PAGES = sorted({(page, tuple(words)) for page, words in find_commands()})


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS_OF_PAGES, ids=[f"{p}: {' '.join(w)}" for p, w in COMMANDS_OF_PAGES]
)
def test_a_command_is_understood(page, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program, *arguments = words
    assert program in OTHER_PROGRAMS or UNDERSTAND[program](*arguments)


def test_commands_are_found():
    assert {words[0] for _, words in COMMANDS_OF_PAGES} == {*UNDERSTAND, *OTHER_PROGRAMS}


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ("cartoonify me.jpg --crops", UsageError),
        ("cartoonify doctor me.jpg", UsageError),
        ("cartoonify me.jpg --edges sharp", OptionError),
        ("python -m export list --precisions f16", UsageError),
        ("python -m benchmarks.styles photos/ --faces", SystemExit),
        ("make tests", AssertionError),
        ("pip install .[reports]", AssertionError),
        ("curl -F file=@me.jpg http://127.0.0.1:7000/v1/toon", AssertionError),
        ("curl -F photos=@me.jpg http://127.0.0.1:7000/v1/cartoon", AssertionError),
        ("curl -F file=@me.jpg http://127.0.0.1:7000/v1/cartoon?stile=ink", OptionError),
    ],
)
def test_a_wrong_command_is_not_understood(wrong, kind):
    ((program, *arguments),) = split(wrong)
    with pytest.raises(kind):
        UNDERSTAND[program](*arguments)


PYTHON = [
    pytest.param(reason, code, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for number, (reason, code) in enumerate(blocks(page, "python"), 1)
]


@pytest.mark.parametrize(("reason", "code"), PYTHON)
def test_python_runs(reason, code, astronaut, tmp_path, monkeypatch):
    program = compile(code, reason or "page", "exec")
    assert program.co_names
    if not reason:
        monkeypatch.chdir(tmp_path)
        Image.fromarray(astronaut).save("photo.jpg")
        names = {}
        exec(program, names)
        assert names.keys() >= set(program.co_names) & {"app", "result", "engine"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_block_is_tried_or_says_why_not(page):
    """Commands, Python and units of systemd are tried above, `text` is shown to be read."""
    for reason, language, code in all_blocks(page):
        if language == "json":
            json.loads(code)
        else:
            assert reason or language in ("", "python", "ini", "text"), code


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r'(?:\]\(|src=")([^)"\s]+)[)"]', prose(page)):
        path, _, anchor = target.partition("#")
        if "://" not in target:
            linked = (page.parent / path) if path else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    for path in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", prose(page)):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_that_are_named_exist(page):
    known = {"--install-completion", *styles.make_parser()._option_string_actions}
    for function in (*map(find_command, COMMANDS), *map(main_of, MAINS)):
        for parameter in command_of(function).params:
            known.update(parameter.opts, parameter.secondary_opts)
    named = set(re.findall(r"`[^`\n]*?(--[a-z][a-z0-9-]*)", prose(page)))
    assert named <= known
