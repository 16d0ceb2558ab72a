"""The bundled models of this task's own data are those that records and documentation speak of."""

import json
from pathlib import Path

import pytest

import humanseg
from humanseg.inference.catalog import BUNDLED
from humanseg.io.files import file_sha256

ROOT = Path(__file__).parents[2]
KEPT = [BUNDLED / "tiny", BUNDLED / "best"]
MB = 1_000_000


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_a_committed_model_is_the_one_that_is_spoken_of(folder: Path) -> None:
    # Refuses a file that is not the one of its manifest.
    humanseg.load(folder)
    about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    record = ROOT / "notebooks" / "records" / about["run"] / "summary.json"
    summary = json.loads(record.read_text(encoding="utf-8"))
    # A GPU and a CPU round otherwise.
    assert about["scores"]["dice_at_half"] == pytest.approx(summary["dice_at_half"], abs=2e-4)
    assert about["data"]["valid_sha256"] == summary["data"]["valid_sha256"]
    results = (ROOT / "docs" / "recipes" / "index.md").read_text(encoding="utf-8")
    section = results.split("## Exported")[1].split("\n## ")[0]
    for facts in about["files"].values():
        assert f"{facts['dice']:.4f}" in section
        assert f"{facts['bytes'] / MB:.2f} MB" in section


RECIPES = sorted((ROOT / "notebooks" / "records").rglob("record.json"))


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: str(file.parent.name))
def test_the_record_of_a_recipe_lies_beside_the_model_that_it_speaks_of(file: Path) -> None:
    record = json.loads(file.read_text(encoding="utf-8"))
    (model,) = file.parent.glob("*.onnx")
    assert file_sha256(model) == record["model"]["files"][model.name]["sha256"]
    summary = json.loads((file.parent / "summary.json").read_text(encoding="utf-8"))
    assert summary["dice_at_half"] == record["stages"][-1]["dice_at_half"]


def test_recipes_have_a_record() -> None:
    assert RECIPES
