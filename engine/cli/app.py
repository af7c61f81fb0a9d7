"""The program `cartoonify`: its commands, of which `run` is the one that need not be named."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from engine.cli.doctor import doctor
from engine.cli.evaluate import evaluate
from engine.cli.exits import own_streams_and_signals
from engine.cli.run import run
from engine.cli.serve import serve

COMMANDS = {"run": run, "doctor": doctor, "evaluate": evaluate, "serve": serve}


class _RunByDefault(TyperGroup):
    """`cartoonify photo.jpg` is `cartoonify run photo.jpg`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {name for option in self.params for name in option.opts}  # install completion
        if not args or args[0] not in COMMANDS.keys() | own:
            args = ["run", *args]
        return super().parse_args(ctx, args)


def cli(args: list[str] | None = None) -> None:
    """The console script `cartoonify`; `args` are the process's unless they are given."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        cls=_RunByDefault, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings=settings,
    )  # fmt: skip
    for name, command in COMMANDS.items():
        app.command(name, context_settings=settings)(command)
    with own_streams_and_signals():
        app(args=args, prog_name="cartoonify")
