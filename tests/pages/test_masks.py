"""The script of the leaderboard that draws masks, run by Node on a canvas that is only played."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from humanseg import pages

MASKS_JS = Path(pages.__file__).parent / "templates" / "leaderboard" / "masks.js"
CANVAS = """
const document = { documentElement: null };
const colours = { "--missed": "#ff9600", "--added": "#3388ff" };
const getComputedStyle = () => ({ getPropertyValue: (name) => colours[name] });
const element = (tag, properties) => {
  const createImageData = (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) });
  const canvas = { ...properties };
  const putImageData = ({ data }) => { canvas.data = data; };
  return Object.assign(canvas, { getContext: () => ({ createImageData, putImageData }) });
};
"""
# A photo of 2 rows: the first half of each row is the person, of which a quarter was found, and
# the last pixel was wrongly added.
DRAW = """
const half = width / 2, size = 2 * width;
const truth = decodeMask(`1 ${half} ${width + 1} ${half}`, size);
const mask = decodeMask(`1 ${half / 2} ${width} 1 ${width + 1} ${half / 2} ${size} 1`, size);
const { width: wide, height: high, data } = maskCanvas([2, width], mask, truth, "");
const colour = (x) => [...data.slice(4 * x, 4 * x + 4)];
console.log(JSON.stringify([wide, high, [0, wide / 2 - 1, wide / 2, wide - 1].map(colour)]));
"""
WHITE, MISSED, BLACK, ADDED = [255] * 3, [255, 150, 0], [0] * 3, [51, 136, 255]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the page's script in")
@pytest.mark.parametrize(
    ("width", "size", "last"),
    [(8, (8, 2), ADDED), (6400, (1600, 1), BLACK)],
    ids=["small", "large"],
)
def test_masks_of_large_photos_are_drawn_smaller(
    width: int, size: tuple[int, int], last: list[int]
) -> None:
    script = f"{CANVAS}{MASKS_JS.read_text(encoding='utf-8')}const width = {width};{DRAW}"
    command = ["node", "-e", script]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    wide, high, colours = json.loads(answer.stdout)
    assert (wide, high) == size
    assert colours == [[*colour, 255] for colour in (WHITE, MISSED, BLACK, last)]
