"""The page of `humanseg demo` with photos, as a person uses it."""

import base64
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Route, expect

import humanseg
from humanseg import pages
from humanseg.data.synthetic import draw_photo
from humanseg.demo.server import DemoServer
from humanseg.demo.site import demo_site
from humanseg.inference.catalog import bundled_models, default_model
from humanseg.metrics.scores import dice
from tests.browser.demo.conftest import BACKGROUND, FOREGROUND, PATIENCE, Demo, serving

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["small.png", "large.png", "turned.jpg", "turned.webp"])
def test_a_dropped_photo_gets_the_mask_that_python_gives(
    name: str, open_demo: Callable[..., Demo], address: str, model: Path, photos: Path
) -> None:
    demo = open_demo(address)
    demo.drop(photos / name)
    demo.wait(name)
    mask, wanted = demo.mask(), humanseg.load(model)(photos / name)
    assert mask.shape == wanted.shape
    assert 0.05 < wanted.mean() < 0.95
    assert dice(mask, wanted) >= 0.999


@pytest.mark.parametrize("size", [(320, 240), (1000, 750)], ids=str)
def test_so_it_is_with_the_model_that_ships(
    size: tuple[int, int],
    open_demo: Callable[..., Demo],
    runtime: list[Path],
    tmp_path: Path,
) -> None:
    photo = tmp_path / "sample.png"
    Image.fromarray(draw_photo(0, 3, size)[0]).save(photo)
    with DemoServer(demo_site(None, runtime), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address)
            demo.choose(photo)
            wanted = humanseg.load(default_model("videos").folder)(photo)
            assert wanted.any()
            # Sums of 8-bit products are rounded a little otherwise by each runtime, which shows
            # where the net is unsure.
            assert dice(demo.mask(), wanted) >= 0.99


def test_the_page_switches_between_the_bundled_models(
    open_demo: Callable[..., Demo], runtime: list[Path], tmp_path: Path
) -> None:
    photo = tmp_path / "sample.png"
    Image.fromarray(draw_photo(0, 3, (320, 240))[0]).save(photo)
    with DemoServer(demo_site(None, runtime), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address)
            demo.choose(photo)
            select = demo.page.get_by_label("Model")
            first = default_model("videos").name
            for name in (*(name for name in bundled_models() if name != first), first):
                select.select_option("model" if name == first else f"models/{name}")
                expect(select).to_be_enabled(timeout=PATIENCE)
                # The photo that is shown is cut out again.
                demo.wait(photo.name)
                assert demo.fact("Model") == humanseg.load(name).name
                described = f"For {bundled_models()[name].purpose}"
                expect(select).to_have_accessible_description(described)
                assert dice(demo.mask(), humanseg.load(name)(photo)) >= 0.98


def test_another_model_takes_the_place_of_one_that_does_not_load(
    open_demo: Callable[..., Demo], runtime: list[Path], photos: Path
) -> None:
    def intercept(page: Page) -> None:
        page.context.route("**/model/manifest.json", lambda route: route.fulfill(status=404))

    other = next(name for name in bundled_models() if name != default_model("videos").name)
    with DemoServer(demo_site(None, runtime), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address, before=intercept)
            assert "model/manifest.json could not be loaded" in demo.complaint()
            demo.page.get_by_label("Model").select_option(f"models/{other}")
            demo.choose(photos / "small.png")
            assert demo.fact("Model") == humanseg.load(other).name


def test_a_model_may_have_signs_of_addresses_in_its_name(
    open_demo: Callable[..., Demo], model: Path, runtime: list[Path], photos: Path, tmp_path: Path
) -> None:
    named = tmp_path / "tiny#2 100%25.onnx"
    shutil.copy(model, named)
    with DemoServer(demo_site(named, runtime), port=0) as server:
        for address in serving(server, server.address):
            open_demo(address).choose(photos / "small.png")


def test_the_cut_out_is_a_png_with_transparency(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.choose(photos / "large.png")
    name, image = demo.download()
    assert (name, image.format, image.mode, image.size) == (
        "large-cutout.png",
        "PNG",
        "RGBA",
        (643, 481),
    )
    pixels, mask = np.asarray(image), demo.mask()
    assert dice((pixels[..., 3] > 127).astype(np.uint8), mask) > 0.99
    assert pixels[..., 3].min() == 0 and pixels[..., 3].max() == 255
    solid = pixels[..., 3] == 255
    photo = np.asarray(Image.open(photos / "large.png"))
    np.testing.assert_array_equal(pixels[solid][:, :3], photo[solid])


def test_soft_edges_lose_the_colour_of_the_old_background(
    open_demo: Callable[..., Demo], address: str, tmp_path: Path
) -> None:
    # Hair, as a camera sees it: person and background mixed, from none to all of the person.
    share = np.clip(np.linspace(-3, 4, 100), 0, 1)[None, :, None]
    mixed = share * FOREGROUND + (1 - share) * np.array(BACKGROUND)
    photo = np.broadcast_to(np.rint(mixed), (80, 100, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "hair.png")
    demo = open_demo(address)
    demo.choose(tmp_path / "hair.png")
    pixels = np.asarray(demo.download()[1]).astype(int)
    soft = (pixels[..., 3] > 60) & (pixels[..., 3] < 200)
    assert soft.any()
    before, after = (np.abs(part[soft][:, 2] - FOREGROUND[2]) for part in (photo, pixels))
    assert after.mean() < 0.4 * before.mean()


def test_another_background(open_demo: Callable[..., Demo], address: str, photos: Path) -> None:
    demo = open_demo(address)
    demo.choose(photos / "small.png")
    photo = np.asarray(Image.open(photos / "small.png")).astype(int)
    outside = np.asarray(demo.download()[1])[..., 3] == 0
    demo.show("Background")

    def behind() -> NDArray[np.int64]:
        name, image = demo.download()
        assert name == "small-background.png"
        assert np.asarray(image.convert("RGBA"))[..., 3].min() == 255
        return np.asarray(image.convert("RGB")).astype(int)[outside]

    blurred = behind()
    assert 0 < np.abs(blurred - photo[outside]).mean() < 30
    # The person's red has not run into it.
    assert blurred[:, 0].max() <= photo[outside][:, 0].max() + 25
    demo.page.get_by_label("Blur", exact=True).fill("10")
    assert (behind().std(axis=0) < blurred.std(axis=0)).all()
    demo.page.get_by_role("radio", name="Green").check(force=True)
    assert set(map(tuple, behind())) == {(0, 177, 64)}
    demo.page.get_by_role("radio", name="Another colour").check(force=True)
    demo.page.get_by_label("Colour", exact=True).fill("#123456")
    assert set(map(tuple, behind())) == {(0x12, 0x34, 0x56)}
    demo.page.get_by_role("radio", name="A picture").check(force=True)
    demo.page.locator("#picture").set_input_files(photos / "turned.jpg")
    expect(demo.page.get_by_role("alert")).to_be_hidden()
    pictured = behind()
    assert len(set(map(tuple, pictured))) > 20
    demo.page.locator("#picture").set_input_files(photos / "letter.txt")
    assert demo.complaint().startswith("letter.txt is not a picture")
    np.testing.assert_array_equal(behind(), pictured)


def test_a_background_hides_what_is_behind_it(
    open_demo: Callable[..., Demo], address: str, photos: Path, tmp_path: Path
) -> None:
    photo = np.asarray(Image.open(photos / "small.png").convert("RGBA")).copy()
    photo[..., 3] = np.where((photo[..., 0] > 127), 255, 0)
    Image.fromarray(photo).save(tmp_path / "cut.png")
    Image.new("RGBA", (40, 40), (0, 0, 255, 100)).save(tmp_path / "glass.png")
    demo = open_demo(address)
    demo.choose(tmp_path / "cut.png")
    demo.show("Background")
    outside = photo[..., 3] == 0
    blurred = np.asarray(demo.download()[1].convert("RGBA"))
    assert blurred[..., 3].min() == 255 and blurred[outside][:, :3].min() > 200
    demo.page.get_by_role("radio", name="A picture").check(force=True)
    demo.page.locator("#picture").set_input_files(tmp_path / "glass.png")
    expect(demo.page.get_by_role("button", name="Choose another picture")).to_be_visible()
    pictured = np.asarray(demo.download()[1].convert("RGBA")).astype(int)
    assert pictured[..., 3].min() == 255
    assert np.abs(pictured[0, 0, :3] - (155, 155, 255)).max() <= 2


def test_plus_opens_the_chooser_and_shows_what_was_chosen(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address, before=lambda page: page.on("filechooser", lambda _: None))
    demo.choose(photos / "small.png")
    demo.show("Background")
    page, plus = demo.page, demo.page.locator("#picture-swatch")
    chosen = page.get_by_role("radio", name="A picture")
    # Given up: nothing stands behind the person that was not there before.
    with page.expect_file_chooser():
        plus.click()
    page.locator("#picture").dispatch_event("cancel")
    expect(page.get_by_role("radio", name="Blurred photo")).to_be_checked()
    assert page.evaluate("document.getElementById('picture-swatch').style.backgroundImage") == ""
    with page.expect_file_chooser() as chooser:
        plus.click()
    chooser.value.set_files(photos / "large.png")
    expect(page.get_by_role("button", name="Choose another picture than large.png")).to_be_visible()
    expect(chosen).to_be_checked()
    behind = np.asarray(demo.download()[1].convert("RGB"))
    assert len(np.unique(behind.reshape(-1, 3), axis=0)) > 20
    expect(plus).to_have_css("background-image", re.compile("data:image/png"))
    expect(plus.locator("svg")).to_be_hidden()
    # Back to it from another one: it is still there, and nobody is asked again.
    page.get_by_role("radio", name="White").check(force=True)
    plus.click()
    expect(chosen).to_be_checked()
    np.testing.assert_array_equal(np.asarray(demo.download()[1].convert("RGB")), behind)
    with page.expect_file_chooser():
        plus.click()
    chosen.focus()
    with page.expect_file_chooser():
        page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of more pixels than a phone's canvas holds."""
    pixels = np.full((4100, 4200, 3), BACKGROUND, np.uint8)
    pixels[:, 1000:3000] = FOREGROUND
    path = tmp_path_factory.mktemp("huge") / "huge.png"
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


def test_a_large_photo_keeps_its_size(
    open_demo: Callable[..., Demo], address: str, huge: Path
) -> None:
    demo = open_demo(address)
    demo.choose(huge)
    assert demo.fact("Picture") == "4200 × 4100"
    expect(demo.page.locator("#facts")).not_to_contain_text("Reduced")
    assert demo.download()[1].size == (4200, 4100)


def test_a_photo_that_the_browser_cannot_draw_is_reduced_and_says_so(
    open_demo: Callable[..., Demo], address: str, huge: Path
) -> None:
    small = "Object.defineProperty(navigator, 'deviceMemory', { value: 2 })"
    demo = open_demo(address, before=lambda page: page.add_init_script(small))
    demo.choose(huge)
    width, height = demo.download()[1].size
    assert width < 4200 and 0.98 * 2**24 < width * height <= 2**24
    assert demo.fact("Picture") == f"{width} × {height}"
    assert demo.fact("Reduced").startswith("from 4200 × 4100, more than this browser can draw")


def test_a_photo_that_the_memory_does_not_hold_is_tried_again_smaller(
    open_demo: Callable[..., Demo], address: str, huge: Path
) -> None:
    def intercept(page: Page) -> None:
        # As a worker whose memory is at its end.
        text = "if (bitmap.width >= 4200) throw new RangeError('no room');"
        original = (Path(pages.__file__).parents[1] / "demo/page/worker.js").read_text("utf-8")
        body = original.replace("const begin", f"{text} const begin")
        assert body != original
        headers = {
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Content-Type": "text/javascript",
        }
        page.context.route("**/worker.js", lambda route: route.fulfill(body=body, headers=headers))

    demo = open_demo(address, before=intercept)
    demo.choose(huge)
    assert demo.download()[1].size[0] < 4200
    assert demo.fact("Reduced").startswith("from 4200 × 4100")


def test_what_a_photo_hides_stays_hidden(
    open_demo: Callable[..., Demo], address: str, model: Path, photos: Path, tmp_path: Path
) -> None:
    pixels = np.asarray(Image.open(photos / "small.png").convert("RGBA")).copy()
    pixels[:50, :, 3], pixels[50:90, :, 3] = 0, 128
    path = tmp_path / "part.png"
    Image.fromarray(pixels).save(path)
    demo = open_demo(address)
    demo.choose(path)
    cut = np.asarray(demo.download()[1])
    whole, mask = pixels[..., :3], demo.mask()
    assert not cut[:50].any() and not mask[:50].any()
    half = cut[50:90][cut[50:90, :, 3] > 0]
    assert half.size and abs(int(half[:, 3].max()) - 128) <= 1
    person = cut[50:90, :, 3] == 128
    # A browser keeps colours multiplied by their alpha, which costs half their steps.
    assert np.abs(cut[50:90][person][:, :3].astype(int) - whole[50:90][person]).max() <= 2
    with Image.open(path) as image:
        assert dice(mask, humanseg.load(model)(image)) > 0.99


def split(demo: Demo) -> float:
    style = "getComputedStyle(document.getElementById('sheet')).getPropertyValue('--split')"
    return float(str(demo.page.evaluate(style)).removesuffix("%"))


def test_before_and_after_are_compared_by_pointer_and_by_keys(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.page.emulate_media(reduced_motion="reduce")
    demo.choose(photos / "small.png")
    assert split(demo) == 0
    box = demo.page.locator("#sheet").bounding_box()
    assert box is not None
    demo.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 50)
    demo.page.mouse.down()
    demo.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 80)
    assert split(demo) == pytest.approx(60, abs=1)
    demo.page.mouse.up()
    demo.page.mouse.move(box["x"], box["y"])
    assert split(demo) == pytest.approx(60, abs=1)
    demo.page.keyboard.press("ArrowRight")
    assert split(demo) == pytest.approx(61, abs=1)
    demo.page.keyboard.press("End")
    assert split(demo) == 100


def test_everything_is_reached_by_keyboard(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    # Playwright does not wait until it has taken the place of the browser's own chooser.
    demo = open_demo(address, before=lambda page: page.on("filechooser", lambda _: None))
    demo.wait()
    page = demo.page

    def tab() -> str:
        page.keyboard.press("Tab")
        focus = "(() => { const e = document.activeElement; return e.id || e.value || e.title; })()"
        return str(page.evaluate(focus))

    assert tab() == "drop"
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files([photos / "small.png", photos / "turned.jpg"])
    demo.wait("small.png")
    page.locator("#split").focus()
    assert [tab() for _ in range(5)] == ["choose", "camera", "small.png", "turned.jpg", "cutout"]
    ring = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(ring) == "solid"
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Behind the person")).to_be_visible()
    assert [tab() for _ in range(3)] == ["blur", "blur", "download"]
    page.locator("#strip button").nth(1).focus()
    page.keyboard.press("Enter")
    demo.wait("turned.jpg")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844), (360, 640)], ids=str)
def test_it_is_one_screen(
    size: tuple[int, int], open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address, size)
    demo.choose(photos / "small.png", photos / "large.png")
    demo.show("Background")
    page = demo.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    for id in ("stage", "choose", "camera", "blur", "download"):
        page.locator(f"#{id}").scroll_into_view_if_needed()
        box = page.locator(f"#{id}").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    stage = page.locator("#stage").bounding_box()
    assert stage is not None and stage["height"] > 0.3 * size[1]
    expect(page.get_by_text("Nothing leaves this device")).to_be_visible()


def test_a_file_that_is_no_picture_is_named_and_the_others_go_on(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.drop(photos / "letter.txt")
    assert demo.complaint() == (
        "letter.txt is not a picture that this browser can read: choose a JPEG, PNG or WebP file."
    )
    demo.page.get_by_role("button", name="Close the message").click()
    expect(demo.page.get_by_role("alert")).to_be_hidden()
    demo.drop(photos / "empty.jpg", photos / "small.png", photos / "letter.txt")
    demo.wait("small.png")
    said = demo.complaint()
    assert "empty.jpg is an empty file" in said and "letter.txt is not a picture" in said
    expect(demo.page.locator("#strip button")).to_have_count(1)


def test_many_files_that_are_no_pictures_do_not_cover_the_page(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address, (390, 700))
    demo.drop(*[photos / "letter.txt"] * 100)
    assert demo.complaint().endswith("So it is with 97 more.")
    demo.page.get_by_role("button", name="Close the message").click()
    expect(demo.page.get_by_role("alert")).to_be_hidden()


def test_the_pictures_of_a_folder_that_is_dropped_are_taken(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    # No script can make the entry of a folder.
    demo.page.evaluate(
        """text => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const file = (name, type) => ({
            name, isFile: true,
            file: (give) => give(new File([bytes], name, { type })),
          });
          const folder = (name, ...children) => ({
            name, isDirectory: true,
            createReader: () => ({ readEntries: (give) => give(children.splice(0, 2)) }),
          });
          const entry = folder("holiday", file("10.png", "image/png"), file("a.txt", "text/plain"),
            folder("day", file("3.png", "image/png")), file("2.png", "image/png"));
          DataTransferItem.prototype.webkitGetAsEntry = () => entry;
        }""",
        base64.b64encode((photos / "small.png").read_bytes()).decode(),
    )
    demo.drop(photos / "empty.jpg")
    demo.wait("2.png")
    names = [button.get_attribute("title") for button in demo.page.locator("#strip button").all()]
    expect(demo.page.locator("#strip button")).to_have_count(3)
    assert names == ["2.png", "10.png", "3.png"]
    expect(demo.page.get_by_role("alert")).to_be_hidden()


def test_what_is_dropped_and_no_file_is_answered(
    open_demo: Callable[..., Demo], address: str
) -> None:
    demo = open_demo(address)
    demo.drop()
    assert demo.complaint() == "No photo was dropped: save it as a file first, and drop that."


def test_a_browser_that_hides_pixels_is_said_to(
    open_demo: Callable[..., Demo], model: Path, runtime: list[Path]
) -> None:
    site = demo_site(model, runtime)
    worker = site["worker.js"]
    assert isinstance(worker, Path)
    hiding = """
      const { prototype } = OffscreenCanvasRenderingContext2D, { getImageData } = prototype;
      prototype.getImageData = function (...area) {
        const image = getImageData.apply(this, area);
        crypto.getRandomValues(image.data);
        return image;
      };
    """
    site["worker.js"] = (worker.read_text("utf-8") + hiding).encode()
    with DemoServer(site, port=0) as server:
        for address in serving(server, server.address):
            assert "hides the pixels of photos" in open_demo(address).complaint()


def test_a_photo_that_is_cut_off_and_a_video_are_called_so(
    open_demo: Callable[..., Demo], address: str, photos: Path, tmp_path: Path
) -> None:
    demo = open_demo(address)
    content = (photos / "turned.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    demo.page.locator("#files").set_input_files(tmp_path / "half.jpg")
    assert "half.jpg cannot be read by this browser, because it is cut off" in demo.complaint()
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    demo.page.locator("#files").set_input_files(tmp_path / "clip.mp4")
    expect(demo.page.get_by_role("alert")).to_contain_text("clip.mp4 is a video: humanseg predict")


HOME_PAGE = {"body": "<!doctype html>", "content_type": "text/html"}


@pytest.mark.parametrize(
    ("file", "answer", "said"),
    [
        ("model.onnx", {"status": 404}, "model/model.onnx could not be loaded (404)."),
        (
            "manifest.json",
            HOME_PAGE,
            "manifest.json could not be loaded (a web page came instead).",
        ),
        ("manifest.json", {"json": {"format": 2}}, "The model is written in format 2"),
        ("model.onnx", {"body": "no model"}, "The model could not be opened"),
        ("worker.js", {"status": 404}, "The model could not be started"),
    ],
    ids=["missing", "page", "format", "broken", "worker"],
)
def test_a_model_that_does_not_load_is_said(
    file: str, answer: dict[str, object], said: str, open_demo: Callable[..., Demo], address: str
) -> None:
    def intercept(page: Page) -> None:
        page.context.route(f"**/{file}", lambda route: route.fulfill(**answer))

    demo = open_demo(address, before=intercept)
    assert said in demo.complaint()


def test_the_browser_itself_lets_nothing_out(open_demo: Callable[..., Demo], address: str) -> None:
    demo = open_demo(address)
    demo.wait()
    reached: list[str] = []

    def reach(route: Route) -> None:
        reached.append(route.request.url)
        route.abort()

    demo.page.context.route("http://elsewhere.test/**", reach)
    attempt = "fetch('http://elsewhere.test/', {method: 'POST'}).then(() => 'out', () => 'held')"
    # The worker, in which the model runs, has the photos too.
    for script in (demo.page, demo.worker()):
        assert script.evaluate(attempt) == "held"
    assert reached == []
    # What was requested before was seen, by workers too.
    for name in ("worker.js", "model/model.onnx", "ort-wasm-simd-threaded.wasm"):
        assert any(url.endswith(name) for url in demo.requests), name
