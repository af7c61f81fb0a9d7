"""Where the pictures of a run go: a folder, one file, or standard output."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from engine.batch.listing import STDIN
from engine.batch.store import join
from engine.errors import OptionError, OutputError
from engine.options import OutputOptions
from engine.result import output_paths
from engine.video.forms import FILES
from engine.video.names import MOVING, is_video


@dataclass(frozen=True)
class Target:
    """Where, and how, the pictures are written; without folder and file, to standard output."""

    options: OutputOptions = field(default_factory=OutputOptions)
    folder: str = ""
    """A path or URL."""
    file: str = ""
    overwrite: bool = False
    form: str = "mp4"
    """Of videos; empty where none can be written. See `engine.video.forms`."""
    moving: bool = False
    """Whether GIF and WebP files are videos too, and not photos."""

    def is_video(self, photo: str) -> bool:
        """Whether a path is that of a video."""
        is_moving = self.moving and os.path.splitext(photo)[1].lower() in MOVING
        return is_moving or is_video(photo)

    @property
    def is_stdout(self) -> bool:
        """Whether the picture goes to standard output."""
        return not (self.folder or self.file)

    def files(self, name: str, is_video: bool = False) -> list[str]:
        """The photo's pictures, or the video's, below the folder, in the order of the kinds."""
        if self.folder and is_video:
            return [f"{name}_{kind}.{self.form}" for kind in self.options.kinds]
        if self.folder:
            paths = output_paths(Path(), name, self.options.kinds, self.options.format)
            return [path.as_posix() for path in paths]
        return [os.path.basename(self.file)] if self.file else []

    def path(self, file: str) -> str:
        """Where one of the `files` is."""
        return join(self.folder, file) if self.folder else self.file

    def paths(self, name: str, is_video: bool = False) -> list[str]:
        """Where the photo's pictures are; nowhere on standard output."""
        return [self.path(file) for file in self.files(name, is_video)]

    def refuse(self, photo: str) -> None:
        """Raises OptionError for a video that would become a picture, and the other way round."""
        where = self.file or "standard output"
        if self.is_video(photo):
            if not self.form:
                raise OptionError(
                    f"{where} takes a picture, and {photo} is a video.",
                    option="out",
                    advice=f"Name one of .{', .'.join(FILES)} with {{}}, or a folder.",
                )
        elif self.file and self.form and self.form != "webp":
            saved = "a video is read from a file only" if photo == STDIN else f"{photo} is a photo"
            raise OptionError(f"{where} takes a video, and {saved}.", option="out")

    def check(self) -> None:
        """Raises OptionError when the folder, or one above it, is a file here."""
        out = self.folder or self.file
        if not out or "://" in out:
            return
        folders = [*map(str, Path(out).parents), *([out] if self.folder else [])]
        blocker = next((p for p in folders if os.path.lexists(p) and not os.path.isdir(p)), "")
        if blocker:
            raise OptionError(f"{out}: {blocker} is a file, expected a folder.", option="out")


def write_to_stdout(data: bytes) -> None:
    """One picture. Raises OutputError."""
    if sys.stdout is None:
        raise OutputError("stdout: is closed.")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"stdout: cannot be written: {error.strerror}.") from error
