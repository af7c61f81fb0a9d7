"""Files are written whole or not at all, survive a power loss, and never replace a stranger's.

A file gets its name when all of it is on the disk. Until then it has none (`O_TMPFILE`, a Linux
extension), so a run that is killed leaves nothing behind. Where the file system cannot do that,
and for the instant in which one file replaces another, it has a temporary name, one per target,
and is locked: a temporary file without a lock belongs to a dead run, and the next write to the
same target removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from engine.errors import NO_ROOM, DiskFullError, OutputError

_IS_KEPT = "exists already, and is kept."
_REPLACES = {"option": "overwrite", "advice": "{} replaces it."}
_MODE = 0o666  # before the umask, as open() has it
_NAMELESS: int | None = getattr(os, "O_TMPFILE", None)
_PROCESS = Path("/proc/self/fd")
_ATTEMPTS = 20
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)

T = TypeVar("T")


def write_file(data: bytes, path: Path, overwrite: bool) -> None:
    """Writes a file, whole or not at all; it is on the disk when this returns.

    Folders that are missing are made. Several threads or processes may write to the same folder,
    and to the same file: one after the other.

    Raises OutputError when the file exists and may not be overwritten, is not a regular file, or
    cannot be written, and DiskFullError when there is no room for it.
    """
    with _failure_to_error(path):
        if not any(_attempt(data, path, overwrite) for _ in range(_ATTEMPTS)):
            raise FileNotFoundError(errno.ENOENT, f"{path.parent} cannot be made, or disappears")


def place_file(temporary: Path, path: Path, overwrite: bool) -> None:
    """Gives a whole file of the same file system its name; it is on the disk when this returns.

    Raises OutputError and DiskFullError as `write_file` does.
    """
    with _failure_to_error(path):
        _refuse_irregular(path)
        with open(temporary, "rb") as file:
            _sync(file.fileno())
        if overwrite:
            os.replace(temporary, path)
        else:
            _move_to_new(temporary, path)
        _sync_folder(path.parent)


def sweep(path: Path) -> None:
    """Removes what a killed run left of its write to `path`; a living run's file is kept."""
    _clear(_temporary(path), wait=False)


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raises OutputError when one of the files exists: it is kept."""
    for path in paths:
        _refuse_irregular(path)
        if os.path.lexists(path):
            raise OutputError(f"{path}: {_IS_KEPT}", **_REPLACES)


def _attempt(data: bytes, path: Path, overwrite: bool) -> bool:
    """False when another writer made the folder too, failed, and took it away again."""
    try:
        with _new_folders(path.parent):
            _write(data, path, overwrite)
    except FileNotFoundError:
        return False
    return True


def _write(data: bytes, path: Path, overwrite: bool) -> None:
    _refuse_irregular(path)
    sweep(path)
    if not _write_nameless(data, path, overwrite):
        _write_named(data, path, overwrite)
    _sync_folder(path.parent)


def _write_nameless(data: bytes, path: Path, overwrite: bool) -> bool:
    """Whether the file system could do it: no other name is seen unless a file is replaced."""
    if _NAMELESS is None:
        return False
    try:
        descriptor = os.open(path.parent, _NAMELESS | os.O_WRONLY | os.O_CLOEXEC, _MODE)
    except OSError:
        return False
    with open(descriptor, "wb", 0):
        _fill(descriptor, data)
        try:
            _give_name(descriptor, path)
        except FileExistsError:
            if not overwrite:
                raise
            _lock(descriptor, wait=False)
            temporary, _ = _claim(path, lambda name: _give_name(descriptor, name))
            with _own(temporary, descriptor):
                os.replace(temporary, path)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise
            return False  # without /proc, or without hard links
        return True


def _write_named(data: bytes, path: Path, overwrite: bool) -> None:
    temporary, descriptor = _claim(path, _open_locked)
    with open(descriptor, "wb", 0), _own(temporary, descriptor):
        _fill(descriptor, data)
        if overwrite:
            os.replace(temporary, path)
        else:
            _move_to_new(temporary, path)


def _fill(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    _sync(descriptor)


def _give_name(descriptor: int, path: Path) -> None:
    """Raises FileExistsError when something has that name."""
    # With a folder's descriptor Python calls linkat, which follows the link in /proc.
    processes = os.open(_PROCESS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(str(descriptor), path, src_dir_fd=processes, follow_symlinks=True)
    finally:
        os.close(processes)


def _move_to_new(temporary: Path, path: Path) -> None:
    """Renames, but never replaces a file. Raises FileExistsError."""
    try:
        os.link(temporary, path)  # unlike a rename, it fails where something exists
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(temporary, path)


def _temporary(path: Path) -> Path:
    """One name per target, so that what a killed run left is found without a search."""
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return path.with_name(f".{digest}.tmp")


def _claim(path: Path, take: Callable[[Path], T]) -> tuple[Path, T]:
    """The temporary name of a target, and what `take` made of it, when its turn has come."""
    temporary = _temporary(path)
    while True:
        with contextlib.suppress(FileExistsError):
            return temporary, take(temporary)
        if not _clear(temporary, wait=True):  # nobody can say whether its writer lives
            temporary = temporary.with_suffix(f".{uuid.uuid4().hex[:12]}.tmp")


def _open_locked(temporary: Path) -> int:
    """The descriptor of a new file that no other writer takes for a dead one."""
    while True:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, _MODE)
        _lock(descriptor, wait=True)
        if _is_at(temporary, descriptor):  # else it was swept before it was locked
            return descriptor
        os.close(descriptor)


@contextlib.contextmanager
def _own(temporary: Path, descriptor: int) -> Iterator[None]:
    """Removes the temporary name in the end, if the file still has it."""
    try:
        yield
    finally:
        if _is_at(temporary, descriptor):
            temporary.unlink()


def _clear(temporary: Path, wait: bool) -> bool:
    """Removes a temporary file that nobody writes any more; False when that cannot be known.

    With `wait`, its writer may finish first.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # NFS locks what is writable
    try:
        descriptor = os.open(temporary, flags)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not _lock(descriptor, wait):
            return False
        if _is_at(temporary, descriptor):
            temporary.unlink()
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool) -> bool:
    """Whether the file is locked now: another may hold it, or the file system have no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _sync_folder(folder: Path) -> None:
    """Without it, a power loss may take the name of a file whose data are on the disk."""
    with contextlib.suppress(PermissionError):  # one may write to a folder that one cannot read
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _new_folders(folder: Path) -> Iterator[None]:
    """Makes the folders that are missing, and takes them away again after a failure."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        _make_folder(folder)
        for made in missing:
            _sync_folder(made.parent)
        yield
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):
                made.rmdir()
        raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(error.errno, f"{error.filename} is not a folder") from error


def _refuse_irregular(path: Path) -> None:
    """Raises OutputError for a folder, a pipe, a device, or a link to one."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise OutputError(f"{path}: is {kind}, and is kept. Name a file.")


@contextlib.contextmanager
def _failure_to_error(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise OutputError(f"{path}: {_IS_KEPT}", **_REPLACES) from error
    except OSError as error:
        kind = DiskFullError if error.errno in NO_ROOM else OutputError
        raise kind(f"{path}: cannot be written: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL, or a half of a surrogate pair
        raise OutputError(f"{str(path)!r}: cannot be the name of a file: {error}.") from error
