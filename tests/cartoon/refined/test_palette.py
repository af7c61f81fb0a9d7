"""How many colours, and which: by K-histogram, then split and joined."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine.cartoon.k_histogram import k_histogram
from engine.cartoon.refined.palette import CHANNELS, PARTS, find_colours, paint
from engine.cartoon.refined.styles import STYLES
from engine.options import CartoonOptions

COMIC = STYLES["comic"]
SIZE = 60, 80


def find(lab, alpha=None, style=COMIC, threads=1, **knobs):
    alpha = np.ones(lab.shape[:2], np.float32) if alpha is None else alpha
    return find_colours(lab, alpha, style, CartoonOptions(**knobs), threads)


def stripes(*colours):
    """A picture in equal vertical stripes of Lab colours, with a little noise."""
    lab = np.repeat(np.array(colours, np.float32)[None], SIZE[1] // len(colours), axis=1)
    lab = lab.repeat(SIZE[0], axis=0)
    return lab + np.random.default_rng(0).normal(0, 0.3, lab.shape).astype(np.float32)


def any_lab():
    return (
        np.random.default_rng(0)
        .uniform((0, -60, -60), (100, 60, 60), (*SIZE, 3))
        .astype(np.float32)
    )


def test_levels_are_those_of_k_histogram():
    found = find(any_lab())
    for name in ("lightness", "chroma"):
        assert_array_equal(found.centroids[name], k_histogram(found.histograms[name]))


def test_the_options_of_k_histogram_rule_the_levels():
    few, many = (find(any_lab(), split_p_value=p).centroids["lightness"] for p in (1e-12, 0.5))
    assert len(few) <= len(many)
    expected = k_histogram(
        find(any_lab()).histograms["lightness"], CartoonOptions(split_p_value=0.5)
    )
    assert_array_equal(many, expected)


def test_histograms_count_in_millionths_of_the_person():
    histograms = find(any_lab()).histograms
    assert tuple(histograms) == CHANNELS
    assert [len(histograms[name]) for name in CHANNELS] == [256, 256, 180]
    for hist in histograms.values():
        assert hist.sum() == pytest.approx(PARTS, rel=0.01)


def test_red_is_one_hue_though_the_circle_begins_there():
    reds = [(50, 50 * np.cos(angle), 50 * np.sin(angle)) for angle in np.linspace(-0.15, 0.15, 20)]
    hues = find(stripes(*reds)).centroids["hue"]
    assert len(hues) == 1
    assert min(hues[0], 180 - hues[0]) < 3


def test_every_stripe_has_its_colour():
    colours = [(20, 5, -40), (50, 0, 0), (60, 45, 30), (70, 15, 20), (90, 0, 5)]
    found = find(stripes(*colours))
    assert_allclose(found.lab, colours, atol=0.5)  # as light as they come
    assert_allclose(found.share, 1 / 5, atol=0.01)


def test_what_is_less_than_half_kept_does_not_count():
    lab, alpha = stripes((20, 5, -40), (90, 0, 5)), np.ones(SIZE, np.float32)
    alpha[:, 40:] = 0.49
    assert_allclose(find(lab, alpha).lab, [(20, 5, -40)], atol=0.5)


def test_where_nothing_is_half_kept_the_colour_of_the_densest_pixel_is_drawn():
    lab, alpha = stripes((20, 5, -40), (90, 0, 5)), np.full(SIZE, 0.1, np.float32)
    alpha[10, 70] = 0.4
    found = find(lab, alpha)
    assert_allclose(found.lab, lab[10, 70][None], atol=0.01)
    assert not found.histograms


def test_a_rare_colour_joins_its_neighbour():
    lab = stripes((20, 5, -40), (90, 0, 5))
    lab[0, :2] = 20, 60, 20
    assert len(find(lab).lab) == 2


def test_any_number_of_threads_finds_the_same():
    lab = np.tile(any_lab(), (6, 6, 1))
    one, three = find(lab, threads=1), find(lab, threads=3)
    assert_array_equal(one.lab, three.lab)
    assert_array_equal(one.share, three.share)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_colours_are_fewer_than_asked_for(style):
    for most in (2, 5, 20):
        found = find(any_lab(), style=style, colours=most)
        assert 1 <= len(found.lab) <= most
        assert found.share.sum() == pytest.approx(1)
        assert (np.diff(found.lab[:, 0]) >= 0).all()


def test_ink_is_painted_from_black_to_paper():
    found = find(any_lab() * np.array([1, 0, 0], np.float32), style=STYLES["ink"])
    rgb = paint(found, STYLES["ink"], 1.0).rgb
    assert_array_equal(rgb[[0, -1]], [[0, 0, 0], [255, 255, 255]])
    assert (np.diff(rgb[:, 0].astype(int)) > 0).all()


def test_lighter_colours_are_painted_lighter():
    found = find(any_lab() * np.array([1, 0.1, 0.1], np.float32))
    assert (np.diff(paint(found, COMIC, 1.0).rgb.astype(int).sum(axis=1)) >= 0).all()
