"""The stages of a recipe: what each gained, on the valid photos and on those of other sources."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from humanseg.compare.ladder import print_ladder, read_ladder

WriteRun = Callable[..., Path]

STAGES = [
    {"name": "first", "adds": "weights", "starts_from": []},
    {"name": "second", "adds": "a lower rate", "starts_from": ["first"]},
]


@pytest.fixture
def recipe(write_run: WriteRun, compared_root: Path, tmp_path: Path) -> Path:
    """Two stages: the second is better on the valid photos, and worse on both other sources."""
    for name, moved, dice in (("first", 2, (0.9, 0.8)), ("second", 0, (0.8, 0.5))):
        rows: list[tuple[Any, ...]] = [
            (f"{source}/{number}", source, mean + number / 100, 0.25)
            for source, mean, count in zip("ab", dice, (4, 8), strict=True)
            for number in range(count)
        ]
        rows.append(("nobody/0", "nobody", 0.0, 0.0))
        table = pd.DataFrame(rows, columns=["id", "source", "dice", "foreground"])
        means = table.groupby("source")["dice"].mean()
        by_source: dict[str, Any] = {name: {"dice": means[name]} for name in "ab"}
        by_source["nobody"] = {"false_positives": 0.0}
        write_run(tmp_path / name, compared_root, moved=moved, dice_by_source=by_source)
        table.to_csv(tmp_path / name / "scores_extra.csv", index=False)
    (tmp_path / "record.json").write_text(json.dumps({"recipe": "mine", "stages": STAGES}))
    return tmp_path


def printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    print_ladder(read_ladder(folder))
    return capsys.readouterr().out


def test_gains_are_shown_on_other_sources_too(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = read_ladder(recipe)
    assert first.gain is None and first.gain_of_sources is None
    assert second.gain is not None and second.gain.difference > 0
    gain = second.gain_of_sources
    assert gain is not None and gain.difference == pytest.approx((-0.1 - 0.3) / 2)
    assert (gain.low, gain.high) == pytest.approx((gain.difference, gain.difference))
    assert gain.photos == 12, "those in which somebody is"
    shown = printed(recipe, capsys)
    assert "other sources" in shown and "-0.2000" in shown
    assert "each stage was chosen by the mean over all sources" in shown
    assert (
        "On other sources the last stage is worse by 0.2000" in shown
        and "compared with first" in shown
    )


def test_other_photos_of_a_source_are_not_compared(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recipe / "second/scores_extra.csv"
    file.write_text(file.read_text().replace("a/3", "a/9"))
    second = read_ladder(recipe)[1]
    assert second.gain is not None and second.gain_of_sources is None
    file.write_text("cut")
    assert read_ladder(recipe)[1].gain_of_sources is None
    assert "On other sources" not in printed(recipe, capsys)


def test_without_other_sources_nothing_is_said_of_them(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in ("first", "second"):
        file = recipe / stage / "summary.json"
        summary = json.loads(file.read_text())
        del summary["dice_by_source"]
        file.write_text(json.dumps(summary))
    shown = printed(recipe, capsys)
    assert "source" not in shown and "a lower rate" in shown
