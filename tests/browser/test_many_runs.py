"""Three hundred runs: how long the table and the page take."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from humanseg.data.synthetic import write_sample

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
RUNS = 300
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"  # ms


class Compared(NamedTuple):
    """What `humanseg compare` made of the runs, and the seconds of the processor it took."""

    page: Path
    stdout: str
    seconds: float


def used() -> float:
    """Return the seconds of the processor that finished child processes took.

    On a machine that is busy with something else a clock tells nothing.
    """
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="module")
def compared(write_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Compare 300 runs on as many valid photos, of the same size, as the task has."""
    folder = tmp_path_factory.mktemp("many")
    write_sample(folder / "data", train=1, valid=145, test=1, size=(320, 240))
    real = [write_run(folder / "real" / str(n), folder / "data", noise=n) for n in (0, 1)]
    # Threads of the linear algebra that only wait are counted too.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}

    def call(*words: object) -> str:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(
            command, check=True, env=environment, capture_output=True, text=True
        ).stdout

    script = ROOT / "scripts" / "make_many_runs.py"
    call(script, *real, "--out", folder / "runs", "--count", RUNS)
    before = used()
    said = call("-m", "humanseg", "compare", folder / "runs")
    return Compared(folder / "runs" / "leaderboard.html", said, used() - before)


def test_the_table_takes_less_than_five_seconds(compared: Compared) -> None:
    assert "is the best of 100" in compared.stdout
    # The page and all its files are in it.
    assert compared.seconds < 5


def test_the_page_loads_in_less_than_two_seconds(compared: Compared, browser: Browser) -> None:
    times = []
    # The first time the browser itself has to get going.
    for _ in range(3):
        with browser.new_page(viewport={"width": 1440, "height": 900}) as page:
            page.set_default_timeout(120_000)
            page.goto(compared.page.as_uri())
            expect(page.locator("#rows tr")).to_have_count(100)
            times.append(page.evaluate(LOADED))
            page.locator("#plots").scroll_into_view_if_needed()
            expect(page.locator("#plot-coordinates .main-svg").first).to_be_attached(
                timeout=120_000
            )
    assert min(times) < 2000
