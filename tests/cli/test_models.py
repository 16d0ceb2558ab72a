"""`humanseg models`, as a person and as a program reads it."""

import csv
import io
import json

import pytest

from humanseg.cli.main import main
from humanseg.inference.catalog import bundled_models, default_model


@pytest.mark.parametrize("columns", ["200", "80", "40"])
def test_every_number_is_whole_in_a_terminal_of_any_width(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    table = printed.split("\n\n")[0]
    assert max(map(len, table.splitlines())) <= int(columns)
    for name in bundled_models():
        assert name in printed
    # Times are measured again whenever a model is bundled.
    times = (f"{model.milliseconds:g} ms" for model in bundled_models().values())
    for number in ("7.29 MB", "0.9832", "0.8896", "0.80 MB", "0.9774", "0.8653", *times):
        assert number in printed


def test_programs_read_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert list(models) == list(bundled_models())
    assert models["best"]["dice"]["in_distribution"]["interval"] == [0.9799, 0.986]
    assert models["tiny"]["bytes"] == bundled_models()["tiny"].file.stat().st_size
    assert main(["models", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in rows] == list(models)
    best = next(row for row in rows if row["name"] == "best")
    assert best["dice_in_distribution_low"] == "0.9799"
    defaults = {row["name"] for row in rows if row["default_for"]}
    assert defaults == {default_model("photos").name, default_model("videos").name}
