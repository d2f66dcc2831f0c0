"""The page of `fastreasonseg view`, served by its real command, and Chromium to look at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import PATIENCE_S, wait_for

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def served(folder: Path, namespace: str, *options: str) -> Iterator[str]:
    """The address of the page about that namespace."""
    log, port = folder / "view.log", free_port()
    command = [sys.executable, "-m", "fastreasonseg_ros.cli", "view", "--port", str(port), "--namespace", namespace]
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}  # NiceGUI is otherwise under test
    with open(log, "w") as output:
        process = subprocess.Popen([*command, *options], stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=plain)
    try:
        wait_for(lambda: "http://" in log.read_text() or process.poll() is not None, what="the page")
        assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module", name="browser")
def chromium():
    """Chromium of the system, by playwright."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * PATIENCE_S)
        yield browser
        browser.close()


class Tab:
    """A tab of a browser that has the page open. fetched: what it asked for; trouble: what its console says."""

    def __init__(self, browser, address: str, width: int = 1280, height: int = 900) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(1000 * PATIENCE_S)
        self.fetched: list[str] = []
        self.trouble: list[str] = []
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("dialog", lambda dialog: self.trouble.append(dialog.message) or dialog.dismiss())
        self.page.goto(address, wait_until="load")
        self.page.wait_for_selector(".ask input")

    def ask(self, text: str, button: str = "Ask") -> None:
        self.page.get_by_label("Question").fill(text)
        self.page.get_by_role("button", name=button, exact=True).click()

    def wait(self, selector: str, text: str) -> None:
        """Until an element of that selector shows that text."""
        self.page.locator(selector, has_text=text).first.wait_for(state="visible")

    def texts(self, selector: str) -> list[str]:
        """What the elements show, white space in one."""
        return [" ".join(t.split()) for t in self.page.locator(selector).all_inner_texts()]

    def pictures(self) -> int:
        """How many pictures the page asked for so far."""
        return sum("/picture?" in url for url in self.fetched)

    def pause(self) -> None:
        """A quarter of a second, in which the browser works."""
        self.page.wait_for_timeout(250)

    def until(self, ready, what: str):
        """The first true value of `ready()`, while the browser works."""
        for _ in range(int(4 * PATIENCE_S)):
            if value := ready():
                return value
            self.pause()
        raise AssertionError(f"{what} did not happen")

    def close(self) -> None:
        self.page.close()
