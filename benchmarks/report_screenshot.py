"""The screenshot of docs/batches.md: `python -m benchmarks.report_screenshot`.

It is taken of the report of a run on the photos of the gallery, by Debian's Chromium and selenium.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from benchmarks.gallery import PHOTOS
from benchmarks.page_screenshots import open_browser, take_picture
from benchmarks.pictures import IMAGES
from engine.files.writing import write_file

WIDTH, HEIGHT = 1280, 1000


def main() -> None:
    """Takes it, in place of the one that is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="FOLDER")
    out = parser.parse_args().out
    with TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        for name, read in PHOTOS.items():
            Image.fromarray(read()).save(photos / f"{name}.png")
        command = [sys.executable, "-m", "engine.run", "photos", "-o", "toons", "--report"]
        subprocess.run(command, cwd=folder, check=True)
        with open_browser(WIDTH, HEIGHT, 1, "light") as browser:
            browser.get(Path(folder, "toons", "report.html").as_uri())
            write_file(take_picture(browser), out / "report.webp", overwrite=True)


if __name__ == "__main__":
    main()
