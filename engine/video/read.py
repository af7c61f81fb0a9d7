"""Videos in: whatever FFmpeg reads, as frames that look like photos.

FFmpeg opens only the file that is named: playlists and other files that lead elsewhere are not
among the formats that are tried.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.errors import PhotoError
from engine.files.limits import check_size
from engine.options import MAX_MEGAPIXELS
from engine.video.animation import copy_animation
from engine.video.colour import find_matrix, is_sideways, to_rgb, upright
from engine.video.frame import Frame
from engine.video.library import av, damage_to_error
from engine.video.names import is_camera, is_sequence

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MOST_HOURS = 24
SEQUENCE_RATE = 25
"""Frames per second of a sequence of pictures, unless another is asked for."""
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpegts,mpeg,mpegvideo,h264,hevc,m4v,"
    "flv,ogg,asf,mjpeg,ivf,yuv4mpegpipe,nut,dv,mxf"
)
_TELL_THEIR_LENGTH = ("mov,mp4", "matroska", "avi")
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_CAMERA_FORMAT = "video4linux2,v4l2"
_SLACK_S = Fraction(1, 2)
"""By which a file may end before its stated length, and not count as truncated."""


@dataclass(frozen=True)
class Clip:
    """A video that can be read, by its header and its first frame."""

    path: str
    height: int
    width: int
    """Of the frames: upright, with square pixels."""
    time_base: Fraction
    """Seconds per tick: the file's time stamps are whole numbers of these."""
    begin: Fraction
    """What the file's time stamps begin with, in seconds."""
    threads: int = 1
    rate: float = 0
    """Frames per second that are asked of a camera or a sequence; 0 for its own."""
    max_megapixels: float = MAX_MEGAPIXELS

    def frames(
        self,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
        rate: float | None = None,
        skip: int = 0,
    ) -> Iterator[Frame]:
        """Frames in the order in which they are shown, one in memory at a time.

        Parameters
        ----------
        start, end : seconds from the clip's beginning
            Frames before the one and from the other on are left out; what is left begins at 0.
        rate : float or None
            At most so many frames per second: of more, those between are left out.
        skip : int
            So many of these frames are passed over; they cost only their decoding.

        Raises PhotoError where the file is damaged.
        """
        with damage_to_error(self.path), opened(self) as container:
            stream = _pick(container, self.path)
            if start and not is_sequence(self.path):
                container.seek(int((self.begin + start) / stream.time_base), stream=stream)
            begin = _begin(container, stream)  # of a camera, another one each time
            timed = _between(self._timed(_decode(container, stream, self), begin), start, end)
            chosen = timed if rate is None else _thin(timed, rate)
            scaler = av.video.reformatter.VideoReformatter()
            for picture, pts in itertools.islice(chosen, skip, None):
                pixels = self._convert(picture, scaler)
                yield Frame(pixels, pts, (picture.duration or 0) * self.time_base)

    def survey(
        self,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
        rate: float | None = None,
    ) -> int:
        """How many frames `frames` would give for these arguments, without decoding them.

        Raises PhotoError when there are none, or when the file ends before its stated length.
        """
        slots, last = set(), Fraction(0)
        with damage_to_error(self.path), opened(self) as container:
            stream = _pick(container, self.path)
            for packet in container.demux():
                ticks = packet.dts if _counts_packets(container) else packet.pts
                if ticks is None or not packet.size or packet.stream.type == "data":
                    continue
                begin = ticks * packet.time_base - self.begin
                last = max(last, begin + (packet.duration or 0) * packet.time_base)
                inside = begin >= start and (end is None or begin < end)
                if packet.stream is stream and inside:
                    slots.add(begin if rate is None else _slot(begin - start, rate))
            self._check_length(container, last, end)
        return len(slots)

    def _check_length(
        self, container: InputContainer, last: Fraction, end: Fraction | None
    ) -> None:
        stated = Fraction(container.duration or 0, av.time_base)
        knows = container.format.name.startswith(_TELL_THEIR_LENGTH)
        wanted = stated if end is None else min(end, stated)
        if knows and last + _SLACK_S + stated / 100 < wanted:
            raise PhotoError(
                f"{self.path}: truncated, it ends after {float(last):.2f} s of "
                f"{float(stated):.2f} s.",
                option="end",
                advice=f"{{}} {float(last):.2f} takes what is there.",
            )
        if last > MOST_HOURS * 3600 and (end is None or end > MOST_HOURS * 3600):
            message = f"{self.path}: lasts longer than {MOST_HOURS} hours."
            raise PhotoError(message, option="end", advice="Take a part of it with {}.")

    def _timed(
        self, pictures: Iterable[VideoFrame], begin: Fraction
    ) -> Iterator[tuple[VideoFrame, Fraction]]:
        """Pictures with their time from the clip's beginning, which rises."""
        last, due = None, Fraction(0)
        for picture in pictures:
            pts = due if picture.pts is None else picture.pts * self.time_base - begin
            if last is None or pts > last:
                yield picture, pts
                lasting = (picture.duration or 0) * self.time_base
                last, due = pts, pts + (lasting or Fraction(1, SEQUENCE_RATE))

    def _convert(self, picture: VideoFrame, scaler: Any) -> Any:
        matrix = find_matrix(picture)
        size = (self.height, self.width)
        height, width = size[::-1] if is_sideways(matrix) else size
        return upright(to_rgb(picture, height, width, scaler), matrix)


def open_clip(
    path: str | os.PathLike[str],
    max_megapixels: float = MAX_MEGAPIXELS,
    threads: int = 1,
    rate: float = 0,
) -> Clip:
    """A video's facts; its frames are read later.

    Parameters
    ----------
    path : a video, an animated picture, a sequence as frame_%04d.png, or a camera's device
    max_megapixels : larger frames are refused
    threads : how many decode
    rate : frames per second of a camera or a sequence; 0 for its own

    Raises PhotoError where it is missing, damaged, no video, without pictures, or too large.
    """
    path = os.fspath(path)
    start = Clip(path, 0, 0, Fraction(1), Fraction(0), threads, rate, max_megapixels)
    with damage_to_error(path), opened(start) as container:
        stream = _pick(container, path)
        check_size((stream.width or 1, stream.height or 1), max_megapixels, path)
        first = next(_decode(container, stream, start), None)
        if first is None:
            raise PhotoError(f"{path}: holds no picture that can be decoded.")
        height, width = _square(first, stream)
        check_size((width, height), max_megapixels, path)
        if is_sideways(find_matrix(first)):
            height, width = width, height
        begin = _begin(container, stream)
        return Clip(
            path, height, width, Fraction(stream.time_base), begin, threads, rate, max_megapixels
        )


@contextlib.contextmanager
def opened(clip: Clip) -> Iterator[InputContainer]:
    """The file, for its streams and packets. Nothing else is opened on its behalf."""
    path, rate = clip.path, clip.rate
    absolute = os.path.abspath(path)  # begins with "/": it names no protocol
    options = {"protocol_whitelist": "file"}
    format = None
    if is_camera(path):
        format = _CAMERA_FORMAT
        options |= {"framerate": str(rate)} if rate else {}
    elif is_sequence(path):
        format = "image2"
        options |= {"framerate": str(rate or SEQUENCE_RATE), "start_number": _first_number(path)}
    else:
        with open(absolute, "rb") as file:  # whose errors say more than FFmpeg's
            if not file.read(1):
                raise PhotoError(f"{path}: empty, expected a video.")
        options["format_whitelist"] = _FORMATS
    with contextlib.ExitStack() as stack:
        if path.lower().endswith(".webp"):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            absolute = os.path.join(folder, "copy.mkv")
            copy_animation(path, absolute, clip.max_megapixels)
        container = av.open(absolute, "r", format, options=options, metadata_errors="replace")
        yield stack.enter_context(container)


def _first_number(pattern: str) -> str:
    """Of a sequence's files. Raises PhotoError where there are none."""
    folder, name = os.path.split(os.path.abspath(pattern))
    before, after = re.split(r"%0?\d*d", name)
    known = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    files = os.listdir(folder) if os.path.isdir(folder) else []
    numbers = [int(match[1]) for match in map(known.fullmatch, files) if match]
    if not numbers:
        raise PhotoError(f"{pattern}: there are no pictures of these names.")
    return str(min(numbers))


def _pick(container: InputContainer, path: str) -> VideoStream:
    """The stream of moving pictures: covers of albums are none."""
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not stream.disposition & covers:
            if stream.codec_context is None:
                raise PhotoError(f"{path}: damaged, or of a kind that FFmpeg cannot decode.")
            return stream
    has_sound = bool(container.streams.audio)
    raise PhotoError(f"{path}: {'sound only, there are' if has_sound else 'has'} no pictures.")


def _decode(container: InputContainer, stream: VideoStream, clip: Clip) -> Iterator[VideoFrame]:
    """Pictures as they come; a packet that cannot be decoded is left out."""
    decoder = _decoder(stream)
    decoder.thread_count, decoder.thread_type = clip.threads, "AUTO"
    decoder.options = {"max_pixels": str(int(clip.max_megapixels * 1e6))}
    due: deque[int | None] = deque()
    for packet in container.demux(stream):
        due.append(packet.dts)
        with contextlib.suppress(av.error.InvalidDataError):
            for picture in decoder.decode(packet):
                if _counts_packets(container):
                    picture.pts = due.popleft()
                yield picture


def _counts_packets(container: InputContainer) -> bool:
    """Whether a container knows the order of its packets only, not when pictures are shown."""
    return bool(container.format.name == "avi")


def _decoder(stream: VideoStream) -> Any:
    """FFmpeg's own decoders of VP8 and VP9 leave the alpha channel out."""
    name = _ALPHA_DECODERS.get(stream.codec_context.name)
    has_alpha = any(k.lower() == "alpha_mode" and v == "1" for k, v in stream.metadata.items())
    if not has_alpha or name is None:
        return stream.codec_context
    decoder = av.CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _begin(container: InputContainer, stream: VideoStream) -> Fraction:
    """The container's first time stamp, as a whole number of the pictures' ticks."""
    seconds = Fraction(container.start_time or 0, av.time_base)
    base = Fraction(stream.time_base)
    return round(seconds / base) * base


def _square(picture: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Height and width with square pixels: none is lost."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    height, width = picture.height, picture.width
    if not Fraction(1, 20) < aspect < 20:  # nobody's camera
        return height, width
    return (height, round(width * aspect)) if aspect >= 1 else (round(height / aspect), width)


def _between(
    timed: Iterable[tuple[VideoFrame, Fraction]], start: Fraction, end: Fraction | None
) -> Iterator[tuple[VideoFrame, Fraction]]:
    for picture, pts in timed:
        if end is not None and pts >= end:
            return
        if pts >= start:
            yield picture, pts - start


def _thin(
    timed: Iterable[tuple[VideoFrame, Fraction]], rate: float
) -> Iterator[tuple[VideoFrame, Fraction]]:
    """The first picture of each 1 / rate of a second."""
    last = -1
    for picture, pts in timed:
        slot = _slot(pts, rate)
        if slot > last:
            yield picture, pts
            last = slot


def _slot(seconds: Fraction, rate: float) -> int:
    """Number of the 1 / rate of a second; what is a rounding before it is in it."""
    return int(seconds * Fraction(rate).limit_denominator(1001) + Fraction(1, 1000))
