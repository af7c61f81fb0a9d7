"""Frames of a video, drawn one after the other."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import engine
from engine.errors import OptionError, PhotoError

GREEN, RED = (10, 120, 10), (250, 20, 20)
FILLING = 200
"""Radius of a disc that fills the frame: no rim brings colours of its own."""


def disc(x=105, radius=50, noise=0.0, seed=0, colour=RED, size=(150, 210)):
    """A red disc on green, which the tiny model takes for a person."""
    height, width = size
    frame = np.full((height, width, 3), GREEN, np.float64)
    row, column = np.ogrid[:height, :width]
    frame[(row - height // 2) ** 2 + (column - x) ** 2 < radius**2] = colour
    frame += np.random.default_rng(seed).normal(0, noise, frame.shape)
    return np.rint(np.clip(frame, 0, 255)).astype(np.uint8)


def draw(app, frames, **options):
    return list(engine.VideoCartoonifier(app, **options).frames(frames))


def jumps(results):
    """Share of the people's pixels that change by more than 16 levels from frame to frame."""
    return [
        (np.abs(b.cartoon.astype(int) - a.cartoon).max(axis=2) > 16)[b.alpha > 0.5].mean()
        for a, b in itertools.pairwise(results)
    ]


def test_there_is_a_result_for_each_frame_in_order(tiny):
    frames = [disc(x) for x in (80, 90, 100, 110)]
    results = draw(tiny, frames)
    assert len(results) == 4
    for frame, result in zip(frames, results, strict=True):
        assert_array_equal(result.photo, frame)


def test_the_first_frame_is_drawn_in_the_colours_of_a_photo(tiny):
    (result,) = draw(tiny, [disc()])
    assert_array_equal(result.palette.rgb, tiny(disc()).palette.rgb)


def test_objects_with_pixels_are_frames(tiny):
    class Frame:
        pixels = disc()

    (result,) = draw(tiny, [Frame()])
    assert_array_equal(result.photo, Frame.pixels)


def test_no_frame_gives_no_result(tiny):
    assert draw(tiny, []) == []


def test_noise_on_a_still_portrait_hardly_shows(embedded, astronaut):
    rng = np.random.default_rng(0)
    still = astronaut[:256, 100:356].astype(np.float64)
    frames = [np.clip(still + rng.normal(0, 2, still.shape), 0, 255) for _ in range(6)]
    frames = [np.rint(frame).astype(np.uint8) for frame in frames]
    steadied, photos = draw(embedded, frames), [embedded(frame) for frame in frames]
    assert np.mean(jumps(steadied)) < 0.25 * np.mean(jumps(photos))


def test_who_jumps_away_leaves_nothing_behind(tiny):
    results = draw(tiny, [disc(60, 40)] * 4 + [disc(150, 40)] * 4)
    expected = tiny(disc(150, 40)).alpha
    for result in results[4:]:
        assert np.abs(result.alpha - expected).mean() < 0.005


def test_who_enters_appears_at_once(tiny):
    empty = np.full((150, 210, 3), GREEN, np.uint8)
    results = draw(tiny, [empty, empty, disc()])
    assert results[1].alpha.max() < 0.5
    assert (results[2].alpha > 0.5).sum() > 0.98 * (tiny(disc()).alpha > 0.5).sum()


def test_an_eye_that_opens_is_drawn_at_once(tiny):
    closed = disc(radius=60)
    closed[100:115, 90:120] = (90, 0, 0)
    opened = closed.copy()
    opened[65:85, 90:120] = (90, 0, 0)
    results = draw(tiny, [closed] * 3 + [opened])
    middle = results[3].cartoon[70:80, 95:115].astype(int)
    assert np.abs(middle - tiny(opened).cartoon[70:80, 95:115]).mean() < 30
    assert np.abs(middle - results[2].cartoon[70:80, 95:115]).mean() > 50


def test_a_colour_that_was_not_there_fades_in(tiny):
    opened = disc(radius=FILLING)
    opened[60:90, 90:120] = (90, 0, 0)
    results = draw(tiny, [disc(radius=FILLING)] * 2 + [opened] * 9)
    middle = [result.cartoon[75, 105].astype(int) for result in results]
    expected = tiny(opened).cartoon[75, 105]
    assert np.abs(middle[-1] - expected).max() < 40
    assert max(np.abs(b - a).max() for a, b in itertools.pairwise(middle)) < 60


def test_frames_ahead_give_a_shot_the_colours_of_its_later_frames(tiny):
    later = disc(radius=60)
    later[50:100, 90:120] = (90, 0, 0)
    frames = [disc(radius=60)] * 32 + [later] * 2 + [np.ascontiguousarray(255 - disc()[:, ::-1])]
    first, *_ = engine.VideoCartoonifier(tiny).frames(frames, ahead=iter(frames))
    assert first.palette.lab[:, 0].min() < 30 < tiny(frames[0]).palette.lab[:, 0].min()


def test_a_cut_brings_the_colours_of_its_own_shot(tiny):
    blue_scene = disc(colour=(250, 90, 90))
    blue_scene[(blue_scene == GREEN).all(axis=2)] = (60, 130, 130)
    results = draw(tiny, [disc(60, 40)] * 3 + [np.ascontiguousarray(blue_scene[:, ::-1])] * 2)
    alone = tiny(blue_scene[:, ::-1])
    assert_array_equal(results[3].palette.rgb, alone.palette.rgb)


def test_frames_of_another_size_begin_a_shot(tiny):
    results = draw(tiny, [disc(), disc(150, 60, size=(240, 320))])
    assert [result.alpha.shape for result in results] == [(150, 210), (240, 320)]


def test_the_network_sees_every_so_manieth_frame(tiny, monkeypatch):
    seen = []
    find = type(tiny).recognise
    monkeypatch.setattr(type(tiny), "recognise", lambda app, s: (seen.append(s), find(app, s))[1])
    results = draw(tiny, [disc(80 + t) for t in range(7)], every=3)
    assert len(seen) == 3
    for t, result in enumerate(results):
        expected = tiny(disc(80 + t)).alpha > 0.5
        assert ((result.alpha > 0.5) != expected).mean() < 0.02


def test_the_network_looks_again_at_each_frame_where_that_is_asked_for(tiny):
    precise = tiny.replace(engine.SegmentOptions(precise=True))
    frame = disc(60, 25)
    for result in draw(precise, [frame] * 2):
        assert_array_equal(result.logits, precise(frame).logits)
        assert (result.logits != tiny(frame).logits).any()


@pytest.mark.parametrize("every", [0, -1, 1.5, "2", None])
def test_every_is_a_whole_number_from_one_on(tiny, every):
    with pytest.raises(OptionError, match="every is"):
        engine.VideoCartoonifier(tiny, every=every)


def test_classic_is_drawn_frame_by_frame(tiny):
    classic = tiny.replace(engine.SegmentOptions(classic=True))
    frames = [disc(x, noise=2, seed=x) for x in (80, 90)]
    for frame, result in zip(frames, draw(classic, frames), strict=True):
        assert_array_equal(result.cartoon, classic(frame).cartoon)


@pytest.mark.parametrize("style", ["comic", "poster", "ink", "classic"])
@pytest.mark.parametrize("background", ["white", "transparent", "none"])
def test_every_style_is_drawn_on_every_background(tiny, style, background):
    app = tiny.replace(
        cutout=engine.CutoutOptions(background=background),
        cartoon=engine.CartoonOptions(style=style),
    )
    for result in draw(app, [disc(80), disc(82), disc(84)]):
        assert result.cartoon.shape[2] == (4 if background == "transparent" else 3)


def test_given_colours_stay_as_they_are(tiny):
    palette = engine.Palette.of_colours(np.array([(0, 0, 0), (250, 20, 20)], np.uint8))
    app = tiny.replace(cartoon=engine.CartoonOptions(palette=palette))
    for result in draw(app, [disc(80), disc(90, colour=(200, 20, 20))]):
        assert_array_equal(result.palette.rgb, palette.rgb)


def test_slow_changes_of_light_change_colours_slowly(tiny):
    frames = [
        (disc(radius=FILLING, noise=1, seed=t) * (1 - 0.02 * t)).astype(np.uint8) for t in range(12)
    ]
    results = draw(tiny, frames)
    assert max(jumps(results)) < 0.02
    first, last = (results[t].palette.lab[:, 0].max() for t in (0, -1))
    assert last < 0.85 * first


def test_an_error_in_a_frame_reaches_the_caller_after_the_frames_before(tiny):
    results = engine.VideoCartoonifier(tiny).frames([disc(), "no such file.png", disc()])
    assert next(results).share > 0
    with pytest.raises(PhotoError, match="no such file"):
        next(results)


@pytest.mark.parametrize(("every", "most"), [(1, 4), (2, 5), (9, 5)])
def test_few_frames_are_taken_ahead_of_the_caller(tiny, every, most):
    taken = []
    frames = (taken.append(t) or disc(80 + t) for t in range(10))
    results = engine.VideoCartoonifier(tiny, every=every).frames(frames)
    next(results)
    assert len(taken) <= most
    results.close()
    assert len(taken) < 10
