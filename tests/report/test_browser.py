"""The page in a real browser, which asks for nothing and runs nothing but the page's script."""

import pytest

from engine.record import PhotoRecord, to_record
from tests.chromium import requests_of
from tests.folders import wait_for

pytest.importorskip("matplotlib", reason="the report extra is not installed")

from engine.report.write import write_report

pytestmark = pytest.mark.browser
CSS = "css selector"


@pytest.fixture
def page(tiny, person_photo, tmp_path):
    """The report of three photos, one without a person, and a broken one, as a URL."""
    photos = {
        "a <b> & 'c'.png": person_photo,
        "two.png": person_photo[30:],
        "nobody.png": person_photo[:20],
    }
    records = []
    for name, photo in photos.items():
        result = tiny(photo, name=name.removesuffix(".png"))
        files = {path.name: "" for path in result.save(tmp_path / "out")}
        records.append(to_record(result, name, files=files, detail=True))
    records.append(PhotoRecord(photo="broken.png", state="failed", error="damaged", exit_code=3))
    return write_report(tmp_path / "out", "Cartoonify", records, {}).as_uri()


def elements(browser, selector):
    return browser.find_elements(CSS, selector)


def shown_rows(browser):
    return [row.text for row in elements(browser, "#photos tbody tr") if row.is_displayed()]


def test_the_page_shows_all_and_asks_for_nothing(page, browser):
    browser.get(page)
    assert len(shown_rows(browser)) == 4
    text = browser.find_element(CSS, "body").text
    assert "a <b> & 'c'.png" in text
    assert "Worst: " in text
    browser.execute_script("for (const i of document.images) i.loading = 'eager'")
    broken = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    for details in elements(browser, "details"):
        details.find_element(CSS, "summary").click()
    wait_for(lambda: browser.execute_script(broken) == 0)
    assert all(i.get_attribute("alt") for i in elements(browser, "img"))
    own = ("data:", "chrome:")  # the page's pictures; the browser's first, empty page
    assert {url for url in requests_of(browser) if not url.startswith(own)} == {page}
    assert browser.get_log("browser") == []  # neither an error nor a breach of the page's policy


def test_columns_sort_and_what_has_no_value_comes_last(page, browser):
    browser.get(page)
    ssim = next(b for b in elements(browser, "th button") if b.text.startswith("SSIM"))
    for order in (1, -1):
        ssim.click()
        cells = elements(browser, "#photos tbody tr td:nth-child(8)")
        values = [float(c.get_attribute("data-value")) for c in cells[:-1]]
        assert len(values) == 3
        assert values == sorted(values, reverse=order < 0)
        assert "broken.png" in shown_rows(browser)[-1]


def test_filters_and_sheets_show_what_they_name(page, browser):
    browser.get(page)
    for value, name in (("failed", "broken.png"), ("nobody-found", "nobody.png")):
        browser.find_element(CSS, f"input[value={value}]").click()
        (row,) = shown_rows(browser)
        assert name in row
    browser.find_element(CSS, "input[value=all]").click()
    browser.find_element(CSS, "input[value=cartoon]").click()
    shown = [i.get_attribute("alt") for i in elements(browser, "#photos img") if i.is_displayed()]
    assert [alt.partition(" of ")[0] for alt in shown] == ["cartoon"] * 3


def test_a_thumbnail_opens_large_by_keyboard_and_closes_again(page, browser):
    from selenium.webdriver.common.keys import Keys

    browser.get(page)
    small = browser.find_element(CSS, "td.photo .enlarge")
    small.send_keys(Keys.ENTER)
    large = browser.find_element(CSS, "dialog img")
    assert large.is_displayed()
    assert large.size["height"] > small.size["height"]
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait_for(lambda: not browser.find_element(CSS, "dialog").is_displayed())
    assert browser.get_log("browser") == []


def test_a_thumbnail_of_a_written_file_opens_it(page, browser):
    browser.get(page)
    browser.find_element(CSS, "td.cartoon a").click()
    expected = page.replace("report.html", "a%20%3Cb%3E%20%26%20%27c%27_cartoon.png")
    wait_for(lambda: browser.current_url != page)
    assert browser.current_url.replace("'", "%27") == expected
    assert browser.execute_script("return document.images[0].naturalWidth") == 210


def test_a_script_that_is_not_the_page_s_does_not_run(page, browser):
    browser.get(page)
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.ran = true';"
        "document.body.append(s);"
    )
    assert browser.execute_script("return window.ran") is None
    assert any("Content Security Policy" in e["message"] for e in browser.get_log("browser"))
