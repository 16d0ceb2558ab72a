import sys
from pathlib import Path

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


def test_history_file_and_rows_give_the_same_picture(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    lines = [",".join(ROWS[0]), *(",".join(map(str, row.values())) for row in ROWS)]
    history.write_text("\n".join(lines) + "\n")
    write_curves(history, tmp_path / "a.png")
    write_curves(pd.DataFrame(ROWS), tmp_path / "b.png")
    assert (drawn(tmp_path / "a.png") == drawn(tmp_path / "b.png")).all()
    assert drawn(tmp_path / "a.png").std() > 5


def test_the_first_of_equal_best_epochs_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = []
    monkeypatch.setattr(curves, "_mark", lambda left, right, *best: marked.append(best))
    write_curves(pd.DataFrame(ROWS), tmp_path / "curves.png")
    assert marked == [(2, 0.9)]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"epoch": "1"}],
        [{"val_dice": "0.5"}],
        [{"epoch": "1", "train_loss": "nan", "val_loss": "inf", "val_dice": ""}],
        ROWS[:1],
        [{"epoch": "1", "train_loss": "x", "val_dice": None}, {"epoch": "2", "val_dice": "0.5"}],
    ],
)
def test_gaps_do_not_stop_the_picture(rows: list[dict[str, str]], tmp_path: Path) -> None:
    write_curves(pd.DataFrame(rows), tmp_path / "curves.png")
    drawn(tmp_path / "curves.png")


def test_pyplot_is_left_alone(tmp_path: Path) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    before = pyplot.get_fignums() if pyplot else []
    write_curves(pd.DataFrame(ROWS), tmp_path / "curves.png")
    assert (pyplot.get_fignums() if pyplot else []) == before


def test_a_missing_history_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match=r"history\.csv"):
        write_curves(tmp_path / "history.csv", tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


def test_the_epoch_that_was_kept_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = []
    monkeypatch.setattr(curves, "_mark", lambda left, right, *best: marked.append(best))
    write_curves(pd.DataFrame(ROWS), tmp_path / "curves.png", best_epoch=3)
    assert marked == [(3, 0.7)]
