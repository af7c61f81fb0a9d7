"""What a request's body holds: texts and files, in memory, within limits that are held while it is
read. What its head says of its length and type is not believed.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request
from starlette.types import Receive

from engine.files.formats import HEAD, is_known
from engine.serve.pace import Pace
from engine.serve.parameters import ALIASES, clean_name
from engine.serve.problems import ClientLeft, Problem

MOST_TEXT = 1 << 16
"""Bytes of a form's texts together: the longest that is of use is a palette."""
MOST_PARTS = 50
"""Of a form; there are some twenty options."""
FILES = {"file": "photo", "photo": "photo", "background": "background", "palette": "palette"}
"""The form's fields that are files, by what they are."""
_NOT_A_PHOTO = (
    "not a picture, or damaged. Expected JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP, JPEG 2000 "
    "or PPM."
)


class Upload(io.BytesIO):
    """A file of a request."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name or "photo"
        """By which errors call it."""


@dataclass
class Body:
    """What a request came with, besides its query."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    @property
    def photo(self) -> Upload:
        """Raises Problem when there is none."""
        if "photo" not in self.files:
            raise Problem(
                400, "no-photo", "expected a photo as the body, or as the form's field file."
            )
        return self.files["photo"]

    @property
    def photo_name(self) -> str:
        """The stem of the photo's file name; empty for none."""
        return PurePosixPath(clean_name(self.photo.name)).stem


class Intake:
    """Reads bodies; all that are under way share its memory."""

    def __init__(self, most_bytes: int, stall_s: float) -> None:
        self.most_bytes, self._stall_s = most_bytes, stall_s
        self.room = 8 * most_bytes
        """Bytes that are free for bodies."""

    async def read(self, request: Request, receive: Receive, holds: Holding) -> Body:
        """The body of a request: a photo as it is, or a form. Raises Problem and ClientLeft."""
        head = request.headers
        if head.get("content-encoding", "identity").lower() != "identity":
            raise Problem(415, "encoding", "the body is compressed once more; send it as it is.")
        length = head.get("content-length", "")
        if length.isdigit() and int(length) > self.most_bytes:
            raise self._too_large()
        kind, parameters = parse_options_header(head.get("content-type"))
        pieces = self._pieces(receive, holds)
        if kind == b"multipart/form-data":
            return await _read_form(pieces, parameters.get(b"boundary", b""))
        data = await _read_all(pieces, is_photo=kind != b"application/x-www-form-urlencoded")
        if kind == b"application/x-www-form-urlencoded" and not is_known(data[:HEAD]):
            return Body(texts=_to_texts(data))
        return Body(files={"photo": Upload(data, "")} if data else {})

    async def _pieces(self, receive: Receive, holds: Holding) -> AsyncIterator[bytes]:
        pace, size, more = Pace(self._stall_s), 0, True
        while more:
            try:
                message = await asyncio.wait_for(receive(), max(0.0, pace.left_s))
            except asyncio.TimeoutError:
                raise Problem(
                    408, "slow", "the body comes too slowly.", {"Connection": "close"}
                ) from None
            if message["type"] == "http.disconnect":
                raise ClientLeft
            piece, more = message.get("body", b""), message.get("more_body", False)
            size += len(piece)
            if size > self.most_bytes:
                raise self._too_large()
            pace.gain(len(piece))
            holds.take(len(piece))
            yield piece

    def holding(self) -> Holding:
        """A request's part of the memory; close it when the body is not needed any more."""
        return Holding(self)

    def _take(self, size: int) -> None:
        if size > self.room:
            raise Problem(503, "busy", "too many photos are on their way.", {"Retry-After": "5"})
        self.room -= size

    def _too_large(self) -> Problem:
        most = self.most_bytes / 1e6
        return Problem(
            413, "too-large", f"the body is larger than {most:g} MB, which is the limit."
        )


class Holding:
    """Bytes that a request holds of an intake's memory."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self._size = intake, 0

    def take(self, size: int) -> None:
        """Raises Problem when there is no room."""
        self._intake._take(size)
        self._size += size

    def __enter__(self) -> Holding:
        return self

    def __exit__(self, *_: object) -> None:
        self._intake._take(-self._size)
        self._size = 0


async def _read_all(pieces: AsyncIterator[bytes], is_photo: bool) -> bytes:
    data = bytearray()
    async for piece in pieces:
        was_short = len(data) < HEAD
        data += piece
        if is_photo and was_short and len(data) >= HEAD:
            _check_head(data)
        if not is_photo and len(data) > MOST_TEXT and not is_known(bytes(data[:HEAD])):
            raise Problem(413, "too-large", "the form's texts are too long.")
    if is_photo and data:
        _check_head(data)
    return bytes(data)


def _check_head(data: bytes | bytearray) -> None:
    if not is_known(bytes(data[:HEAD])):
        raise Problem(415, "not-a-photo", _NOT_A_PHOTO)


def _to_texts(data: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            data.decode(), keep_blank_values=True, max_num_fields=MOST_PARTS, errors="strict"
        )
    except ValueError as error:
        raise Problem(400, "form", f"the form cannot be read: {error}.") from error
    texts: dict[str, str] = {}
    for name, text in pairs:
        put_once(texts, name, text)
    return texts


def put_once(texts: dict[str, str], name: str, text: str) -> None:
    """Raises Problem for an option that is there already."""
    name = ALIASES.get(name, name)
    if name in texts:
        raise Problem(422, "option", f"{name[:80]} is given twice.", option=name[:80])
    texts[name] = text


async def _read_form(pieces: AsyncIterator[bytes], boundary: bytes) -> Body:
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks)  # type: ignore[arg-type]
        async for piece in pieces:
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise Problem(400, "form", f"the form cannot be read: {error}.") from error
    if not form.is_whole:
        raise Problem(400, "form", "the form ends too early, or has no boundary.")
    return form.body


class _Form:
    """Collects the parts of a form as its parser comes upon them."""

    def __init__(self) -> None:
        self.body, self.is_whole = Body(), False
        self._parts = self._texts = 0
        self._header, self._value = bytearray(), bytearray()
        self._disposition, self._data = b"", bytearray()
        self._name = self._file_name = ""
        self._is_file = False
        names = (
            "part_begin", "header_field", "header_value", "header_end", "headers_finished",
            "part_data", "part_end", "end",
        )  # fmt: skip
        self.callbacks = {f"on_{name}": getattr(self, f"_on_{name}") for name in names}

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Problem(413, "too-large", f"the form has more than {MOST_PARTS} parts.")
        self._disposition, self._data = b"", bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise Problem(400, "form", "a part of the form has no name.")
        self._name = options[b"name"].decode(errors="replace")
        self._is_file = b"filename" in options
        self._file_name = clean_name(options.get(b"filename", b"").decode(errors="replace"))
        if self._is_file and self._name not in FILES:
            raise Problem(
                422, "option", f"{self._name[:80]!r} is no file here; expected {', '.join(FILES)}.",
                option=self._name[:80],
            )  # fmt: skip

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        was_short = len(self._data) < HEAD
        self._data += data[start:end]
        if not self._is_file:
            self._texts += end - start
            if self._texts > MOST_TEXT:
                raise Problem(413, "too-large", "the form's texts are too long.")
        elif FILES[self._name] == "photo" and was_short and len(self._data) >= HEAD:
            _check_head(self._data)

    def _on_part_end(self) -> None:
        data, self._data = bytes(self._data), bytearray()
        if not self._is_file:
            put_once(self.body.texts, self._name, data.decode(errors="replace"))
            return
        if not data and not self._file_name:
            return  # a field that a browser's user left empty
        kind = FILES[self._name]
        if kind in self.body.files:
            raise Problem(422, "option", f"there is more than one {kind}.", option=self._name)
        if kind == "photo":
            _check_photo(data)
        self.body.files[kind] = Upload(data, self._file_name)

    def _on_end(self) -> None:
        self.is_whole = True


def _check_photo(data: bytes) -> None:
    if not data:
        raise Problem(400, "no-photo", "the photo is empty.")
    _check_head(data)
