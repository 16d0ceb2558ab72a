"""The benchmark of inference: a fair race, and a table that the report reads."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from humanseg.errors import HumansegError
from humanseg.io.tables import write_table
from research.records import Records
from research.sections.small import speed_table
from research.show import Table

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmark_inference.py"
benchmark = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def test_every_model_gets_the_same_photos_in_turns(capsys: pytest.CaptureFixture[str]) -> None:
    photos = [np.full((4, 5, 3), value, np.uint8) for value in (0, 255)]
    seen: dict[str, list[int]] = {"bright": [], "none": []}

    def of(name: str, level: int) -> benchmark.Contender:  # type: ignore[name-defined]
        def segment(photo: np.ndarray) -> np.ndarray:
            seen[name].append(int(photo[0, 0, 0]))
            return photo[..., 0] > level

        return benchmark.Contender(name, 1_250_000, segment)

    contenders = [of("bright", 100), of("none", 255)]
    benchmark.race(contenders, photos, calls=6)
    assert seen["bright"] == seen["none"] == [0, 255] * 8
    assert [len(one.seconds) for one in contenders] == [6, 6]

    pairs = [(photo, (photo[..., 0] > 0).astype(np.uint8)) for photo in photos]
    rows = benchmark.report(contenders, pairs, threads=1)
    assert [row[0] for row in rows] == ["bright", "none"]
    assert [row[2] for row in rows] == [1_250_000, 1_250_000]
    # By the formula of the task, two empty masks score nothing.
    assert [row[3] for row in rows] == pytest.approx([0.5, 0.0], abs=1e-3)
    printed = capsys.readouterr().out
    assert "6 interleaved calls of each model on 1 thread," in printed
    assert "1.25 MB" in printed


def test_the_report_shows_the_table_that_it_writes(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    rows = [["tiny int8", 3.541, 801_234, 0.959312]]
    table = pd.DataFrame(rows, columns=list(benchmark.COLUMNS))
    write_table(tmp_path / "tiny" / "benchmark.csv", table)
    shown = speed_table(Records(tmp_path, {}))
    assert isinstance(shown, Table)
    assert shown.rows == [["tiny int8", "3.54 ms", "0.80 MB", "0.9593"]]


def test_a_folder_that_is_no_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match=r"is not an export: it has no manifest.json"):
        next(benchmark.ours(tmp_path, 1))
