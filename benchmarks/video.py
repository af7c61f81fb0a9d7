"""Videos, frame by frame beside steadied: flicker, colours, masks, ghosts, speed and memory.

    python -m benchmarks.video [--photos FOLDER] [--clips FOLDER]

Flicker is the share of the person's pixels whose colour jumps by more than 16 levels in a channel
from where the motion says that they were, but not in the input. Clips are made from a photo, so
that their motion is known; in `--clips` it is that of dense inverse search at full size, which is
not exact. So each table also tells what a drawing gets that moves exactly with the motion, and what
one gets that is off by `OFF` pixels.

Whole runs decode a file, draw and encode it. The processor's milliseconds are those of all threads:
they also tell what a run costs on a machine that does something else besides.
"""

from __future__ import annotations

import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import engine
from benchmarks.clips import FRAMES, Clip, Frame, jump, read_clips, synthetic
from benchmarks.portrait import portrait
from benchmarks.setting import QUICK, Setting, argument_parser
from engine.files.photos import read_photo
from engine.options import OutputOptions
from engine.result import Result
from engine.threads import usable_threads
from engine.video.encode import Encoder
from engine.video.forms import FORMS
from engine.video.make import make
from engine.video.options import VideoOptions
from engine.video.parts import Parts
from engine.video.read import Clip as File
from engine.video.read import open_clip

JUMP = 16
"""Levels in any channel."""
RATE = 25.0
"""Frames per second of what is measured per second."""
NEW_COLOUR = 16
"""Levels: a colour is new when it is farther from all that were there."""
LATER = 3
"""Frames after a jump at which ghosts are counted."""
OFF = 0.2, 0.4
LOOPS = 10
"""Times that a clip is drawn to see whether memory grows."""

Way = NDArray[np.float32]
Draw = Callable[[list[Frame]], list[Result]]


def main() -> int:
    """The exit code."""
    parser = argument_parser(__doc__, writes=False)
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="Photos to make clips of.")
    parser.add_argument("--clips", type=Path, metavar="FOLDER", help="NAME/frames, NAME/masks.")
    options = parser.parse_args()
    app = engine.load(provider="cpu")
    setting = Setting(usable_threads(), quick=options.quick)
    for line in report(app, setting, options.photos, options.clips):
        print(line, flush=True)
    print(QUICK * options.quick)
    return 0


def report(
    app: engine.Cartoonifier, setting: Setting, photos: Path | None, clips: Path | None
) -> Iterator[str]:
    """The lines of the tables."""
    draws: dict[str, Draw] = {
        "frame by frame": lambda frames: [app(frame) for frame in frames],
        "steadied": partial(steady, app, 1),
        "every 2": partial(steady, app, 2),
    }
    yield "| clip | drawn | flicker | x | new colours per s | mask instability | IoU |"
    yield "|---|---|---|---|---|---|---|"
    for clip in setting.few(find_clips(setting, photos, clips)):
        yield from measure(clip, draws)
    yield "\n| jump | mask left behind after 3 frames |"
    yield "|---|---|"
    photo = widen(portrait(*setting.size(360, 360)), *setting.size(360, 640))
    clip = jump(photo, app(photo).alpha, frames_of(setting))
    for name, draw in draws.items():
        yield f"| {name} | {find_ghosts(draw(clip.frames)):.2%} |"
    yield "\n| size | drawn | ms per frame | processor's ms | frames per second |"
    yield "|---|---|---|---|---|"
    for height, width in setting.few(((360, 640), (720, 1280))):
        photo = widen(portrait(*setting.size(height, height)), *setting.size(height, width))
        frames = next(c for c in synthetic(photo, photo, frames_of(setting)) if c.name == "pan")
        runs = {name: partial(draw, frames.frames) for name, draw in draws.items()}
        yield from measure_speed(f"{width} x {height}", len(frames.frames), runs, setting)
        with tempfile.TemporaryDirectory() as folder:
            whole = find_whole_runs(app, frames, Path(folder))
            yield from measure_speed(f"{width} x {height}", len(frames.frames), whole, setting)
    yield f"\nMemory after {LOOPS} more loops: {measure_growth(clip, draws['steadied']):+.0f} MB"


def steady(app: engine.Cartoonifier, every: int, frames: list[Frame]) -> list[Result]:
    """As files are drawn: colours are found on frames ahead."""
    return list(engine.VideoCartoonifier(app, every=every).frames(frames, ahead=frames))


def frames_of(setting: Setting) -> int:
    """Of a clip that is made."""
    return 6 if setting.quick else FRAMES


def find_clips(setting: Setting, photos: Path | None, clips: Path | None) -> Iterator[Clip]:
    """Those of the portrait, of each two photos that follow each other in a folder, and a folder's
    own."""
    size = setting.size(360, 640)
    pictures = [portrait(*setting.size(360, 360)), portrait(*setting.size(360, 360))[:, ::-1]]
    if photos:
        pictures += [read_photo(path) for path in sorted(photos.iterdir())]
    for one, other in itertools.pairwise(widen(picture, *size) for picture in pictures):
        yield from synthetic(one, other, frames_of(setting))
    if clips:
        yield from read_clips(clips)


def widen(photo: Frame, height: int, width: int) -> Frame:
    """A photo before its own blurred self, uint8 (height, width, 3)."""
    scale = min(height / photo.shape[0], width / photo.shape[1])
    size = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    frame = cv2.GaussianBlur(cv2.resize(photo, (width, height)), (0, 0), height / 20)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    whole = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    frame[top : top + size[1], left : left + size[0]] = whole
    return np.asarray(frame, np.uint8)


def measure(clip: Clip, draws: dict[str, Draw]) -> Iterator[str]:
    """A row for each way to draw a clip, and one for what moves exactly with the motion."""
    ways = clip.ways if clip.ways is not None else find_ways(clip.frames)
    unsteady = 0.0
    for name, draw in draws.items():
        results = draw(clip.frames)
        flicker = find_flicker(clip, ways, [r.cartoon for r in results], results)
        unsteady = unsteady or flicker
        yield (
            f"| {clip.name} | {name} | {flicker:.2%} | {flicker / max(unsteady, 1e-9):.2f} | "
            f"{count_new_colours(clip, results):.1f} | {find_instability(clip, ways, results):.2%} "
            f"| {find_iou(clip, results)} |"
        )
        if name == "frame by frame":
            floor = find_floor(clip, ways, results)
            share = floor / max(unsteady, 1e-9)
            yield f"| {clip.name} | moved exactly | {floor:.2%} | {share:.2f} | | | |"
            for way in OFF:
                off = find_jumps_off(results, way)
                share = off / max(unsteady, 1e-9)
                yield f"| {clip.name} | off by {way} pixels | {off:.2%} | {share:.2f} | | | |"


def move(picture: NDArray[Any], way: Way, flags: int = cv2.INTER_CUBIC) -> NDArray[Any]:
    """A picture, (H, W) or (H, W, 3), laid on the frame that `way` starts from."""
    height, width = way.shape[:2]
    x = way[..., 0] + np.arange(width, dtype=np.float32)
    y = way[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(picture, x, y, flags, borderMode=cv2.BORDER_REPLICATE)


def find_jumps(before: Frame, now: Frame, way: Way) -> NDArray[np.bool_]:
    """Pixels, bool (H, W), whose colour is another than where they were in the frame before."""
    jumps = cv2.absdiff(move(before, way), now).max(axis=2) > JUMP
    inside = move(np.ones(way.shape[:2], np.uint8), way, cv2.INTER_NEAREST)
    return np.asarray(jumps & (inside > 0))


def find_ways(frames: list[Frame]) -> list[Way]:
    """From each pixel of a frame but the first to where it was: dense inverse search, medium."""
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    return [find_way(before, now) for before, now in itertools.pairwise(greys)]


def find_way(before: NDArray[Any], now: NDArray[Any]) -> Way:
    """From each pixel of a grey frame to where it was in the one before."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = search.calc(now, before, None)  # type: ignore[call-overload]
    return np.asarray(found, np.float32)


def find_flicker(clip: Clip, ways: list[Way], drawn: list[Frame], results: list[Result]) -> float:
    """Mean share of the person's pixels that jump in what is drawn, but not in the clip."""
    shares = []
    for t, way in _steps(clip, ways):
        person = results[t].alpha > 0.5
        jumps = find_jumps(drawn[t - 1], drawn[t], way)
        given = find_jumps(clip.frames[t - 1], clip.frames[t], way)
        shares.append((jumps & ~given & person).sum() / max(1, person.sum()))
    return float(np.mean(shares))


def find_floor(clip: Clip, ways: list[Way], results: list[Result]) -> float:
    """Flicker of drawings of which each is the next one, moved back exactly along the motion."""
    shares = []
    for t, way in _steps(clip, ways):
        back = -move(way, -way, cv2.INTER_LINEAR)
        if clip.ways is None:
            greys = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in clip.frames[t - 1 : t + 1]]
            back = find_way(greys[1], greys[0])
        pair = [move(results[t].cartoon, back), results[t].cartoon]
        two = Clip(clip.name, clip.frames[t - 1 : t + 1])
        shares.append(find_flicker(two, [way], pair, results[t - 1 : t + 1]))
    return float(np.mean(shares))


def find_jumps_off(results: list[Result], pixels: float) -> float:
    """Flicker of drawings of which each is its own, moved to the side by a part of a pixel: what an
    error of the motion of so much makes of lines that stay where they are."""
    shares = []
    for result in results:
        way = np.full((*result.alpha.shape, 2), [pixels, 0], np.float32)
        person = result.alpha > 0.5
        jumps = find_jumps(result.cartoon, result.cartoon, way)
        shares.append((jumps & person).sum() / max(1, person.sum()))
    return float(np.mean(shares))


def _steps(clip: Clip, ways: list[Way]) -> Iterator[tuple[int, Way]]:
    """Frames but the first of each shot, and their motion."""
    return ((t, way) for t, way in enumerate(ways, 1) if t not in clip.cuts)


def count_new_colours(clip: Clip, results: list[Result]) -> float:
    """Colours per second that are in a palette, and unlike all in that of the frame before."""
    count = 0
    for t, (one, other) in enumerate(itertools.pairwise(results), 1):
        before, now = (r.palette.rgb.astype(int) for r in (one, other))
        if t not in clip.cuts and len(before) and len(now):
            gaps = np.abs(now[:, None] - before[None]).max(axis=2).min(axis=1)
            count += int((gaps > NEW_COLOUR).sum())
    return count * RATE / max(1, len(results) - 1)


def find_instability(clip: Clip, ways: list[Way], results: list[Result]) -> float:
    """Mean share of the mask that is another than the frame before's, moved along."""
    shares = []
    for t, way in _steps(clip, ways):
        before, now = (results[i].alpha for i in (t - 1, t))
        was = move(before, way, cv2.INTER_LINEAR) > 0.5
        shares.append(((now > 0.5) != was).sum() / max(1, ((now > 0.5) | was).sum()))
    return float(np.mean(shares))


def find_iou(clip: Clip, results: list[Result]) -> str:
    """Mean intersection over union with the clip's masks; nothing where it has none."""
    if clip.masks is None:
        return ""
    pairs = [(r.alpha > 0.5, mask) for r, mask in zip(results, clip.masks, strict=True)]
    return f"{np.mean([(a & m).sum() / max(1, (a | m).sum()) for a, m in pairs]):.4f}"


def find_ghosts(results: list[Result]) -> float:
    """Share of the person's pixels that are still where nobody is any more, after a jump."""
    middle = len(results) // 2
    was, now = (results[t].alpha > 0.5 for t in (middle - 1, len(results) - 1))
    left = (results[min(middle + LATER, len(results) - 1)].alpha > 0.5) & was & ~now
    return float(left.sum() / max(1, now.sum()))


def measure_speed(
    size: str, frames: int, runs: Mapping[str, Callable[[], Any]], setting: Setting
) -> Iterator[str]:
    """A row for each way to draw a clip of so many frames."""
    spent: dict[str, list[float]] = {name: [] for name in runs}

    def run(name: str) -> None:
        begin = time.process_time()
        runs[name]()
        spent[name].append(time.process_time() - begin)

    contenders = {name: partial(run, name) for name in runs}
    for name, seconds in setting.in_turns(contenders, rounds=5).items():
        per_frame, busy = (float(np.median(s)) / frames for s in (seconds, spent[name]))
        row = (
            f"| {size} | {name} | {per_frame * 1e3:.1f} | {busy * 1e3:.1f} | {1 / per_frame:.1f} |"
        )
        yield row


def find_whole_runs(
    app: engine.Cartoonifier, clip: Clip, folder: Path
) -> dict[str, Callable[[], Any]]:
    """From a file to a file: frame by frame, one step after the other, and as videos are made."""
    path = folder / "clip.mkv"
    with _open_encoder(app, path) as encoder:
        for t, frame in enumerate(clip.frames):
            encoder.add(frame, Fraction(t, int(RATE)))
    file = open_clip(path, threads=app.threads)
    return {
        "whole run, one after the other": partial(run_in_order, app, file, folder / "plain.mkv"),
        "whole run": partial(run_whole, app, file, folder / "parts", 1),
        "whole run, every 2": partial(run_whole, app, file, folder / "parts", 2),
    }


def run_in_order(app: engine.Cartoonifier, file: File, path: Path) -> None:
    """Decodes, draws as a photo and encodes each frame before the next one."""
    with _open_encoder(app, path) as encoder:
        for frame in file.frames():
            encoder.add(app(frame.pixels).cartoon, frame.pts)


def run_whole(app: engine.Cartoonifier, file: File, folder: Path, every: int) -> None:
    """As the program makes a video, but for its name."""
    with Parts(folder, "", resume=False) as parts:
        make(app, file, parts, OutputOptions(kinds=("cartoon",)), VideoOptions(every=every))
        parts.finish()


def _open_encoder(app: engine.Cartoonifier, path: Path) -> Encoder:
    return Encoder(path, FORMS["mp4"], Fraction(int(RATE)), None, app.threads)


def measure_growth(clip: Clip, draw: Draw) -> float:
    """Megabytes by which the most memory that was ever in use grows with more of the same."""
    draw(clip.frames)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(LOOPS):
        draw(clip.frames)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


if __name__ == "__main__":
    sys.exit(main())
