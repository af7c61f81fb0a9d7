"""From words to photos: files as they are named, the pictures of folders, what patterns match."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from engine.batch.journal import NAME as JOURNAL
from engine.batch.journal import owned_files
from engine.batch.store import Listing, Store, join, local_path, open_store
from engine.errors import PhotoError
from engine.files.photos import HEIC_SUFFIXES, photo_suffixes
from engine.video.names import SUFFIXES, can_read_videos, is_video

STDIN = "-"
HEIC, VIDEO, OUTPUTS = "HEIC", "videos", "outputs of earlier runs"
IRREGULAR, OTHER = "pipes or devices", "other"
_MAGIC = frozenset("*?[")
_REPORT = frozenset(("report.html", "report.json"))


@dataclass(frozen=True, slots=True)
class Found:
    """A photo, or a word that leads to none."""

    photo: str
    """A path or URL, or "-" for standard input."""
    below: str = ""
    """Its path below the folder that was named; a file's own name if the file was."""
    source: str = ""
    """The same text for every way to name the photo; see `Store.identity`."""
    problem: PhotoError | None = None


@dataclass
class Lister:
    """Finds photos, and counts the files of folders that it does not take for photos."""

    out: str = ""
    """The folder of the pictures, which is left out of other folders; "" for none."""
    recursive: bool = False
    videos: bool = False
    """Whether videos count as photos: those that can be read here, if there is PyAV."""
    skipped: Counter[str] = field(default_factory=Counter)
    """How many files, by HEIC or VIDEO (their packages are not installed), OUTPUTS, IRREGULAR or
    OTHER."""
    folders: int = 0
    """How many of the words were folders."""
    _suffixes: frozenset[str] = field(default_factory=photo_suffixes)
    _can_read_videos: bool = field(default_factory=can_read_videos)

    def find(self, words: Sequence[str]) -> Iterator[Found]:
        """Each photo once, in the order of the words, in folders in the order of the names.

        Hidden files and folders are left out, and files that a journal in their folder, or in one
        above it, says are outputs.
        """
        seen: set[str] = set()
        for word in words:
            for found in self._expand(local_path(word)):
                if found.problem or found.source not in seen:
                    seen.add(found.source)
                    yield found

    def _expand(self, word: str, is_named: bool = True) -> Iterator[Found]:
        if word == STDIN:
            yield Found(STDIN, "stdin", STDIN)
            return
        if self.videos and "://" in word and is_video(word):
            problem = f"{word}: a video is read from this machine only. Download it first."
            yield Found(word, problem=PhotoError(problem))
            return
        store = open_store(word)
        kind = store.kind(word)
        if kind == "folder":
            self.folders += 1
            yield from self._list_folder(store, word)
        elif kind == "other" and not is_named:
            self.skipped[IRREGULAR] += 1
        elif _MAGIC.isdisjoint(word) or store.exists(word):
            yield Found(word, posixpath.basename(word), store.identity(word))
        else:
            matches = [path for path in store.glob(word) if not _is_hidden(path)]
            for path in matches:
                yield from self._expand(path, is_named=False)
            if not matches:
                yield Found(word, problem=PhotoError(f"{word}: matches nothing."))

    def _list_folder(self, store: Store, folder: str) -> Iterator[Found]:
        count = 0
        for listing in self._walk(store, folder):
            if listing.problem:
                yield Found(listing.folder, problem=PhotoError(listing.problem))
                count += 1
            for name in listing.files:
                path, source = join(listing.folder, name), join(listing.identity, name)
                if name in listing.links:
                    source = store.identity(path)
                yield Found(path, posixpath.relpath(path, folder), source)
                count += 1
        if not count:
            yield Found(folder, problem=self._explain_empty(store, folder))

    def _walk(self, store: Store, folder: str) -> Iterator[Listing]:
        """Listings with only the photos left in them."""
        ours: set[str] = set()
        reports: set[str] = set()
        skip = {store.identity(self.out)} if self.out else set()
        first = store.identity(folder)
        for listing in store.walk(folder, self.recursive, frozenset(skip)):
            parent, name = posixpath.split(listing.folder)
            if name == "figures" and parent in reports:
                continue
            if set(listing.files) >= _REPORT:
                reports.add(listing.folder)
            # A remote journal is looked for in the first folder only: each look is a request.
            if JOURNAL in listing.files or ("://" in folder and listing.identity == first):
                here = listing.folder
                ours.update(join(here, file) for file in owned_files(store, here))
            photos = tuple(name for name in listing.files if self._is_photo(listing, name, ours))
            yield replace(listing, files=photos)

    def _is_photo(self, listing: Listing, name: str, ours: set[str]) -> bool:
        if name.startswith("."):
            return False
        suffix = posixpath.splitext(name)[1].lower()
        if suffix in SUFFIXES and self.videos and not self._can_read_videos:
            reason = VIDEO
        elif suffix not in self._suffixes and not (self.videos and suffix in SUFFIXES):
            reason = HEIC if suffix in HEIC_SUFFIXES else OTHER
        elif name in listing.irregular:
            reason = IRREGULAR
        elif ours and join(listing.folder, name) in ours:
            reason = OUTPUTS
        else:
            return True
        self.skipped[reason] += 1
        return False

    def _explain_empty(self, store: Store, folder: str) -> PhotoError:
        message = f"{folder}: a folder without pictures"
        if not self.recursive:
            deeper = Lister(self.out, recursive=True, videos=self.videos)
            if any(listing.files for listing in deeper._walk(store, folder)):
                message += ", but there are some in the folders below it."
                return PhotoError(message, option="recursive", advice="{} takes them.")
        return PhotoError(f"{message}.")


def _is_hidden(path: str) -> bool:
    return posixpath.basename(path).startswith(".")
