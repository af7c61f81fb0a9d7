"""The screenshots of docs/serve.md: `python -m benchmarks.page_screenshots`.

They are taken of the page itself with its sample photo, by Debian's Chromium and selenium. A
service has to run: `cartoonify serve`.
"""

from __future__ import annotations

import argparse
import io
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver

from benchmarks.pictures import IMAGES
from engine.files.pictures import encode_image
from engine.files.writing import write_file

QUALITY = 60
"""Of WebP."""
PATIENCE_S = 30
IS_DRAWN = """
return !document.querySelector(".after").hidden && document.querySelector(".after img").alt !== ""
  && document.getElementById("stage").ariaBusy === "false"
"""
SHOTS: tuple[dict[str, Any], ...] = (
    {
        "name": "page.webp", "width": 1280, "height": 800, "scale": 1, "scheme": "light",
        "choices": ("colour",),
    },
    {
        "name": "page_phone.webp", "width": 390, "height": 760, "scale": 1.5, "scheme": "dark",
        "choices": ("blur", "poster"),
    },
)  # fmt: skip


def main() -> None:
    """Takes them all, in place of those that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7000/", help="Of the service.")
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="FOLDER")
    options = parser.parse_args()
    for shot in SHOTS:
        data = _take(options.url, **{key: value for key, value in shot.items() if key != "name"})
        write_file(data, options.out / shot["name"], overwrite=True)
        print(f"{shot['name']}  {len(data) / 1000:.0f} kB")


def _take(
    url: str, width: int, height: int, scale: float, scheme: str, choices: tuple[str, ...]
) -> bytes:
    """The page with the sample, drawn with these choices, as the file of a WebP."""
    with open_browser(width, height, scale, scheme) as browser:
        browser.get(url)
        _wait(browser, "return document.body.classList.contains('is-ready')")
        browser.execute_script("document.getElementById('sample').click()")
        _wait(browser, IS_DRAWN)
        for choice in choices:
            script = "document.querySelector(`input[value=${arguments[0]}]`).click()"
            browser.execute_script(script, choice)
            time.sleep(1)  # the choice settles, and is drawn
            _wait(browser, IS_DRAWN)
        return take_picture(browser)


@contextmanager
def open_browser(width: int, height: int, scale: float, scheme: str) -> Iterator[Any]:
    """Chromium without a window, on a device of that size and colour scheme."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    # Without a path, selenium would look for a driver in the network.
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        _set_device(browser, width, height, scale, scheme)
        yield browser
    finally:
        browser.quit()


def take_picture(browser: Any) -> bytes:
    """What is on the screen, as the file of a WebP."""
    picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    return encode_image(picture, "webp", quality=QUALITY)


def _set_device(browser: Any, width: int, height: int, scale: float, scheme: str) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": scale > 1}
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _wait(browser: Any, script: str) -> None:
    """Raises TimeoutError when the script does not answer true in time."""
    end = time.monotonic() + PATIENCE_S
    while not browser.execute_script(script):
        if time.monotonic() > end:
            raise TimeoutError(f"the page did not come so far: {script}")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
