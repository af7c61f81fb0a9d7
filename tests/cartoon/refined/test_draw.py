"""The refined styles as a user sees them."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.cartoon.colours import Palette, to_lab
from engine.cartoon.refined.draw import INK_COLOUR, draw
from engine.metrics import ssim
from engine.options import CartoonOptions
from tests.cartoon.refined.sitter import portrait

STYLES = ("comic", "poster", "ink")
every_style = pytest.mark.parametrize("style", STYLES)
MEDIUM = 600


def options(style="comic", **knobs):
    return CartoonOptions(style=style, **knobs)


def drawn(subject, style="comic", **knobs):
    return draw(*subject, options(style, **knobs))


def far_from(alpha, pixels):
    """What is at least so many pixels away from the person."""
    reach = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.dilate((alpha > 0).astype(np.uint8), reach) == 0


def inside(alpha, pixels):
    reach = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.erode((alpha == 1).astype(np.uint8), reach, borderValue=1) > 0


@pytest.fixture(scope="module")
def medium():
    return portrait(MEDIUM)


@every_style
@pytest.mark.parametrize("is_transparent", [False, True])
def test_any_number_of_threads_draws_the_same_pixels(style, is_transparent, medium):
    one, *others = (
        draw(*medium, options(style), transparent=is_transparent, threads=threads)
        for threads in (1, 2, 3)
    )
    for other in others:
        assert_array_equal(other.cartoon, one.cartoon)
        assert other.palette == one.palette


@every_style
def test_the_whole_picture_is_the_same_for_any_number_of_threads(style, medium):
    photo, _ = medium
    one, three = (draw(photo, None, options(style), threads=threads) for threads in (1, 3))
    assert_array_equal(one.cartoon, three.cartoon)


@every_style
def test_drawing_twice_gives_the_same(style, medium):
    assert_array_equal(drawn(medium, style).cartoon, drawn(medium, style).cartoon)


def small_person(side, width, height):
    """The sitter, so many pixels large, in a white picture."""
    photo = np.full((height, width, 3), 255, np.uint8)
    alpha = np.zeros((height, width), np.float32)
    photo[4 : 4 + side, 4 : 4 + side], alpha[4 : 4 + side, 4 : 4 + side] = portrait(side)
    return photo, alpha


@every_style
@pytest.mark.parametrize("size", [(48, 64), (90, 160), (360, 640), (1080, 1920)])
@pytest.mark.parametrize("side", [16, 24, 36])
def test_a_small_person_is_not_drawn_as_a_square_of_ink(style, side, size):
    photo, alpha = small_person(side, *size[::-1])
    cartoon = drawn((photo, alpha), style).cartoon
    assert (cartoon[far_from(alpha, 2)] == 255).all()
    middle = cv2.erode(alpha, np.ones((5, 5), np.uint8)) == 1
    assert (cartoon.max(axis=2) > 60)[middle & (photo.max(axis=2) > 60)].mean() > 0.5


@pytest.mark.parametrize("side", [24, 36])
def test_a_small_person_has_a_finer_outline_than_a_pixel(side):
    photo, alpha = small_person(side, 640, 360)
    assert (
        0 < drawn((photo, alpha)).shapes.outline < 0.35 * 3
    )  # half of it, at three times the size


@every_style
@pytest.mark.parametrize("size", [150, MEDIUM])
def test_white_stays_pure_away_from_the_outline(style, size):
    photo, alpha = portrait(size)
    cartoon = drawn((photo, alpha), style).cartoon
    assert (cartoon[far_from(alpha, max(2, size // 100))] == 255).all()
    assert (cartoon[alpha > 0.5] < 255).any()


@every_style
@pytest.mark.parametrize("size", [150, MEDIUM])
def test_nothing_behind_is_touched(style, size):
    photo, alpha = portrait(size)
    behind = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    before = behind.copy()
    cartoon = draw(photo, alpha, options(style), behind=behind).cartoon
    far = far_from(alpha, max(2, size // 100))
    assert_array_equal(cartoon[far], behind[far])
    assert_array_equal(behind, before)


@every_style
@pytest.mark.parametrize("size", [150, MEDIUM])
@pytest.mark.parametrize("level", [0, 255])
def test_a_transparent_drawing_laid_on_a_colour_is_the_one_drawn_on_it(style, size, level):
    photo, alpha = portrait(size)
    rgba = draw(photo, alpha, options(style), transparent=True).cartoon.astype(float)
    share = rgba[..., 3:] / 255
    laid = share * rgba[..., :3] + (1 - share) * level
    behind = np.full((1, 1, 3), level, np.uint8)
    expected = draw(photo, alpha, options(style), behind=behind).cartoon
    assert np.abs(laid - expected).max() <= 1.5  # colour, coverage and result are rounded


@every_style
def test_a_whole_picture_has_no_outline_and_covers_everything(style, medium):
    photo, _ = medium
    drawing = draw(photo, None, options(style), transparent=True)
    assert (drawing.cartoon[..., 3] == 255).all()
    assert drawing.shapes.outline == 0


def test_a_held_palette_is_painted_with_and_nothing_else(medium):
    held = Palette.of_colours(np.array([[250, 240, 230], [200, 90, 60], [20, 60, 90]], np.uint8))
    drawing = draw(*medium, options("ink"), palette=held)
    assert_array_equal(drawing.palette.rgb, held.rgb)
    assert not drawing.centroids
    whole = drawing.shapes.labels
    assert set(np.unique(whole)) <= set(range(len(held)))
    # Ink has no soft tones: only pixels on a border or a line are mixed.
    colours = np.concatenate([held.rgb, [INK_COLOUR]]).astype(int)
    cartoon = drawing.cartoon[inside(medium[1], 4)].astype(int)
    is_one = (cartoon[:, None] == colours).all(axis=-1).any(axis=-1)
    assert is_one.mean() > 0.93


def test_soft_tones_lie_between_the_colours_of_a_held_palette(medium):
    held = Palette.of_colours(np.array([[240, 200, 180], [120, 80, 60], [60, 60, 90]], np.uint8))
    cartoon = draw(*medium, options(lines=0), palette=held).cartoon[inside(medium[1], 4)]
    assert (cartoon >= held.rgb.min(axis=0)).all()
    assert (cartoon <= held.rgb.max(axis=0)).all()


def test_the_shares_tell_how_much_each_colour_covers(medium):
    drawing = drawn(medium, "ink", lines=0)
    cartoon = drawing.cartoon[medium[1] > 0.5]
    for colour, share in zip(drawing.palette.rgb, drawing.palette.share, strict=True):
        assert (cartoon == colour).all(axis=1).mean() == pytest.approx(share, abs=0.02)


NOISE = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
PICTURES = {
    "any colours": NOISE,
    "black": np.zeros_like(NOISE),
    "white": np.full_like(NOISE, 255),
    "no colour": NOISE[..., :1].repeat(3, axis=2),
    "one colour": np.full_like(NOISE, (200, 30, 30)),
}
ALPHAS = {
    "the whole picture": None,
    "nobody": 0.0,
    "everything": 1.0,
    "all faint": 0.3,
    "all hardly seen": 0.021,
    "all half": 0.5,
}


@every_style
@pytest.mark.parametrize("alpha", ALPHAS.values(), ids=ALPHAS)
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 2), (17, 23)])
def test_whatever_there_is_becomes_a_picture_of_its_size(size, picture, alpha, style):
    part = np.ascontiguousarray(picture[: size[0], : size[1]])
    matte = None if alpha is None else np.full(size, alpha, np.float32)
    for channels in (3, 4):
        drawing = draw(part, matte, options(style), transparent=channels == 4)
        assert drawing.cartoon.shape == (*size, channels)
        assert drawing.cartoon.dtype == np.uint8
        assert (drawing.shapes is None) == (len(drawing.palette) == 0) == (alpha == 0)


@every_style
def test_one_pixel_of_a_person_is_drawn(style):
    photo = np.full((60, 80, 3), 255, np.uint8)
    alpha = np.zeros((60, 80), np.float32)
    alpha[30, 40], photo[30, 40] = 1, (20, 20, 120)
    drawing = draw(photo, alpha, options(style))
    assert len(drawing.palette) == 1
    assert (drawing.cartoon[far_from(alpha, 6)] == 255).all()


@every_style
def test_a_faint_white_picture_is_no_trouble(style):
    # Single precision takes its lightness to a little more than 100.
    alpha = np.full((300, 300), 0.02, np.float32)
    drawing = draw(np.full((300, 300, 3), 255, np.uint8), alpha, options(style))
    assert (drawing.palette.lab[:, 0] <= 100).all()


@every_style
@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, np.asfortranarray])
def test_what_is_behind_may_lie_in_any_way_in_memory(style, turn, medium):
    behind = turn(np.random.default_rng(0).integers(0, 256, medium[0].shape, np.uint8))
    expected = draw(*medium, options(style), behind=np.ascontiguousarray(behind)).cartoon
    assert_array_equal(draw(*medium, options(style), behind=behind).cartoon, expected)


@every_style
def test_a_person_is_drawn_on_a_plain_colour(style, medium):
    green = np.full((1, 1, 3), (0, 255, 0), np.uint8)
    expected = draw(*medium, options(style), behind=green.repeat(MEDIUM, 0).repeat(MEDIUM, 1))
    cartoon = draw(*medium, options(style), behind=green).cartoon
    assert_array_equal(cartoon, expected.cartoon)
    assert (cartoon[inside(medium[1], 4)] != green).any(axis=-1).all()


def test_nobody_leaves_what_is_behind():
    behind = NOISE
    nobody = np.zeros(behind.shape[:2], np.float32)
    on_picture = draw(np.full_like(behind, 255), nobody, options(), behind=behind)
    assert_array_equal(on_picture.cartoon, behind)
    alone = draw(np.full_like(behind, 255), nobody, options(), transparent=True)
    assert (alone.cartoon[..., 3] == 0).all()


@every_style
def test_no_lines_leave_no_ink(style, medium):
    drawing = drawn(medium, style, lines=0)
    assert (drawing.shapes.ink <= 0).all()
    assert drawing.shapes.outline == 0


@pytest.mark.parametrize("style", ["comic", "ink"])
def test_heavier_lines_are_more_ink(style, medium):
    shapes = [drawn(medium, style, lines=lines).shapes for lines in (0.5, 1, 2)]
    ink = [(shape.ink > 0).sum() for shape in shapes]
    assert 0 < ink[0] < ink[1] < ink[2]
    assert 0 < shapes[0].outline < shapes[1].outline < shapes[2].outline


def test_more_detail_keeps_more_of_the_photo(medium):
    photo, alpha = medium
    y, x = np.mgrid[:MEDIUM, :MEDIUM]
    ripples = 25 * np.sin(x / 3) * np.sin(y / 3)
    rippled = np.clip(photo + np.where(alpha == 1, ripples, 0)[..., None], 0, 255).astype(np.uint8)
    likeness = [
        ssim(drawn((rippled, alpha), detail=detail).cartoon, rippled) for detail in (0, 1, 2)
    ]
    assert likeness[0] + 0.02 < likeness[1] < likeness[2] - 0.02


@pytest.mark.parametrize("style", ["comic", "poster"])
def test_nothing_vivid_is_grey(style, medium):
    cartoon = drawn(medium, style, vivid=0, lines=0).cartoon.astype(int)
    assert np.ptp(cartoon, axis=-1).max() <= 1


def test_more_vivid_is_more_colourful(medium):
    chroma = [
        np.hypot(*to_lab(drawn(medium, vivid=vivid).palette.rgb)[:, 1:].T).max()
        for vivid in (0.5, 1, 1.5)
    ]
    assert chroma[0] < chroma[1] < chroma[2]


@every_style
@pytest.mark.parametrize("count", [2, 3, 5, 64])
def test_so_many_colours_are_the_most(style, count):
    photo = cv2.resize(NOISE[:12, :12], (300, 300), interpolation=cv2.INTER_CUBIC)
    palette = draw(photo, None, options(style, colours=count)).palette
    assert 2 <= len(palette) <= count
    assert palette.share.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "shirt",
    [(200, 30, 30), (200, 40, 90), (170, 40, 170), (60, 60, 200), (40, 140, 60), (128, 128, 128)],
)
def test_no_hue_flips_beside_skin(shirt):
    photo, alpha = portrait(300)
    blue = np.argmax(photo, axis=-1) == 2
    photo[blue & (alpha == 1)] = shirt
    photo = cv2.add(photo, np.random.default_rng(0).integers(0, 9, photo.shape, np.uint8))
    cartoon = drawn((photo, alpha), lines=0).cartoon
    kept = inside(alpha, 3)
    before, after = (to_lab(picture[kept])[:, 1:].astype(float) for picture in (photo, cartoon))
    chroma = np.hypot(*before.T), np.hypot(*after.T)
    is_coloured = (chroma[0] > 15) & (chroma[1] > 5)
    cosine = (before * after).sum(axis=1)[is_coloured] / (chroma[0] * chroma[1])[is_coloured]
    assert is_coloured.mean() > 0.3
    assert (cosine < np.cos(np.radians(60))).mean() < 0.002  # at a border between two colours


@every_style
@pytest.mark.slow
def test_a_drawing_does_not_depend_on_the_size_of_the_photo(style, medium):
    large = drawn(portrait(4 * MEDIUM), style).cartoon
    reduced = cv2.resize(large, (MEDIUM, MEDIUM), interpolation=cv2.INTER_AREA)
    assert ssim(reduced, drawn(medium, style).cartoon) > 0.98


@every_style
@pytest.mark.parametrize("size", [150, MEDIUM])
@pytest.mark.parametrize("shift", [(0, 1), (1, 0), (3, 7)])
def test_the_drawing_of_a_shifted_picture_is_the_shifted_drawing(style, size, shift):
    photo, alpha = portrait(size)
    margin = size // 10
    around = (margin, margin), (margin, margin)
    photo = np.pad(photo, (*around, (0, 0)), constant_values=255)
    alpha = np.pad(alpha, around)
    shifted = [np.ascontiguousarray(np.roll(array, shift, (0, 1))) for array in (photo, alpha)]
    expected = np.roll(drawn((photo, alpha), style).cartoon, shift, (0, 1))
    assert_array_equal(drawn(shifted, style).cartoon, expected)


@pytest.mark.parametrize("style", ["comic", "poster"])
def test_a_dark_picture_is_painted_lighter(style, medium):
    photo, alpha = medium
    dark = np.where(alpha[..., None] > 0, photo // 3, photo)
    palette = drawn((dark, alpha), style).palette
    painted, found = to_lab(palette.rgb)[:, 0], palette.lab[:, 0]
    assert palette.share @ painted > 1.3 * (palette.share @ found)


def test_a_light_picture_keeps_its_lightness(medium):
    palette = drawn(medium).palette
    painted, found = to_lab(palette.rgb)[:, 0], palette.lab[:, 0]
    assert abs(palette.share @ (painted - found)) < 5
