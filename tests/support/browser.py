"""A real browser that looks at a page: headless Chromium, from the distribution's packages."""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
_PHONE_PX = 500  # narrower than this is shown as a phone does


def chromium() -> tuple[str, str] | None:
    """The browser and its driver; None where one of them is missing."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@dataclass(frozen=True)
class Browser:
    driver: webdriver.Chrome

    def open(
        self, page: Path, *, width: int, scheme: str = "light", media: str = "screen"
    ) -> None:
        """scheme: the reader's preference, light or dark."""
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1}
        self._tell("Emulation.setDeviceMetricsOverride", {**screen, "mobile": width < _PHONE_PX})
        preference = {"name": "prefers-color-scheme", "value": scheme}
        self._tell("Emulation.setEmulatedMedia", {"media": media, "features": [preference]})
        self._log("browser"), self._log("performance")
        self.driver.get(page.absolute().as_uri())

    def run(self, script: str, *given: object) -> Any:
        """What the script returns."""
        return self.driver.execute_script(script, *given)

    def complaints(self) -> list[str]:
        """What stands on the console since the page was opened."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Addresses asked for since, the page's own among them."""
        told = (json.loads(entry["message"]) for entry in self._log("performance"))
        return [
            entry["message"]["params"]["request"]["url"]
            for entry in told
            if entry["message"]["method"] == "Network.requestWillBeSent"
        ]

    def picture(self, width: int, most_px: int = 3_000) -> bytes:
        """A PNG of the whole page, or of so much of it."""
        height = min(most_px, self.run("return document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self._tell("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        return base64.b64decode(taken["data"])

    def _log(self, kind: str) -> list[dict[str, str]]:
        """What has come since the last look."""
        entries: list[dict[str, str]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def _tell(self, command: str, given: dict[str, object]) -> Any:
        return self.driver.execute_cdp_cmd(command, given)


@contextmanager
def opened() -> Iterator[Browser]:
    """For as long as the block. Raises LookupError where there is no Chromium."""
    found = chromium()
    if found is None:
        raise LookupError("no chromium with its driver on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(found[1]))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
