"""PyAV, which is FFmpeg in Python; and its errors as ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from engine.errors import NO_ROOM, DiskFullError, OutputError, PhotoError
from engine.text import printable
from engine.versions import how_to_install

try:
    import av
    import av.error
except ImportError:
    raise PhotoError(f"videos need one more package: {how_to_install('video')}.") from None

__all__ = ["av", "damage_to_error", "failure_to_error"]

av.logging.set_level(None)  # damage becomes an error of ours


@contextlib.contextmanager
def damage_to_error(name: str) -> Iterator[None]:
    """Raises PhotoError for whatever is wrong with a file that is read."""
    try:
        yield
    except FileNotFoundError:
        raise PhotoError(f"{name}: no such file.") from None
    except IsADirectoryError:
        raise PhotoError(f"{name}: is a folder, expected a video.") from None
    except MemoryError:
        raise PhotoError(f"{name}: not enough memory to decode it.") from None
    except av.error.EOFError:
        raise PhotoError(f"{name}: ends before its first picture.") from None
    except av.error.FFmpegError as error:
        raise PhotoError(f"{name}: not a video, or damaged ({_reason(error)}).") from error
    except (OSError, ValueError, EOFError) as error:
        raise PhotoError(f"{name}: cannot be read: {_reason(error)}.") from error


@contextlib.contextmanager
def failure_to_error(name: str) -> Iterator[None]:
    """Raises OutputError, or DiskFullError, for whatever goes wrong with a file that is written."""
    try:
        yield
    except (OSError, av.error.FFmpegError, ValueError) as error:
        kind = DiskFullError if getattr(error, "errno", None) in NO_ROOM else OutputError
        raise kind(f"{name}: cannot be written: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__)
