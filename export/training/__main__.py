"""Trains our own network: `python -m export.training --data FOLDER --init FILE --out DIR ...`.

Stopped at any moment and called again, it goes on from its last checkpoint; a batch depends on the
seed and its number only. docs/training.md describes it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError, OptionError, OutputError
from export.__main__ import require_torch


def main(
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="index.csv, photos/, masks/: docs/training.md.")
    ],
    init: Annotated[
        str, typer.Option(metavar="FILE", help="Weights to start from; none: random ones.")
    ],
    hours: Annotated[float, typer.Option(help="Processor time of all sittings together.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoint, weights and log.")],
    seed: Annotated[int, typer.Option(help="Of the order and the augmentation.")] = 0,
    every: Annotated[float, typer.Option(help="Minutes between evaluations.")] = 20,
    teacher: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Weights that know the other classes; else --init's."),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Let trained weights learn to be rounded to int8.")
    ] = False,
    main_only: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="A source that labels one person a photo; repeatable."),
    ] = None,
) -> None:
    """Train our own network, or go on with it; one JSON line per evaluation."""
    try:
        if not (hours > 0 and every > 0):
            raise OptionError(f"--hours {hours:g} --every {every:g}: expected more than 0.")
        require_torch()
        from export.training.sittings import train

        try:
            train(data, init, hours, out, seed, every, main_only or [], teacher, int8)
        except OSError as error:
            raise OutputError(f"{out}: cannot be written: {error.strerror}.") from error
    except EngineError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        raise typer.Exit(130) from None


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command()(main)
    cli(prog_name="python -m export.training")
