"""Options of what is loaded, the same in all commands that load a model."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from engine.cli import choices

Model: TypeAlias = Annotated[
    str,
    typer.Option(
        "-m", "--model", help="A model's name, or an .onnx file.", autocompletion=choices.models
    ),
]
Models: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Folder of exported models. Default: $CARTOONIFY_MODELS, or in the user's cache.",
    ),
]
Provider: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What runs the network: auto, cpu, cuda, tensorrt, openvino, coreml or directml.",
        autocompletion=choices.provider,
    ),
]
Threads: TypeAlias = Annotated[
    int | None, typer.Option(help="At most this many. Default: what the process may use.")
]
