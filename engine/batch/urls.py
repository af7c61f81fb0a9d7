"""Photos and pictures at any path or URL that fsspec knows: listed, named, read and written."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from engine.batch.plan import leave_out_outputs
from engine.errors import OptionError, PhotoError
from engine.files.photos import SUFFIXES
from engine.files.writing import write_file


def list_photos(
    inputs: Sequence[str], out: str, recursive: bool = True
) -> list[tuple[str, str, str]]:
    """URL, name (path below `out`, without kind and suffix) and problem of each picture, sorted.

    Files as given, folders as the pictures in them, patterns as what they match; each once. Hidden
    files, outputs of earlier runs and a folder `out` in a folder are left out; photos of one stem
    are told apart by their suffix. Raises OptionError when two have one name even so.
    """
    import fsspec

    own = fsspec.core.url_to_fs(out)[1].rstrip("/") + "/"
    found: dict[str, str] = {}  # path below its input, by URL
    problems: dict[str, str] = {}
    for given in inputs:
        files, root = fsspec.core.url_to_fs(given)
        matches = [] if files.exists(root) else sorted(files.glob(root))
        roots = [p for p in matches if not posixpath.basename(p).startswith(".")] or [root]
        roots = [path for path in roots if files.exists(path)]
        if not roots:
            problems[given] = f"{given}: no such file."
        for path in roots:
            if files.isfile(path):
                found.setdefault(files.unstrip_protocol(path), posixpath.basename(path))
                continue
            pictures = files.find(path, maxdepth=None if recursive else 1)
            inner = own if own.startswith(path.rstrip("/") + "/") and own != path + "/" else "\0"
            below = [posixpath.relpath(p, path) for p in pictures if not p.startswith(inner)]
            photos = leave_out_outputs([p for p in sorted(below) if _is_photo(p)])
            for photo in photos:
                url = files.unstrip_protocol(posixpath.join(path, photo))
                found.setdefault(url, photo)
            if not photos:
                problems[given] = f"{given}: a folder without pictures."
    for url in found:
        if not url.isprintable():
            problems[url] = f"{url!a}: a name that is no plain text; rename it."
    named = _name_photos({url: path for url, path in found.items() if url not in problems})
    lost = [(_printable(url), "", _printable(problem)) for url, problem in problems.items()]
    return lost + sorted((url, name, "") for url, name in named.items())


def _is_photo(path: str) -> bool:
    hidden = any(part.startswith(".") for part in PurePosixPath(path).parts)
    return not hidden and PurePosixPath(path).suffix.lower() in SUFFIXES


def _name_photos(paths: dict[str, str]) -> dict[str, str]:
    """URL to name: paths without suffix, or with it where stems are the same."""
    count = Counter(path.rpartition(".")[0].casefold() for path in paths.values())
    named = {
        url: path if count[path.rpartition(".")[0].casefold()] > 1 else path.rpartition(".")[0]
        for url, path in paths.items()
    }
    for name, times in Counter(name.casefold() for name in named.values()).items():
        if times > 1:
            raise OptionError(f"{name}: two photos would be written to the same files.")
    return named


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def read(url: str) -> bytes:
    """The whole file. Raises PhotoError."""
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    try:
        return bytes(files.cat_file(path))
    except FileNotFoundError:
        raise PhotoError(f"{url}: no such file.") from None
    except OSError as error:
        raise PhotoError(f"{url}: cannot be read: {error}.") from error


def list_files(out: str) -> set[str]:
    """All files below a folder, as URLs of the form that it was given in."""
    import fsspec

    files, root = fsspec.core.url_to_fs(out)
    return {posixpath.join(out, posixpath.relpath(path, root)) for path in files.find(root)}


def exists(url: str) -> bool:
    """Whether there is such a file."""
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    return bool(files.exists(path))


def write(url: str, data: bytes) -> None:
    """Whole or not at all: renamed where that is needed, at once where the store does it so."""
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    if "file" in files.protocol:
        write_file(data, Path(path), overwrite=True)
    else:
        files.pipe_file(path, data)
