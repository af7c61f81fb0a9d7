"""Means, groups and reasons."""

import pytest

from engine.record import PhotoRecord
from engine.report import summary
from tests.report.records import classic, empty, failed, record


def test_reasons_name_what_went_wrong():
    poor = PhotoRecord(
        photo="x", state="done", share=0.01, metrics={"ssim": 0.2},
        style="classic", centroids={"hue": (90,)}, histograms={"hue": (50, *[0] * 178, 50)},
    )  # fmt: skip
    assert summary.mean_shift([50] + [0] * 178 + [50], [90]) == 89.5
    assert summary.explain(poor) == [
        "only 1.0% of the picture is kept",
        "its palette mixes only 1 colour",
        "hue has 1 level and is off by 90 levels on average",
    ]
    assert summary.explain(failed(error="broken")) == ["broken"]


def test_empty_photos_are_counted_apart_and_in_no_mean():
    facts = summary.summarise([record("a.jpg"), empty(), failed()])
    counts = {name: facts[name] for name in ("photos", "done", "failed", "empty")}
    assert counts == {"photos": 3, "done": 2, "failed": 1, "empty": 1}
    assert (facts["mean"]["ssim"], facts["mean"]["share"]) == (0.5, 0.5)
    assert facts["best"] == facts["worst"] == ["a.jpg"]


def test_means_of_nothing_and_of_what_is_beyond_numbers_are_unknown():
    huge = [record(metrics={"ssim": 1.7e308}) for _ in range(2)]
    assert summary.summarise(huge)["mean"]["ssim"] is None
    assert summary.summarise([])["mean"]["ssim"] is None


@pytest.mark.parametrize(
    ("levels", "is_few"), [((9,), True), ((9, 20), True), ((9, 20, 90), False)]
)
def test_a_palette_that_mixes_less_than_twelve_colours_has_few(levels, is_few):
    centroids = dict.fromkeys(("hue", "saturation", "value"), levels)
    assert summary.has_few_colours(classic(centroids=centroids)) == is_few
    assert not summary.has_few_colours(empty(style="classic", centroids=centroids))


def test_colours_are_counted_as_the_style_makes_them():
    assert summary.count_colours(record()) == 2
    assert summary.tell_colours(record()) == "2"
    assert summary.count_colours(classic()) == 27
    assert summary.tell_colours(classic()) == "3/3/3"
    assert not summary.has_few_colours(record())


def test_hue_is_a_circle_in_all_styles_but_classic():
    red = {"centroids": {"hue": (1,)}, "histograms": {"hue": (*[0] * 179, 9)}}
    assert summary.mean_shift([0] * 179 + [9], [1], is_circle=True) == 2
    assert summary.explain(record(**red)) == []
    assert "off by 178 levels" in " ".join(summary.explain(classic(**red)))


def test_a_histogram_without_a_palette_is_no_reason():
    assert summary.explain(record(centroids={})) == []
    assert "without a report" in summary.main_loss(record(centroids={}, thumbnails={}))


def test_colours_that_were_given_have_no_histograms():
    given = record(centroids={}, histograms={})
    assert summary.main_loss(given) == "no histograms, because its colours were given"
