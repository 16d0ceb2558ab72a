"""Section 7 speaks of the file that ships, not only of the weights that it was made from."""

import json
from pathlib import Path

import pytest

from humanseg.io.files import write_json
from research.records import open_records
from research.sections import small
from tests.research.conftest import MakeRun


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (900_000, "0.90 MB, within the limit"),
        (1_300_000, "1.30 MB, over the limit"),
    ],
)
def test_the_file_is_told_apart_from_what_it_was_made_from(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    make_run("tiny", [0.8], teacher=None, parameters=3_000_000)
    make_run("tiny/longer", [0.9], teacher=None, parameters=1_000_000)
    about = json.loads(small.SHIPPED.read_text(encoding="utf-8"))
    about["run"] = "tiny/longer"
    about["scores"]["dice"] = 0.9123
    about["files"] = {"some.onnx": {"bytes": size, "dice": 0.8765, "precision": "int8"}}
    write_json(tmp_path / "manifest.json", about)
    monkeypatch.setattr(small, "SHIPPED", tmp_path / "manifest.json")
    text = small.shipped_said(open_records(tmp_path)).text
    assert "As it was trained it has a Dice of 0.9123" in text
    assert "as the file `some.onnx`, 0.8765" in text
    assert said in text
    assert "1.00 million parameters" in text
