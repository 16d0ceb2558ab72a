"""Make the README's picture: the page of test photos, of a run on the built-in sample.

python scripts/make_figures.py runs/NAME
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

OUT = Path(__file__).resolve().parents[1] / "notebooks" / "figures" / "test_page.png"
_WIDTH, _HEIGHT = 1200, 954  # two rows of photos


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


def photograph(page: Path, browser: str) -> Image.Image:
    """Open a page from disk in a headless Chromium.

    Parameters
    ----------
    page
        The HTML file.
    browser
        Chromium's path.

    Returns
    -------
    Image
        RGB, the top of the page.
    """
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=flags)
        tab = chromium.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
        tab.goto(page.resolve().as_uri(), wait_until="load")
        tab.wait_for_timeout(500)  # pictures fade in
        shot = tab.screenshot()
        chromium.close()
    return Image.open(io.BytesIO(shot)).convert("RGB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run on the built-in sample")
    parser.add_argument("--out", metavar="FILE", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)
    names = ("chromium", "chromium-browser", "google-chrome")
    try:
        run = open_run(chosen.run)
        require_sample(run)
        if not run.test_page.is_file():
            raise HumansegError(f"{run.path} has no {run.test_page.name}: the run is not done yet.")
        browser = next(filter(None, map(shutil.which, names)), None)
        if browser is None:
            raise HumansegError("Chromium is not installed: install it to open the page.")
        # A palette: the noise of the photos is most of the bytes of a PNG.
        picture = photograph(run.test_page, browser)
        picture = picture.quantize(palette=picture.quantize(256))
        with whole_file(chosen.out) as partial:
            picture.save(partial, "PNG", optimize=True)
    except HumansegError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
