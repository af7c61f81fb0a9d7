"""Weights over HTTP: resumed after a break, checked, and kept whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from engine.errors import ModelError

_CHUNK = 1 << 20
_TIMEOUT_S = 30


def download(url: str, folder: Path) -> Path:
    """The file behind `url` in `folder`, downloaded if it is not there yet.

    Its name carries the first digits of its SHA-256, as torchvision's do (`name-586e9e4e.pth`).

    Raises
    ------
    ModelError
        As `download_to`.
    """
    name = url.rsplit("/", 1)[-1]
    path = folder / name
    digits = re.search(r"-([0-9a-f]{8,})\.", name)
    if digits is None:
        raise ModelError(f"{url}: its name carries no SHA-256 to check it by.")
    download_to(path, url, f"sha256:{digits[1]}", ", or give it as --weights FILE")
    return path


def download_to(path: Path, url: str, digest: str, instead: str = "") -> None:
    """Puts the file behind `url` at `path`, if it is not there yet, and checks it.

    `digest` is "sha256:" or "md5:" and the first hexadecimal digits, or all. A download that breaks
    off leaves `path.part`, and the next one continues from there.

    Raises
    ------
    ModelError
        Offline, broken off, or not the expected file; says what to fetch and where to put it, or
        what to do `instead`.
    """
    part = path.with_name(f"{path.name}.part")
    by_hand = f"Fetch {url} yourself, and put it there as {path}{instead}."
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(url, part)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise ModelError(f"{url}: the download failed: {reason}. {by_hand}") from error
    candidate = path if path.is_file() else part
    algorithm, digits = digest.split(":")
    if not _digest(candidate, algorithm).startswith(digits):
        candidate.unlink()
        raise ModelError(f"{url}: not the file promised, {algorithm} is another. {by_hand}")
    candidate.replace(path)


def _fetch(url: str, part: Path) -> None:
    """Appends what is missing to `part`. Raises OSError when the connection breaks."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()  # it is the answer, too
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # it is all there; the hash decides
        raise
    with response, _progress() as progress:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        total = have + int(response.headers.get("Content-Length", 0))
        task = progress.add_task(part.name.removesuffix(".part"), total=total, completed=have)
        with open(part, "ab" if resumed else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                progress.advance(task, len(chunk))
    if part.stat().st_size < total:
        raise OSError(f"broke off after {part.stat().st_size} of {total} bytes; run it again")


def _progress() -> Progress:
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
