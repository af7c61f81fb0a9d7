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
        return next((path for path in self.paths if not self._may_write(path)), "")

    def are_there(self) -> bool:
        """Whether all pictures exist."""
        return all(open_store(path).kind(path) == "file" for path in self.paths)

    def decide(self, path: str, digest: str) -> str:
        """What to do with a picture of this digest: "create", "replace", or "leave" what is there.

        When a run is resumed, a file that is already what would be written is left, and one that
        an earlier run made of the same photo is replaced. Raises OutputError for any other file.
        """
        store = open_store(path)
        if not store.exists(path):
            return "create"
        if self.overwrite:
            return "replace"
        there = digest_at(store, path) if self.resume else ""
        if there == digest:
            return "leave"
        if there and there == self.known.get(path):
            return "replace"
        raise _is_kept(path)

    def _may_write(self, path: str) -> bool:
        store = open_store(path)
        if self.overwrite or not store.exists(path):
            return True
        there = digest_at(store, path) if self.resume else ""
        return there != "" and there == self.known.get(path)


def _is_kept(path: str) -> OutputError:
    message = f"{path}: exists already, and is kept."
    return OutputError(message, option="overwrite", advice="{} replaces it.")
