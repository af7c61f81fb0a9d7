"""Segments to a video: their packets one after the other, with exact times, beside the sound."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import OutputError
from engine.text import printable
from engine.video.forms import Form
from engine.video.library import av, failure_to_error
from engine.video.names import is_camera
from engine.video.options import VideoOptions
from engine.video.parts import Parts
from engine.video.read import SEQUENCE_RATE, Clip, opened
from engine.video.tracks import open_tracks

if TYPE_CHECKING:
    from av.packet import Packet

_REORDERED = {"h264": 2}
"""By how many pictures a codec's packets may run ahead of what is shown."""
_SAFE_TAGS = frozenset(
    ("title", "artist", "album", "author", "comment", "copyright", "date", "creation_time", "genre")
)
"""Of a file: without the place and the camera's own notes."""
_LONGEST_TAG = 4096


def join(
    parts: Parts, kind: str, clip: Clip, form: Form, options: VideoOptions, metadata: str
) -> list[str]:
    """Puts a video together at `parts.joined(kind)`; returns what had to be left out of it.

    Raises OutputError, DiskFullError.
    """
    path = parts.joined(kind)
    with (
        failure_to_error(str(path)),
        nullcontext() if is_camera(clip.path) else opened(clip) as source,
        av.open(str(path), "w", format=form.muxer, options=form.options) as target,
        av.open(str(parts.path(0, kind))) as first,
    ):
        target.metadata.update(_tags(source.metadata if source else {}, metadata))
        template = first.streams.video[0]
        stream = target.add_stream_from_template(template)
        stream.time_base = clip.time_base
        if "alpha_mode" in template.metadata:  # without it, nobody looks for the alpha channel
            stream.metadata["alpha_mode"] = template.metadata["alpha_mode"]
        tracks = open_tracks(source, clip.begin, target, form)
        pictures = _pictures(parts, kind, clip, stream)
        for packet in heapq.merge(pictures, tracks.packets(options), key=_seconds):
            is_picture = packet.stream is stream
            # Damaged sound is left out, as players do.
            with nullcontext() if is_picture else suppress(av.error.InvalidDataError):
                target.mux(packet)
    return tracks.warnings


def durations(parts: Parts, clip: Clip) -> list[int]:
    """Of all frames, in ticks."""
    ticks = list(itertools.chain.from_iterable(s.ticks for s in parts.segments))
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    usual = steps[-1] if steps else max(1, round(Fraction(1, SEQUENCE_RATE) / clip.time_base))
    return [*steps, parts.segments[-1].duration or usual]


def _pictures(parts: Parts, kind: str, clip: Clip, stream: Any) -> Iterator[Packet]:
    """The packets of all segments, in the order in which they are decoded."""
    ticks = list(itertools.chain.from_iterable(s.ticks for s in parts.segments))
    lasting = durations(parts, clip)
    ahead = _REORDERED.get(stream.codec_context.codec.canonical_name, 0)
    decoded = [ticks[0] - lasting[0] * back for back in range(ahead, 0, -1)] + ticks
    done = 0
    for index, segment in enumerate(parts.segments):
        path = parts.path(index, kind)
        order = _order(path, len(segment.ticks))
        with av.open(str(path)) as container:
            packets = (packet for packet in container.demux(video=0) if packet.size)
            for place, (shown, packet) in enumerate(zip(order, packets, strict=True), done):
                packet.stream, packet.time_base = stream, clip.time_base
                packet.pts, packet.dts = ticks[done + shown], decoded[place]
                packet.duration = lasting[done + shown]
                yield packet
        done += len(segment.ticks)


def _order(path: Path, count: int) -> Sequence[int]:
    """Of each packet of a segment, as which of its pictures it is shown. Raises OutputError."""
    with av.open(str(path)) as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.size]
    if len(times) != count:
        raise OutputError(f"{path}: damaged, {len(times)} pictures of {count}. Remove its folder.")
    shown = {time: index for index, time in enumerate(sorted(times))}
    return [shown[time] for time in times]


def _seconds(packet: Packet) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return (ticks or 0) * Fraction(packet.time_base)


def _tags(tags: dict[str, str], policy: str) -> dict[str, str]:
    """What is copied of a file's metadata: that of short and harmless text."""
    if policy == "strip":
        return {}
    kept = tags if policy == "keep" else {k: v for k, v in tags.items() if k.lower() in _SAFE_TAGS}
    return {k: printable(v) for k, v in kept.items() if len(k) < 64 and len(v) <= _LONGEST_TAG}
