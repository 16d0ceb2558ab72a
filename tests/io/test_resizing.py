"""One rule for the size at which a net works."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from humanseg.io.resizing import working_size

AREA_JS = Path(__file__).parents[2] / "humanseg" / "demo" / "page" / "area.js"


@pytest.mark.parametrize(
    ("size", "long_side", "scaled"),
    [
        ((320, 240), 320, (320, 240)),
        ((320, 240), 160, (160, 120)),
        ((240, 320), 640, (480, 640)),
        ((1000, 1), 100, (100, 1)),
        # Halves go up, whether the number before them is even or odd.
        ((64, 2), 48, (48, 2)),
        ((64, 6), 48, (48, 5)),
        # In floating point 1000 · (333 / 1000) is below 333.
        ((1000, 500), 333, (333, 167)),
    ],
)
def test_the_longer_side_is_met_and_the_other_is_rounded(
    size: tuple[int, int], long_side: int, scaled: tuple[int, int]
) -> None:
    assert working_size(*size, long_side) == scaled


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the page's rule in")
def test_the_page_in_the_browser_has_the_same_rule() -> None:
    cases = [
        (height, width, side)
        for side in (48, 320, 321, 512)
        for height in (1, 2, 5, 240, 641, 1080)
        for width in range(600, 1100, 7)
    ]
    script = f"""
        import {{ reducedSize }} from {json.dumps(AREA_JS.as_uri())};
        const cases = {json.dumps(cases)};
        console.log(JSON.stringify(
            cases.map(([height, width, side]) => reducedSize(width, height, side))));
    """
    command = ["node", "--input-type=module", "-e", script]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    for (height, width, side), (to_width, to_height) in zip(
        cases, json.loads(answer.stdout), strict=True
    ):
        larger = max(height, width) <= side
        want = (height, width) if larger else working_size(height, width, side)
        assert (to_height, to_width) == want
