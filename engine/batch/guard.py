"""Which files may be written: strangers' are never replaced unless that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.batch.store import digest_at, open_store
from engine.errors import OutputError


@dataclass(frozen=True)
class Guard:
    """Watches over the pictures of one photo."""

    paths: Sequence[str]
    overwrite: bool
    resume: bool
    known: Mapping[str, str]
    """By path, the digest of what an earlier run made of the same photo."""

    def check(self) -> None:
        """To be called before the work. Raises OutputError for a file that will be kept."""
        for path in self.paths:
            store = open_store(path)
            if self.resume:
                store.sweep(path)
            elif not self.overwrite and store.exists(path):
                raise _is_kept(path)

    def foresee(self) -> str:
        """The first file that would be kept, or "". Nothing is written or removed."""
        there = (path for path in self.paths if open_store(path).exists(path))
        return next((path for path in there if not self._may_replace(path)), "")

    def are_there(self) -> bool:
        """Whether all pictures exist."""
        return all(open_store(path).kind(path) == "file" for path in self.paths)

    def decide(self, path: str, digest: str) -> str:
        """What to do with a picture of this digest: "create", "replace", or "leave" what is there.

        When a run is resumed, a file that is already what would be written is left, and one that
        an earlier run made of the same photo is replaced. Raises OutputError for any other file.
        """
        if not open_store(path).exists(path):
            return "create"
        if not self.overwrite and self._digest_of(path) == digest:
            return "leave"
        if self._may_replace(path):
            return "replace"
        raise _is_kept(path)

    def _may_replace(self, path: str) -> bool:
        there = "" if self.overwrite else self._digest_of(path)
        return self.overwrite or (there != "" and there == self.known.get(path))

    def _digest_of(self, path: str) -> str:
        """Of a file that is there; "" where it does not matter, because it is kept."""
        return digest_at(open_store(path), path) if self.resume else ""


def _is_kept(path: str) -> OutputError:
    message = f"{path}: exists already, and is kept."
    return OutputError(message, option="overwrite", advice="{} replaces it.")
