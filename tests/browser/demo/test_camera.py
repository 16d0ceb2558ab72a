"""The page of `humanseg demo` with a camera: Chromium's fake one, which plays a clip."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import humanseg
from humanseg.metrics.scores import dice
from tests.browser.demo.conftest import Demo, figure

pytestmark = pytest.mark.browser

HEIGHT, WIDTH = 240, 320
INSECURE = "--host-resolver-rules=MAP demo.test 127.0.0.1"


@pytest.fixture(scope="module")
def frames() -> list[Image.Image]:
    """A sample figure that walks out of the picture to the right and back, a step a frame."""
    photo, _ = figure((HEIGHT, WIDTH))
    steps = [*range(0, 160, 8), *range(160, 0, -8)]
    return [Image.fromarray(np.roll(photo, step, axis=1)) for step in steps]


@pytest.fixture(scope="module")
def camera(
    frames: list[Image.Image],
    launch: Callable[..., Browser],
    tmp_path_factory: pytest.TempPathFactory,
) -> Browser:
    """A browser whose only camera plays the frames, and that asks nobody for permission."""
    clip = io.BytesIO()
    for frame in frames:
        frame.save(clip, "JPEG", quality=95)
    path = tmp_path_factory.mktemp("clip") / "walk.mjpeg"
    path.write_bytes(clip.getvalue())
    return launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )


def start(demo: Demo) -> None:
    demo.page.get_by_role("button", name="Camera", exact=True).click()


def test_the_live_picture_is_cut_out(
    camera: Browser,
    open_demo: Callable[..., Demo],
    address: str,
    model: Path,
    frames: list[Image.Image],
) -> None:
    demo = open_demo(address, within=camera)
    start(demo)
    demo.wait("camera")
    assert demo.fact("Picture") == f"{WIDTH} × {HEIGHT}"
    segment = humanseg.load(model)
    wanted = [segment(frame) for frame in frames]

    def nearest() -> int:
        scores = [dice(demo_mask, each) for each in wanted]
        # The camera's colours are not exactly the clip's.
        assert max(scores) > 0.97
        return int(np.argmax(scores))

    demo_mask = demo.mask()
    first = nearest()
    moments = {first}
    for _ in range(20):
        demo_mask = demo.mask()
        moments.add(nearest())
        if len(moments) > 2:
            break
    assert len(moments) > 2, "the picture stands still"
    assert float(demo.fact("Frame rate").split()[0]) > 0
    demo.show("Cut-out")
    name, image = demo.download()
    assert (name, image.mode, image.size) == ("camera-cutout.png", "RGBA", (WIDTH, HEIGHT))
    assert np.asarray(image)[..., 3].min() == 0


def test_it_stops_and_starts_again_and_gives_way_to_a_photo(
    camera: Browser, open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address, within=camera)
    running = "document.querySelector('video')?.srcObject"
    start(demo)
    demo.wait("camera")
    button = demo.page.get_by_role("button", name="Stop")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(demo.page.get_by_role("button", name="Camera", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    # The last frame stays, and can be kept.
    assert demo.download()[0] == "camera-cutout.png"
    start(demo)
    expect(button).to_be_visible()
    demo.choose(photos / "small.png")
    expect(demo.page.get_by_role("button", name="Camera", exact=True)).to_be_visible()
    assert demo.page.evaluate(running) is None
    demo.page.wait_for_timeout(300)
    expect(demo.page.get_by_role("img", name="Cut-out of small")).to_be_visible()


def test_of_several_cameras_the_next_can_be_chosen(
    launch: Callable[..., Browser], open_demo: Callable[..., Demo], address: str
) -> None:
    two = "--use-fake-device-for-media-stream=device-count=2"
    demo = open_demo(address, within=launch(two, "--use-fake-ui-for-media-stream"))
    demo.page.evaluate("window.used = []")
    watch = """() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wish) => {
        const stream = await ask(wish);
        window.used.push(stream.getVideoTracks()[0].getSettings().deviceId);
        return stream;
      };
    }"""
    demo.page.evaluate(watch)
    start(demo)
    demo.wait("camera")
    demo.page.get_by_role("button", name="Other camera").click()
    demo.page.wait_for_timeout(500)
    demo.wait("camera")
    expect(demo.page.get_by_role("button", name="Stop")).to_be_visible()
    first, second = demo.page.evaluate("window.used")
    assert first != second


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NotFoundError", "No camera was found: connect one"),
        ("NotAllowedError", "The browser may not use the camera: allow it"),
        ("NotReadableError", "The camera gives no picture: close the other program"),
        ("AbortError", "The camera could not be started (for a test)"),
    ],
)
def test_a_camera_that_does_not_start_is_said(
    name: str, said: str, open_demo: Callable[..., Demo], address: str
) -> None:
    def refuse(page: Page) -> None:
        page.add_init_script(
            "navigator.mediaDevices.getUserMedia = () =>"
            f" Promise.reject(new DOMException('for a test', '{name}'));"
        )

    demo = open_demo(address, before=refuse)
    demo.wait()
    start(demo)
    assert demo.complaint().startswith(said)
    expect(demo.page.get_by_role("button", name="Camera", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )


def test_plain_http_from_elsewhere_has_no_camera_but_photos_work(
    launch: Callable[..., Browser], open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    elsewhere = address.replace("127.0.0.1", "demo.test")
    demo = open_demo(elsewhere, within=launch(INSECURE))
    demo.choose(photos / "small.png")
    assert "1 thread" in demo.fact("Runs on")
    start(demo)
    assert "A camera needs https or localhost" in demo.complaint()
