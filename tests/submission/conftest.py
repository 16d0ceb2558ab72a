from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.io.rle import encode_rle
from humanseg.submission import ScoreReport, score_file

REAL = Path(__file__).parents[3] / "shared" / "data" / "mil"
H, W = 60, 48
IDS = [str(id) for id in range(8, 18)]
Masks = dict[str, np.ndarray]


def person(number: int) -> np.ndarray:
    """Draw a head on shoulders, elsewhere for each number."""
    rows, columns = np.mgrid[:H, :W]
    centre = 8 + 3.5 * number
    head = (rows - 20) ** 2 + (columns - centre) ** 2 < 36
    return head | ((rows > 24 + number % 3) & (abs(columns - centre) < 9))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("train", "valid", "valid_mask"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for number, id in enumerate(IDS):
        photo = Image.new("RGB", (W, H), "grey")
        photo.save(tmp_path / "data" / "valid" / f"{id}.jpg")
        mask = Image.fromarray(person(number).astype(np.uint8) * 255)
        mask.save(tmp_path / "data" / "valid_mask" / f"{id}.png")
    Image.new("RGB", (W, H)).save(tmp_path / "data" / "train" / "3.jpg")
    return tmp_path / "data"


@pytest.fixture
def masks() -> Masks:
    """Return good predictions: the truth, moved by one pixel."""
    return {id: np.roll(person(number), 1, axis=1) for number, id in enumerate(IDS)}


def score(root: Path, text: str | bytes) -> ScoreReport:
    path = root.parent / "pred.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return score_file(path, root)


def lines(masks: Mapping[str, np.ndarray]) -> list[str]:
    return [f"{id},{encode_rle(mask)}" for id, mask in masks.items()]


def as_csv(rows: list[str]) -> str:
    return "\n".join(["id,rle_mask", *rows]) + "\n"


def refusal(root: Path, text: str) -> str:
    with pytest.raises(HumansegError) as caught:
        score(root, text)
    assert caught.value.exit_code == 2
    return str(caught.value)
