"""Text that the program writes: its options, its public names, and the titles of its decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

import engine
from engine.cli.app import COMMANDS, find_command

NAMES = {
    "Cartoonify a photo": ("load", "Cartoonifier", "Found", "Result", "Palette"),
    "Options": ("SegmentOptions", "CutoutOptions", "CartoonOptions"),
    "Videos": ("VideoCartoonifier",),
    "The parts": (
        "stylise", "cartoonize", "decode_segmap", "k_histogram", "update_centroids",
        "mse", "log_mse", "ssim",
    ),
    "Errors": (
        "EngineError", "OptionError", "PhotoError", "HistogramError", "OutputError",
        "DiskFullError", "ModelError", "ProviderError",
    ),
}  # fmt: skip
"""The names of `engine`, by heading."""


def list_options() -> str:
    """Markdown: each command with its usage, and each option with its own anchor."""
    return "\n".join(line for name in COMMANDS for line in _describe_command(name))


def _describe_command(name: str) -> Iterator[str]:
    command = _to_click(find_command(name))
    context = command.context_class(command, info_name=f"cartoonify {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## cartoonify {name}\n\n{command.help}\n\n```\ncartoonify {name} {usage}\n```\n"
    yield " · ".join(f"[`{_word(param)}`](#{name}-{param.name})" for param in command.params) + "\n"
    for param in command.params:
        is_argument = param.param_type_name == "argument"
        words, help = (_word(param), param.help) if is_argument else param.get_help_record(context)
        yield f"### `{words}` {{ #{name}-{param.name} }}\n\n{help}\n"


def _to_click(function: Callable[..., None]) -> Any:
    """Typer's own Click, or the package, by its version."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    return typer.main.get_command(app)


def _word(param: Any) -> str:
    """What it is called: its longest spelling, or the metavar of an argument."""
    if param.param_type_name == "argument":
        return param.metavar or param.name or ""
    return str(max(param.opts, key=len))


def list_names() -> str:
    """Markdown for mkdocstrings: each public name below its heading.

    Raises ValueError when a name is missing here, or is not public any more.
    """
    names = [name for group in NAMES.values() for name in group]
    if sorted(names) != sorted(engine.__all__):
        raise ValueError(f"not once below a heading: {set(names) ^ set(engine.__all__)}")
    return "\n".join(
        f"## {heading}\n\n" + "\n".join(f"::: engine.{name}\n" for name in group)
        for heading, group in NAMES.items()
    )


def list_decisions(folder: Path) -> str:
    """Markdown: a line for each decision."""
    titles = {path.name: path.read_text().splitlines()[0] for path in folder.glob("0*.md")}
    return "\n".join(f"* [{title.lstrip('# ')}]({name})" for name, title in sorted(titles.items()))
