"""What a run does, settled before any work: a task for each photo, and its pictures' names."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.batch.listing import Found
from engine.batch.store import open_store
from engine.batch.target import Target
from engine.errors import OptionError, PhotoError

Holder = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Task:
    """One photo to do, or a word that leads to none."""

    photo: str
    """A path or URL, or "-" for standard input."""
    name: str
    """Of its pictures: their path below the output folder, up to the kind."""
    source: str = ""
    """As in `Found`."""
    problem: PhotoError | None = None
    is_video: bool = False


def plan_tasks(found: Iterable[Found], target: Target, holder: Holder = lambda _: "") -> list[Task]:
    """A task for each photo, with a name of its own.

    A photo's name is its path below the folder that was named, without the suffix. Photos of one
    stem in one folder (a.jpg and a.png) are told apart by their suffix. A photo keeps the name
    that it had in earlier runs: when b.jpg arrives beside b.png, b.png is still "b".

    Parameters
    ----------
    holder : the identity of the photo that an earlier run gave a name to, or ""

    Raises
    ------
    OptionError
        Two photos have the same name even so, a picture would replace a photo that is still to be
        read, or there are several photos for one file.
    """
    photos = list(found)
    names = _name(photos, holder)
    tasks = [
        Task(f.photo, n, f.source, f.problem, target.is_video(f.photo))
        for f, n in zip(photos, names, strict=True)
    ]
    _refuse_collisions(tasks, target)
    return tasks


def _name(photos: Sequence[Found], holder: Holder) -> list[str]:
    """Each photo's name; "" for what is no photo."""
    first = [_first_name(found, holder) for found in photos]
    names, settled = [name for name, _ in first], [is_settled for _, is_settled in first]
    while True:
        count = Counter(name.casefold() for name in names)  # as some file systems compare them
        clashes = [
            index
            for index, name in enumerate(names)
            if name and not settled[index] and count[name.casefold()] > 1
        ]
        for index in clashes:
            names[index], settled[index] = photos[index].below, True
        if not clashes:
            return names


def _first_name(found: Found, holder: Holder) -> tuple[str, bool]:
    """The photo's name as long as no other has it, and whether earlier runs settled it."""
    stem = posixpath.splitext(found.below)[0]
    if not stem:
        return "", True
    before = holder(stem)
    if before or holder(found.below):
        is_mine = before == found.source
        is_sibling = posixpath.dirname(before) == posixpath.dirname(found.source) and not is_mine
        if holder(found.below) == found.source or (before and is_sibling):
            return found.below, True
        return stem, is_mine
    return stem, False


def _refuse_collisions(tasks: Sequence[Task], target: Target) -> None:
    photos = [task for task in tasks if not task.problem]
    if len(photos) > 1 and not target.folder:
        where = target.file or "standard output"
        raise OptionError(
            f"{where} takes one picture, and {len(photos)} photos are given.",
            option="out",
            advice="Name a folder with {}.",
        )
    first: dict[str, str] = {}
    for task in photos:
        other = first.setdefault(task.name, task.photo)
        if other != task.photo:
            raise OptionError(
                f"{other} and {task.photo} would be written to the same files.",
                option="out",
                advice="Do them in two runs with different folders for {}.",
            )
    for task in photos:
        target.refuse(task.photo)
    _refuse_inputs(photos, target)


def _refuse_inputs(photos: Sequence[Task], target: Target) -> None:
    """Raises OptionError when a picture would be written over a photo of this run."""
    inputs = {task.source for task in photos}
    folders: dict[str, str] = {}
    for path in (path for task in photos for path in target.paths(task.name, task.is_video)):
        folder, name = posixpath.split(path)
        if folder not in folders:  # a link in the place of a picture is replaced itself
            folders[folder] = open_store(path).identity(folder or ".")
        if posixpath.join(folders[folder], name) in inputs:
            raise OptionError(
                f"{path} is an input of this run.", option="out", advice="Choose another {}."
            )
