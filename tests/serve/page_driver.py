"""Hands and eyes on the page: what somebody does there, and what they see."""

import base64
from contextlib import contextmanager

from tests.folders import wait_for

CSS = "css selector"
DROP = """
const transfer = new DataTransfer();
for (const [name, data] of arguments[0]) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type: arguments[2] }));
}
const isPaste = arguments[1] === "paste";
const carry = { [isPaste ? "clipboardData" : "dataTransfer"]: transfer };
const more = { ...carry, bubbles: true, cancelable: true };
const event = new (isPaste ? ClipboardEvent : DragEvent)(arguments[1], more);
document.body.dispatchEvent(event);
"""
IS_IDLE = """
return !document.querySelector(".after").hidden
  && document.getElementById("stage").ariaBusy === "false"
"""


class Page:
    """The page of a service in a browser."""

    is_ready = "return document.body.classList.contains('is-ready')"

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def open(self, width=1000, height=700, scheme="light"):
        """Loads it afresh, in a window of that size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": scheme}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, still]})
        self.browser.get(self.url)
        wait_for(lambda: self.js(self.is_ready))
        return self

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, selector):
        return self.browser.find_element(CSS, selector)

    def all(self, selector):
        return self.browser.find_elements(CSS, selector)

    def drop(self, how="drop", type="image/png", **files):
        """Drops, or pastes, files: name (without .png) to bytes."""
        data = [(f"{name}.png", base64.b64encode(file).decode()) for name, file in files.items()]
        self.js(DROP, data, how, type)

    def draw(self, **files):
        """The same, and waits for the drawing."""
        self.drop(**files)
        self.wait_for_drawing()

    def wait_for_drawing(self):
        wait_for(lambda: self.js(IS_IDLE))

    @contextmanager
    def redrawn(self):
        """Waits for the drawing that what is done within leads to."""
        before = self.drawing
        yield
        wait_for(lambda: self.drawing != before and self.js(IS_IDLE))

    @property
    def focused(self):
        """The id of what has the focus, or its name."""
        return self.js("return document.activeElement.id || document.activeElement.name || ''")

    def tab_to(self, name):
        """Presses Tab until that has the focus; what had it in between."""
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.keys import Keys

        passed = []
        while self.focused != name:
            passed.append(self.focused)
            assert len(passed) < 50, passed
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
        return passed

    def choose(self, value):
        """Chooses one of several by its value."""
        self.find(f"input[value={value}]").click()

    @property
    def drawing(self):
        """The address of the drawing that is shown."""
        return self.js("return document.querySelector('.after img')?.src ?? ''")

    @property
    def palette(self):
        return [button.get_attribute("title") for button in self.all(".colour")]

    def states(self, state):
        """How many photos are in that state."""
        return len(self.all(f"[data-state={state}]"))

    def pixel(self, x, y):
        """RGBA, 0..255, of the drawing at a share of its sides."""
        return self.js(
            """
            const image = document.querySelector(".after img");
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const at = [arguments[0] * canvas.width, arguments[1] * canvas.height];
            return [...context.getImageData(...at, 1, 1).data];
            """,
            x, y,
        )  # fmt: skip

    def download(self, button, folder):
        """The one file that comes of a click: name and bytes."""
        folder.mkdir()
        where = {"behavior": "allow", "downloadPath": str(folder)}
        self.browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
        self.find(button).click()
        wait_for(lambda: [p for p in folder.iterdir() if p.suffix not in (".crdownload", ".tmp")])
        (path,) = folder.iterdir()
        return path.name, path.read_bytes()
