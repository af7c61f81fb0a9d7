"""The command line: `python -m export deeplabv3_resnet101`, and `list`, and `fetch u2netp`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError, OptionError
from engine.known import NETWORKS
from engine.weights import EXPORTABLE, PRECISIONS, cache_folder

GRAPHS = ("logits", "mask")


def main(
    network: Annotated[
        str,
        typer.Argument(metavar="NAME", help=f"list, fetch, or one of {', '.join(EXPORTABLE)}."),
    ],
    other: Annotated[
        str | None,
        typer.Argument(metavar="NETWORK", help=f"To fetch: {', '.join(NETWORKS)}."),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(help="default (downloaded), none (random), or a .pth or .safetensors file."),
    ] = "default",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Default: $CARTOONIFY_MODELS, or in the user's cache."),
    ] = None,
    precision: Annotated[str, typer.Option(help="f32, f16 or int8.")] = "f32",
    graph: Annotated[
        str, typer.Option(help="logits (for the engine), or mask (self-contained).")
    ] = "logits",
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Photos: int8 is calibrated on them, and measured."),
    ] = None,
    largest: Annotated[
        str | None,
        typer.Option(
            metavar="HxW",
            help="Also leave out what only reads padding on inputs up to this size: NAME_small.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Turn a torch DeepLabV3 into ONNX files that the engine finds by name, proven equal.

    Or list the models that there are, or fetch other people's networks.
    """
    folder = out or cache_folder()
    try:
        if network == "list":
            from export.listing import print_models

            print_models(folder)
            return
        if network == "fetch":
            from export.fetch import fetch

            print(fetch(other, folder, say=lambda line: print(line, flush=True)))
            return
        if other is not None:
            raise OptionError(f"{other}: only fetch takes the name of a second network.")
        for word, known, option in ((precision, PRECISIONS, "precision"), (graph, GRAPHS, "graph")):
            if word not in known:
                raise OptionError(f"--{option} {word}: expected one of {', '.join(known)}.")
        require_torch()
        from export.build import Order, export

        order = Order(network, weights, precision, graph, data, _to_size(largest), force)
        export(order, folder, say=lambda line: print(line, flush=True))
    except EngineError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


def _to_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    size = re.fullmatch(r"(\d+)x(\d+)", text)
    if size is None or min(int(size[1]), int(size[2])) < 33:
        raise OptionError(f"--largest {text}: expected HEIGHTxWIDTH, 33 at least, as 449x577.")
    return int(size[1]), int(size[2])


def require_torch() -> None:
    """Raises OptionError where the export extra is not installed."""
    try:
        import onnxscript  # noqa: F401

        import export.vision  # noqa: F401
    except ImportError as error:
        raise OptionError(
            f"{error.name} is missing: pip install 'cartoonify-engine[export]'"
        ) from error


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command()(main)
    cli(prog_name="python -m export")
