"""A headless Chromium without a network, for pages on the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

MISSING = "needs selenium and Debian's chromium and chromium-driver"
webdriver = pytest.importorskip("selenium.webdriver", reason=MISSING)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING)

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which Chromium refuses to root, as tests in a container are
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Browser:
    """One window; `open` shows a page at a width in a colour scheme."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def open(self, page: Path, width: int = 1280, scheme: str = "light") -> Browser:
        self._driver.get("about:blank")
        for log in ("browser", "performance"):
            self._driver.get_log(log)  # of what was before
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self._command("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._command("Emulation.setEmulatedMedia", features=[feature])
        self.go(page)
        self.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        return self

    def go(self, page: Path) -> None:
        """Load all of a page: of one of many megabytes the driver may return at its beginning."""
        self._driver.get(page.resolve().as_uri())
        loaded = "document.readyState === 'complete'"
        self.wait(f"while (!({loaded})) await new Promise(done => setTimeout(done, 20))")

    def run(self, script: str) -> Any:
        """What the JavaScript `script` returns."""
        return self._driver.execute_script(script)

    def wait(self, script: str, *arguments: Any) -> Any:
        """What the promise resolves to that the JavaScript `script` returns of its `arguments`."""
        call = (
            "const [done, ...given] = [arguments[arguments.length - 1], ...arguments];"
            f"(async (...arguments) => {{ {script} }})(...given.slice(0, -1))"
            ".then(value => done({value}), error => done({error: String(error.stack || error)}))"
        )
        self._driver.set_script_timeout(60)
        answer = self._driver.execute_async_script(call, *arguments)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def press(self, *keys: str, seconds: float = 0.0) -> None:
        """Press `keys` one after the other, each held for some seconds."""
        for key in keys:
            chain = webdriver.ActionChains(self._driver).key_down(key).pause(seconds)
            chain.key_up(key).perform()

    def console(self) -> list[str]:
        """Whatever was said since `open`."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses of all that the page asked for since `open`."""
        events = [
            json.loads(row["message"])["message"] for row in self._driver.get_log("performance")
        ]
        sent = [
            event["params"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return [one["request"]["url"] for one in sent]

    def _command(self, name: str, **arguments: Any) -> None:
        self._driver.execute_cdp_cmd(name, arguments)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start Chromium and end it."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        conditions = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)
        yield Browser(driver)
    finally:
        driver.quit()
