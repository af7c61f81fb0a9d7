"""Where the command line's pictures go: a folder, one file, or stdout."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OptionError
from engine.images import encode_image, refuse_existing, write_image
from engine.result import Result, output_paths

STDOUT = "-"
_FORMAT_OF_SUFFIX = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp"}


@dataclass(frozen=True)
class Output:
    """What is saved of each photo, and where."""

    kinds: tuple[str, ...]
    format: str
    overwrite: bool
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

    def check(self, name: str) -> None:
        """Raises OutputError when a file of the photo exists and is to be kept."""
        if not self.overwrite:
            refuse_existing(self.paths(name))

    def write(self, result: Result) -> list[Path]:
        """Writes what was asked for, and returns the files."""
        if self.folder:
            return result.save(
                self.folder, self.kinds, format=self.format, overwrite=self.overwrite
            )
        picture = result.picture(self.kinds[0])
        if self.file:
            write_image(picture, self.file, self.overwrite)
        else:
            sys.stdout.buffer.write(encode_image(picture, self.format))
            sys.stdout.buffer.flush()
        return self.paths(result.name)


def parse_output(
    out: str, save: str | None, format: str, background: str, overwrite: bool
) -> Output:
    """The output that the command line's words ask for.

    `out` is "-", a path with a picture's suffix, or a folder. Raises OptionError where the
    words contradict each other.
    """
    path = Path(out)
    is_file = path.suffix.lower() in _FORMAT_OF_SUFFIX and not path.is_dir()
    is_single = is_file or out == STDOUT
    default = "cartoon" if is_single else "cutout,cartoon"
    kinds = tuple(dict.fromkeys(kind.strip() for kind in (save or default).split(",")))
    if is_single and len(kinds) != 1:
        raise OptionError(f"-o {out} takes one picture a run, --save asks for {len(kinds)}.")
    if is_file:
        format = _FORMAT_OF_SUFFIX[path.suffix.lower()]
    output_paths(path, "", kinds, format)
    if format == "jpg" and background == "transparent" and {*kinds} - {"mask", "labels"}:
        raise OptionError("jpg holds no transparency; use --format png or webp.")
    if out == STDOUT:
        return Output(kinds, format, overwrite)
    if is_file:
        return Output(kinds, format, overwrite, file=path)
    blocker = next((p for p in (path, *path.parents) if p.exists()), None)
    if blocker and not blocker.is_dir():
        raise OptionError(f"-o {out}: {blocker} is a file, wanted a folder.")
    return Output(kinds, format, overwrite, folder=path)
