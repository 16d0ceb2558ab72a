"""Make the README's pictures, of runs on the built-in sample.

python scripts/make_figures.py runs/NAME     the page of test photos
python scripts/make_figures.py runs          the leaderboard that humanseg compare has made there
"""

import argparse
import io
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from humanseg.config import load_run_config
from humanseg.data.sample import MARKER_NAME
from humanseg.errors import HumansegError
from humanseg.files import whole_file
from humanseg.runs import RunFolder, open_run
from humanseg.runs.find import find_runs

FIGURES = Path(__file__).resolve().parents[1] / "notebooks" / "figures"
_WIDTH = 1200
_TWO_ROWS_OF_PHOTOS = 954


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


def require_page(page: Path) -> Path:
    """Return the path of a page; raise a HumansegError if it is not there."""
    if not page.is_file():
        raise HumansegError(f"{page.parent} has no {page.name}: it is not done yet.")
    return page


def find_browser() -> str:
    """Return the path of Chromium.

    Raises
    ------
    HumansegError
        It is not installed.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise HumansegError("Chromium is not installed: install it to open the page.")
    return browser


def photograph(page: Path, height: int | None) -> Image.Image:
    """Open a page from disk in a headless Chromium.

    Parameters
    ----------
    page
        The HTML file.
    height
        How much of it, in pixels; None: down to the first of its plots.

    Returns
    -------
    Image
        RGB, the top of the page.
    """
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    size = {"width": _WIDTH, "height": height or 3000}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=flags)
        tab = chromium.new_page(viewport=size, color_scheme="light")  # type: ignore[arg-type]
        tab.goto(page.resolve().as_uri(), wait_until="load")
        if height is None:
            tab.locator("#duel-plot .main-svg").first.wait_for()
            height = round(tab.locator("#plots").bounding_box()["y"])  # type: ignore[index]
        tab.wait_for_timeout(1000)  # pictures fade in
        shot = tab.screenshot(clip={"x": 0, "y": 0, "width": _WIDTH, "height": height})
        chromium.close()
    return Image.open(io.BytesIO(shot)).convert("RGB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", metavar="PATH", type=Path, help="a run, or a folder of some")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: in notebooks/figures")
    chosen = parser.parse_args(arguments)
    try:
        if (chosen.path / "config.yaml").is_file():
            run = open_run(chosen.path)
            require_sample(run)
            page, height = require_page(run.test_page), _TWO_ROWS_OF_PHOTOS
        else:
            for run in find_runs([chosen.path]).runs.values():
                require_sample(run)
            page, height = require_page(chosen.path / "leaderboard.html"), None
        # A palette: the noise of the photos is most of the bytes of a PNG.
        picture = photograph(page, height)
        picture = picture.quantize(palette=picture.quantize(256))
        out = chosen.out or FIGURES / f"{page.stem if height is None else 'test_page'}.png"
        with whole_file(out) as partial:
            picture.save(partial, "PNG", optimize=True)
    except HumansegError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
