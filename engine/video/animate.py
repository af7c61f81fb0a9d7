"""Segments to an animated picture: GIF with one palette for all frames, or WebP."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.video.forms import Form
from engine.video.join import durations
from engine.video.library import av, failure_to_error
from engine.video.parts import Parts
from engine.video.read import Clip

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_TICK = {"gif": Fraction(1, 100), "webp": Fraction(1, 1000)}
_WEBP_QUALITY = 80
_OPAQUE_FROM = 128


def animate(parts: Parts, kind: str, clip: Clip, form: Form, quality: int | None) -> None:
    """Puts an animated picture together at `parts.joined(kind)`; it is repeated for ever.

    Raises OutputError, DiskFullError.
    """
    path, tick = str(parts.joined(kind)), _TICK[form.name]
    last = round(durations(parts, clip)[-1] * clip.time_base / tick)
    options = {"loop": "0"} | ({"final_delay": str(last)} if form.name == "gif" else {})
    with (
        failure_to_error(path),
        av.open(path, "w", format=form.muxer, options=options) as target,
    ):
        timed = _frames(parts, kind, clip, tick)
        if form.name == "gif":
            timed = _in_one_palette(timed, _find_palette(_frames(parts, kind, clip, tick)))
            _write(target, timed, "gif", "pal8", {})
        else:
            options = {"quality": str(quality or _WEBP_QUALITY)}
            _write(target, timed, "libwebp_anim", "bgra", options)


def _write(
    target: Any, frames: Iterable[VideoFrame], codec: str, pixels: str, options: dict[str, str]
) -> None:
    stream = None
    for frame in frames:
        if stream is None:
            stream = target.add_stream(codec, options=options)
            stream.height, stream.width, stream.pix_fmt = frame.height, frame.width, pixels
            stream.codec_context.time_base = frame.time_base
        target.mux(stream.encode(frame.reformat(format=pixels)))
    if stream is not None:
        target.mux(stream.encode(None))


def _frames(parts: Parts, kind: str, clip: Clip, tick: Fraction) -> Iterator[VideoFrame]:
    """The drawn frames with their times; of those on one tick of the form, the first."""
    ticks = itertools.chain.from_iterable(segment.ticks for segment in parts.segments)
    last = -1
    for index in range(len(parts.segments)):
        with av.open(str(parts.path(index, kind))) as container:
            for frame in container.decode(video=0):
                pts = round(next(ticks) * clip.time_base / tick)
                if pts > last:
                    frame.pts, frame.time_base = pts, tick
                    yield frame.reformat(format="bgra")
                    last = pts


def _find_palette(frames: Iterable[VideoFrame]) -> VideoFrame:
    """The colours of all frames, one of them transparent."""
    graph = None
    for frame in frames:
        if graph is None:
            graph = av.filter.Graph()
            source = _buffer(graph, frame)
            graph.link_nodes(source, graph.add("palettegen"), graph.add("buffersink")).configure()
        source.push(frame)
    assert graph is not None  # there is no segment without a frame
    source.push(None)
    return graph.pull()


def _in_one_palette(frames: Iterable[VideoFrame], palette: VideoFrame) -> Iterator[VideoFrame]:
    graph = None
    for frame in frames:
        if graph is None:
            graph = av.filter.Graph()
            source, colours = _buffer(graph, frame), _buffer(graph, palette)
            use = graph.add("paletteuse", f"dither=none:alpha_threshold={_OPAQUE_FROM}")
            source.link_to(use, 0, 0)
            colours.link_to(use, 0, 1)
            use.link_to(graph.add("buffersink"))
            graph.configure()
            colours.push(palette)
            colours.push(None)
        source.push(frame)
        yield from _pull(graph)
    if graph is not None:
        source.push(None)
        yield from _pull(graph)


def _buffer(graph: Any, frame: VideoFrame) -> Any:
    time_base = frame.time_base or Fraction(1, 1000)
    return graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=time_base
    )


def _pull(graph: Any) -> Iterator[VideoFrame]:
    try:
        while True:
            yield graph.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return
