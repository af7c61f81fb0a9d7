"""The page in a real browser, on a real service with the embedded model."""

import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager

import pytest
from PIL import Image

from tests.chromium import complaints_of, requests_of
from tests.folders import wait_for
from tests.samples import encoded
from tests.serve.page_driver import Page
from tests.serve.serving import serving

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytestmark = pytest.mark.browser
MOVE_COLOURS = """
const knob = document.getElementById("colours");
knob.value = arguments[0];
knob.dispatchEvent(new Event("input"));
"""
PHONE, DESKTOP = (390, 844), (1440, 900)


@contextmanager
def started():
    """The command, in a process of its own; the URL it tells."""
    command = [sys.executable, "-m", "engine.run", "serve", "--port", "0", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        url = next(word.strip(";") for word in line.split() if word.startswith("http://"))
        wait_for(lambda: is_ready(url))
        yield url
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def is_ready(url):
    try:
        with urllib.request.urlopen(f"{url}/readyz"):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def url():
    with started() as url:
        yield url


@pytest.fixture
def page(chromium, url):
    return Page(chromium, url).open()


@pytest.fixture(scope="module")
def portrait(astronaut):
    """A PNG."""
    return encoded(Image.fromarray(astronaut[::2, ::2]), "PNG")


@pytest.fixture(scope="module")
def meadow():
    """A PNG without a person."""
    return encoded(Image.new("RGB", (320, 240), (120, 170, 90)), "PNG")


def ask(url, path, body=b"", method="POST"):
    with urllib.request.urlopen(urllib.request.Request(url + path, body, method=method)) as answer:
        return answer.read()


def are_greys(colours):
    return all(len({c[1:3], c[3:5], c[5:7]}) == 1 for c in colours)


def test_a_photo_that_is_dropped_becomes_a_cartoon_beside_it(page, portrait):
    page.draw(me=portrait)
    assert page.find(".before").get_attribute("alt") == "The photo me.png"
    assert page.find(".after img").get_attribute("alt") == "Cartoon of me.png"
    assert page.find("#status").get_attribute("textContent") == "Cartoon of me.png is ready."
    assert page.pixel(0.99, 0.01)[:3] == [255, 255, 255]
    assert page.pixel(0.4, 0.85)[:3] != [255, 255, 255]
    assert not page.find("#empty").is_displayed()
    assert len(page.palette) > 5


@pytest.mark.parametrize("how", ["paste", "choose", "camera", "sample"])
def test_photos_come_in_by_other_ways_too(page, portrait, tmp_path, how):
    path = tmp_path / "me.png"
    path.write_bytes(portrait)
    if how == "paste":
        page.drop("paste", me=portrait)
    elif how == "sample":
        page.find("#sample").click()
    else:
        picker = page.find("#files" if how == "choose" else "#shot")
        assert (picker.get_attribute("capture") is not None) == (how == "camera")
        picker.send_keys(str(path))
    page.wait_for_drawing()
    assert len(page.all(".thumb")) == 1


def test_what_is_no_photo_by_its_type_is_told_at_once(page):
    page.drop(type="text/plain", text=b"no photo")
    assert page.find("#toast").text == "There was no photo in what you dropped or pasted."
    assert page.find("#empty").is_displayed()


def test_the_divider_moves_by_keys_and_pointer(page, portrait):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.draw(me=portrait)
    divider = page.find("#divider")
    assert divider.get_attribute("aria-valuenow") == "50"
    divider.send_keys(Keys.ARROW_RIGHT, Keys.PAGE_UP)
    assert divider.get_attribute("aria-valuenow") == "62"
    assert divider.get_attribute("aria-valuetext") == "62 percent photo"
    divider.send_keys(Keys.HOME)
    assert divider.get_attribute("aria-valuenow") == "0"
    before, after = page.find(".before").rect, page.find(".after").rect
    assert before == after
    ActionChains(page.browser).drag_and_drop_by_offset(divider, before["width"] // 4, 0).perform()
    assert 23 <= int(divider.get_attribute("aria-valuenow")) <= 27
    cut = page.js("return getComputedStyle(document.querySelector('.after')).clipPath")
    assert 23 <= float(cut.split()[-1].rstrip("%)")) <= 27


def test_a_picture_is_enlarged_moved_and_fitted_again(page, portrait):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    page.draw(me=portrait)
    stage, fitted = page.find("#stage"), page.find(".before").rect
    page.find("#zoom-in").click()
    assert page.find(".before").rect["width"] == pytest.approx(1.5 * fitted["width"], abs=1)
    stage.send_keys("+")
    enlarged = page.find(".before").rect
    assert enlarged["width"] == pytest.approx(2.25 * fitted["width"], abs=1)
    drag = ActionChains(page.browser).move_to_element_with_offset(stage, 200, 100).click_and_hold()
    drag.move_by_offset(50, 30).release().perform()
    moved = page.find(".before").rect
    assert (moved["x"] - enlarged["x"], moved["y"] - enlarged["y"]) == (50, 30)
    assert page.find("#divider").get_attribute("aria-valuenow") == "50"
    origin = ScrollOrigin.from_element(stage)
    ActionChains(page.browser).scroll_from_origin(origin, 0, 100).perform()
    wait_for(lambda: page.find(".before").rect["width"] < moved["width"])
    stage.send_keys("0")
    assert page.find(".before").rect == fitted


def test_knobs_redraw_and_undo_takes_them_back_without_a_request(page, portrait):
    from selenium.webdriver.common.keys import Keys

    page.draw(me=portrait)
    first, colours = page.drawing, page.palette
    with page.redrawn():
        page.choose("ink")
    assert are_greys(page.palette)
    with page.redrawn():
        page.choose("transparent")
    assert page.pixel(0.99, 0.01)[3] == 0
    list(requests_of(page.browser))
    for _ in range(2):
        with page.redrawn():
            page.find("#undo").click()
    assert (page.drawing, page.palette) == (first, colours)
    assert not page.find("#undo").is_enabled()
    with page.redrawn():
        page.find("#stage").send_keys(Keys.CONTROL, "y")
    assert page.find("input[value=ink]").is_selected()
    assert not [u for u in requests_of(page.browser) if "/v1/" in u]


def test_every_knob_reaches_the_drawing(page, portrait, tmp_path):
    from selenium.webdriver.common.keys import Keys

    page.draw(me=portrait)
    for knob in ("colours", "lines", "detail", "vivid"):
        with page.redrawn():
            page.find(f"#{knob}").send_keys(Keys.HOME)
    assert len(page.palette) == 2
    for value in ("blur", "original", "none", "colour"):
        with page.redrawn():
            page.choose(value)
    assert page.pixel(0.99, 0.01)[:3] == pytest.approx([0x8F, 0xD3, 0xFF], abs=3)
    red = tmp_path / "red.png"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(red)
    with page.redrawn():
        page.find(".swatches input[type=file]").send_keys(str(red))
    assert page.pixel(0.99, 0.01)[:3] == pytest.approx([200, 10, 10], abs=6)
    for value in ("largest", "soft"):
        with page.redrawn():
            page.choose(value)
    with page.redrawn():
        page.choose("cutout")
    assert page.find(".after img").get_attribute("alt") == "Cut-out of me.png"
    with page.redrawn():  # how it is drawn is seen in a cartoon alone
        page.choose("classic")
    assert page.find(".after img").get_attribute("alt") == "Cartoon of me.png"
    assert not page.find("#lines").is_enabled()
    page.find("#reset").click()
    wait_for(lambda: page.find("input[value=comic]").is_selected())


def test_knobs_are_those_of_the_engine(page, url):
    options = json.loads(ask(url, "/v1/styles", None, "GET"))
    schemas = options["options"]
    values = {
        name: [i.get_attribute("value") for i in page.all(f"input[name={name}]")]
        for name in ("style", "edges", "background", "format")
    }
    assert values["style"] == [style["name"] for style in options["styles"]]
    assert values["edges"] == schemas["edges"]["enum"]
    assert set(values["background"]) == {*options["backgrounds"], "colour", "picture"}
    assert values["format"] == [*schemas["format"]["enum"], "svg"]
    for name in ("lines", "detail", "vivid"):
        knob, schema = page.find(f"#{name}"), schemas[name]
        found = [float(knob.get_attribute(key)) for key in ("min", "max", "value")]
        assert found == [schema["minimum"], schema["maximum"], schema["default"]]
    shown = []
    for step in range(int(page.find("#colours").get_attribute("max"))):
        page.js(MOVE_COLOURS, step)
        shown.append(int(page.find("#colours + output").get_attribute("textContent")))
    schema = schemas["colours"]
    assert (min(shown), max(shown)) == (schema["minimum"], schema["maximum"])


def test_only_the_last_of_quick_changes_is_shown(page, portrait):
    page.draw(me=portrait)
    with page.redrawn():
        for style in ("poster", "classic", "comic", "ink"):
            page.js("document.querySelector(`input[value=${arguments[0]}]`).click()", style)
    assert are_greys(page.palette)


def test_downloads_are_the_files_of_the_command_line(page, portrait, url, tmp_path):
    page.draw(me=portrait)
    assert not page.find("input[value=svg]").get_attribute("disabled")
    heads = {"png": b"\x89PNG", "jpg": b"\xff\xd8\xff", "webp": b"RIFF", "svg": b"<svg"}
    for format, head in heads.items():
        page.choose(format)
        name, data = page.download("#download", tmp_path / format)
        query = "save=svg&name=me" if format == "svg" else f"format={format}"
        assert name == f"me_cartoon.{format}"
        assert head in data[:200]
        is_same = data == ask(url, f"/v1/cartoon?{query}", portrait)
        assert is_same, format


def test_a_format_that_cannot_hold_the_picture_says_why(page, portrait):
    page.draw(me=portrait)
    page.choose("jpg")
    with page.redrawn():
        page.choose("transparent")
    jpg = page.find("input[value=jpg]")
    assert not jpg.is_enabled()
    assert "no transparency" in jpg.find_element("xpath", "..").get_attribute("title")
    assert page.find("input[value=png]").is_selected()


def test_several_photos_and_a_broken_one_said_beside_it(page, portrait, meadow, url, tmp_path):
    page.drop(me=portrait, broken=portrait[:2000], meadow=meadow, text=b"no photo")
    wait_for(
        lambda: (
            len(page.all("[data-state=ready]")) == 2 and len(page.all("[data-state=failed]")) == 2
        )
    )
    labels = [thumb.get_attribute("aria-label") for thumb in page.all(".thumb")]
    assert labels == [
        "me.png, ready",
        "broken.png, could not be drawn",
        "meadow.png, ready",
        "text.png, could not be drawn",
    ]
    page.wait_for_drawing()
    assert not page.find("#problem").is_displayed()
    page.all(".thumb")[1].click()
    assert "not a photo we can read" in page.find("#problem strong").text
    assert page.find("#alert").get_attribute("textContent").startswith("broken.png: ")
    assert not page.find("#download").is_enabled()
    page.all(".thumb")[2].click()
    page.wait_for_drawing()
    wait_for(lambda: page.find("#notice").is_displayed())
    assert "Nobody was found" in page.find("#notice").text

    name, data = page.download("#download-all", tmp_path / "all")
    wait_for(lambda: "without 2 photos" in page.find("#toast").text)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert (name, archive.testzip()) == ("cartoons.zip", None)
        assert archive.namelist() == ["me_cartoon.png", "meadow_cartoon.png"]
        is_same = archive.read("me_cartoon.png") == ask(url, "/v1/cartoon?format=png", portrait)
        assert is_same

    with page.redrawn():
        page.find("#notice button").click()
    assert not page.find("#notice").is_displayed()
    assert page.pixel(0.5, 0.5)[:3] != [255, 255, 255]
    page.all(".thumb")[1].click()
    page.find("#problem .ways button").click()
    assert len(page.all(".thumb")) == 3


def status_of(address):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="POST")) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_photo_that_the_server_forgot_is_sent_again_silently(page, portrait, url):
    list(requests_of(page.browser))
    page.draw(me=portrait)
    (drawn,) = [u for u in requests_of(page.browser) if u.endswith("/cartoon")]
    ask(url, drawn.removeprefix(url).removesuffix("/cartoon"), None, "DELETE")
    with page.redrawn():
        page.choose("poster")
    assert not page.find("#notice").is_displayed()
    assert [u for u in requests_of(page.browser) if u.endswith("/v1/photos")]


def test_the_server_forgets_photos_when_the_page_is_left(page, portrait, url):
    list(requests_of(page.browser))
    page.draw(me=portrait)
    (drawn,) = [u for u in requests_of(page.browser) if u.endswith("/cartoon")]
    page.browser.get("about:blank")
    wait_for(lambda: status_of(drawn) == 404, seconds=20)


def test_a_server_that_cannot_be_reached_is_said_and_can_be_tried_again(page, portrait):
    def set_offline(offline):
        conditions = {
            "offline": offline,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        }
        page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    set_offline(True)
    try:
        page.drop(me=portrait)
        wait_for(lambda: page.find("#problem").is_displayed())
        assert "cannot be reached" in page.find("#problem").text
    finally:
        set_offline(False)
    page.find("#problem .ways button").click()
    page.wait_for_drawing()
    assert not page.find("#problem").is_displayed()


def test_colours_and_pictures_are_copied(page, portrait, url):
    grant = {"origin": url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", grant)
    page.draw(me=portrait)
    page.find(".colour").click()
    colour = page.palette[0]
    wait_for(lambda: page.find("#toast").text == f"{colour} copied.")
    assert page.js("return navigator.clipboard.readText()") == colour
    page.find("#copy").click()
    wait_for(lambda: page.find("#toast").text == "The picture is copied.")
    types = page.js("return navigator.clipboard.read().then((items) => [...items[0].types])")
    assert types == ["image/png"]


def test_the_page_works_by_keyboard_alone(page):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.tab_to("sample")
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    page.wait_for_drawing()
    assert page.focused == "stage"
    passed = page.tab_to("edges")
    landmarks = ["divider", "zoom-in", "style", "background", "colours", "lines", "people"]
    assert [name for name in passed if name in landmarks] == landmarks
    with page.redrawn():
        page.find("input[name=style]:checked").send_keys(Keys.ARROW_RIGHT)
    assert page.find("input[value=poster]").is_selected()


def test_the_page_asks_its_own_service_alone_and_breaks_no_policy(chromium, url, portrait):
    chromium.get("about:blank")
    list(requests_of(chromium))
    chromium.get_log("browser")
    page = Page(chromium, url).open()
    page.draw(me=portrait)
    own = (url, "blob:" + url, "data:", "about:", "chrome:")
    asked = list(requests_of(chromium))
    assert [u for u in asked if not u.startswith(own)] == []
    assert f"{url}/page/main.js" in asked
    assert [e for e in chromium.get_log("browser") if e["level"] in ("SEVERE", "WARNING")] == []


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(chromium, url, portrait, size, scheme):
    page = Page(chromium, url).open(*size, scheme)
    assert complaints_of(chromium) == []
    page.draw(me=portrait)
    assert complaints_of(chromium) == []
    page.drop(text=b"no photo")
    wait_for(lambda: page.find("#problem").is_displayed())
    assert complaints_of(chromium) == []
    assert page.js("return document.documentElement.scrollWidth") == size[0]


def test_the_password_is_asked_for_once(chromium, tiny, person_photo):
    photo = encoded(Image.fromarray(person_photo), "PNG")
    with serving(tiny, token="secret") as served:
        page = Page(chromium, served.url).open()
        page.drop(me=photo)
        for password in ("wrong", "secret"):
            wait_for(lambda: page.find("#token").is_displayed())
            page.find("#token input").send_keys(password)
            page.find("#token button").click()
        page.wait_for_drawing()
        with page.redrawn():
            page.choose("poster")
        assert not page.find("#token").is_displayed()
