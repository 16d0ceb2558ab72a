"""The page of `humanseg demo`, open in a real browser, with a model that needs no training."""

import base64
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Worker, expect

from humanseg.data.synthetic import draw_photo
from humanseg.demo.runtime import NpmError, ready_runtime
from humanseg.demo.server import DemoServer
from humanseg.demo.site import demo_site
from tests.inference.conftest import METADATA, red_model

# More than what the small photo has, less than what the large ones have.
LONG_SIDE = 160
# Milliseconds: a busy machine opens 14 MB of WebAssembly slowly.
PATIENCE = 60_000
# All red, of which the model is sure, and none.
FOREGROUND, BACKGROUND = (255, 90, 70), (0, 110, 160)


@pytest.fixture(scope="session")
def runtime() -> list[Path]:
    try:
        return ready_runtime()
    except NpmError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("red") / "model.onnx"
    onnx.save(red_model(metadata=METADATA | {"long_side": LONG_SIDE}), path)
    return path


@pytest.fixture(scope="module")
def address(model: Path, runtime: list[Path]) -> Iterator[str]:
    with DemoServer(demo_site(model, runtime), port=0) as server:
        yield from serving(server, server.address)


def serving(server: ThreadingHTTPServer, address: str) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield address
    server.shutdown()
    thread.join()


def figure(size: tuple[int, int], number: int = 3) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a sample figure that the model finds: the person reddish, the rest not at all."""
    photo, mask, _ = draw_photo(0, number, size)
    tint = np.where(mask[..., None] == 1, FOREGROUND, BACKGROUND)
    return (photo * 0.1 + tint * 0.9).astype(np.uint8), mask


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(figure((150, 110))[0]).save(folder / "small.png")
    Image.fromarray(figure((481, 643))[0]).save(folder / "large.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(figure((320, 240))[0]).save(folder / "turned.jpg", exif=exif, quality=95)
    # Not all browsers turn these.
    Image.fromarray(figure((320, 240))[0]).save(folder / "turned.webp", exif=exif, quality=95)
    (folder / "letter.txt").write_text("Dear reader")
    (folder / "empty.jpg").touch()
    return folder


@dataclass
class Demo:
    """An open page of the demo, and all that it has asked for."""

    page: Page
    requests: list[str]

    def wait(self, photo: str | None = None) -> None:
        """Wait until the model is there, or until this photo is cut out."""
        self.fact("Runs on")
        if photo is not None:
            name = Path(photo).stem
            expect(self.page.get_by_role("img", name=f"of {name}", exact=False)).to_be_visible(
                timeout=PATIENCE
            )
            expect(self.page.get_by_role("button", name="Download PNG")).to_be_enabled()

    def worker(self) -> Worker:
        """The one in which the model runs; those of its threads are others."""
        return next(worker for worker in self.page.workers if worker.url.endswith("/worker.js"))

    def fact(self, label: str) -> str:
        row = self.page.locator("#facts div", has_text=label)
        return row.locator("dd").inner_text()

    def choose(self, *paths: Path) -> None:
        self.page.locator("#files").set_input_files(list(paths))
        self.wait(paths[0].name)

    def drop(self, *paths: Path) -> None:
        files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
        transfer = self.page.evaluate_handle(
            """files => {
              const transfer = new DataTransfer();
              for (const [name, text] of files) {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
              }
              return transfer;
            }""",
            files,
        )
        self.page.dispatch_event("#stage", "drop", {"dataTransfer": transfer})

    def show(self, view: str) -> None:
        self.page.get_by_role("radio", name=view, exact=True).check(force=True)

    def download(self) -> tuple[str, Image.Image]:
        with self.page.expect_download() as caught:
            self.page.get_by_role("button", name="Download PNG").click()
        with Image.open(caught.value.path()) as image:
            image.load()
            return caught.value.suggested_filename, image

    def mask(self) -> NDArray[np.uint8]:
        self.show("Mask")
        levels = np.asarray(self.download()[1].convert("L"))
        assert set(np.unique(levels)) <= {0, 255}
        return (levels == 255).astype(np.uint8)

    def complaint(self) -> str:
        alert = self.page.get_by_role("alert")
        expect(alert).to_be_visible(timeout=PATIENCE)
        return alert.locator("p").inner_text()


@pytest.fixture
def open_demo(browser: Browser) -> Iterator[Callable[..., Demo]]:
    """Open the page; afterwards, no script may have failed and no request have left."""
    contexts = []
    requests: list[str] = []
    errors: list[str] = []

    def open(
        address: str,
        size: tuple[int, int] = (1280, 800),
        before: Callable[[Page], None] = lambda page: None,
        within: Browser = browser,
    ) -> Demo:
        context = within.new_context(viewport={"width": size[0], "height": size[1]})
        contexts.append(context)
        # Of workers too, which a page's own events leave out.
        context.on("request", lambda request: requests.append(request.url))
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        before(page)
        page.goto(address)
        return Demo(page, requests)

    yield open
    for context in contexts:
        context.close()
    assert requests
    local = ("127.0.0.1", "demo.test")
    assert [
        url
        for url in requests
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname not in local
    ] == []
    assert errors == []
