"""The section on small models describes the bundled file, not only the checkpoint behind it."""

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
def test_the_scores_of_the_file_and_of_the_checkpoint_are_shown_separately(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    make_run("tiny", [0.8], teacher=None, parameters=3_000_000)
    make_run("tiny/longer", [0.9], teacher=None, parameters=1_000_000)
    about = json.loads(small.MANIFEST.read_text(encoding="utf-8"))
    about["run"] = "tiny/longer"
    about["scores"]["dice"] = 0.9123
    about["files"] = {"some.onnx": {"bytes": size, "dice": 0.8765, "precision": "int8"}}
    write_json(tmp_path / "manifest.json", about)
    monkeypatch.setattr(small, "MANIFEST", tmp_path / "manifest.json")
    text = small.bundled_text(open_records(tmp_path)).text
    assert "The checkpoint has a Dice of 0.9123" in text
    assert "the file `some.onnx` has a Dice of 0.8765" in text
    assert said in text
    assert "1.00 million parameters" in text
