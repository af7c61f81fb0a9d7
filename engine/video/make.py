"""One video from its file to its pictures: read, drawn, written in segments, and joined."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.errors import OptionError, PhotoError
from engine.files.pictures import reduce_picture
from engine.options import OutputOptions
from engine.result import Result
from engine.video import parts as segments
from engine.video.animate import animate
from engine.video.backdrop import MovingBackdrop, lay
from engine.video.cartoonifier import VideoCartoonifier
from engine.video.encode import Encoder, PictureEncoder
from engine.video.forms import FORMS, Form
from engine.video.frame import Frame
from engine.video.join import join
from engine.video.names import is_camera
from engine.video.options import VideoOptions
from engine.video.parts import Parts, Segment
from engine.video.read import SEQUENCE_RATE, Clip, open_clip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.pipeline import Cartoonifier

KINDS = ("cutout", "cartoon", "mask", "labels", "compare")
Watch = Callable[[int, int], None]


class Pictures(Protocol):
    """What takes the pictures of a segment."""

    def add(self, picture: NDArray[np.uint8], seconds: Fraction) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Made:
    """What became of a video."""

    frames: int
    share: float
    """Mean of what is kept of the frames, 0..1."""
    sample: Result
    """One of the frames."""
    warnings: tuple[str, ...]


def check(output: OutputOptions, options: VideoOptions) -> None:
    """Raises OptionError for what is possible for photos only."""
    unknown = [kind for kind in output.kinds if kind not in KINDS]
    if unknown:
        raise OptionError(f"a video has no {unknown[0]}; expected {', '.join(KINDS)}.")
    if output.crop:
        raise OptionError("the crop would move with the people of a video; leave it out.")


def make(
    app: Cartoonifier,
    clip: Clip,
    parts: Parts,
    output: OutputOptions,
    options: VideoOptions,
    watch: Watch = lambda done, total: None,
    is_enough: Callable[[], bool] = lambda: False,
) -> Made:
    """Draws what is not yet drawn, and puts the video of each kind together in `parts`.

    Parameters
    ----------
    watch : is told how many frames are drawn, and of how many; 0 for a camera's
    is_enough : is asked before each frame whether the video ends there, as a camera's does

    Raises
    ------
    PhotoError
        The clip, or the backdrop, is damaged, or has no frame between the start and the end.
    OutputError, DiskFullError
        The parts cannot be written.
    """
    total = 0 if is_camera(clip.path) else clip.survey(*options.span, options.fps)
    sample = None
    with closing(_draw(app, clip, options, parts)) as drawn:
        wanted = itertools.takewhile(lambda _: not is_enough(), drawn)
        for first in wanted:
            whole = itertools.chain([first], itertools.islice(wanted, segments.LENGTH - 1))
            sample = first[1]
            watched = _watched(whole, parts.frames, total, watch)
            _write(watched, parts, clip, output, FORMS[options.form])
    if not parts.frames:
        raise PhotoError(f"{clip.path}: there is no frame to draw.")
    if sample is None:  # all was drawn before
        sample = app(next(clip.frames(*options.span, options.fps)).pixels)
    warnings = [w for kind in output.kinds for w in _join(parts, kind, clip, output, options)]
    share = sum(segment.share for segment in parts.segments) / parts.frames
    return Made(parts.frames, share, sample, tuple(dict.fromkeys(warnings)))


def _draw(
    app: Cartoonifier, clip: Clip, options: VideoOptions, parts: Parts
) -> Generator[tuple[Frame, Result], None, None]:
    """Each frame that is missing in the parts, with its result.

    Their last shot is drawn from its beginning, so that what follows is what it would have been.
    """
    backdrop = _open_backdrop(options, clip)

    def frames() -> Iterator[Frame]:
        return clip.frames(*options.span, options.fps, parts.shot)

    ahead = None if is_camera(clip.path) else frames()
    with closing(_steady(app, frames(), ahead, options.every)) as drawn:
        for frame, result in itertools.islice(drawn, parts.frames - parts.shot, None):
            yield frame, _lay_on(backdrop, frame, result) if backdrop else result


def _steady(
    app: Cartoonifier, frames: Iterable[Frame], ahead: Iterable[Frame] | None, every: int
) -> Generator[tuple[Frame, Result], None, None]:
    waiting: deque[Frame] = deque()

    def feed() -> Iterator[Frame]:
        for frame in frames:
            waiting.append(frame)
            yield frame

    results: Any = VideoCartoonifier(app, every=every).frames(feed(), ahead=ahead)
    with closing(results):  # which ends its threads
        for result in results:
            yield waiting.popleft(), result


def _lay_on(backdrop: MovingBackdrop, frame: Frame, result: Result) -> Result:
    behind = backdrop.at(frame.pts, *result.alpha.shape)
    cutout, cartoon = (lay(p, behind, result.threads) for p in (result.cutout, result.cartoon))
    return replace(result, cutout=cutout, cartoon=cartoon)


def _open_backdrop(options: VideoOptions, clip: Clip) -> MovingBackdrop | None:
    if not options.backdrop:
        return None
    return MovingBackdrop(open_clip(options.backdrop, clip.max_megapixels, clip.threads))


def _watched(
    drawn: Iterable[tuple[Frame, Result]], done: int, total: int, watch: Watch
) -> Iterator[tuple[Frame, Result]]:
    for count, item in enumerate(drawn, done + 1):
        yield item
        watch(count, total)


def _write(
    drawn: Iterable[tuple[Frame, Result]],
    parts: Parts,
    clip: Clip,
    output: OutputOptions,
    form: Form,
) -> None:
    """One segment, of all kinds."""
    ticks: list[int] = []
    share, frame, shot = 0.0, None, parts.shot
    with ExitStack() as stack:
        encoders = _open_encoders(parts, clip, output, form)
        for encoder in encoders.values():
            stack.callback(encoder.close)
        for frame, result in drawn:
            for kind, encoder in encoders.items():
                encoder.add(_picture(result, kind, output), frame.pts)
            shot = parts.frames + len(ticks) if result.begins_shot else shot
            ticks.append(round(frame.pts / clip.time_base))
            share += result.share
    assert frame is not None  # a segment has a first frame
    last = round(frame.duration / clip.time_base)
    parts.add(Segment(tuple(ticks), last, share, shot), output.kinds)


def _open_encoders(
    parts: Parts, clip: Clip, output: OutputOptions, form: Form
) -> dict[str, Pictures]:
    index = len(parts.segments)
    if not form.muxer:
        return {k: PictureEncoder(parts.path(index, k), form, output.quality) for k in output.kinds}
    rate = Fraction(SEQUENCE_RATE)
    return {
        kind: Encoder(parts.path(index, kind), form, rate, output.quality, clip.threads)
        for kind in output.kinds
    }


def _picture(result: Result, kind: str, output: OutputOptions) -> NDArray[np.uint8]:
    picture = result.picture(kind)
    pixels = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture, np.uint8)
    if output.size:
        pixels = reduce_picture(pixels, output.size, is_label_map=kind == "labels")
    return pixels


def _join(
    parts: Parts, kind: str, clip: Clip, output: OutputOptions, options: VideoOptions
) -> Sequence[str]:
    form = FORMS[options.form]
    if not form.muxer:
        return ()  # the pictures only change their places
    if form.sound_encoder:
        return join(parts, kind, clip, form, options, output.metadata)
    animate(parts, kind, clip, form, output.quality)
    return ()
