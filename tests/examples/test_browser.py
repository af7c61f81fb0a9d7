"""The page that works in the browser alone, from a server of static files."""

import functools
import io
import subprocess
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from tests.chromium import complaints_of, open_chromium, requests_of
from tests.folders import wait_for
from tests.samples import encoded, png_claiming
from tests.serve.page_driver import Page

pytestmark = [pytest.mark.browser, pytest.mark.torch]
PHONE, DESKTOP = (390, 844), (1440, 900)
SPY = """
const [address, done] = arguments;
const script = `fetch("${address}", { method: "POST", body: "photo", mode: "no-cors" })
  .then(() => postMessage("sent"), () => postMessage("refused"))`;
const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
worker.onmessage = ({ data }) => done(data);
"""


class _Site(SimpleHTTPRequestHandler):
    """Writes down what it is asked for."""

    def log_message(self, text, *words):
        self.server.lines.append(words[0])


@contextmanager
def served(folder):
    """A server of static files; its URL, and the lines of the requests that it gets."""
    handler = functools.partial(_Site, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.lines = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", server.lines
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def site(edge, mask_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge") / "site"
    subprocess.run(["node", edge / "browser" / "build.mjs", mask_model, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def address(site):
    with served(site) as (url, lines):
        yield url, lines


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with open_chromium(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


@pytest.fixture
def page(chromium, address):
    return EdgePage(chromium, address[0]).open()


@pytest.fixture(scope="module")
def portrait(astronaut):
    """A PNG."""
    return encoded(Image.fromarray(astronaut), "PNG")


class EdgePage(Page):
    is_ready = "return document.body.dataset.state !== 'loading'"

    def cut(self, *arguments, **files):
        """Gives a photo, and waits for what comes of it; the text of a problem, else of success."""
        self.drop(*arguments, **files)
        wait_for(lambda: self.js("return document.body.dataset.state") != "busy")
        (line,) = (p for p in self.all(".news p") if p.is_displayed())
        return line.text


def test_a_photo_that_is_dropped_is_cut_out_as_in_python(
    page, portrait, mask_app, astronaut, tmp_path
):
    assert page.cut(me=portrait).startswith("512 x 512 pixels in ")
    name, data = page.download("#download", tmp_path / "downloads")
    assert name == "me_cutout.png"
    with Image.open(io.BytesIO(data)) as out:
        cutout = np.asarray(out).astype(int)
    alpha = np.rint(mask_app(astronaut).alpha * 255)
    assert np.abs(cutout[..., 3] - alpha).max() <= 1
    assert (cutout[..., :3] == astronaut)[alpha == 255].all()
    assert page.find("#cutout").get_attribute("aria-label") == "Cut-out of me.png"


def test_photos_are_pasted_and_chosen_too(page, portrait, tmp_path):
    assert "512 x 512" in page.cut("paste", me=portrait)
    small = Image.open(io.BytesIO(portrait)).resize((120, 90))
    small.save(tmp_path / "small.jpg")
    page.find("#file").send_keys(str(tmp_path / "small.jpg"))
    wait_for(lambda: "120 x 90" in page.find("#status").text)


def test_nothing_is_asked_for_but_the_sites_own_files(chromium, address, site, portrait):
    url, lines = address
    lines.clear()
    list(requests_of(chromium)), chromium.get_log("browser")
    EdgePage(chromium, url).open().cut(me=portrait)
    files = {f"GET /{path.name} HTTP/1.1" for path in site.iterdir()} - {"GET /index.html HTTP/1.1"}
    assert set(lines) == files | {"GET / HTTP/1.1"}
    assert all(asked.startswith((url, "blob:" + url)) for asked in requests_of(chromium))
    assert chromium.get_log("browser") == []


def test_its_policy_keeps_workers_from_sending_photos_elsewhere(page, tmp_path):
    with served(tmp_path) as (elsewhere, lines):
        page.browser.set_script_timeout(60)
        assert page.browser.execute_async_script(SPY, elsewhere) == "refused"
        assert lines == []


def test_what_cannot_be_cut_out_is_told_and_another_photo_can(page, portrait):
    assert page.cut(notes=b"hello") == "notes.png is not a photo that this browser can read."
    assert "notes.png" not in page.cut(me=portrait)
    grey = Image.new("L", (9000, 6000))
    assert page.cut(map=encoded(grey, "PNG")) == (
        "map.png is too large: it has 54 megapixels, and a photo may have 50."
    )
    assert "not a photo" in page.cut(bomb=png_claiming(60_000, 60_000))
    meadow = Image.new("RGB", (320, 240), (120, 170, 90))
    assert page.cut(meadow=encoded(meadow, "PNG")).startswith("Nobody was found in meadow.png.")


def test_the_page_stays_alive_and_the_last_photo_counts(page, portrait):
    page.drop(first=portrait)
    assert page.js("return document.body.dataset.state") == "busy"
    assert page.find("#progress").is_displayed()
    page.cut(second=portrait)
    assert page.find("#cutout").get_attribute("aria-label") == "Cut-out of second.png"


def test_a_site_without_its_network_says_so(chromium, site, tmp_path):
    for path in site.iterdir():
        if path.suffix != ".onnx":
            (tmp_path / path.name).symlink_to(path)
    with served(tmp_path) as (url, _):
        page = EdgePage(chromium, url).open()
        assert "network.onnx: 404" in page.find("#problem").text
        assert not page.find("#choose").is_enabled()


def test_a_browser_without_webassembly_says_so(chromium, address):
    script = {"source": "delete globalThis.WebAssembly"}
    added = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        page = EdgePage(chromium, address[0]).open()
        assert page.find("#problem").text == "This browser has no WebAssembly. Take a newer one."
    finally:
        chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(chromium, address, portrait, size, scheme):
    page = EdgePage(chromium, address[0]).open(*size, scheme)
    assert complaints_of(chromium) == []
    page.cut(me=portrait)
    assert complaints_of(chromium) == []
    page.cut(notes=b"no photo")
    assert complaints_of(chromium) == []
    assert page.js("return document.documentElement.scrollWidth") == size[0]


def test_building_says_what_is_missing(edge, tmp_path):
    command = ["node", edge / "browser" / "build.mjs"]
    for words, code in (((), 2), (("missing.onnx", tmp_path / "site"), 1)):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert len(done.stderr.splitlines()) == 1
