"""Styles, knobs, palettes and shapes on the command line."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from engine import Palette
from tests.folders import tree


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def drawn(cartoonify, photo, tmp_path):
    """The cartoon that some options give."""
    count = iter(range(100))

    def draw(*options):
        path = tmp_path / f"drawn{next(count)}.png"
        code, _, err = cartoonify("me.png", "-o", path, *options)
        assert code == 0, err
        return pixels(path)

    return draw


def test_comic_is_the_default_and_classic_implies_classic(cartoonify, photo):
    def style(*options):
        return json.loads(cartoonify("me.png", "--json", "--overwrite", *options)[1])["style"]

    assert style() == "comic"
    assert style("--classic") == style("--classic", "--style", "classic") == "classic"
    assert style("--style", "ink") == "ink"


@pytest.mark.parametrize("words", [("--precise",), ("--quality", "high")])
def test_a_precise_cutout_is_that_of_the_library(drawn, tiny, person_photo, words):
    from engine import SegmentOptions

    expected = tiny.replace(SegmentOptions(precise=True))(person_photo).cartoon
    assert_array_equal(drawn(*words), expected)
    assert not np.array_equal(expected, tiny(person_photo).cartoon)


def test_options_are_those_of_the_library(drawn, tiny, person_photo):
    from engine import CartoonOptions

    options = ("--colours", "4", "--lines", "0", "--detail", "0.5", "--vivid", "1.5")
    app = tiny.replace(cartoon=CartoonOptions("poster", 4, 0, 0.5, 1.5))
    assert_array_equal(drawn("--style", "poster", *options), app(person_photo).cartoon)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--style", "comics"), "Did you mean comic"),
        (("--colours", "1"), "colours is 1; it lies in 2..64"),
        (("--lines", "3"), "lines is 3.0; it lies in 0..2"),
        (("--vivid", "nan"), "vivid is nan"),
        (("--classic", "--style", "ink"), "classic mode has no style ink"),
        (
            ("--classic", "--precise"),
            "classic runs the network once, on the whole photo. Leave out --precise",
        ),
        (("--quality", "highest"), "quality is 'highest'; expected 1 to 100, or high"),
        (("--classic", "--lines", "0"), "classic has no lines; expected comic, poster, ink. "),
        (("--style", "classic", "--detail", "2"), "Choose one with --style"),
        (("--style", "classic", "--save", "svg"), "Choose another --style: comic, poster, ink"),
        (("--style", "classic", "--palette", "me.png"), "leave out the palette"),
        (("--palette", "nowhere.json"), "palette nowhere.json: cannot be read: No such file"),
        (("--palette", "nowhere.png"), "palette nowhere.png: no such file"),
        (("--palette", ""), "it is empty"),
        (("--palette", "broken.json"), "broken.json: not a palette"),
        (("--palette", "broken.png"), "palette broken.png: not a picture"),
        (("--palette", "nobody.png"), "palette nobody.png: no person found"),
        (("--palette", "."), "palette"),
        (("--save", "svg", "-o", "x.png"), "svg is exact, and written as svg only"),
        (("--save", "palette", "-o", "x.svg"), "palette is exact, and written as json only"),
        (("--save", "cartoon", "-o", "x.svg"), "a cartoon is no svg; expected png, jpg, webp"),
        (("--format", "svg"), "expected png, jpg, webp"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_anything_is_written(
    cartoonify, photo, tmp_path, options, reason
):
    (tmp_path / "broken.json").write_text('{"colours": [1]}')
    (tmp_path / "broken.png").write_text("no")
    Image.new("RGB", (40, 30), "green").save(tmp_path / "nobody.png")
    before = tree(tmp_path)
    code, _, err = cartoonify("me.png", *options)
    assert code == 2
    assert reason in err
    assert err.count("\n") == 1
    assert tree(tmp_path) == before


def test_shapes_and_palettes_are_saved_beside_pictures(cartoonify, photo, tmp_path):
    assert cartoonify("me.png", "--save", "cartoon,svg,palette")[0] == 0
    names = ["me_cartoon.png", "me_cartoon.svg", "me_palette.json"]
    assert [name for name in tree(tmp_path / "out") if name.startswith("me")] == names
    assert (tmp_path / "out/me_cartoon.svg").read_text().startswith("<svg")
    assert len(Palette.read(tmp_path / "out/me_palette.json")) > 0


def test_all_are_all_pictures_in_every_style(cartoonify, photo, tmp_path):
    for style in ("comic", "classic"):
        code, _, err = cartoonify("me.png", "--save", "all", "--style", style, "-o", style)
        assert code == 0, err
        pictures = [name for name in tree(tmp_path / style) if name.startswith("me")]
        assert len(pictures) == 5


@pytest.mark.parametrize(
    ("name", "start"), [("me.svg", "<svg"), ("me.json", '{\n "colours"'), ("ME.SVG", "<svg")]
)
def test_a_file_s_suffix_says_what_it_is(cartoonify, photo, tmp_path, name, start):
    code, _, err = cartoonify("me.png", "-o", name)
    assert code == 0, err
    assert (tmp_path / name).read_text().startswith(start)


def test_a_saved_palette_and_its_photo_give_the_same_drawing(drawn, cartoonify, tmp_path):
    other = np.full((60, 80, 3), (250, 20, 20), np.uint8)
    other[20:40] = 200, 90, 60
    Image.fromarray(other).save(tmp_path / "other.png")
    assert cartoonify("other.png", "-o", "family.json", "--background", "none")[0] == 0
    options = ("--background", "none")
    by_file = drawn("--palette", "family.json", *options)
    assert_array_equal(drawn("--palette", "other.png", *options), by_file)
    assert not np.array_equal(drawn(*options), by_file)


def test_a_palette_by_hand_is_drawn_in(cartoonify, photo, tmp_path):
    (tmp_path / "two.json").write_text('["#102030", "ivory"]')
    assert cartoonify("me.png", "--palette", "two.json", "--save", "palette")[0] == 0
    got = Palette.read(tmp_path / "out" / "me_palette.json")
    assert got.css == ["#102030", "#fffff0"]


def test_another_palette_is_another_drawing_to_a_resumed_run(cartoonify, photo, tmp_path):
    palette = tmp_path / "two.json"
    for colours, expected in (("navy", "done"), ("navy", "skipped"), ("tomato", "done")):
        palette.write_text(json.dumps(["black", colours]))
        out = cartoonify("me.png", "--palette", "two.json", "--resume", "--json")[1]
        assert json.loads(out)["state"] == expected
    out = cartoonify("me.png", "--palette", "two.json", "--resume", "--json", "--vivid", "2")[1]
    assert json.loads(out)["state"] == "done"


def test_a_dry_run_names_shapes_and_palettes(cartoonify, photo, tmp_path):
    code, out, _ = cartoonify("me.png", "--save", "svg,palette", "--dry-run")
    assert code == 0
    assert out == "me.png -> out/me_cartoon.svg, out/me_palette.json\n"
    assert not (tmp_path / "out").exists()


def test_a_report_of_another_style_names_it(cartoonify, photo, tmp_path):
    (tmp_path / "two.json").write_text('["black", "ivory"]')
    options = ("--report", "--style", "poster", "--palette", "two.json", "--save", "cartoon,svg")
    assert cartoonify("me.png", *options)[0] == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["settings"]["like"] == "two.json"
    assert report["settings"]["cartoon"]["style"] == "poster"
    assert report["photos"][0]["style"] == "poster"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "./me_cartoon.png" in page
    assert ">svg</a>" in page


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), "comic"), (("--style", "ink"), "ink"), (("--protocol", "document"), "classic")],
)
def test_evaluate_draws_in_a_style(cartoonify, photo, tmp_path, options, expected):
    code, _, err = cartoonify("evaluate", "me.png", "-o", "r", *options)
    assert code == 0, err
    settings = json.loads((tmp_path / "r" / "report.json").read_text())["settings"]
    assert settings["style"] == expected


def test_evaluate_as_published_has_no_other_style(cartoonify, photo):
    code, _, err = cartoonify("evaluate", "me.png", "--protocol", "document", "--style", "ink")
    assert code == 2
    assert "leave out ink" in err
