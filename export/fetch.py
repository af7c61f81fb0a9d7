"""Networks of other people onto this machine: `python -m export fetch NAME`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import ModelError, OptionError, did_you_mean
from engine.known import NETWORKS, find_known
from export.download import download_to


def fetch(name: str | None, folder: Path, say: Callable[[str], None]) -> Path:
    """The file of a known network in `folder`, downloaded if it is not there yet.

    Licence, size and origin are said first.

    Raises
    ------
    OptionError
        Nobody knows a network of that name.
    ModelError
        It has no address, the download fails, or another file comes or is in its place.
    """
    known = find_known(name) if name else None
    if known is None:
        raise OptionError(f"fetch {name or ''}: {did_you_mean(name or '', list(NETWORKS))}")
    say(f"{known.name}: licence {known.facts.licence}")
    if not known.url:
        raise ModelError(f"{known.name} has no address to fetch it from. {known.how_to_get}")
    say(f"{known.size / 1e6:,.1f} MB from {known.url}, a network of {known.facts.origin}")
    path = folder / f"{known.name}.onnx"
    if path.is_file() and not known.is_in(path.read_bytes()):
        raise ModelError(f"{path} is there and is another file. Move it away first.")
    download_to(path, known.url, known.digest)
    return path
