"""A headless Chromium that opens pages from disk and watches what they do."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect, sync_playwright


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Start Chromium with more flags than the usual ones."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = "Chromium is not installed: the pages cannot be opened"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        started: list[Browser] = []

        def start(*flags: str) -> Browser:
            # Containers have neither a GPU nor the name spaces and shared memory of a desktop.
            usual = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=found, args=[*usual, *flags])
            started.append(browser)
            return browser

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Browser:
    return launch()


@pytest.fixture(params=[(1280, 800)], ids=["wide"])
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Page]]:
    """Open a file from disk; afterwards, nothing may have failed or left the disk."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    # A busy machine draws slowly; what never comes still fails.
    page.set_default_timeout(60_000)
    expect.set_options(timeout=30_000)
    requests: list[str] = []
    trouble: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("request", lambda request: requests.append(request.url))

    def failed(request: Request) -> None:
        # A page that is left does not wait for what it has asked for.
        if request.failure != "net::ERR_ABORTED":
            trouble.append(f"failed: {request.url}")

    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))

    def open(path: Path) -> Page:
        page.goto(path.as_uri())
        return page

    yield open
    context.close()
    assert requests and all(url.startswith(("file:", "data:")) for url in requests)
    assert trouble == []
