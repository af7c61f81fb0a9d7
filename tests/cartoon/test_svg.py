"""Drawings as SVG: what is in the document, and that a browser shows it."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.cartoon.refined.shapes import Shapes
from engine.cartoon.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
COLOURS = np.array([[200, 30, 40], [30, 200, 60], [40, 60, 220]], np.uint8)
SIZE = (180, 240)


@pytest.fixture
def shapes():
    """A disc of three stripes with a stroke across, at half the size of a part of the photo."""
    y, x = np.mgrid[:80, :100].astype(np.float32)
    return Shapes(
        labels=np.digitize(x, [40, 60]).astype(np.uint8),
        ink=3 - np.abs(y - 40),
        edge=35 - np.hypot(y - 40, x - 50),
        outline=2.0,
        ink_colour=(22, 18, 23),
        box=(30, 10, 230, 170),
        size=SIZE,
    )


def parsed(text):
    return ET.fromstring(text)


def test_it_has_the_size_of_the_photo_and_each_colour_once(shapes):
    root = parsed(to_svg(shapes, COLOURS, SIZE))
    assert root.tag == f"{SVG}svg"
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (
        "240",
        "180",
        "0 0 240 180",
    )
    fills = [path.get("fill") for path in root.iter(f"{SVG}path") if path.get("fill")]
    assert fills == ["#161217", "#c81e28", "#1ec83c", "#283cdc", "#161217"]


def test_it_runs_nothing_and_refers_to_nothing_outside(shapes):
    root = parsed(to_svg(shapes, COLOURS, SIZE, background=(1, 2, 3)))
    names = {element.get("id") for element in root.iter()} - {None}
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {
            "svg",
            "title",
            "rect",
            "g",
            "clipPath",
            "path",
            "use",
        }
        assert not [name for name in element.attrib if name.startswith("on")]
        for name in ("href", "clip-path"):
            if element.get(name):
                assert element.get(name).removeprefix("url(").strip("#)") in names


@pytest.mark.parametrize(
    "title", ["</title><script>1</script>", "a&b\"'", "\0\x1b[2J\ud800", "Zoë 写真"]
)
def test_any_title_stays_text(shapes, title):
    text = to_svg(shapes, COLOURS, SIZE, title=title)
    text.encode()
    root = parsed(text)
    assert not list(root.iter(f"{SVG}script"))
    shown = root.find(f"{SVG}title").text
    assert shown == title or not title.isprintable()


def test_a_background_covers_all_and_without_one_nothing_does(shapes):
    assert parsed(to_svg(shapes, COLOURS, SIZE)).find(f"{SVG}rect") is None
    rectangle = parsed(to_svg(shapes, COLOURS, SIZE, background=(255, 0, 9))).find(f"{SVG}rect")
    assert rectangle.attrib == {"width": "100%", "height": "100%", "fill": "#ff0009"}


def test_a_drawing_of_nothing_is_a_document():
    root = parsed(to_svg(None, COLOURS[:0], SIZE, background=(255, 255, 255)))
    assert [element.tag.removeprefix(SVG) for element in root] == ["title", "rect"]


def test_without_an_outline_there_is_no_ink_below(shapes):
    root = parsed(to_svg(replace(shapes, outline=0.0), COLOURS, SIZE))
    fills = [path.get("fill") for path in root.iter(f"{SVG}path") if path.get("d")]
    assert fills == [None, "#c81e28", "#1ec83c", "#283cdc", "#161217"]


def test_the_same_drawing_is_the_same_text_and_names_differ_between_drawings(shapes):
    text = to_svg(shapes, COLOURS, SIZE)
    assert to_svg(shapes, COLOURS, SIZE) == text
    other = to_svg(replace(shapes, ink=shapes.ink + 1, edge=shapes.edge - 3), COLOURS, SIZE)
    ids = [{e.get("id") for e in parsed(document).iter()} - {None} for document in (text, other)]
    assert not ids[0] & ids[1]


def test_a_portrait_stays_small(astronaut):
    gray = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.float32)
    light, line = (cv2.GaussianBlur(gray, (0, 0), sigma) for sigma in (5, 2))
    shapes = Shapes(
        labels=(light // 32).astype(np.uint8),
        ink=light - line - 10,
        edge=np.full(light.shape, 1e3, np.float32),
        outline=0.0,
        ink_colour=(0, 0, 0),
        box=(0, 0, 600, 800),
        size=(800, 600),
    )
    colours = np.repeat(np.arange(16, 256, 32, dtype=np.uint8)[:, None], 3, 1)
    text = to_svg(shapes, colours, (800, 600))
    assert 50_000 < len(text) < 200_000


@pytest.mark.browser
def test_a_browser_shows_it_as_drawn(shapes, browser, tmp_path):
    path = tmp_path / "toon.svg"
    path.write_text(to_svg(shapes, COLOURS, SIZE, background=(255, 255, 255)), encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(f'<body style="margin:0"><img src="{path.name}">', encoding="utf-8")
    browser.get(page.as_uri())
    picture = tmp_path / "shot.png"
    browser.save_screenshot(str(picture))
    shot = cv2.imread(str(picture))[: SIZE[0], : SIZE[1], ::-1]
    # Outside, each stripe, a stroke, and the outline; photo pixels, x then y.
    seen = {
        (40, 20): (255, 255, 255), (90, 60): (200, 30, 40), (130, 60): (30, 200, 60),
        (170, 60): (40, 60, 220), (130, 91): (22, 18, 23), (61, 91): (22, 18, 23),
    }  # fmt: skip
    assert {at: tuple(shot[at[1], at[0]].tolist()) for at in seen} == seen
    borders = shot[50:70, 85:175].reshape(-1, 3).astype(int)
    nearest = np.abs(borders[:, None] - COLOURS[None]).sum(2).min(1)
    assert (nearest > 0).mean() < 0.05  # the stripes' anti-aliased borders, nothing between
    assert borders.min(1).max() < 100  # no white shines through
    assert not browser.get_log("browser")
