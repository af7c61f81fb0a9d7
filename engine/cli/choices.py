"""What the shell offers for a value that is half typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.options import (
    EDGES,
    FORMATS,
    KINDS,
    NAMED_BACKGROUNDS,
    POLICIES,
    PROVIDERS,
    STYLES,
)
from engine.video.forms import ONLY_VIDEOS


def one_of(words: Sequence[str]) -> Callable[[str], list[str]]:
    """Completes a single word."""

    def complete(incomplete: str) -> list[str]:
        return _begin(words, incomplete)

    return complete


def some_of(words: Sequence[str]) -> Callable[[str], list[str]]:
    """Completes the last of several words that are joined by commas."""

    def complete(incomplete: str) -> list[str]:
        return _begin_last(words, incomplete)

    return complete


def models(incomplete: str) -> list[str]:
    """Completes a name: of an embedded or exported model, or of another one that is here."""
    from engine.known import NETWORKS, find_file
    from engine.weights import cache_folder, list_models

    folder = cache_folder()
    others = [name for name, known in NETWORKS.items() if find_file(known, folder).is_file()]
    own = [model["name"] for model in list_models()]
    return _begin(list(dict.fromkeys(["default", *own, *others])), incomplete)


def classes(incomplete: str) -> list[str]:
    """Completes the names of the classes of PASCAL VOC."""
    from engine.cutout.classic import VOC_CLASSES

    return _begin_last(["all", *VOC_CLASSES[1:]], incomplete)


def _begin(words: Sequence[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _begin_last(words: Sequence[str], incomplete: str) -> list[str]:
    done, comma, last = incomplete.rpartition(",")
    return [done + comma + word for word in words if word.startswith(last)]


background = one_of(NAMED_BACKGROUNDS)
edges = one_of(EDGES)
format = one_of((*FORMATS, *ONLY_VIDEOS))
kinds = some_of(("all", *KINDS))
metadata = one_of(POLICIES)
people = one_of(("all", "largest"))
provider = one_of(PROVIDERS)
style = one_of(STYLES)
