"""The site of `make docs`: built without a warning, whole, and readable from its folder."""

import importlib
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from PIL import Image

import engine
from engine.cli.app import COMMANDS, find_command
from tests.chromium import open_chromium, requests_of
from tests.test_docs import command_of

ROOT = Path(__file__).parent.parent
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """The ids, links and pictures of a page, and what it is made of."""

    def __init__(self, path):
        super().__init__()
        self.path, self.ids, self.links, self.pictures, self.parts = path, set(), [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id"))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "img":
            self.pictures.append(values)
        elif tag in ("script", "link") and values.get("rel") not in ("prev", "next"):
            self.parts += [values[name] for name in ("src", "href") if name in values]

    def locate(self, target):
        """The file that a link of the page leads to."""
        return (self.path.parent / unquote(target)).resolve() if target else self.path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as by `make docs`."""
    for package in ("mkdocs", "material", "mkdocstrings"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("the docs extra is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder.resolve()


@pytest.fixture(scope="module")
def pages(site):
    """Each page, by its path."""
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    """Chromium with the screen of a phone."""
    with open_chromium(tmp_path_factory.mktemp("phone")) as browser:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        yield browser


def test_every_page_of_the_docs_is_on_the_site(site):
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert (site / name.replace("README", "index")).exists()


def test_each_link_leads_to_a_page_and_each_anchor_to_a_place_on_it(pages):
    for page in pages.values():
        for link in page.links:
            target, anchor = urldefrag(link)
            if "://" not in target:
                found = page.locate(target)
                assert found.is_file(), (page.path, link)
                assert not anchor or unquote(anchor) in pages[found].ids, (page.path, link)


def test_each_picture_is_there_and_described(pages):
    for page in pages.values():
        for picture in page.pictures:
            path = page.locate(picture["src"])
            assert picture["alt"] or "logo" in picture["src"] or "favicon" in picture["src"]
            if path.suffix == ".svg":
                assert path.read_text().startswith(("<svg", "<?xml"))
            else:
                Image.open(path).load()


def test_a_page_is_made_of_files_of_the_site_alone(pages, site):
    for page in pages.values():
        for part in page.parts:
            assert page.locate(urldefrag(part)[0]).is_relative_to(site), (page.path, part)
            assert page.locate(urldefrag(part)[0]).is_file(), (page.path, part)


def test_lists_are_lists(pages):
    """Python-Markdown, unlike GitHub, needs an empty line before them."""
    for page in pages.values():
        text = page.path.read_text()
        assert "\n* " not in text.partition("<article")[2].partition("</article>")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_its_place_and_all_its_spellings(name, pages, site):
    page = pages[site / "options.html"]
    text = page.path.read_text()
    for parameter in command_of(find_command(name)).params:
        assert f"{name}-{parameter.name}" in page.ids
        if parameter.param_type_name == "option":
            assert all(word in text for word in (*parameter.opts, *parameter.secondary_opts))


def test_each_public_name_is_in_the_reference(pages, site):
    ids = pages[site / "reference.html"].ids
    assert {f"engine.{name}" for name in engine.__all__} <= ids
    assert {"engine.Cartoonifier.find", "engine.Result.save", "engine.CartoonOptions.lines"} <= ids


@pytest.mark.browser
def test_no_page_scrolls_sideways_on_a_phone_or_asks_for_anything_elsewhere(pages, phone):
    for path in pages:
        phone.get(path.as_uri())
        wide = "return document.documentElement.scrollWidth"
        assert phone.execute_script(wide) <= PHONE["width"], path
        broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).length"
        assert phone.execute_script(broken) == 0, path
    assert [url for url in requests_of(phone) if url.startswith(("http", "ws"))] == []


def at(browser):
    """How many percent of the first picture are shown."""
    script = "return document.querySelector('.slider').style.getPropertyValue('--at')"
    return float(browser.execute_script(script).rstrip("%"))


@pytest.mark.browser
def test_the_slider_is_moved_by_keys_and_by_touch(site, phone):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    phone.get((site / "index.html").as_uri())
    assert at(phone) == 50
    slider = phone.find_element(By.CSS_SELECTOR, ".slider")
    slider.find_element(By.TAG_NAME, "input").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert at(phone) == 52
    ActionChains(phone).move_to_element_with_offset(slider, -100, 0).click().perform()
    assert 20 < at(phone) < 25


@pytest.mark.browser
def test_without_its_script_the_slider_is_two_pictures_side_by_side(site, phone):
    from selenium.webdriver.common.by import By

    phone.execute_cdp_cmd("Network.enable", {})
    phone.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*slider.js"]})
    phone.get((site / "index.html").as_uri())
    left, right = (f.rect for f in phone.find_elements(By.CSS_SELECTOR, ".slider figure"))
    phone.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]


@pytest.mark.browser
def test_the_search_finds_an_option_from_the_folder(site, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get((site / "index.html").as_uri())
    browser.find_element(By.CSS_SELECTOR, ".md-search__input").send_keys("max-megapixels")
    results = ".md-search-result__item a"
    found = WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, results))
    assert any("options.html" in link.get_attribute("href") for link in found)
