"""What is on the page, and what must not be."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.report.records import classic, empty, failed, record

pytest.importorskip("matplotlib", reason="the report extra is not installed")

from engine.report.page import to_html

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&"


class Page(HTMLParser):
    """The tags with their attributes, and the text, as a browser reads them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.scripts, self.styles = [], [], [], []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._inside = tag
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        {"script": self.scripts, "style": self.styles}.get(self._inside, self.texts).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return "".join(self.texts)


def page(*records, title="Cartoonify", settings=None):
    return Page(to_html(title, records, settings or {}))


def evil_record():
    """Each field that holds text holds markup, and each that has names too."""
    return record(
        EVIL,
        name=EVIL, key=EVIL, model=EVIL, provider=EVIL, warnings=(EVIL,), colours=(EVIL,),
        files=(f"{EVIL}_{EVIL}.png", f"{EVIL}_cartoon.png"),
        timings_ms={EVIL: 1.0}, metrics={EVIL: 0.5, "ssim": 0.5},
        thumbnails={"photo": f"data:image/webp;base64,{EVIL}", "cutout": f"http://x/{EVIL}"},
        style=EVIL, centroids={**record().centroids, EVIL: (1,)},
        histograms={**record().histograms, EVIL: (1,)},
    )  # fmt: skip


def test_nothing_that_a_record_holds_becomes_markup():
    broken = replace(failed(EVIL, error=EVIL), option=EVIL, advice=EVIL)
    got = page(evil_record(), broken, title=EVIL, settings={EVIL: EVIL})
    assert len(got.all("script")) == len(got.scripts) == 1
    attributes = [name for _, found in got.tags for name in found]
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert all(i["src"].startswith("data:image/") for i in got.all("img"))
    assert all(a["href"].startswith("./") for a in got.all("a"))
    assert got.text.count("<script>alert(1)</script>") >= 6


def test_the_page_allows_its_own_script_and_style_and_nothing_else():
    got = page(record())
    policy = next(m["content"] for m in got.all("meta") if "http-equiv" in m)
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for directive, texts in (("script-src", got.scripts), ("style-src", got.styles)):
        (text,) = texts
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_control_characters_of_a_name_are_shown_and_have_no_effect():
    name = "a\n\0\x1b[31m\x9b\u202egpj.b\udcff.jpg"
    got = page(record(name), failed(name, error=name), settings={"command": [name]})
    assert r"a\n\x00\x1b[31m\x9b\u202egpj.b\udcff.jpg" in got.text
    assert re.search(r"[\0\x1b\x9b\u202e\udcff]", got.text) is None


def test_the_best_photo_is_never_an_empty_one():
    got = page(record("a.jpg"), empty("nobody.jpg")).text
    assert "Best: a.jpg" in got
    assert "Nothing was measured." in page(empty(), failed()).text


def test_photos_that_need_a_look_are_counted_and_marked():
    few = classic("few.jpg", centroids=dict.fromkeys(("hue", "saturation", "value"), (7,)))
    got = page(record(), few, empty(), failed())
    for label in ("all (4)", "failed (1)", "nobody found (1)", "few colours (1)", "warnings (1)"):
        assert label in got.text
    classes = [row["class"] for row in got.all("tr")[1:]]
    assert classes == ["", "few-colours", "nobody-found warnings", "failed"]


def test_records_of_a_run_without_a_report_are_shown():
    plain = record(state="skipped", thumbnails={}, histograms={}, colours=())
    got = page(plain)
    assert "without a report" in got.text
    assert [a["href"] for a in got.all("a")] == ["./a_cutout.png", "./a_cartoon.png"]
    assert len(got.all("img")) == 1  # the metrics


def test_classic_photos_and_others_have_their_own_channels():
    got = page(record(), classic("b.jpg"))
    alts = [image["alt"] for image in got.all("img")]
    assert "histograms of lightness, chroma, hue of a.jpg, with centroids and group borders" in alts
    assert "histograms of hue, saturation, value of b.jpg, with centroids and group borders" in alts


@pytest.mark.parametrize("only", ["centroids", "histograms"])
def test_a_record_with_half_of_its_details_is_shown(only):
    halved = {"centroids": {}, "histograms": {}} | {only: getattr(record(), only)}
    assert "a.jpg" in page(record(**halved)).text


def test_a_thumbnail_leads_to_its_file_or_else_to_a_large_view():
    got = page(record("sub/a 1%.jpg", files=("sub/a 1%_cartoon.png",)))
    assert {a["href"] for a in got.all("a")} == {"./sub/a%201%25_cartoon.png"}
    enlarged = [b for b in got.all("button") if b.get("class") == "enlarge"]
    assert len(enlarged) == 3  # the photo, the cut-out and the histograms


@pytest.mark.parametrize(
    "path", ["/etc/passwd_cartoon.png", "../x_cartoon.png", "a/../../x_cartoon.png", "\ud800.png"]
)
def test_no_link_leads_out_of_the_report_s_folder(path):
    assert page(record(files=(path,))).all("a") == []


def test_a_link_never_has_a_scheme():
    (link, _) = page(record(files=("javascript:alert(1)_cartoon.png",))).all("a")
    assert link["href"] == "./javascript%3Aalert%281%29_cartoon.png"


def test_the_cartoon_s_own_colours_come_first():
    fills = [r["fill"] for r in page(record()).all("rect")]
    assert fills[:2] == ["#102030", "#ffffff"]


def test_it_speaks_of_milliseconds_per_photo():
    assert "ms per photo" in page(record()).text
