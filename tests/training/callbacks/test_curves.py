import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.training.callbacks import curves
from humanseg.training.callbacks.curves import write_curves

ROWS = [
    {
        "epoch": i,
        "train_loss": 1 / i,
        "val_loss": 1.1 / i,
        "val_dice": d,
        "val_boundary_dice": d / 2,
    }
    for i, d in enumerate((0.5, 0.9, 0.7, 0.9), start=1)
]


def drawn(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.size == (1920, 880)
        return np.asarray(image.convert("RGB"))


def draw(rows: list[dict[str, Any]], folder: Path, best_epoch: int = 2) -> Path:
    history = folder / "history.csv"
    pd.DataFrame(rows).to_csv(history, index=False)
    write_curves(history, folder / "curves.png", best_epoch)
    return folder / "curves.png"


def test_a_history_is_drawn(tmp_path: Path) -> None:
    assert drawn(draw(ROWS, tmp_path)).std() > 5


@pytest.mark.parametrize(
    "rows",
    [
        [{"epoch": "1"}],
        [{"epoch": "1", "train_loss": "nan", "val_loss": "inf", "val_dice": ""}],
        ROWS[:1],
        [{"epoch": "1", "train_loss": "x", "val_dice": None}, {"epoch": "2", "val_dice": "0.5"}],
    ],
)
def test_gaps_do_not_stop_the_picture(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    drawn(draw(rows, tmp_path))


def test_pyplot_is_left_alone(tmp_path: Path) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    before = pyplot.get_fignums() if pyplot else []
    draw(ROWS, tmp_path)
    assert (pyplot.get_fignums() if pyplot else []) == before


def test_a_missing_history_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match=r"history\.csv"):
        write_curves(tmp_path / "history.csv", tmp_path / "curves.png", 1)
    assert not list(tmp_path.iterdir())


def test_the_epoch_that_was_kept_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = []
    monkeypatch.setattr(curves, "_mark", lambda left, right, *best: marked.append(best))
    draw(ROWS, tmp_path, best_epoch=3)
    assert marked == [(3, 0.7)]
