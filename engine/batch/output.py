"""Where the command line's pictures go: a folder, one file, or stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OptionError, OutputError
from engine.files.photos import SUFFIXES
from engine.files.writing import refuse_existing, write_file
from engine.options import FORMATS, PNG_KINDS, OutputOptions
from engine.result import Result, output_paths, refuse_transparency

STDOUT = "-"
_FORMAT_OF_SUFFIX = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp"}


@dataclass(frozen=True)
class Output:
    """What is saved of each photo, and where."""

    kinds: tuple[str, ...]
    format: str
    overwrite: bool
    metadata: str = "copy-safe"
    folder: Path | None = None
    file: Path | None = None
    """Neither folder nor file: stdout."""

    @property
    def is_stdout(self) -> bool:
        """Whether the picture goes to standard output."""
        return self.folder is None and self.file is None

    def paths(self, name: str) -> list[Path]:
        """The files of the photo `name`, in the order of `kinds`; none for stdout."""
        if self.folder:
            return output_paths(self.folder, name, self.kinds, self.format)
        return [self.file] if self.file else []

    def check(self, name: str, ours: Collection[Path] = ()) -> None:
        """Raises OutputError when a file of the photo exists that is not `ours`, and is kept."""
        if not self.overwrite:
            refuse_existing(path for path in self.paths(name) if path not in ours)

    def write(self, result: Result, replace: bool = False) -> list[Path]:
        """Writes what was asked for, and returns the files; `replace` those of an earlier run."""
        if self.folder:
            return result.save(
                self.folder,
                self.kinds,
                format=self.format,
                overwrite=self.overwrite or replace,
                metadata=self.metadata,
            )
        data = result.encode(self.kinds[0], self.format, self.metadata)
        if self.file:
            write_file(data, self.file, self.overwrite)
        else:
            _write_to_stdout(data)
        return self.paths(result.name)


def _write_to_stdout(data: bytes) -> None:
    if sys.stdout is None:
        raise OutputError("stdout: is closed.")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"stdout: cannot be written: {error.strerror}.") from error


def parse_output(
    out: str,
    save: str | None,
    format: str | None,
    background: str,
    overwrite: bool,
    metadata: str = "copy-safe",
) -> Output:
    """The output that the command line's words ask for.

    `out` is "-", a path with a picture's suffix, or a folder. Raises OptionError where the
    words contradict each other.
    """
    if not out:
        raise OptionError("-o is empty; give a folder, a picture's path, or - for stdout.")
    path, suffix = Path(out), os.path.splitext(out)[1].lower()
    is_file = suffix in SUFFIXES and not os.path.isdir(out)
    is_single = is_file or out == STDOUT
    default = "cartoon" if is_single else "cutout,cartoon"
    kinds = tuple(
        dict.fromkeys(kind.strip() for kind in (default if save is None else save).split(","))
    )
    if is_single and len(kinds) != 1:
        raise OptionError(f"-o {out} takes one picture a run, --save asks for {len(kinds)}.")
    if is_file:
        format = _format_of(out, suffix, format, kinds[0])
    elif is_single and PNG_KINDS.issuperset(kinds) and format not in (None, "png"):
        raise OptionError(f"{kinds[0]} is exact, and written as png only.")
    format = format or "png"
    OutputOptions(kinds, format, metadata=metadata)
    if background == "transparent":
        refuse_transparency(kinds, format)
    if out == STDOUT:
        return Output(kinds, format, overwrite, metadata)
    folders = [*map(str, path.parents), *([] if is_file else [out])]
    blocker = next((p for p in folders if os.path.exists(p) and not os.path.isdir(p)), None)
    if blocker:
        raise OptionError(f"-o {out}: {blocker} is a file, wanted a folder.")
    if is_file:
        return Output(kinds, format, overwrite, metadata, file=path)
    return Output(kinds, format, overwrite, metadata, folder=path)


def _format_of(out: str, suffix: str, asked: str | None, kind: str) -> str:
    """The format that a picture's path stands for."""
    format = _FORMAT_OF_SUFFIX.get(suffix)
    if format is None:
        raise OptionError(f"-o {out}: {suffix[1:]} is not written; wanted {', '.join(FORMATS)}.")
    if asked not in (None, format):
        raise OptionError(f"-o {out} and --format {asked} contradict each other.")
    if kind in PNG_KINDS and format != "png":
        raise OptionError(f"-o {out}: {kind} is exact, and written as png only.")
    return format
