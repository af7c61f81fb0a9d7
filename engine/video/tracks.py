"""Sound and subtitles: copied packet by packet where the container takes them, else encoded again.

Time stamps are moved by as much as those of the pictures, so that all stays in sync.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.text import printable
from engine.video.forms import Form
from engine.video.library import av
from engine.video.options import VideoOptions

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

Convert = Callable[["Packet | None"], "Iterator[Packet]"]
_SOUND_BITS = 192_000
"""Per second, of sound that is encoded again."""
_OPUS_RATE = 48_000
_LONGEST_S = 3600
"""Of a packet; what a damaged file states beyond that, no container takes."""


@dataclass(frozen=True)
class Tracks:
    """Sound and subtitles of a clip, on their way into another file."""

    source: InputContainer | None
    streams: list[Stream]
    converts: dict[int, Convert]
    begin: Fraction
    """The clip's first time stamp, in seconds."""
    warnings: list[str]
    """What is left out, and why."""

    def packets(self, options: VideoOptions) -> Iterator[Packet]:
        """All packets between the start and the end, with the time stamps of the new file.

        Those of a damaged file that go back in time are left out: no container takes them.
        """
        last: dict[int, Fraction] = {}
        for packet in self._convert(options):
            packet.dts = packet.pts if packet.dts is None else min(packet.dts, packet.pts)
            if (packet.duration or 0) * packet.time_base > _LONGEST_S:
                packet.duration = 0
            now, number = packet.dts * packet.time_base, packet.stream.index
            if number not in last or now > last[number]:
                last[number] = now
                yield packet

    def _convert(self, options: VideoOptions) -> Iterator[Packet]:
        if self.source is None or not self.streams:
            return
        start, end = options.span
        shift = self.begin + start
        for packet in self._demux():
            convert = self.converts[packet.stream.index]
            if packet.pts is None:
                if not packet.size:
                    yield from convert(None)
                continue
            seconds = packet.pts * packet.time_base - shift
            if (start and seconds < 0) or (end is not None and seconds >= end - start):
                continue
            ticks = round(shift / packet.time_base)
            packet.pts -= ticks
            if packet.dts is not None:
                packet.dts -= ticks
            yield from convert(packet)

    def _demux(self) -> Iterator[Packet]:
        """Packets up to where the file is damaged."""
        assert self.source is not None
        try:
            yield from self.source.demux(*self.streams)
        except av.error.FFmpegError as error:
            self.warnings.append(f"sound and subtitles end early: {printable(str(error))}")


def open_tracks(
    source: InputContainer | None, begin: Fraction, target: OutputContainer, form: Form
) -> Tracks:
    """Makes a stream in `target` for each of sound and subtitles that its form can hold."""
    tracks = Tracks(source, [], {}, begin, [])
    for stream in (*source.streams.audio, *source.streams.subtitles) if source else ():
        name = f"{'sound' if stream.type == 'audio' else 'subtitles'} {_codec_name(stream)}"
        if not (form.sound_encoder if stream.type == "audio" else form.subtitle_encoder):
            tracks.warnings.append(f"{name} left out: {form.name} holds none")
            continue
        try:
            convert = _open_track(stream, target, form)
        except (ValueError, LookupError, av.error.FFmpegError) as error:
            tracks.warnings.append(f"{name} left out: {printable(str(error))}")
            continue
        tracks.streams.append(stream)
        tracks.converts[stream.index] = convert
    return tracks


def _open_track(stream: Any, target: OutputContainer, form: Form) -> Convert:
    """What turns a packet, or None at the end, into packets of a new stream of `target`."""
    is_sound = stream.type == "audio"
    if stream.codec_context is None:
        raise ValueError("FFmpeg cannot decode it")
    if _codec_name(stream) in (form.sound if is_sound else form.subtitles):
        out = target.add_stream_from_template(stream)
        convert = _copy(out)
    elif is_sound:
        out, convert = _encode_sound(stream, target, form.sound_encoder)
    else:
        out, convert = _encode_subtitles(stream, target, form.subtitle_encoder)
    language = stream.metadata.get("language", "")
    if language.isalnum() and len(language) <= 8:
        out.metadata["language"] = language
    out.disposition = stream.disposition.value
    return convert


def _codec_name(stream: Any) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _copy(out: Any) -> Convert:
    def copy(packet: Packet | None) -> Iterator[Packet]:
        if packet is not None:
            packet.stream = out
            yield packet

    return copy


def _encode_sound(stream: Any, target: OutputContainer, codec: str) -> tuple[Any, Convert]:
    rate = _OPUS_RATE if codec == "libopus" else stream.codec_context.sample_rate
    out: Any = target.add_stream(codec, rate)
    out.codec_context.layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
    out.codec_context.bit_rate = _SOUND_BITS
    resampler = av.AudioResampler(out.codec_context.format, out.codec_context.layout, rate)

    def encode(packet: Packet | None) -> Iterator[Packet]:
        frames = []
        with contextlib.suppress(av.error.InvalidDataError):  # players go on, too
            frames = stream.codec_context.decode(packet)
        for frame in frames:
            for resampled in resampler.resample(frame):
                yield from out.encode(resampled)
        if packet is None:
            for resampled in resampler.resample(None):
                yield from out.encode(resampled)
            yield from out.encode(None)

    return out, encode


def _encode_subtitles(stream: Any, target: OutputContainer, codec: str) -> tuple[Any, Convert]:
    stream.codec_context.open(strict=False)
    header = stream.codec_context.subtitle_header
    if not header:
        raise ValueError("they are pictures, and no text")
    out: Any = target.add_stream(codec)
    out.codec_context.subtitle_header = header
    out.codec_context.time_base = Fraction(1, 1000)

    def encode(packet: Packet | None) -> Iterator[Packet]:
        subtitle = stream.codec_context.decode2(packet) if packet is not None else None
        if packet is None or subtitle is None or not len(subtitle):
            return
        made = out.codec_context.encode_subtitle(subtitle)
        made.stream, made.time_base = out, packet.time_base
        made.pts = made.dts = packet.pts
        made.duration = packet.duration
        yield made

    return out, encode
