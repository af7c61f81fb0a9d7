"""Debian's Chromium, driven by selenium."""

import importlib.util
import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

RUN_AXE = """
const [done] = arguments;
axe.run({ resultTypes: ["violations"] }).then((r) => done(r.violations), (e) => done([String(e)]));
"""


@contextmanager
def open_chromium(profile):
    """A browser without a window, which writes down every request; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium here: install Debian's chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-quic",
        "--window-size=1400,1000", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def requests_of(browser):
    """The URLs that were asked for since the last call."""
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def complaints_of(browser):
    """What axe-core finds wrong with the page as it is shown."""
    # Its script comes with a package that nothing here imports.
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None:
        pytest.skip("axe-playwright-python is not installed")
    script = Path(package.submodule_search_locations[0], "axe.min.js")
    browser.execute_script(script.read_text("utf-8"))
    return browser.execute_async_script(RUN_AXE)
