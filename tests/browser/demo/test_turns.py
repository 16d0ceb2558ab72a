"""The page of `humanseg demo` where one thing comes before another has ended, or fails."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from humanseg.demo.server import DemoServer
from humanseg.demo.site import demo_site
from tests.browser.demo.conftest import PATIENCE, Demo, serving

pytestmark = pytest.mark.browser

# A camera that is given when the page calls `allow`, each with a track that tells whether it runs.
CAMERA = """
window.tracks = [];
navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => {
  window.allow = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
    const context = canvas.getContext("2d");
    setInterval(() => context.fillRect(0, 0, 64, 48), 50);
    const stream = canvas.captureStream();
    window.tracks.push(...stream.getTracks());
    resolve(stream);
  };
});
"""
BITMAPS = """
window.bitmaps = [];
const create = window.createImageBitmap;
window.createImageBitmap = async (...given) => {
  const bitmap = await create(...given);
  window.bitmaps.push(bitmap);
  return bitmap;
};
"""
# Bundled, but not the one that the page starts with, and small.
OTHER = "tiny"
RUNNING = "tracks.filter((track) => track.readyState === 'live').length"


def settled(page: Page, condition: str) -> None:
    """Wait for a condition; Playwright's own way needs `eval`, which the page's policy forbids."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not within {PATIENCE} ms: {condition}")


def hold_back(held: list[Route], script: str) -> Callable[[Page], None]:
    """Return what runs a script in a new page, and holds the model back."""

    def before(page: Page) -> None:
        page.add_init_script(script)
        page.context.route("**/model/*.onnx", lambda route: held.append(route))

    return before


def test_a_camera_that_is_stopped_before_it_shows_anything_leaves_no_message(
    open_demo: Callable[..., Demo], address: str
) -> None:
    held: list[Route] = []
    demo = open_demo(address, before=hold_back(held, CAMERA))
    page, busy = demo.page, demo.page.locator("#busy")
    camera, stop = (
        page.get_by_role("button", name=name, exact=True) for name in ("Camera", "Stop")
    )
    # While a person is asked for permission, it can be given up.
    camera.click()
    expect(busy).to_have_text("Starting the camera…")
    stop.click()
    expect(busy).to_have_text("Loading the model…")
    page.evaluate("allow()")
    expect(camera).to_have_attribute("aria-pressed", "false")
    settled(page, f"{RUNNING} === 0")
    # Before the model is there.
    camera.click()
    page.evaluate("allow()")
    expect(busy).to_have_text("Loading the model…")
    settled(page, f"{RUNNING} === 1")
    stop.click()
    settled(page, f"{RUNNING} === 0")
    for route in held:
        route.continue_()
    demo.wait()
    expect(busy).to_have_text("")


def test_another_model_does_not_end_a_camera_that_starts(
    open_demo: Callable[..., Demo], runtime: list[Path], photos: Path
) -> None:
    with DemoServer(demo_site(None, runtime), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address, before=lambda page: page.add_init_script(CAMERA))
            demo.choose(photos / "small.png")
            demo.page.get_by_role("button", name="Camera", exact=True).click()
            select = demo.page.get_by_label("Model")
            select.select_option(f"models/{OTHER}")
            expect(select).to_be_enabled(timeout=PATIENCE)
            demo.page.evaluate("allow()")
            demo.wait("camera")
            assert demo.page.evaluate(RUNNING) == 1


def test_photos_that_are_passed_over_give_their_memory_back(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    held: list[Route] = []
    demo = open_demo(address, before=hold_back(held, BITMAPS))
    demo.page.locator("#files").set_input_files([photos / "small.png", photos / "turned.jpg"])
    strip = demo.page.locator("#strip button")
    expect(strip).to_have_count(2)
    for index in (1, 0, 1):
        strip.nth(index).click()
        expect(demo.page.locator("#before")).to_have_attribute(
            "aria-label", f"Photo {('small.png', 'turned.jpg')[index]}"
        )
    for route in held:
        route.continue_()
    demo.wait("turned.jpg")
    settled(demo.page, "bitmaps.every((bitmap) => bitmap.width === 0)")
    assert demo.page.evaluate("bitmaps.length") >= 5


def test_a_worker_that_ended_is_started_again(
    open_demo: Callable[..., Demo], runtime: list[Path], photos: Path
) -> None:
    def intercept(page: Page) -> None:
        page.context.route("**/worker.js", lambda route: route.fulfill(status=404), times=1)

    with DemoServer(demo_site(None, runtime), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address, before=intercept)
            assert "The model could not be started" in demo.complaint()
            select = demo.page.get_by_label("Model")
            select.select_option(f"models/{OTHER}")
            expect(select).to_be_enabled(timeout=PATIENCE)
            demo.choose(photos / "small.png")


def test_a_worker_that_ended_takes_no_model_along(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.wait()
    with demo.worker().expect_event("close"):
        demo.worker().evaluate("void setTimeout(() => { throw new Error('for a test'); })")
    demo.choose(photos / "small.png")


def test_a_missing_list_of_models_is_said(open_demo: Callable[..., Demo], address: str) -> None:
    def intercept(page: Page) -> None:
        page.context.route("**/models.json", lambda route: route.fulfill(status=404))

    demo = open_demo(address, before=intercept)
    demo.wait()
    assert demo.complaint().startswith("models.json could not be loaded")


def test_what_cannot_be_read_or_held_says_what_to_do(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    alert = demo.page.get_by_role("alert")
    demo.page.evaluate("window.ImageData = class { constructor() { throw new RangeError(); } }; 0")
    demo.page.locator("#files").set_input_files(photos / "small.png")
    expect(alert).to_contain_text(
        "small.png does not fit in this browser's memory, even when reduced: humanseg predict",
        timeout=PATIENCE,
    )
    unreadable = "void (Blob.prototype.arrayBuffer = () => Promise.reject(new Error('a folder')))"
    demo.page.evaluate(unreadable)
    demo.page.locator("#files").set_input_files(photos / "letter.txt")
    expect(alert).to_contain_text(
        "letter.txt cannot be read, because it was moved or is a folder: choose it again",
        timeout=PATIENCE,
    )
