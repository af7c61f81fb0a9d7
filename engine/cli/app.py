"""The program `cartoonify`: its commands, of which `run` is the one that need not be named."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from engine.cli.exits import own_streams_and_signals

COMMANDS = ("run", "doctor", "evaluate", "serve")


class _RunByDefault(TyperGroup):
    """`cartoonify photo.jpg` is `cartoonify run photo.jpg`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {name for option in self.params for name in option.opts}  # install completion
        if not args or args[0] not in {*COMMANDS, *own}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


def cli(args: list[str] | None = None) -> None:
    """The console script `cartoonify`; `args` are the process's unless they are given."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        cls=_RunByDefault, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings=settings,
    )  # fmt: skip
    app.callback()(lambda: None)  # a group, also of one command
    for name in _needed(sys.argv[1:] if args is None else args):
        app.command(name, context_settings=settings)(find_command(name))
    with own_streams_and_signals():
        app(args=args, prog_name="cartoonify")


def find_command(name: str) -> Callable[..., None]:
    """The function of a command, whose module is only imported now: each one costs a while."""
    command: Callable[..., None] = getattr(importlib.import_module(f"engine.cli.{name}"), name)
    return command


def _needed(args: list[str]) -> tuple[str, ...]:
    """The command that is called; all of them to complete a word in a shell."""
    if "_CARTOONIFY_COMPLETE" in os.environ:
        return COMMANDS
    return (args[0] if args and args[0] in COMMANDS else "run",)
