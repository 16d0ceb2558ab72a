"""Make the pictures of the README and of the documentation.

python scripts/make_figures.py runs/NAME     the page of test photos, of a run on the sample
python scripts/make_figures.py runs          the leaderboard that humanseg compare has made there
python scripts/make_figures.py --astronaut   a photo, its cut-out and its background blurred
"""

import argparse
import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import humanseg
import humanseg.inference
from humanseg.config.load import load_run_config
from humanseg.data.synthetic import MARKER_NAME
from humanseg.errors import HumansegError, says_errors
from humanseg.io.files import whole_file
from humanseg.runs import RunFolder, open_run
from humanseg.runs.discovery import find_runs

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "notebooks" / "figures"
ASTRONAUT = ROOT / "docs" / "assets" / "astronaut.jpg"
_CHECKERS, _BUST = 16, 344
_TEST_PAGE = (1200, 954)  # two rows of photos
_LEADERBOARD_WIDTH = 1300


def require_sample(run: RunFolder) -> None:
    """Refuse a run on other photos: a picture in the repository must show drawn people only.

    Raises
    ------
    HumansegError
        The run's data are not the built-in sample, or are gone.
    """
    root = Path(str(load_run_config(run.config).data.root))
    if not (root / MARKER_NAME).is_file():
        raise HumansegError(
            f"{run.path} was not trained on the built-in sample, or {root} is gone: give a run of "
            "`make run` without DATA."
        )


@contextmanager
def opened(page: Path, width: int, height: int) -> Iterator[Page]:
    """Open a page from disk in a headless Chromium.

    Parameters
    ----------
    page
        The HTML file.
    width, height
        Of the window, in pixels.

    Raises
    ------
    HumansegError
        The page is not there, or Chromium is not.
    """
    if not page.is_file():
        raise HumansegError(f"{page.parent} has no {page.name}: it is not done yet.")
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise HumansegError("Chromium is not installed: install it to open the page.")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=flags)
        tab = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        tab.goto(page.resolve().as_uri(), wait_until="load")
        yield tab
        chromium.close()


def photograph_test_page(run: RunFolder) -> bytes:
    """Return the top of a run's test page, PNG."""
    require_sample(run)
    with opened(run.test_page, *_TEST_PAGE) as tab:
        tab.wait_for_timeout(500)  # pictures fade in
        return tab.screenshot()


def photograph_leaderboard(folder: Path) -> bytes:
    """Return a leaderboard down to the first photos on which two runs disagree, PNG."""
    for run in find_runs([folder]).runs.values():
        require_sample(run)
    with opened(folder / "leaderboard.html", _LEADERBOARD_WIDTH, 3000) as tab:
        tab.locator("#duel-plot .main-svg").first.wait_for()
        box = tab.locator("#disputes li").first.bounding_box()
        assert box is not None
        height = round(box["y"] + box["height"]) + 12
        return tab.screenshot(clip={"x": 0, "y": 0, "width": _LEADERBOARD_WIDTH, "height": height})


def draw_astronaut(model: humanseg.inference.Model) -> Image.Image:
    """Return a photo that anybody may show, its cut-out and its background blurred, in a row.

    The photo is NASA's portrait of Eileen Collins, public domain, which scikit-image brings;
    below the cut she holds a helmet.
    """
    from skimage.data import astronaut

    photo = astronaut()[:_BUST]
    height, width = photo.shape[:2]
    rows, columns = np.indices((height, width)) // _CHECKERS
    checkers = np.where((rows + columns)[..., None] % 2, 205, 245).astype(np.uint8)
    ground = Image.fromarray(np.repeat(checkers, 3, axis=2))
    cutout = Image.fromarray(model.cutout(photo))
    ground.paste(cutout, mask=cutout)
    blurred = Image.fromarray(model.composite(photo, "blur:25"))
    picture = Image.new("RGB", (3 * width + 2 * _CHECKERS, height), "white")
    for index, part in enumerate((Image.fromarray(photo), ground, blurred)):
        picture.paste(part, (index * (width + _CHECKERS), 0))
    return picture


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "path", metavar="PATH", type=Path, nargs="?", help="a run, or a folder of some"
    )
    parser.add_argument("--astronaut", action="store_true", help="the README's first picture")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: in notebooks/figures")
    chosen = parser.parse_args(arguments)
    if chosen.astronaut:
        out = chosen.out or ASTRONAUT
        with whole_file(out) as partial:
            draw_astronaut(humanseg.load("best")).save(partial, "JPEG", quality=85)
        print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
        return 0
    if chosen.path is None:
        parser.error("name a run, a folder of some, or --astronaut")
    if (chosen.path / "config.yaml").is_file():
        name, shot = "test_page.png", photograph_test_page(open_run(chosen.path))
    else:
        name, shot = "leaderboard.png", photograph_leaderboard(chosen.path)
    # A palette: the noise of the photos is most of the bytes of a PNG.
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    picture = picture.quantize(palette=picture.quantize(256))
    out = chosen.out or FIGURES / name
    with whole_file(out) as partial:
        picture.save(partial, "PNG", optimize=True)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
